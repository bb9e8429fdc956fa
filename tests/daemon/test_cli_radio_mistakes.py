"""What a user can get wrong with `run`, `record`, `scan` and `simulate --radio`: one sentence each, before any work."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

LIVE = ("run", "record", "scan")
RUN, RECORD, SCAN = ("run", "--config", "ankled.toml", "--no-capture"), ("record", "new.mcap", "--adopt"), ("scan",)
AIR = ("simulate", "--scenario", "walk", "--radio", "unix:radio")
CONFIG = "[[devices]]\nslug = 'left'\nname = 'Weight L'\n"


@pytest.fixture(autouse=True)
def here(compiled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder with some files; no mistake may leave another one there."""
    monkeypatch.chdir(tmp_path)
    files = {
        "there.mcap": b"precious",
        "ankled.toml": CONFIG.encode(),
        "wrong.toml": b"[[devices]]\nslug = 'Left'\nname = 'x'\nside = 'up'\n",
        "folder.toml": b"[capture]\nfolder = 'there.mcap'\n",
        "wrong.faults": b"# late\n1.0 link_loss left\n2.0 explode left\n",
        "strange.faults": b"1.0 link_loss tail\n",
        "binary.faults": b"\xff\xfe\x00",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    yield tmp_path
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == files


@pytest.mark.parametrize(
    ("radio", "sentence"),
    [
        ("bogus", '--radio: "bogus" is no address of a controller; allowed are unix:PATH'),
        ("tcp:example.org:1", '--radio: "tcp:example.org:1" is no address'),
        ("vhci", "--radio vhci is for ankled simulate"),
    ],
)
@pytest.mark.parametrize("command", [RUN, RECORD, SCAN], ids=LIVE)
def test_a_wrong_radio(command: tuple[str, ...], radio: str, sentence: str, shell: Shell) -> None:
    """What cannot be the address of one, or is no place on this machine."""
    assert sentence in shell.refused(*command, "--radio", radio, code=2)


@pytest.mark.parametrize("duration", ["0", "-1", "nan", "inf"])
@pytest.mark.parametrize("command", [RECORD, SCAN], ids=["record", "scan"])
def test_a_wrong_duration(command: tuple[str, ...], duration: str, shell: Shell) -> None:
    """It has to be a time that passes."""
    words = (*command, "--radio", "unix:nobody", "--duration-s", duration)
    assert f"--duration-s is {duration}; allowed is a number of seconds above 0" in shell.refused(*words, code=2)


@pytest.mark.parametrize("command", [(*RUN, "--broker", "embedded"), RECORD, SCAN], ids=LIVE)
def test_nobody_serves_the_radio(command: tuple[str, ...], shell: Shell) -> None:
    """The sentence says where nobody is, and what would be."""
    sentence = shell.refused(*command, "--radio", "unix:nobody", code=6)
    assert "nobody exports a controller at unix:nobody" in sentence
    assert "ankled simulate --scenario NAME --radio unix:nobody" in sentence


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("run", "--config", "none.toml"), 3, "none.toml"),
        (("run", "--broker", "http://x"), 2, "--broker"),
        (("run", "--node", "A/B"), 2, 'the node is "A/B"'),
        (("run", "--config", "folder.toml"), 4, "capture.folder is there.mcap, which cannot be used: "),
        (("record", "new.mcap", "--config", "none.toml"), 3, "none.toml"),
        (("record", "new.mcap"), 2, "no sensor to record: name them by --config FILE.toml, or"),
        (("record", "new.csv", "--adopt"), 2, "new.csv is no name of a recording; allowed is one that ends in .mcap"),
        (("record", "there.mcap", "--adopt"), 4, "there.mcap exists already and is left as it is"),
        (("record", "nowhere/a.mcap", "--adopt"), 4, "nowhere/a.mcap cannot be written: there is no folder nowhere"),
        (("scan", "--duration-s", "1e9"), 2, "at most 600"),
    ],
)
def test_what_else_can_be_wrong_with_the_daemon(words: tuple[str, ...], code: int, sentence: str, shell: Shell) -> None:
    """Configuration, broker, node, the file to record to."""
    assert sentence in shell.refused(*words, code=code)


@pytest.mark.parametrize("command", ["run", "record"])
def test_every_fault_of_the_configuration_is_told(command: str, shell: Shell) -> None:
    """As `check-config` does: a line for each."""
    done = shell(command, *(["new.mcap"] if command == "record" else []), "--config", "wrong.toml")
    assert (done.code, done.out) == (3, "")
    assert [line.count("devices[0].slug") + line.count("devices[0].side") for line in done.err.splitlines()] == [1, 1]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--radio", "bogus"), 2, '"bogus" is no address of a controller; allowed are unix:PATH, tcp:127.0.0.1:PORT'),
        (("--scenario", "dance"), 2, "dance"),
        (("--seed", "-1"), 2, "--seed is -1; allowed is a whole number from 0 on"),
        (("--sensor", "left"), 2, '"left" is no sensor; allowed is LABEL=DEVICE'),
        (("--sensor", "middle=polar"), 2, '"middle=polar" is no sensor; allowed'),
        (("--sensor", "left=dance"), 2, "dance"),
        (("--sensor", "left=polar", "--sensor", "left=movesense"), 2, 'two devices "left"'),
        (("--interval-ms", "5"), 2, "--interval-ms is 5; allowed is 7.5 to 4000"),
        (("--skew-ppm", "nan"), 2, "--skew-ppm is nan; allowed is -1000 to 1000"),
        (("--slots", "0"), 2, "--slots is 0; allowed is 1 to 64"),
        (("--faults", "none.faults"), 4, "none.faults cannot be read: No such file"),
        (("--faults", "binary.faults"), 4, "binary.faults is not UTF-8 text"),
        (("--faults", "wrong.faults"), 2, 'wrong.faults, line 3: "explode" is no fault; allowed: out_of_range'),
        (("--faults", "strange.faults"), 2, 'strange.faults, line 1: there is no device "tail"; allowed: left, right'),
        (("--radio", "unix:nowhere/radio"), 6, "cannot export a controller at unix:nowhere/radio"),
        (("--truth", "t.json", "--mass-kg", "1"), 2, "--truth, --mass-kg goes with --csv only"),
        (("--csv", "a.csv"), 2, "either --csv or --radio is needed"),
    ],
)
def test_what_can_be_wrong_with_a_radio_of_software(
    words: tuple[str, ...], code: int, sentence: str, shell: Shell
) -> None:
    """Each wish of `simulate --radio` is checked; of an option given twice the last counts."""
    assert sentence in shell.refused(*AIR, *words, code=code)


def test_a_radio_option_without_a_radio(shell: Shell) -> None:
    """What a CSV has no use for is not passed over in silence."""
    words = ("simulate", "--scenario", "walk", "--csv", "a.csv", "--repeat", "--slots", "3")
    assert "--slots, --repeat goes with --radio only" in shell.refused(*words, code=2)


def test_a_radio_that_somebody_else_serves(here: Path, shell: Shell) -> None:
    """A socket that is listened at is left alone."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(here / "radio"))
        other.listen()
        assert "somebody else exports a controller at unix:radio" in shell.refused(*AIR, code=6)
    (here / "radio").unlink()
