"""Each documented exit code comes out of a command, for the reason that is documented."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.daemon.brokers import HOST, free_port
from tests.docs.pages import pages

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.commands import Shell

CSV = "t,ax,ay,az,gx,gy,gz\n"
HERE = f"{HOST}:{free_port()}"
COMMANDS = {
    0: ("drivers",),
    1: ("simulate", "--scenario", "walk", "--csv", "/dev/full"),
    2: ("replay", "walk.csv", "--nonsense"),
    3: ("check-config", "wrong.toml"),
    4: ("replay", "broken.mcap"),
    5: ("monitor", "--broker", f"mqtt://{HERE}"),
    6: ("scan", "--radio", "unix:nobody", "--duration-s", "1"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with files that are wrong in the ways that the codes tell apart."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.toml").write_text("node = 1\n", encoding="utf-8")
    (tmp_path / "broken.mcap").write_bytes(b"nothing of the kind")
    return tmp_path


@pytest.mark.parametrize("code", COMMANDS)
def test_it_comes_out(code: int, folder: Path, shell: Shell) -> None:
    """The code is the documented one, and what failed is told on standard error."""
    done = shell(*COMMANDS[code])
    assert done.code == code, done
    assert bool(done.err) == (code != 0)


def test_every_documented_code_is_tried() -> None:
    """The table of docs/commands.md has no code that is not produced above, but 130: test_commands_live.py has that."""
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", pages()["docs/commands.md"], flags=re.MULTILINE)}
    assert documented == {*COMMANDS, 130}
