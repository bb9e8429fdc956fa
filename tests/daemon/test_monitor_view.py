"""The picture of the monitor: what stands where, at every size, and that nothing published can garble it."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import msgspec
import pytest
from rich.console import Console
from rich.screen import Screen

from ankled.daemon.monitor.collect import Model
from ankled.daemon.monitor.people import Now
from ankled.daemon.monitor.view import Shown, View
from ankled.daemon.records import Alert, Pair, Set, Symmetry, to_json
from tests.daemon.desks import ROOT, rep
from tests.daemon.records import make

NOW = Now(100.0, 1_800_000_000.0)
ONLINE = b'{"state":"online"}'
SHOWN = Shown(broker="mqtt://gym:1883")


def symmetry(percent: float) -> Symmetry:
    """Return how a quantity compares."""
    return Symmetry(
        left=1.0, right=1.0, index_percent=0.0, log_ratio_percent=0.0, mean_index_percent=percent, low_percent=None,
        high_percent=None, pairs=12,
    )  # fmt: skip


def gym(*athletes: str, reps: int = 8, name: str | None = None, **given: object) -> Model:
    """Return a model of athletes who have each done some repetitions of their third set, on both legs."""
    model = Model()
    model.feed(f"{ROOT}/bridge/state", ONLINE, NOW)
    for athlete in athletes:
        for side in ("left", "right"):
            device = f"{athlete}-{side}"
            model.feed(f"{ROOT}/{device}/availability", ONLINE, NOW)
            state = {"side": side, "athlete": athlete, "battery_percent": 84, "rssi_dbm": -61, "name": name}
            model.feed(f"{ROOT}/{device}/state", msgspec.json.encode(state), NOW)
            for seq in range(1, reps + 1):
                fields: dict[str, object] = {
                    "id": f"{device}/{seq}", "device": device, "athlete": athlete, "side": side, "set": 3,
                    "rom_deg": 38.0, "cadence_per_min": 14.2, "lateral_force_peak_n": -5.0, "sway_rms_mps2": 0.42,
                }  # fmt: skip
                model.feed(f"{ROOT}/{device}/rep", to_json(rep(seq, **(fields | given))), NOW)
    return model


def drawn(model: Model, width: int = 80, height: int = 24, shown: Shown = SHOWN, now: Now = NOW) -> list[str]:
    """Return the lines of the picture, without colours."""
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, color_system=None, record=True
    )
    console.print(Screen(View(console, model).picture(shown, now)), end="")
    lines = console.export_text().removesuffix("\n").split("\n")
    assert len(lines) == height
    return lines


def row(lines: list[str], label: str) -> str:
    """Return the line of a quantity."""
    (found,) = [line for line in lines if label in line]
    return found


def test_an_athlete_has_both_legs_side_by_side_with_units() -> None:
    """Every quantity that a coach looks at stands in a row of its own with its unit, left before right, compared."""
    model = gym("kim")
    pair = make(
        Pair, athlete="kim", rom=symmetry(-8.0), force=symmetry(12.0), load_left_percent=54.0, load_right_percent=46.0
    )
    model.feed(f"{ROOT}/athlete/kim/pair", to_json(pair), NOW)
    lines = drawn(model)
    assert "ankled monitor" in lines[0]
    assert "gym online" in lines[0]
    assert "kim  leg raise" in lines[1]
    assert lines[2].count("84 % -61 dBm ▂▄▆·") == 2
    assert lines[2].index("left") < lines[2].index("right")
    assert row(lines, "set ").count("3, rep 8") == 2
    assert row(lines, "cadence /min").count("14.2 ▅▅▅▅▅▅▅▅") == 2
    assert "-8 % ··█│···" in row(lines, "range deg")
    assert "+12 % ···│█··" in row(lines, "lateral N")
    assert row(lines, "sway m/s2").count("0.42") == 2
    assert "54 %" in row(lines, "load")
    assert "46 %" in row(lines, "load")
    assert "of 12 pairs" in "\n".join(lines)
    assert lines[-1].startswith("17 results, none missing")
    assert lines[-1].endswith("q quit")


def test_alerts_are_on_top_newest_first_and_not_by_colour_alone() -> None:
    """A warning has a sign of its own; an alert of ten minutes ago is gone."""
    model = gym("kim")
    for seq, (severity, age_s) in enumerate((("notice", 30), ("warning", 5), ("warning", 700)), 20):
        at = datetime.fromtimestamp(NOW.utc_s - age_s, UTC).isoformat()
        alert = make(
            Alert, id=f"a/{seq}", seq=seq, device="kim-left", athlete="kim", side="left", severity=severity,
            known_at_utc=at, message=f"alert number {seq}",
        )  # fmt: skip
        model.feed(f"{ROOT}/kim-left/alert", to_json(alert), NOW)
    lines = drawn(model)
    assert lines[1].startswith("! ")
    assert lines[1].rstrip().endswith("kim left: alert number 21")
    assert lines[2].startswith("i ")
    assert "alert number 22" not in "\n".join(lines)


def test_what_is_old_says_how_old_and_what_is_gone_says_so() -> None:
    """After a few seconds without a result its age is shown; a sensor whose node is gone is offline."""
    model = gym("kim")
    assert "12 s ago" in "\n".join(drawn(model, now=Now(112.0, NOW.utc_s + 12.0)))
    model.feed(f"{ROOT}/bridge/state", b'{"state":"offline"}', NOW)
    lines = drawn(model)
    assert "gym OFFLINE" in lines[0]
    assert lines[2].count("OFFLINE") == 2


def test_stale_figures_are_dim() -> None:
    """The style tells as well: fresh figures are bold, old ones dim."""
    model = gym("kim")
    for now, style in ((NOW, "\x1b[1m"), (Now(112.0, 0.0), "\x1b[2m")):
        out = io.StringIO()
        console = Console(width=80, height=24, file=out, force_terminal=True, color_system="truecolor")
        console.print(View(console, model).picture(SHOWN, now))
        assert f"{style}   14.2 " in out.getvalue()


def test_without_colours_everything_is_still_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is heeded, and takes nothing away but colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    console = Console(width=80, height=24, file=out, force_terminal=True)
    console.print(View(console, gym("kim")).picture(SHOWN, NOW))
    assert "[38;" not in out.getvalue()
    assert "left" in out.getvalue()


def test_a_set_that_is_done_says_how_it_went() -> None:
    """Its count and fatigue stand in place of the repetition, and below in the list of sets."""
    model = gym("kim")
    done = make(
        Set, id="s/3", device="kim-left", athlete="kim", side="left", seq=9, set=3, count=8, of="rep", session="s",
        fatigue="likely", velocity_loss_percent=24.0,
    )  # fmt: skip
    model.feed(f"{ROOT}/kim-left/set", to_json(done), NOW)
    text = "\n".join(drawn(model, width=100))
    assert "3 done: 8 reps, fatigue likely" in text
    assert "24 %" in row(text.split("\n"), "8 reps  ")


@pytest.mark.parametrize(
    ("fatigue", "told"),
    [("likely", "done, fatigue likely"), ("none", "3 done: 120 strides"), ("unknown", "3 done: 120")],
)
def test_where_there_is_little_room_fatigue_is_what_is_told_of_a_set(fatigue: str, told: str) -> None:
    """On 80 columns nothing of it is cut off; what was counted stands in the list of sets."""
    model = gym("kim")
    done = make(
        Set, id="s/3", device="kim-left", athlete="kim", side="left", seq=9, set=3, count=120, of="stride", session="s",
        fatigue=fatigue,
    )  # fmt: skip
    model.feed(f"{ROOT}/kim-left/set", to_json(done), NOW)
    line = row(drawn(model), "│ set ")
    assert told in line
    assert "…" not in line


def live(**fields: object) -> bytes:
    """Return a message of the live stream."""
    return msgspec.json.encode({"moving": True, "activity": "rep", "phase": "hold", "angle_deg": 47.0} | fields)


@pytest.mark.parametrize(("moving", "age_s", "shown"), [(True, 1.0, True), (True, 3.0, False), (False, 30.0, True)])
def test_the_angle_is_that_of_this_moment(moving: bool, age_s: float, shown: bool) -> None:
    """A leg in movement that is not told of is not shown; one that was held still is where it was."""
    model = gym("kim")
    model.feed(f"{ROOT}/kim-left/live", live(moving=moving), NOW)
    line = row(drawn(model, now=Now(NOW.s + age_s, NOW.utc_s + age_s)), "angle deg")
    assert ("47 hold" in line) == shown


def test_a_step_after_a_pause_is_no_phase_of_an_exercise() -> None:
    """While a set of strides is open and the movement is not known yet, its phase is left out; the angle is there."""
    model = gym("kim", kind="stride")
    model.feed(f"{ROOT}/kim-left/live", live(activity=None, phase="out"), NOW)
    line = row(drawn(model), "angle deg")
    assert " 47 " in line
    assert "out" not in line
    model.feed(f"{ROOT}/kim-left/live", live(activity="stride", phase="swing"), NOW)
    assert "47 swing" in row(drawn(model), "angle deg")


def test_a_node_that_has_fallen_silent_is_not_shown_as_online() -> None:
    """A broker that hangs says nothing of it; who never told of its health is not expected to."""
    model = gym("kim")
    later = Now(120.0, NOW.utc_s + 20.0)
    assert "gym online" in drawn(model, now=later)[0]
    model.feed(f"{ROOT}/bridge/health", b"{}", NOW)
    assert "gym online" in drawn(model, now=Now(112.0, NOW.utc_s))[0]
    assert "gym heard 20 s ago" in drawn(model, now=later)[0]
    model.feed(f"{ROOT}/bridge/health", b"{}", later)
    assert "gym online" in drawn(model, now=later)[0]


def test_a_sensor_without_a_side_lacks_none_on_the_other() -> None:
    """Nobody has said on which leg it is: that is told, not that another sensor were missing."""
    model = gym()
    model.feed(f"{ROOT}/spare/state", b'{"side":"unknown"}', NOW)
    line = drawn(model)[2]
    assert "its side is not set" in line
    assert "no sensor" not in line


def test_a_removed_sensor_is_shown_no_more() -> None:
    """Its state is cleared at the broker."""
    model = gym("kim", "bo")
    for side in ("left", "right"):
        model.feed(f"{ROOT}/bo-{side}/state", b"", NOW)
    assert " bo " not in "\n".join(drawn(model))


def test_a_pseudonym_is_shown_whole() -> None:
    """On 80 columns, in the list of legs and in that of sets."""
    who = "athlete-86a2065b"
    model = gym(who, "kim", "bo")
    done = make(
        Set, device="spare", athlete=who, side="unknown", seq=9, set=3, count=139, movement="exercise",
        fatigue="possible",
    )  # fmt: skip
    model.feed(f"{ROOT}/spare/set", to_json(done), NOW)
    lines = drawn(model, height=18)
    assert sum(who in line for line in lines) == 2
    assert all("…" not in line for line in lines)


def test_many_athletes_get_a_line_for_each_leg_and_pages_where_these_do_not_fit() -> None:
    """Both legs of an athlete stay on one page, and every athlete is on one."""
    athletes = [f"athlete-{number:02}" for number in range(15)]
    model = gym(*athletes, reps=1)
    pages = [drawn(model, shown=msgspec.structs.replace(SHOWN, page=page)) for page in range(3)]
    assert "page 1 of 2" in pages[0][-1]
    assert pages[2][:-1] == pages[0][:-1]
    for page in pages[:2]:
        assert sum(" left " in line for line in page) == sum(" right " in line for line in page)
    assert [name for page in pages[:2] for name in athletes if name in "\n".join(page)] == athletes


def test_a_wide_terminal_shows_panels_beside_each_other() -> None:
    """Four athletes in two rows of two."""
    lines = drawn(gym("ana", "bo", "cy", "di"), width=160, height=30)
    assert "ana" in lines[1]
    assert "bo" in lines[1]
    assert any("cy" in line and "di" in line for line in lines[2:])


def test_only_who_was_asked_for_is_shown() -> None:
    """`--athlete` and `--node` choose."""
    text = "\n".join(drawn(gym("ana", "bo"), shown=msgspec.structs.replace(SHOWN, athletes=("bo",))))
    assert "bo" in text
    assert "ana" not in text
    assert "Nothing is published below ankled/lab yet" in " ".join(
        drawn(gym("ana"), width=120, shown=msgspec.structs.replace(SHOWN, nodes=("lab",)))
    )


def test_a_broker_that_is_away_is_said_on_top() -> None:
    """What is shown stays, and why it does not move stands above it."""
    lines = drawn(gym("kim"), shown=msgspec.structs.replace(SHOWN, away="nobody listens at gym:1883"))
    assert lines[1].startswith("! broker away: nobody listens at gym:1883; trying again")
    assert any("14.2" in line for line in lines)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 10), (12, 4), (1, 1)])
def test_names_that_would_move_the_cursor_do_not(size: tuple[int, int]) -> None:
    """Escape sequences, right-to-left marks and numbers without end: every line fits, and holds nothing to obey."""
    evil = "\x1b[2J\x9b31m\u202e[red]\r\n\x07" + "w" * 300
    model = gym("kim", movement=evil, name=evil, cadence_per_min=1e300, set=10**15, index=10**15)
    message = make(Alert, device="kim-left", athlete=evil, message=evil, seq=99)
    model.feed(f"{ROOT}/kim-left/alert", to_json(message), NOW)
    model.feed(f"{ROOT}/kim-left/live", msgspec.json.encode({"phase": evil, "angle_deg": -1e300}), NOW)
    model.feed(f"{ROOT}/kim-left/set", to_json(make(Set, device="kim-left", athlete=evil, movement=evil, seq=98)), NOW)
    for line in drawn(model, *size, shown=msgspec.structs.replace(SHOWN, away=evil, note=evil)):
        assert line.isprintable(), line
        assert len(line) <= size[0]
