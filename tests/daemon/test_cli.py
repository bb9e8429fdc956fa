"""The command line as a whole: help, versions, commands, exit codes, and what an interrupt does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.cli.main import COMMANDS
from ankled.kernels import jit
from tests.daemon.commands import PROGRAM, spawn

if TYPE_CHECKING:
    from tests.daemon.commands import Shell

Csvs = tuple[Path, Path]


def test_help_lists_every_command_and_every_exit_code(shell: Shell) -> None:
    """`ankled`, `ankled --help`: the commands with a line each, and what the codes mean."""
    done = shell("--help")
    assert done.code == 0
    assert shell().out == done.out
    for name, text in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text)}$", done.out, re.MULTILINE)
    for code in (0, 1, 2, 3, 4, 5, 6, 130):
        assert re.search(rf"\b{code} \w", done.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, shell: Shell) -> None:
    """`ankled COMMAND --help` says what it does and takes."""
    done = shell(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert " ".join(COMMANDS[command].split()) in " ".join(done.out.split())
    assert f"usage: ankled {command}" in done.out


def test_the_version(shell: Shell) -> None:
    """That of the installed package."""
    assert shell("--version").out == f"ankled {version('ankled')}\n"


def test_a_command_that_there_is_not(shell: Shell) -> None:
    """The sentence names those there are."""
    sentence = shell.refused("dance", code=2)
    assert sentence == f"ankled: there is no command dance; commands are {', '.join(COMMANDS)}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("replay",),
        ("capture",),
        ("capture", "dance"),
        ("check-config", "--show", "--migrate"),
        ("simulate",),
        ("record",),
    ],
)
def test_arguments_that_are_missing(words: tuple[str, ...], shell: Shell) -> None:
    """What is missing or wrong, and where to read on."""
    assert shell.refused(*words, code=2).endswith(f"(see ankled {words[0]} --help)\n")


def test_a_wrong_command_is_answered_without_the_kernels() -> None:
    """Help and mistakes need not wait for numba."""
    script = "import sys; from ankled.daemon.cli import main; main(['replai']); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# --- simulate -------------------------------------------------------------------------------------------------------


def test_a_simulation_is_two_tables_and_the_truth(walk_csv: Csvs, shell: Shell) -> None:
    """The files that replay reads, and a truth that its strides can be compared with."""
    truth = json.loads((walk_csv[0].parent / "truth.json").read_text())
    assert truth
    for path in walk_csv:
        head, *rows = path.read_text().splitlines()
        assert head == "t,ax,ay,az,gx,gy,gz"
        assert len(rows) == 12 * 50


def test_the_same_simulation_twice_and_another_one(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Everything random comes from the seed."""
    words = ("simulate", "--scenario", "walk", "--duration-s", "12", "--rate-hz", "50", "--csv")
    again, other, right = (tmp_path / f"{name}.csv" for name in ("again", "other", "right"))
    assert shell(*words, again).code == 0
    assert shell(*words, other, "--seed", "1").code == 0
    assert shell(*words, right, "--side", "right").code == 0
    assert again.read_bytes() == walk_csv[0].read_bytes()
    assert other.read_bytes() != walk_csv[0].read_bytes()
    assert right.read_bytes() == walk_csv[1].read_bytes()


def test_the_scenarios_are_listed(shell: Shell) -> None:
    """`--list` needs nothing else."""
    done = shell("simulate", "--list")
    assert done.code == 0
    assert re.search(r"^walk +walking", done.out, re.MULTILINE)


# --- capture --------------------------------------------------------------------------------------------------------


def test_a_capture_from_import_to_export(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Import, look, check, repair, export: each command reads what the one before wrote."""
    capture = tmp_path / "walk.mcap"
    assert shell("capture", "import", *walk_csv, "--out", capture).code == 0
    assert shell("capture", "import", *walk_csv, "--out", capture, "--overwrite").code == 0
    info = shell("capture", "info", capture)
    assert "file         whole" in info.out
    report = json.loads(shell("capture", "verify", capture, "--json").out)
    assert report["whole"] is True
    assert set(report["devices"]) == {"left_foot", "right_foot"}
    assert report["inputs"] == sum(not entry.opening for entry in CaptureReader(capture))
    assert shell("capture", "repair", capture, "--out", tmp_path / "again.mcap").code == 0
    assert shell("replay", tmp_path / "again.mcap", "--json").out == shell("replay", capture, "--json").out
    exported = shell("capture", "export", capture)
    assert exported.out.splitlines() == [str(tmp_path / f"walk-{name}_foot.csv") for name in ("left", "right")]
    for path, source in zip(exported.out.splitlines(), walk_csv, strict=True):
        numbers = [[float(v) for v in row.split(",")] for row in Path(path).read_text().splitlines()[1:]]
        assert numbers == [[float(v) for v in row.split(",")] for row in source.read_text().splitlines()[1:]]
    assert shell("capture", "export", capture, "--format", "foxglove").code == 0
    assert shell("capture", "verify", tmp_path / "walk.foxglove.mcap").code == 0
    assert shell.refused("capture", "export", capture, code=4).endswith("ask for it to be replaced.\n")


# --- check-config, warm ---------------------------------------------------------------------------------------------


def test_a_valid_configuration(tmp_path: Path, shell: Shell) -> None:
    """Said on standard output, with code 0."""
    path = tmp_path / "ankled.toml"
    path.write_text("node = 'gym'\n[[devices]]\nslug = 'left'\nname = 'Weight L'\nside = 'left'\n")
    done = shell("check-config", path)
    assert (done.code, done.out, done.err) == (0, f"{path} is a valid configuration\n", "")


def test_every_fault_of_a_configuration_is_told_at_once(tmp_path: Path, shell: Shell) -> None:
    """One line each, on standard error."""
    path = tmp_path / "ankled.toml"
    path.write_text("node = 'A'\nadopt = 'all'\nbogus = 1\n")
    done = shell("check-config", path)
    assert (done.code, done.out) == (3, "")
    assert len(done.err.splitlines()) == 3


def test_compiled_kernels_are_found_and_missing_ones_announced(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """With a full cache nothing is said; with an empty one replay says at once what it does and for how long."""
    assert shell("warm").out == f"kernels ready in {jit.CACHE_DIR}\n"
    assert jit.is_compiled()
    assert shell("warm").err == ""
    with spawn("replay", walk_csv[0], env=os.environ | {"ANKLED_CACHE_DIR": str(tmp_path)}) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        process.kill()
    assert told == "ankled: compiling the kernels, about a minute, once\n"


# --- interrupts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broker", [False, True], ids=["to a pipe", "to a broker"])
def test_an_interrupt_ends_with_130(
    broker: bool, walk_csv: Csvs, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Ctrl-C while a replay waits for its time: no traceback, the code that shells expect."""
    address = request.getfixturevalue("mosquitto").address if broker else None
    more = ["--broker", f"mqtt://{address.host}:{address.port}"] if address else []
    begun = tmp_path / "begun.csv"  # in mid-walk and with the mount known: the first record comes soon
    head, *rows = walk_csv[0].read_text().splitlines()
    after, rest = rows[-1].split(",", 1)
    standing = [f"{float(after) + number:.3f},{rest}" for number in range(1, 60)]  # so that it ends long after that
    begun.write_text("\n".join([head, *rows[150:], *standing]) + "\n")
    words = ("--mount", "0,1,0", "0,0,1", "--json", "--speed", "1")
    with spawn("replay", begun, *words, *more) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith('{"schema":')  # it runs, and has not come to its end
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        told = process.stderr.read()
    assert process.returncode == 130
    assert told == ""


def test_the_program_starts_without_a_terminal() -> None:
    """As a service or a cron job would: no input, no terminal."""
    done = subprocess.run([PROGRAM, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert done.stderr == ""
