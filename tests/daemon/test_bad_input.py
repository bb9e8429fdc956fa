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
from mcap.writer import Writer

from tests.daemon.brokers import HOST, Mosquitto, free_port
from tests.daemon.commands import PROGRAM, spawn
from tests.daemon.recordings import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

Csvs = tuple["Path", "Path"]

HEADER = b"t,ax,ay,az,gx,gy,gz\n"


def _rows(count: int, period_s: float = 0.01, first: int = 0) -> bytes:
    """Return rows of a leg at rest."""
    return b"".join(f"{i * period_s:.6f},0,0,9.81,0,0,0\n".encode() for i in range(first, first + count))


GOOD = HEADER + _rows(60)
CSV_FAULTS = {
    "empty": (b"", ["is empty", "t,ax,ay,az,gx,gy,gz"]),
    "blank": (b"\n \n", ["is empty"]),
    "header only": (HEADER, ["holds no sample row", "at least 2 are needed"]),
    "one row": (HEADER + _rows(1), ["holds one sample row only", "at least 2 are needed"]),
    "no header": (_rows(10), ["line 1", "first line holds numbers"]),
    "missing column": (GOOD.replace(b"gz", b"temperature"), ["line 1", "column gz is missing", "t,ax,ay,az,gx,gy,gz"]),
    "column twice": (GOOD.replace(b"gz", b"gy"), ["line 1", "gz is missing"]),
    "semicolons": (GOOD.replace(b",", b";"), ["separated by ';', not by ','"]),
    "tabs": (GOOD.replace(b",", b"\t"), ["separated by tabs"]),
    "text": (GOOD + b"0.60,0,abc,9.81,0,0,0\n", ["line 62", "ay is 'abc', which is not a number"]),
    "nothing": (GOOD + b"0.60,0,,9.81,0,0,0\n", ["line 62", "ay is empty"]),
    "nan": (GOOD + b"0.60,0,nan,9.81,0,0,0\n", ["line 62", "ay is 'nan'", "finite number"]),
    "infinite": (GOOD + b"0.60,0,0,9.81,0,0,-inf\n", ["line 62", "gz is '-inf'", "finite number"]),
    "too few": (GOOD + b"0.60,0,0,9.81\n", ["line 62", "4 values where the header names 7"]),
    "decimal commas": (GOOD + b"0,60,0,0,0,0,9,81,0,0,0,0,0,0\n", ["line 62", "decimal mark a comma"]),
    "backwards": (GOOD + _rows(1, first=58), ["line 62", "time runs backwards", "0.59 s to 0.58 s"]),
    "constant time": (HEADER + _rows(1) * 60, ["sample rate", "1 distinct time", "at least 2 are needed"]),
    "slow": (HEADER + _rows(60, period_s=0.2), ["sample rate is 5 Hz", "from 10 to 2000 Hz"]),
    "fast": (HEADER + _rows(60, period_s=0.0001), ["sample rate is 10000 Hz", "from 10 to 2000 Hz"]),
    "milliseconds": (HEADER + b"1e13,0,0,9.81,0,0,0\n" * 2, ["line 2", "milliseconds"]),
    "binary": (bytes(range(256)) * 8, ["is not a text file"]),
    "not utf-8": (GOOD + b"0.60,0,0,9.81,0,0,0 \xff\n", ["line 62", "0xff is not UTF-8"]),
    "utf-16": (GOOD.decode().encode("utf-16"), ["UTF-16", "save it as UTF-8"]),
}


@pytest.mark.parametrize("command", ["replay", "import"])
@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_a_csv_that_cannot_be_used(fault: str, command: str, tmp_path: Path, shell: Shell) -> None:
    """Whatever is wrong with a table, the sentence names file, line and column; importing it leaves nothing behind."""
    content, told = CSV_FAULTS[fault]
    path, out = tmp_path / "walk.csv", tmp_path / "walk.mcap"
    path.write_bytes(content)
    words = ("replay", path, "--json") if command == "replay" else ("capture", "import", path, "--out", out)
    sentence = shell.refused(*words, code=4)
    assert str(path) in sentence
    for part in told:
        assert part in sentence
    assert list(tmp_path.iterdir()) == [path]


def test_the_second_of_two_files_is_named(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Of two recordings the sentence is about the one that is wrong."""
    path = tmp_path / "right.csv"
    path.write_bytes(HEADER)
    assert str(path) in shell.refused("replay", walk_csv[0], path, code=4)


def test_two_files_of_different_rates_are_fine(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Each device has its own rate."""
    lines = walk_csv[1].read_bytes().splitlines(keepends=True)
    slower = tmp_path / "slower.csv"
    slower.write_bytes(b"".join([lines[0], *lines[1::2]]))
    done = shell("replay", walk_csv[0], slower, "--json")
    assert done.code == 0
    assert {record["device"] for record in done.records if "device" in record} == {"left_foot", "slower"}


# --- captures -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def capture(walk_csv: Csvs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a capture of both legs, in several chunks."""
    path = tmp_path_factory.mktemp("capture") / "walk.mcap"
    with spawn("capture", "import", *walk_csv, "--out", path) as process:
        _, told = process.communicate()
    assert process.returncode == 0, told
    return path


def _foreign(path: Path) -> None:
    """Write a valid MCAP of somebody else's."""
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.start(profile="ros2", library="x")
        schema = writer.register_schema("std_msgs/String", "ros2msg", b"string data")
        channel = writer.register_channel("/chatter", "cdr", schema)
        writer.add_message(channel, 0, b"hello", 0)
        writer.finish()  # type: ignore[no-untyped-call]


MCAP_FAULTS = {
    "empty": (b"", "is empty"),
    "cut in the magic": (b"\x89MCA", "ends after 4 bytes"),
    "cut after the magic": (b"\x89MCAP0\r\n", "has no header"),
    "text": (b"t,ax\n", "is not an MCAP file"),
}


@pytest.mark.parametrize("words", [("replay",), ("capture", "info"), ("capture", "verify"), ("capture", "export")])
@pytest.mark.parametrize("fault", [*MCAP_FAULTS, "foreign"])
def test_what_is_no_capture(fault: str, words: tuple[str, ...], tmp_path: Path, shell: Shell) -> None:
    """Every command that reads a capture says why this is none."""
    path = tmp_path / "walk.mcap"
    if fault == "foreign":
        _foreign(path)
        told = "is an MCAP file, but not a recording of ankled"
    else:
        content, told = MCAP_FAULTS[fault]
        path.write_bytes(content)
    sentence = shell.refused(*words, path, code=4)
    assert told in sentence
    assert str(path) in sentence
    assert list(tmp_path.iterdir()) == [path]


def test_a_capture_that_ends_early_gives_what_it_has(capture: Path, tmp_path: Path, shell: Shell) -> None:
    """Replay publishes up to the cut and says so; `verify` calls it not whole; `repair` makes it whole."""
    cut = tmp_path / "cut.mcap"
    data = capture.read_bytes()
    cut.write_bytes(data[: chunks(capture)[-1][1]])
    whole, early = shell("replay", capture, "--json"), shell("replay", cut, "--json")
    assert early.code == 0
    assert whole.out.startswith(early.out)
    assert "was not finished: it is readable up to input" in early.err
    verified = shell("capture", "verify", cut)
    assert verified.code == 4
    assert "not whole: `ankled capture repair`" in verified.out
    assert shell("capture", "info", cut).code == 0
    repaired = shell("capture", "repair", cut)
    assert repaired.code == 0
    assert shell("capture", "verify", tmp_path / "cut.repaired.mcap").code == 0


def test_a_damaged_capture(capture: Path, tmp_path: Path, shell: Shell) -> None:
    """A chunk that does not match its checksum is named by its place, and what to do about it."""
    bad = tmp_path / "bad.mcap"
    data = bytearray(capture.read_bytes())
    start, end = chunks(capture)[0]
    data[(start + end) // 2] ^= 0xFF
    bad.write_bytes(data)
    done = shell("replay", bad, "--json")
    assert "Traceback" not in done.err
    assert f"{bad} is damaged at byte {start}" in done.err
    assert shell("capture", "verify", bad).code == 4


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
    path.write_bytes(GOOD)
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


def test_a_mixture_of_files(walk_csv: Csvs, capture: Path, tmp_path: Path, shell: Shell) -> None:
    """One capture, or one or two tables; nothing else, and never both."""
    left, right = walk_csv
    assert "3 recordings were given; allowed is one, or two" in shell.refused("replay", left, right, left, code=2)
    assert "2 MCAP files were given; allowed is one" in shell.refused("replay", capture, capture, code=2)
    for files in ((left, capture), (tmp_path / "walk.txt",), (tmp_path,)):
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


def test_options_of_one_leg_for_a_recording_of_two(walk_csv: Csvs, capture: Path, shell: Shell) -> None:
    """`--side` is for one sensor; units are a table's."""
    assert "--side is for a single recording" in shell.refused("replay", *walk_csv, "--side", "left", code=2)
    assert f"--side was given, but {capture} holds 2 devices" in shell.refused(
        "replay", capture, "--side", "left", code=2
    )
    sentence = shell.refused("replay", capture, "--acc-unit", "g", "--gyro-unit", "deg/s", code=2)
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


def test_output_that_cannot_be_written(walk_csv: Csvs, capture: Path, tmp_path: Path, shell: Shell) -> None:
    """The target is named, with the system's reason."""
    away = tmp_path / "nowhere" / "out"
    simulated = ("simulate", "--scenario", "walk", "--duration-s", "2", "--rate-hz", "50", "--csv")
    assert f"{away} cannot be written: No such file" in shell.refused(*simulated, away, code=1)
    assert "/dev/full cannot be written: No space left" in shell.refused(*simulated, "/dev/full", code=1)
    truth = (*simulated, tmp_path / "a.csv", "--truth", away)
    assert f"{away} cannot be written: No such file" in shell.refused(*truth, code=1)
    imported = ("capture", "import", walk_csv[0], "--out")
    assert f"{away} cannot be written: No such file" in shell.refused(*imported, away, code=4)
    assert f"{capture} exists already" in shell.refused(*imported, capture, code=4)
    assert f"{away} is not a folder" in shell.refused("capture", "export", capture, "--out", away, code=4)
    assert f"{away} cannot be written" in shell.refused("capture", "repair", capture, "--out", away, code=4)


def test_a_full_disk_behind_standard_output(walk_csv: Csvs) -> None:
    """Results that cannot be written are an error in one sentence."""
    with open("/dev/full", "w") as full, spawn("replay", walk_csv[0], "--json", stdout=full) as process:  # noqa: PTH123
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
