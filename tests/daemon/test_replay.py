"""`ankled replay`: of tables and captures, with every option, at real speed, to people, as JSON and to a broker."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.capture.form import origin
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.cli.show import describe
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Alert, Record, Rep
from tests.daemon.brokers import PATIENCE_S, find, retained
from tests.daemon.commands import spawn
from tests.daemon.record_rules import check_reps
from tests.daemon.records import make
from tests.daemon.wearers import WALK_LIFT_WALK, legs, lines, session

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.brokers import Mosquitto
    from tests.daemon.commands import Shell

Csvs = tuple["Path", "Path"]


@pytest.fixture
def live(tmp_path: Path) -> tuple[Path, list[bytes], list[Record]]:
    """Return the folder of a live session's captures, what was published, and the records of the second file on."""
    folder = tmp_path / "captures"
    folder.mkdir()
    writer = CaptureWriter(folder / "a.mcap", origin("gym", "monday"), CaptureLimits(rotate_s=12.0))
    dispatcher = Dispatcher(Core(), writer)
    records = [record for item in session(legs(*WALK_LIFT_WALK)) for record in dispatcher.feed(item)]
    writer.close()
    return folder, lines(records), records


# --- tables ---------------------------------------------------------------------------------------------------------


def test_one_table_is_a_left_leg_of_one_kilogram(walk_csv: Csvs, shell: Shell) -> None:
    """Side left, mass 1.0 by default, the device named after the file, times the file's own, no UTC."""
    done = shell("replay", walk_csv[0], "--json")
    assert (done.code, done.err) == (0, "")
    found = [msgspec.json.decode(line, type=Rep) for line in done.out.splitlines() if '"ankled.rep/1"' in line]
    check_reps(found)
    assert len(found) > 5
    for rep in found:
        assert (rep.device, rep.side, rep.mass_kg, rep.mass_source) == ("left_foot", "left", 1.0, "default")
        assert (rep.node, rep.athlete, rep.start_utc) == ("replay", "wearer", None)
        assert 2.0 < rep.end_s < 12.0


def test_two_tables_are_left_and_right_on_one_clock(walk_csv: Csvs, shell: Shell) -> None:
    """Each leg's strides are those of its file alone, and there are pairs."""
    both = shell("replay", *walk_csv, "--json").records
    assert {(r["device"], r["side"]) for r in both if r["schema"] == "ankled.rep/1"} == {
        ("left_foot", "left"),
        ("right_foot", "right"),
    }
    assert sum(r["schema"] == "ankled.pair/1" for r in both) > 5
    for path, side in zip(walk_csv, ("left", "right"), strict=True):
        alone = shell("replay", path, "--side", side, "--json").records
        strides = [r for r in both if r.get("side") == side and r["schema"] == "ankled.rep/1"]
        assert [{**r, "id": "", "session": ""} for r in strides] == [
            {**r, "id": "", "session": ""} for r in alone if r["schema"] == "ankled.rep/1"
        ]


def test_two_tables_of_one_name_are_told_apart(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """However long the name is, both devices have a slug."""
    files = []
    for side, path in zip(("a", "b"), walk_csv, strict=True):
        (tmp_path / side).mkdir()
        files.append(tmp_path / side / f"{'Walk ' * 20}.csv")
        files[-1].write_bytes(path.read_bytes())
    devices = {r["device"] for r in shell("replay", *files, "--json").records if r["schema"] == "ankled.rep/1"}
    assert {str(name)[-5:] for name in devices} == {"-left", "right"}
    assert all(len(str(name)) <= 64 for name in devices)


def test_options_set_what_they_say(walk_csv: Csvs, shell: Shell) -> None:
    """Side, mass, movement, mount and node arrive in the records."""
    words = (
        "--side",
        "right",
        "--mass-kg",
        "2.5",
        "--movement",
        "gait",
        "--mount",
        "0,1,0",
        "-.1,0,1",
        "--node",
        "lab",
    )
    strides = [r for r in shell("replay", walk_csv[1], *words, "--json").records if r["schema"] == "ankled.rep/1"]
    told = {"side": "right", "mass_kg": 2.5, "mass_source": "request", "node": "lab", "axis_source": "configured"}
    assert len(strides) > 5
    for stride in strides:
        assert {name: stride[name] for name in told} == told
    other = shell("replay", walk_csv[0], "--movement", "reps", "--json").records
    assert not any(record.get("kind") == "stride" for record in other)


def test_units_are_converted(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """The same walk in g and deg/s gives the same records, up to the rounding of the text."""
    path = tmp_path / "left_foot.csv"
    head, *rows = walk_csv[0].read_text().splitlines()
    scales = [1.0, *3 * (1.0 / 9.80665,), *3 * (57.29577951308232,)]
    scaled = [",".join(repr(float(v) * s) for v, s in zip(row.split(","), scales, strict=True)) for row in rows]
    path.write_text("\n".join([head, *scaled]) + "\n")
    there = shell("replay", path, "--acc-unit", "g", "--gyro-unit", "deg/s", "--json").records
    here = shell("replay", walk_csv[0], "--json").records
    assert len(there) == len(here)
    for a, b in zip(there, here, strict=True):
        assert a["id"] == b["id"]
        if "rom_deg" in a:
            assert a["rom_deg"] == pytest.approx(b["rom_deg"], rel=1e-6)
    wrong = shell("replay", path, "--json")
    assert "which looks like g: try --acc-unit g" in wrong.err
    assert "which looks like deg/s: try --gyro-unit deg/s" in wrong.err


def test_what_is_odd_in_the_samples_is_counted_on_standard_error(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Lost and repeated samples are told beside the results, not among them."""
    path = tmp_path / "lossy.csv"
    head, *rows = walk_csv[0].read_text().splitlines()
    path.write_text("\n".join([head, *rows[:200], rows[199], *rows[205:400], *rows[450:]]) + "\n")
    done = shell("replay", path, "--json")
    assert done.code == 0
    assert done.err == "ankled: lossy: 1 gaps, 5 missing, 1 repeated\n"


def test_for_people_a_line_a_record(walk_csv: Csvs, shell: Shell) -> None:
    """Without --json every record is one line with figures and units."""
    plain, as_json = shell("replay", *walk_csv), shell("replay", *walk_csv, "--json")
    assert len(plain.out.splitlines()) == len(as_json.records)
    for word in ("stride 2", "cadence", "/min", "lateral", " N", "pair 1", "closed by stop", "session:"):
        assert word in plain.out
    alert = make(Alert, device="left", message="the weight has slipped", evidence={}, known_at_s=2.0)
    assert describe(alert) == "     2.00 s  left     alert: the weight has slipped"


# --- captures -------------------------------------------------------------------------------------------------------


def test_an_imported_capture_replays_as_its_tables(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """The same bytes, whichever way."""
    capture = tmp_path / "walk.mcap"
    imported = shell("capture", "import", *walk_csv, "--out", capture, "--mass-kg", "2")
    assert imported.code == 0
    assert imported.out.endswith(" inputs\n")
    assert shell("replay", capture, "--json").out == shell("replay", *walk_csv, "--mass-kg", "2", "--json").out


def test_a_live_capture_replays_as_it_was_published(live: tuple[Path, list[bytes], list[Record]], shell: Shell) -> None:
    """The command line gives what the daemon gave: from the first file, and from one that begins in mid-session."""
    folder, published, _ = live
    seen = b"".join(line + b"\n" for line in published).decode()
    first = shell("replay", folder / "a.mcap", "--json")
    assert seen.startswith(first.out)
    rest = shell("replay", folder / "a.001.mcap", "--json")
    assert rest.err == ""
    assert first.out + rest.out + shell("replay", folder / "a.002.mcap", "--json").out == seen


def test_a_capture_with_other_settings(live: tuple[Path, list[bytes], list[Record]], shell: Shell) -> None:
    """Options override what was captured, from the start of a session only: later the state is of its settings."""
    folder, _, _ = live
    heavier = [r for r in shell("replay", folder / "a.mcap", "--mass-kg", "3", "--json").records if "mass_kg" in r]
    assert {(r["mass_kg"], r["mass_source"]) for r in heavier} == {(3.0, "request")}
    words = ("replay", folder / "a.001.mcap", "--mass-kg", "3", "--movement", "gait")
    sentence = shell.refused(*words, code=2)
    assert "begins in mid-session, with the state of its devices; replay it without --mass-kg, --movement" in sentence


def test_real_speed_gives_the_same(walk_csv: Csvs, tmp_path: Path, shell: Shell) -> None:
    """Waiting between inputs alters nothing in the results."""
    path = tmp_path / "left_foot.csv"
    head, *rows = walk_csv[0].read_text().splitlines()
    path.write_text("\n".join([head, *rows[150:300]]) + "\n")
    words = ("replay", path, "--mount", "0,1,0", "0,0,1", "--json")
    slow, fast = (shell(*words, "--speed", speed) for speed in ("1", "max"))
    assert slow == fast
    assert len(fast.records) > 2


# --- brokers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def listener(mosquitto: Mosquitto) -> subprocess.Popen[str]:
    """Return a mosquitto_sub on every topic of the broker, subscribed already."""
    program, tell = find("mosquitto_sub"), find("mosquitto_pub")
    if program is None or tell is None:
        pytest.skip("mosquitto_sub and mosquitto_pub (mosquitto-clients) are not installed")
    at = ["-h", mosquitto.address.host, "-p", str(mosquitto.address.port)]
    process = subprocess.Popen(
        [program, *at, "-q", "1", "-t", "#", "-F", "%t %q %p"], stdout=subprocess.PIPE, text=True
    )
    # What the broker keeps comes with the subscription: the line says that it stands.
    subprocess.run([tell, *at, "-r", "-t", "here", "-m", "1"], check=True, timeout=PATIENCE_S)
    assert process.stdout is not None
    assert process.stdout.readline() == "here 0 1\n"
    return process


def _heard(listener: subprocess.Popen[str], mosquitto: Mosquitto) -> list[tuple[str, str, str]]:
    """Return topic, quality of service and payload of all that was heard, and end the listener."""
    tell = find("mosquitto_pub")
    assert tell is not None
    at = ["-h", mosquitto.address.host, "-p", str(mosquitto.address.port)]
    subprocess.run([tell, *at, "-t", "end", "-m", "1"], check=True, timeout=PATIENCE_S)
    assert listener.stdout is not None
    heard: list[tuple[str, str, str]] = []
    for line in listener.stdout:
        topic, qos, text = line.rstrip("\n").split(" ", 2)
        if topic == "end":
            break
        heard.append((topic, qos, text))
    listener.terminate()
    listener.wait(PATIENCE_S)
    listener.stdout.close()
    return heard


@pytest.mark.parametrize("speed", ["max", "1"])
def test_a_replay_to_a_broker(
    speed: str, walk_csv: Csvs, tmp_path: Path, mosquitto: Mosquitto, listener: subprocess.Popen[str], shell: Shell
) -> None:
    """Another client reads one message a record, in order, at QoS 1, on the topics of the node; nothing is retained."""
    files: list[object] = list(walk_csv)
    if speed == "1":
        head, *rows = walk_csv[0].read_text().splitlines()
        short = tmp_path / "short.csv"
        short.write_text("\n".join([head, *rows[150:300]]) + "\n")
        files = [short, "--mount", "0,1,0", "0,0,1"]
    url = f"mqtt://{mosquitto.address.host}:{mosquitto.address.port}"
    done = shell("replay", *files, "--json", "--broker", url, "--node", "lab", "--speed", speed)
    assert (done.code, done.err) == (0, "")
    heard = _heard(listener, mosquitto)
    assert [text for _, _, text in heard] == done.out.splitlines()
    assert {qos for _, qos, _ in heard} == {"1"}
    for topic, _, text in heard:
        record = msgspec.json.decode(text)
        kind = record["schema"].removeprefix("ankled.").removesuffix("/1")
        below = {"event": "bridge", "pair": "athlete/wearer", "session": "athlete/wearer"}.get(
            kind, record.get("device")
        )
        assert topic == f"ankled/lab/{below}/{kind}"
    assert asyncio.run(retained(mosquitto.address)) == {"here": b"1"}


def test_a_replay_to_a_broker_without_json_says_how_many(walk_csv: Csvs, mosquitto: Mosquitto, shell: Shell) -> None:
    """The one line of standard output counts what the broker acknowledged."""
    count = len(shell("replay", walk_csv[0], "--json").records)
    url = f"mqtt://{mosquitto.address.host}:{mosquitto.address.port}"
    done = shell("replay", walk_csv[0], "--broker", url)
    assert done.out == f"{count} records published at {url} below ankled/replay\n"


def test_no_pipe_is_too_short(walk_csv: Csvs) -> None:
    """Whoever reads only the first line, as `head -1` does, gets it, and there is no complaint."""
    with spawn("replay", *walk_csv, "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith('{"schema":')
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
