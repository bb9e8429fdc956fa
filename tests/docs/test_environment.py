"""docs/environment.md has every variable that is read, and none that is not."""

from __future__ import annotations

import re

from tests.docs.keys import keys
from tests.docs.pages import ROOT, pages
from tests.house import tree

_NAME = re.compile(r"\bANKLED_[A-Z_]*[A-Z]\b")
_SOURCES = ("daemon", "kernels", "drivers", "simulators", "benchmarks", "tests")
_STANDARD = re.compile(r"""environ(?:\.get\(|\[)\s*["']([A-Z_]+)["']|^_FOLDER = "([A-Z_]+)"$""", flags=re.MULTILINE)
_FORMS = {"ANKLED_KEY"}
"""What a comment writes for any of the keys' variables."""
_OF_THE_JOURNAL = ("journald.py", "test_logs_journal.py")
_FIELDS = {"ANKLED_DEVICE", "ANKLED_EVENT", "ANKLED_SESSION", "ANKLED_X"}
"""Fields of the journal (docs/logging.md), which look alike."""
_OURS = {
    "PATH",
    "PYTHONPATH",
    "NUMBA_CACHE_DIR",
    "CI",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "JOURNAL_STREAM",
}
"""Read or set for a child process or a library, or a word of systemd to its service; nobody sets them for ankled."""


def _rows() -> str:
    return "\n".join(line for line in pages()["docs/environment.md"].splitlines() if line.startswith("| `"))


def _keys() -> set[str]:
    """Return the variables that set a key: ANKLED_, the table, two underscores, the key."""
    return {f"ANKLED_{key.path.partition('[')[0].replace('.', '__').upper()}" for key in keys()}


def test_every_variable_is_in_one_place() -> None:
    """What the sources, the Makefile and .ci read by name stands there, and what stands there they read."""
    other = ("test_config", "test_environment", *_OF_THE_JOURNAL)
    sources = [path for path in tree.python_files(*_SOURCES) if not path.name.startswith(other)]
    texts = [path.read_text(encoding="utf-8") for path in sources]
    texts += [(ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", ".ci/run")]
    read = {name for text in texts for name in _NAME.findall(text)}
    assert {name for name in read if "__" not in name} - _keys() - _FORMS == set(_NAME.findall(_rows())) - _keys()


def test_standard_variables_too() -> None:
    """Those that systemd, freedesktop.org or no-color.org define, wherever the package reads them."""
    package = tree.python_files("daemon", "kernels", "drivers", "simulators")
    text = "\n".join(path.read_text(encoding="utf-8") for path in package)
    read = {name for pair in _STANDARD.findall(text) for name in pair if name} - _OURS
    assert read >= {"CACHE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NO_COLOR"}
    documented = set(re.findall(r"`([A-Z_]{4,})`", _rows()))
    assert read <= documented
    assert all(name in text for name in documented if not name.startswith("ANKLED_"))


def test_other_pages_name_no_other_variable() -> None:
    """A misspelt variable in a sentence would be set in vain."""
    known = set(_NAME.findall(_rows())) | _keys()
    texts = [*pages().values(), (ROOT / "systemd" / "ankled.example.toml").read_text(encoding="utf-8")]
    assert {name for text in texts for name in _NAME.findall(text)} <= known | _FIELDS
