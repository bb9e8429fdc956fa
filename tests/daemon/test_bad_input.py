"""Bad input at each door: one sentence that names what is wrong and what is allowed, the right code, no traceback."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.daemon.brokers import HOST, Mosquitto, free_port
from tests.daemon.commands import PROGRAM, spawn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

Csvs = tuple["Path", "Path"]


# --- files and options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "mcap"])
def test_a_file_that_is_not_there_or_a_folder(suffix: str, tmp_path: Path, shell: Shell) -> None:
    """The reason is the system's own."""
    path = tmp_path / f"walk.{suffix}"
    assert f"{path} cannot be read: No such file or directory" in shell.refused("replay", path, code=4)
    path.mkdir()
    assert f"{path} cannot be read: Is a directory" in shell.refused("replay", path, code=4)


@pytest.mark.parametrize("suffix", ["csv", "mcap"])
def test_a_file_without_permission(suffix: str, tmp_path: Path) -> None:
    """Somebody else's file is refused as such."""
    path = tmp_path / f"walk.{suffix}"
    path.write_bytes(b"t,ax\n")
    path.chmod(0)
    # Root may read everything, so it becomes nobody: once everything is imported, for a test's folders are its own.
    script = (
        "import os, sys; from ankled.daemon.cli import main, replay; "
        "os.geteuid() or (os.setgid(65534), os.setuid(65534)); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "replay", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == f"ankled: {path} cannot be read: Permission denied.\n"


def test_a_mixture_of_files(walk_csv: Csvs, walk_mcap: Path, tmp_path: Path, shell: Shell) -> None:
    """One capture, or one or two tables; nothing else, and never both."""
    left, right = walk_csv
    assert "3 recordings were given; allowed is one, or two" in shell.refused("replay", left, right, left, code=2)
    assert f"{left} was given twice" in shell.refused("replay", left, left, code=2)
    assert "2 MCAP files were given; allowed is one" in shell.refused("replay", walk_mcap, walk_mcap, code=2)
    for files in ((left, walk_mcap), (tmp_path / "walk.txt",), (tmp_path,)):
        assert "allowed is one .mcap file, one .csv file or two" in shell.refused("replay", *files, code=2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--mass-kg", "-1"), "--mass-kg is -1; it must be above 0 and at most 50 kg"),
        (("--mass-kg", "0"), "above 0 and at most 50"),
        (("--mass-kg", "51"), "above 0 and at most 50"),
        (("--mass-kg", "nan"), "above 0 and at most 50"),
        (("--mass-kg", "heavy"), "--mass-kg: invalid float value: 'heavy'"),
        (("--side", "both"), "--side: invalid choice: 'both' (choose from 'left', 'right')"),
        (("--movement", "dance"), "(choose from 'auto', 'gait', 'reps')"),
        (("--speed", "2"), "(choose from 'max', '1')"),
        (("--acc-unit", "kg"), "(choose from 'm/s2', 'g')"),
        (("--gyro-unit", "rpm"), "(choose from 'rad/s', 'deg/s')"),
        (("--log-level", "loud"), "(choose from 'debug', 'info', 'warning', 'error')"),
        (("--mount", "0,1,0"), "--mount: expected 2 arguments"),
        (("--mount", "0,1", "0,0,1"), '--mount has "0,1"; allowed is three numbers such as 0,1,0'),
        (("--mount", "0,0,0", "0,0,1"), "--mount.left is a vector of length zero"),
        (("--mount", "-1,0,0", "1,0,0"), "degrees from parallel"),
        (("--mount", "nan,0,0", "1,0,0"), "three finite numbers"),
        (("--node", "Gym 1"), 'the node is "Gym 1"; allowed are 1 to 64 characters of a-z'),
        (("--node", "bridge"), "and not athlete or bridge"),
        (("--fast",), "unrecognized arguments: --fast"),
    ],
)
def test_options_that_are_not_allowed(options: tuple[str, ...], told: str, walk_csv: Csvs, shell: Shell) -> None:
    """The option is named with what it takes."""
    assert told in shell.refused("replay", walk_csv[0], *options, code=2)


def test_options_of_one_leg_for_a_recording_of_two(walk_csv: Csvs, walk_mcap: Path, shell: Shell) -> None:
    """`--side` is for one sensor; units are a table's."""
    assert "--side is for a single recording" in shell.refused("replay", *walk_csv, "--side", "left", code=2)
    assert f"--side was given, but {walk_mcap} holds 2 devices" in shell.refused(
        "replay", walk_mcap, "--side", "left", code=2
    )
    sentence = shell.refused("replay", walk_mcap, "--acc-unit", "g", "--gyro-unit", "deg/s", code=2)
    assert "--acc-unit, --gyro-unit was given; allowed for CSV only" in sentence


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--scenario", "sleep"), "no scenario is called 'sleep'; there are walk"),
        (("--scenario", "walk", "--rate-hz", "5"), "rate 5 Hz: a sampling rate lies between 10 and 2000 Hz"),
        (("--scenario", "walk", "--duration-s", "0"), "a duration is a positive number"),
        (("--scenario", "walk", "--seed", "-1"), "a seed is a whole number from 0 on"),
        (("--scenario", "walk", "--mass-kg", "-2"), "it must be above 0"),
        ((), "the following arguments are required: --scenario"),
    ],
)
def test_simulations_that_cannot_be(options: tuple[str, ...], told: str, tmp_path: Path, shell: Shell) -> None:
    """The wish is named with what can be had, and nothing is written."""
    assert told in shell.refused("simulate", *options, "--csv", tmp_path / "a.csv", code=2)
    assert not list(tmp_path.iterdir())


def test_simulations_of_too_many_legs(tmp_path: Path, shell: Shell) -> None:
    """People have two."""
    files = [tmp_path / f"{i}.csv" for i in range(3)]
    assert "--csv has 3 files" in shell.refused("simulate", "--scenario", "walk", "--csv", *files, code=2)
    words = ("simulate", "--scenario", "walk", "--side", "left", "--csv", *files[:2])
    assert "--side is for a single CSV" in shell.refused(*words, code=2)


# --- output ---------------------------------------------------------------------------------------------------------


def test_output_that_cannot_be_written(walk_csv: Csvs, walk_mcap: Path, tmp_path: Path, shell: Shell) -> None:
    """The target is named, with the system's reason."""
    away = tmp_path / "nowhere" / "out"
    simulated = ("simulate", "--scenario", "walk", "--duration-s", "2", "--rate-hz", "50", "--csv")
    assert f"{away} cannot be written: No such file" in shell.refused(*simulated, away, code=1)
    assert "/dev/full cannot be written: No space left" in shell.refused(*simulated, "/dev/full", code=1)
    truth = (*simulated, tmp_path / "a.csv", "--truth", away)
    assert f"{away} cannot be written: No such file" in shell.refused(*truth, code=1)
    imported = ("capture", "import", walk_csv[0], "--out")
    assert f"{away} cannot be written: No such file" in shell.refused(*imported, away, code=4)
    assert f"{walk_mcap} exists already" in shell.refused(*imported, walk_mcap, code=4)
    assert f"{away} is not a folder" in shell.refused("capture", "export", walk_mcap, "--out", away, code=4)
    assert f"{away} cannot be written" in shell.refused("capture", "repair", walk_mcap, "--out", away, code=4)


def test_a_full_disk_behind_standard_output(walk_csv: Csvs) -> None:
    """Results that cannot be written are an error in one sentence."""
    with open("/dev/full", "w") as full, spawn("replay", walk_csv[0], "--json", stdout=full) as process:  # noqa: PTH123  (a device, not a path)
        _, told = process.communicate()
    assert process.returncode == 1
    assert told == "ankled: standard output: No space left on device\n"


# --- configuration --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nod = 'gym'", "nod"),
        ("node = 3", "node"),
        ("node = 'gym'\n[pipeline]\nset_rest_s = 'long'", "pipeline.set_rest_s"),
        ("[[devices]]\nslug = 'a'\nname = 'x'\n[[devices]]\nslug = 'a'\nname = 'y'", "devices[1].slug"),
        ("[[devices]]\nslug = 'A b'\nname = 'x'", "devices[0].slug"),
        ("[[devices]]\nslug = 'a'\nname = 'x'\nmass_kg = -1", "devices[0].mass_kg"),
        ("node = ", "is not TOML"),
    ],
)
def test_a_configuration_with_faults(text: str, told: str, tmp_path: Path, shell: Shell) -> None:
    """File and key are named."""
    path = tmp_path / "ankled.toml"
    path.write_text(text)
    done = shell("check-config", path)
    assert (done.code, done.out) == (3, "")
    assert str(path) in done.err
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_configuration_that_is_not_there(tmp_path: Path, shell: Shell) -> None:
    """A missing file is a wrong configuration."""
    done = shell("check-config", tmp_path / "none.toml")
    assert done.code == 3
    assert "cannot be read" in done.err


# --- brokers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("localhost", "has no scheme"),
        ("http://localhost:1883", 'unknown scheme "http"'),
        ("mqtt://", "no host"),
        ("mqtt://localhost:99999", "a whole number from 1 to 65535"),
        ("embedded", "needs a broker that somebody listens to"),
    ],
)
def test_a_broker_whose_address_is_wrong(url: str, told: str, walk_csv: Csvs, shell: Shell) -> None:
    """A wrong address is a wrong option."""
    sentence = shell.refused("replay", walk_csv[0], "--broker", url, code=2)
    assert sentence.startswith("ankled: --broker is")
    assert told in sentence


def test_a_broker_that_is_not_there(walk_csv: Csvs, shell: Shell) -> None:
    """Nobody listens."""
    port = free_port()
    sentence = shell.refused("replay", walk_csv[0], "--broker", f"mqtt://{HOST}:{port}", code=5)
    assert f"nobody listens at {HOST}:{port}; start the broker or correct its address" in sentence


def test_a_wrong_file_is_told_before_the_broker_is_asked(tmp_path: Path, shell: Shell) -> None:
    """The first thing that is wrong is what the user named first."""
    path = tmp_path / "none.csv"
    assert str(path) in shell.refused("replay", path, "--broker", f"mqtt://{HOST}:{free_port()}", code=4)


def test_a_broker_that_refuses(mosquitto_program: str, walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Wrong credentials are said to be the reason, and the password is not repeated."""
    broker = Mosquitto(mosquitto_program, tmp_path, "allow_anonymous false")
    broker.start()
    try:
        url = f"mqtt://kim:s3cret@{HOST}:{broker.address.port}"
        sentence = shell.refused("replay", walk_csv[0], "--broker", url, code=5)
    finally:
        broker.kill()
    assert "refused the user name or password" in sentence
    assert "s3cret" not in sentence


class _Quiet(http.server.BaseHTTPRequestHandler):
    """Answers, and tells nobody."""

    def log_message(self, *_: object) -> None:
        """Keep standard error clean."""


@pytest.fixture
def web_server() -> Iterator[int]:
    """Run a web server and return its port."""
    server = http.server.ThreadingHTTPServer((HOST, 0), _Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_server_is_no_broker(web_server: int, walk_csv: Csvs, shell: Shell) -> None:
    """What listens does not speak MQTT."""
    sentence = shell.refused("replay", walk_csv[0], "--broker", f"mqtt://{HOST}:{web_server}", code=5)
    assert f"{HOST}:{web_server}" in sentence


def test_a_host_that_never_answers(walk_csv: Csvs, shell: Shell) -> None:
    """A socket that takes the connection and says nothing is given up after three seconds."""
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        port = silent.getsockname()[1]
        sentence = shell.refused("replay", walk_csv[0], "--broker", f"mqtt://{HOST}:{port}", code=5)
    assert "within 3 s" in sentence


def test_the_program_is_the_installed_one() -> None:
    """The tests above start what a user starts."""
    assert os.access(PROGRAM, os.X_OK)
