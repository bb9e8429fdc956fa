"""What a user of `ankled demo` sees: the live board, the lines through a pipe, the summary, and the errors."""

from __future__ import annotations

import io
import re
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from rich.console import Console

from ankled.daemon import logs
from ankled.daemon.cli import demo
from ankled.daemon.cli.main import main
from ankled.daemon.cli.waiting import waiting
from ankled.daemon.demo import summary, words
from ankled.daemon.demo.board import Board
from ankled.daemon.demo.session import Outcome
from ankled.daemon.demo.tally import Tally
from ankled.daemon.demo.training import Training
from ankled.daemon.live.status import DeviceState
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.records import to_json
from tests.daemon.commands import started
from tests.live.runs import run

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = BrokerAddress(host="127.0.0.1", port=1883)


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    """Return the results and the states of the sensors of a demonstration as they are published, in their order."""
    training, topics = Training(seed=1), Topics(node="demo")
    kept = run(training.world, training.duration_s + 2.0, config=training.config()).kept
    told = [(time_s, Message(topics.topic_for(record).topic, to_json(record))) for time_s, record in kept.records]
    told += [(time_s, Message(topic, state)) for time_s, topic, state in kept.states]
    return [message for _, message in sorted(told, key=lambda one: one[0])]


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """Take back the log handler of the command line, whose stream ends with the test."""
    yield
    logs.unconfigure()


def told(messages: list[Message]) -> Tally:
    """Return a tally that has heard these messages."""
    results = [msgspec.json.decode(one.payload) for one in messages if one.topic.endswith(("/rep", "/event"))]
    tally = Tally(results[0]["session"] if results else "none")
    for message in messages:
        tally.take(message)
    return tally


def terminal(width: int = 80, height: int = 24) -> Console:
    """Return a terminal that writes into memory."""
    return Console(
        file=io.StringIO(), force_terminal=True, color_system=None, width=width, height=height, legacy_windows=False
    )


def drawn(console: Console, messages: list[Message], time_s: float | None) -> str:
    """Return the board as it stands on a terminal when these messages have come."""
    board = Board(console, told(messages), 51.9)
    board.begin(ADDRESS)
    board.end()
    with console.capture() as capture:
        console.print(board.picture(time_s))
    return capture.get()


def text(console: Console) -> str:
    """Return what a terminal was told to show."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60), (80, 12)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.05, 0.4, 1.0])
def test_the_board_fits(messages: list[Message], width: int, height: int, share: float) -> None:
    """At every moment each line is as wide as the terminal at most; from 24 lines on, all of it is in sight."""
    time_s = share * 51.9 if share else None
    lines = drawn(terminal(width, height), messages[: round(share * len(messages))], time_s).splitlines()
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if "…" in line]
    assert len(lines) < max(height, 24)


def test_the_board_shows_the_latest_repetition_of_each_leg(messages: list[Message]) -> None:
    """Its figures, what the leg does, the last closed set, the symmetry and the topic stand on the board."""
    tally, shown = told(messages), drawn(terminal(), messages, 51.9)
    for side in ("left", "right"):
        rep = tally.reps[side][-1]
        assert rep.rom_deg is not None
        assert rep.cadence_per_min is not None
        figures = rf"{rep.index} +{rep.duration_s:.2f} +{rep.cadence_per_min:.1f} +{rep.rom_deg:.0f}"
        assert re.search(figures, shown), figures
    assert "leg raise, set 2, rep 6" in shown
    assert "Movesense 174630000192, 104 Hz" in shown
    assert "OpenAnkle-3FA2, 100 Hz" in shown
    assert "51.9 of 51.9 s" in shown
    assert "set 2: 6 reps, fatigue" in shown
    assert "mean of 17 pairs" in shown
    assert "ankled/demo/athlete/wearer/session" in shown


def test_the_board_tells_what_a_leg_waits_for(messages: list[Message]) -> None:
    """The sensor is looked for, connected, then the axes are found: each has its words until there are strides."""
    states = [message for message in messages if message.topic == "ankled/demo/left-ankle/state"]
    links = {msgspec.json.decode(state.payload)["link"]: state for state in reversed(states)}
    shown = {link: drawn(terminal(), [state], None) for link, state in links.items()}
    assert "looking for the sensor" in drawn(terminal(), [], None)
    assert "looking for the sensor" in shown["waiting"]
    assert "finding the leg's axes from walking" in shown["streaming"]
    assert "connecting" in drawn(terminal(), [], None).splitlines()[0]
    assert [state for state in get_args(DeviceState) if state != "streaming" and state not in words.LINK] == []


def outcome(tally: Tally, *, lost: int = 0, interrupted: bool = False) -> Outcome:
    """Return how a demonstration ended."""
    return Outcome(
        address=ADDRESS, duration_s=51.9, published=tally.count + lost, received=tally.count, interrupted=interrupted
    )


def test_the_summary_is_true_to_the_records(messages: list[Message]) -> None:
    """Every set has its row with its own figures; symmetry and load are the session's; 80 columns are enough."""
    tally, console = told(messages), terminal()
    summary.show(console, tally, outcome(tally))
    shown = text(console)
    assert "and all of them came back" in " ".join(shown.split())
    for one in tally.sets:
        movement = {"walk": "walking", "leg_raise": "leg raise"}[one.movement]
        row = (
            rf"{one.side} +{one.set} +{movement} +{one.count} +{one.cadence_mean_per_min:.1f} +{one.rom_mean_deg:.1f} "
            rf"+{one.sway_rms_mean_mps2:.2f} +{one.lateral_force_peak_mean_n:.1f} +{one.velocity_loss_percent:.0f} "
            rf"+{one.fatigue}"
        )
        assert re.search(row, shown), row
    total = tally.session
    assert total is not None
    assert total.rom is not None
    assert re.search(rf"range of motion +{re.escape(f'{total.rom.mean_index_percent:+.1f}')} %.*right is less", shown)
    assert f"left {total.load_left_percent:.0f} %, right {total.load_right_percent:.0f} %" in shown
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_the_summary_owns_up_to_losses(messages: list[Message]) -> None:
    """Results that did not come back are counted, and a session without a set says so."""
    tally, console = told(messages), terminal()
    summary.show(console, tally, outcome(tally, lost=2))
    assert f"only {tally.count} of" in " ".join(text(console).split())
    nothing, console = told([]), terminal()
    summary.show(console, nothing, outcome(nothing, interrupted=True))
    assert "Interrupted before the first set" in text(console)


def test_through_a_pipe_it_is_lines_and_a_command_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each record is a line; the capture lies in captures/; the command printed at the end prints the same lines."""
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--speed", "max", "--broker", "embedded"]) == 0
    out = capsys.readouterr().out.splitlines()
    (capture,) = (tmp_path / "captures").iterdir()
    (command,) = (line for line in out if " replay " in line)
    parts = shlex.split(command)
    assert parts[-2:] == ["replay", f"captures/{capture.name}"]
    assert main(parts[1:]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 50
    assert out[0] == "Two simulated sensors, live: Movesense on the left ankle, OpenAnkle on the right ankle"
    assert out[3 : 3 + len(lines)] == lines


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--speed", "0"], 2, '"0" is no speed; allowed is a number from 0.25 to 20, or max'),
        (["--speed", "20.1"], 2, '"20.1" is no speed'),
        (["--speed", "nan"], 2, '"nan" is no speed'),
        (["--seed", "-1"], 2, "--seed: -1 is no seed"),
        (["--broker", "http://x"], 2, "--broker"),
        (["--broker", "mqtt://127.0.0.1:1"], 5, "nobody listens at 127.0.0.1:1"),
        (["--capture", "x.csv"], 2, "ends in .mcap"),
        (["--capture", "there.mcap"], 4, "there.mcap exists already"),
        (["--capture", "there.mcap/x.mcap"], 4, "there.mcap"),
    ],
)
def test_mistakes_are_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    sentence: str,
) -> None:
    """A wrong option, a broker that is not there, a capture that cannot be made: told in one line, nothing written."""
    monkeypatch.chdir(tmp_path)
    Path("there.mcap").write_bytes(b"precious")
    assert main(["demo", *options]) == code
    told_user = capsys.readouterr()
    assert sentence in told_user.err
    assert len([line for line in told_user.err.splitlines() if "compiling" not in line]) == 1
    assert Path("there.mcap").read_bytes() == b"precious"
    assert [path for path in tmp_path.rglob("*.mcap") if path.name != "there.mcap"] == []


def test_a_capture_of_the_same_second_gets_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is given out twice."""
    monkeypatch.chdir(tmp_path)
    names = []
    for _ in range(3):
        names.append(demo._capture(None, "demo-x"))
        names[-1].touch()
    assert [str(name) for name in names] == [f"captures/demo-x{end}.mcap" for end in ("", "-2", "-3")]


@pytest.mark.parametrize(
    ("argv", "printed"),
    [
        (".venv/bin/ankled", ".venv/bin/ankled"),
        ("{found}", "ankled"),
        ("/usr/lib/python3/ankled/__main__.py", "ankled"),
    ],
    ids=["by its path", "found on PATH", "as a module"],
)
def test_the_command_is_printed_as_it_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: str, printed: str
) -> None:
    """A path stays the path that was typed; what PATH finds is `ankled`."""
    found = tmp_path / "ankled"
    found.write_text("#!/bin/sh\n")
    found.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert demo.program([argv.format(found=found)]) == printed


def test_ctrl_c_ends_with_130_and_in_order(compiled: None, tmp_path: Path) -> None:
    """While the wearer still walks: the summary says so, the capture is whole, and the shell gets its code."""
    with started("demo", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "connected" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        said, complained = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130
    assert complained == ""
    assert "Interrupted before the first set was closed." in said
    (capture,) = (tmp_path / "captures").iterdir()
    assert main(["capture", "verify", str(capture)]) == 0


def test_waiting_tells_a_log_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is one sentence, and none where nothing is to be told."""
    with waiting("compiling", "starting"):
        assert capsys.readouterr().err == "ankled: compiling\n"
    with waiting(None, "starting"):
        pass
    assert capsys.readouterr().err == ""
