"""What the documents promise is there: make targets, commands, versions, pinned packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.house import tree

PROJECT: dict[str, Any] = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TARGETS = {"install", "demo", "test", "check", "bench", "accuracy", "lock", "clean", "help"}


def _text(name: str) -> str:
    return (tree.ROOT / name).read_text(encoding="utf-8")


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", _text("Makefile"), flags=re.MULTILINE))


def _named(program: str) -> set[str]:
    """Return the word after `program` wherever README and docs show it in a code block or in inline code."""
    guides = sorted((tree.ROOT / "docs").rglob("*.md"))
    text = "\n".join([_text("README.md"), *(path.read_text(encoding="utf-8") for path in guides)])
    blocks = re.findall(r"^```.*?^```|^(?: {4}|\t).*$", text, flags=re.MULTILINE | re.DOTALL)
    lines = re.findall(rf"^\s*(?:\$ )?(?:\S*bin/)?{program} ([a-z][a-z-]*)", "\n".join(blocks), flags=re.MULTILINE)
    return {*lines, *re.findall(rf"`(?:[^`\n]*bin/)?{program} ([a-z][a-z-]*)", text)}


def test_the_makefile_has_every_target() -> None:
    """The targets that people and tools outside rely on are there, each with a line for `make help`."""
    assert _targets() >= TARGETS


def test_the_documents_name_make_targets_that_exist() -> None:
    """Whoever follows the README meets no unknown target; the first result is one of those named."""
    named = _named("make")
    assert "demo" in named
    assert named <= _targets()


def test_the_documents_name_every_command_and_no_other() -> None:
    """README and docs show each command that `ankled --help` lists, and none that it does not know."""
    script = Path(sys.executable).with_name("ankled")
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^ +([a-z][a-z-]+) {2,}\S", shown.partition("commands:")[2], flags=re.MULTILINE))
    assert {"demo", "replay"} <= commands
    assert _named("ankled") == commands


def test_one_version() -> None:
    """pyproject.toml, the installed package and the newest release of the changelog agree."""
    released = re.search(r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", _text("CHANGELOG.md"), flags=re.MULTILINE)
    assert released
    assert released[1] == PROJECT["project"]["version"] == version("ankled")


def _pinned(name: str) -> dict[str, set[str]]:
    """Return the versions of each package of a requirement file; an interpreter may have one of its own."""
    pins: dict[str, set[str]] = {}
    for entry in re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", _text(name), flags=re.MULTILINE).strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), f"{name}: no hash in {entry.splitlines()[0]}"
        found = re.match(r"([a-z0-9-]+)==(\S+)", entry)
        assert found, f"{name}: {entry.splitlines()[0]} is not pinned"
        pins.setdefault(found[1], set()).add(found[2])
    return pins


@pytest.mark.parametrize(
    ("name", "groups"),
    [("requirements/runtime.txt", ["build"]), ("requirements/dev.txt", list(PROJECT["dependency-groups"]))],
    ids=["runtime", "dev"],
)
def test_the_pinned_packages_are_those_declared(name: str, groups: list[str]) -> None:
    """Every declared requirement is pinned, by hash, to a version that it allows: the lock is not stale."""
    pins = _pinned(name)
    wanted = [
        *PROJECT["project"]["dependencies"],
        *(r for group in groups for r in PROJECT["dependency-groups"][group]),
    ]
    for requirement in map(Requirement, wanted):
        versions = pins.get(requirement.name.lower().replace("_", "-"), set())
        assert versions, f"{requirement.name} is not in {name}: make lock"
        assert all(v in requirement.specifier for v in versions), f"{name} has {requirement.name} {versions}: make lock"


def test_tests_run_on_the_packages_that_users_get() -> None:
    """Whatever stands in both files has the same version in both."""
    runtime, dev = _pinned("requirements/runtime.txt"), _pinned("requirements/dev.txt")
    assert runtime == {name: dev.get(name) for name in runtime}


@pytest.mark.parametrize(
    ("refuses", "told"),
    [("version_info", "needs Python 3.11 or newer"), ("ensurepip", "python3-venv")],
    ids=["too old", "no venv"],
)
@pytest.mark.skipif(not shutil.which("make"), reason="make is not on this machine")
def test_an_unfit_python_is_named(tmp_path: Path, refuses: str, told: str) -> None:
    """With an old Python, or Debian's without venv, `make` says so in one sentence and leaves nothing behind."""
    shutil.copy(tree.ROOT / "Makefile", tmp_path)
    shutil.copy(tree.ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(tree.ROOT / "requirements", tmp_path / "requirements")
    unfit = tmp_path / "unfit-python"
    unfit.write_text(f'#!/bin/sh\ncase "$2" in *{refuses}*) exit 1;; esac\n')
    unfit.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "install", f"PYTHON={unfit}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert told in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_ci_script_can_run() -> None:
    """It is executable and bash can read it."""
    script = tree.ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
