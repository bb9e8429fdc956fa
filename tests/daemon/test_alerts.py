"""The alerts of one device: what raises each, what does not, and that each is told once an episode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.pipeline.alerts.watch import Watch, WatchState
from ankled.daemon.pipeline.context import Context, Numbers
from ankled.daemon.pipeline.open_set import OpenSet
from ankled.daemon.records import Alert, Event, Rep
from ankled.daemon.settings import DeviceSettings
from tests.daemon.records import make

if TYPE_CHECKING:
    from collections.abc import Iterable

DEVICE = DeviceSettings(slug="left-ankle", side="left", athlete="kim")
NAMED = msgspec.structs.replace(DEVICE, exercise="leg raise")
WAVER = (1.0, 1.04, 0.97, 1.02, 0.95, 1.01, 0.99, 1.03, 0.96, 1.0, 1.02, 0.98)
"""Ordinary spread between repetitions."""


class Watched:
    """A watch, and the set that its repetitions are in."""

    def __init__(self, device: DeviceSettings = DEVICE) -> None:
        self.device = device
        self.numbers = Numbers()
        self.watch = Watch(Context(node="gym", session="monday", origin_ns=0), self.numbers)
        self.open: OpenSet | None = None
        self._count = 0

    def rep(self, number: int = 1, **given: object) -> list[Alert]:
        """Take in the next repetition of set `number`."""
        self._count += 1
        start_s = 4.0 * self._count
        fields: dict[str, object] = {
            "id": f"{self._count}", "device": self.device.slug, "side": "left", "kind": "rep", "first": None,
            "turn": None, "retroactive": False, "quality": 1.0, "quality_reasons": [], "set": number,
            "movement": self.device.exercise or "exercise", "start_s": start_s, "end_s": start_s + 2.0,
            "known_at_s": start_s + 2.1, "duration_s": 2.0, "rom_deg": 60.0, "mean_velocity_rad_s": 1.0,
            "sway_range_deg": 2.0, "sway_rms_mps2": 0.2, "lateral_force_rms_n": 0.3, "mass_kg": 1.0,
            "lateral_force_uncertainty_n": 0.02, "axis_uncertainty_deg": 2.0,
        }  # fmt: skip
        rep = make(Rep, **(fields | given))
        if self.open is None or self.open.number != number:
            self.open = OpenSet(number=number, of=rep.kind, rest_before_s=None)
        self.open.add(rep)
        return self.watch.rep(rep, self.open, self.device)

    def reps(self, name: str, values: Iterable[float], number: int = 1, **given: Any) -> list[Alert]:
        """Take in repetitions that differ in one field."""
        return [alert for value in values for alert in self.rep(number, **{name: value}, **given)]


def _usual(value: float) -> list[float]:
    return [value * one for one in WAVER]


# --- compensating movement ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "usual"), [("sway_range_deg", 2.0), ("sway_rms_mps2", 0.2), ("lateral_force_rms_n", 0.3)]
)
def test_three_in_a_row_far_beyond_the_usual(quantity: str, usual: float) -> None:
    """Told with the third; the evidence holds what was seen, what is usual, and the three that show it."""
    watched = Watched()
    assert not watched.reps(quantity, _usual(usual))
    assert not watched.reps(quantity, [2.0 * usual, 2.0 * usual])
    (alert,) = watched.reps(quantity, [2.1 * usual])
    assert (alert.alert, alert.severity, alert.quantity) == ("compensating_movement", "warning", quantity)
    assert (alert.device, alert.athlete, alert.side, alert.set) == ("left-ankle", "kim", "left", 1)
    assert alert.about == ["13", "14", "15"]
    assert alert.known_at_s == 4.0 * 15 + 2.1
    assert alert.evidence["value"] == 2.0 * usual
    assert alert.evidence["usual"] == pytest.approx(usual, rel=0.02)
    assert alert.evidence["usual_count"] == 12
    assert alert.evidence["excess_percent"] > alert.evidence["threshold_percent"]
    assert alert.message.startswith("Left leg, set 1: ")
    assert "2.0 times the usual. " in alert.message


def test_single_odd_repetitions_are_no_episode() -> None:
    """Two in a row, then an ordinary one, again and again."""
    watched = Watched()
    assert not watched.reps("sway_rms_mps2", _usual(0.2))
    assert not watched.reps("sway_rms_mps2", [0.5, 0.5, 0.2, 0.5, 0.5, 0.2, 0.5])


def test_an_episode_is_told_once_and_again_after_it_has_cleared() -> None:
    """Ten odd ones raise one alert; two ordinary ones do not end it, three do."""
    watched = Watched()
    assert not watched.reps("sway_rms_mps2", _usual(0.2))
    assert len(watched.reps("sway_rms_mps2", [0.5] * 10)) == 1
    assert not watched.reps("sway_rms_mps2", [0.2, 0.2, *[0.5] * 4])
    assert not watched.reps("sway_rms_mps2", [0.2] * 3)
    assert [alert.id for alert in watched.reps("sway_rms_mps2", [0.5] * 4)] == ["monday/left-ankle/alert/2"]


def test_too_few_before_it_say_nothing_of_what_is_usual() -> None:
    """Four ordinary repetitions are no baseline."""
    assert not Watched().reps("sway_rms_mps2", [0.2] * 4 + [0.9] * 3)
    assert len(Watched().reps("sway_rms_mps2", [0.2] * 5 + [0.9] * 3)) == 1


def test_a_wearer_who_always_wavers_is_used_to_it() -> None:
    """Where earlier repetitions differ by a factor of two, twice the usual is nothing special."""
    watched = Watched()
    assert not watched.reps("sway_rms_mps2", [0.15, 0.3, 0.2, 0.35, 0.16, 0.32, 0.2, 0.3, 0.15, 0.25])
    assert not watched.reps("sway_rms_mps2", [0.42, 0.45, 0.44, 0.43])


def test_another_pace_is_no_compensation() -> None:
    """Who walks faster sways and pushes more: only strides of about the same speed compare."""
    watched = Watched()
    for pace in (1.0, 1.5, 2.2, 1.0, 2.2):
        given: dict[str, Any] = {"kind": "stride", "first": False, "turn": False, "mean_velocity_rad_s": pace}
        assert not watched.reps("sway_rms_mps2", _usual(0.2 * pace**2), **given)


@pytest.mark.parametrize(
    "given",
    [
        {"first": True},
        {"turn": True},
        {"retroactive": True},
        {"quality": 0.5},
        {"quality": 0.7, "quality_reasons": ["clipped"]},
        {"mean_velocity_rad_s": None},
    ],
)
def test_what_is_no_stride_among_others_is_left_out(given: dict[str, object]) -> None:
    """First strides, turns, late and doubtful ones neither raise an alert nor interrupt a row."""
    watched = Watched()
    stride: dict[str, Any] = {"kind": "stride", "first": False, "turn": False}
    assert not watched.reps("sway_rms_mps2", _usual(0.2), **stride)
    assert not watched.reps("sway_rms_mps2", [0.9] * 5, **(stride | given))
    assert not watched.reps("sway_rms_mps2", [0.6, 0.6], **stride)
    assert not watched.reps("sway_rms_mps2", [0.9], **(stride | given))
    assert len(watched.reps("sway_rms_mps2", [0.6], **stride)) == 1


def test_axes_that_move_within_their_uncertainty_are_no_compensation() -> None:
    """A stride of 60 degrees seen along an axis 4 degrees off sways by 4 degrees more."""
    watched = Watched()
    stride: dict[str, Any] = {"kind": "stride", "first": False, "turn": False, "axis_uncertainty_deg": 4.0}
    assert not watched.reps("sway_range_deg", _usual(2.0), **stride)
    assert not watched.reps("sway_range_deg", [6.0] * 4, **stride)
    assert len(watched.reps("sway_range_deg", [6.5] * 4, **stride)) == 1


def test_one_exercise_does_not_compare_with_the_next() -> None:
    """A new set may be another exercise; one that was named is not."""
    for device, expected in ((DEVICE, 0), (NAMED, 1)):
        watched = Watched(device)
        assert not watched.reps("sway_rms_mps2", _usual(0.2), 1)
        assert len(watched.reps("sway_rms_mps2", _usual(0.6), 2)) == expected


def test_other_settings_begin_anew() -> None:
    """With another mass, forces are no longer those of before."""
    watched = Watched(NAMED)
    assert not watched.reps("lateral_force_rms_n", _usual(0.3), 1)
    watched.watch.forget()
    assert not watched.reps("lateral_force_rms_n", _usual(0.9), 2)


# --- low range ------------------------------------------------------------------------------------------------------


def test_three_in_a_row_fall_short_of_the_range_of_before() -> None:
    """By more than a fifth of the median of the first ones."""
    watched = Watched()
    assert not watched.reps("rom_deg", _usual(60.0))
    assert not watched.reps("rom_deg", [49.0] * 4)
    assert not watched.reps("rom_deg", [45.0, 44.0])
    (alert,) = watched.reps("rom_deg", [43.0])
    assert (alert.alert, alert.severity, alert.quantity) == ("low_range", "notice", "rom_deg")
    assert alert.evidence["value"] == 44.0
    assert alert.evidence["usual"] == pytest.approx(60.0, rel=0.02)
    assert alert.evidence["shortfall_percent"] == pytest.approx(100.0 * (1.0 - 44.0 / alert.evidence["usual"]))
    assert not watched.reps("rom_deg", [43.0] * 5)


def test_a_target_holds_from_the_first_repetition_on() -> None:
    """With `target_range_deg` no repetition of before is needed."""
    watched = Watched(msgspec.structs.replace(DEVICE, target_range_deg=90.0))
    (alert,) = watched.reps("rom_deg", [60.0] * 5)
    assert alert.about == ["1", "2", "3"]
    assert alert.evidence["target"] == 90.0
    assert "33 % less than the target" in alert.message
    assert not Watched(msgspec.structs.replace(DEVICE, target_range_deg=70.0)).reps("rom_deg", [60.0] * 5)


def test_a_low_set_of_a_named_exercise() -> None:
    """It falls short of the sets before; of an exercise without a name nobody knows."""
    for device, expected in ((DEVICE, 0), (NAMED, 1)):
        watched = Watched(device)
        assert not watched.reps("rom_deg", _usual(60.0), 1)
        assert len(watched.reps("rom_deg", _usual(40.0), 2)) == expected


def test_strides_have_no_low_range() -> None:
    """Who walks slower swings less far."""
    watched = Watched()
    assert not watched.reps("rom_deg", [70.0] * 10 + [50.0] * 5, kind="stride", first=False, turn=False)


# --- fatigue --------------------------------------------------------------------------------------------------------


def test_velocity_that_falls_by_a_trend() -> None:
    """Told in the running set, once, with slope and interval."""
    watched = Watched()
    alerts = watched.reps("mean_velocity_rad_s", [2.0 * 0.96**i * WAVER[i % 12] for i in range(20)])
    (alert,) = alerts
    assert (alert.alert, alert.quantity) == ("fatigue", "mean_velocity_rad_s")
    assert 6 <= alert.evidence["count"] <= 10
    assert alert.evidence["loss_percent"] >= alert.evidence["threshold_percent"] == 20.0
    assert alert.evidence["slope_low"] <= alert.evidence["slope_per_rep"] <= alert.evidence["slope_high"] < 0.0
    assert alert.evidence["p_value"] < 0.05


@pytest.mark.parametrize(
    "velocities",
    [
        _usual(2.0) + _usual(2.0),
        [3.0, *_usual(2.0)],
        [*_usual(2.0), 1.2, 2.0, 1.2, 2.0],
        _usual(2.0)[:6] + _usual(1.4)[:6],
        _usual(2.0)[:9] + _usual(1.4)[:3],
        [2.0 - 0.01 * i for i in range(20)],
    ],
    ids=["steady", "one quick start", "single slow ones", "a step", "a late step", "slight"],
)
def test_what_is_no_fatigue(velocities: list[float]) -> None:
    """Neither spread, nor single repetitions, nor another pace, nor a fall of less than a fifth."""
    assert not Watched().reps("mean_velocity_rad_s", velocities)


def test_a_long_walk_that_slows_down_little_by_little() -> None:
    """Strides tell of fatigue after 24 of them at the earliest; turns, first and last ones do not count."""
    watched = Watched()
    walk: dict[str, Any] = {"kind": "stride", "first": False, "turn": False, "rom_deg": 70.0}
    slow = [4.0 * 0.99**i * WAVER[i % 12] for i in range(60)]
    (alert,) = watched.reps("mean_velocity_rad_s", slow, **walk)
    assert alert.evidence["count"] >= 24
    assert not Watched().reps("mean_velocity_rad_s", slow, **(walk | {"turn": True}))


# --- the plan -------------------------------------------------------------------------------------------------------


def test_a_set_beyond_the_plan() -> None:
    """Told at its third repetition, for each set beyond; sets of one or two repetitions do not count."""
    watched = Watched(msgspec.structs.replace(DEVICE, planned_sets=2))
    assert not watched.reps("rom_deg", [60.0] * 4, 1)
    assert not watched.reps("rom_deg", [60.0] * 2, 2)
    assert not watched.reps("rom_deg", [60.0] * 4, 3)
    assert not watched.reps("rom_deg", [60.0] * 2, 4)
    (alert,) = watched.reps("rom_deg", [60.0] * 4, 5)
    assert (alert.alert, alert.set, alert.about) == ("more_sets_than_planned", 5, ["15"])
    assert (alert.evidence["value"], alert.evidence["planned"]) == (3.0, 2.0)
    assert alert.message == "Left leg: set 3 of repetitions has begun, 2 were planned."
    assert len(watched.reps("rom_deg", [60.0] * 4, 6)) == 1


def test_walks_between_the_sets_are_no_sets() -> None:
    """Strides count only where gait is what the device is for."""
    walk: dict[str, Any] = {"kind": "stride", "first": False, "turn": False}
    for movement, expected in (("auto", 0), ("gait", 1)):
        watched = Watched(msgspec.structs.replace(DEVICE, planned_sets=1, movement=movement))
        assert not watched.reps("rom_deg", [60.0] * 5, 1, **walk)
        assert len(watched.reps("rom_deg", [60.0] * 5, 2, **walk)) == expected


# --- slip -----------------------------------------------------------------------------------------------------------


def _slip(**detail: float) -> Event:
    return make(Event, id="monday/left-ankle/event/2", device="left-ankle", event="slip", known_at_s=9.0, detail=detail)


def test_a_slip_is_told_with_its_angle() -> None:
    """The event of the kernel becomes a warning."""
    watched = Watched()
    watched.rep()
    (alert,) = watched.watch.slip(_slip(angle_deg=38.2, uncertainty_deg=4.6), watched.open, DEVICE)
    assert (alert.alert, alert.severity, alert.known_at_s, alert.set) == ("slip", "warning", 9.0, 1)
    assert alert.about == ["monday/left-ankle/event/2"]
    assert alert.evidence == {"angle_deg": 38.2, "uncertainty_deg": 4.6}
    assert alert.message == "Left leg: the weight has turned on the leg by 38 deg (known to 5 deg). Fasten it anew."


def test_after_a_slip_nothing_compares_with_what_was_before() -> None:
    """What the slipped sensor measures otherwise is neither compensation, nor low range, nor fatigue."""
    watched = Watched(NAMED)
    assert not watched.reps("sway_rms_mps2", _usual(0.2))
    assert len(watched.watch.slip(_slip(angle_deg=38.0), watched.open, NAMED)) == 1
    slower = [0.9 - 0.05 * i for i in range(10)]
    assert not watched.reps("mean_velocity_rad_s", slower, sway_rms_mps2=0.8, rom_deg=30.0)


def test_without_a_side_the_device_is_named() -> None:
    """A message names the leg, or else the device."""
    watched = Watched(msgspec.structs.replace(DEVICE, side="unknown"))
    (alert,) = watched.watch.slip(_slip(), None, watched.device)
    assert alert.set is None
    assert alert.message == "Device left-ankle: the weight has turned on the leg. Fasten it anew."


# --- all of them ----------------------------------------------------------------------------------------------------


def test_the_memory_of_a_watch_is_bounded_and_can_be_taken_up() -> None:
    """After any number of repetitions it is small, and one that takes up its state goes on as it would have."""
    watched, sizes = Watched(), []
    for turn in range(20):
        watched.reps("sway_rms_mps2", _usual(0.2) * 3, mean_velocity_rad_s=1.0 + 0.01 * turn)
        sizes.append(len(msgspec.msgpack.encode(watched.watch.state)))
    assert max(sizes) < 4000
    assert not watched.reps("sway_rms_mps2", [0.9, 0.9], mean_velocity_rad_s=1.2)
    data = msgspec.msgpack.encode(watched.watch.state)
    watched.watch.state = msgspec.msgpack.decode(data, type=WatchState)
    assert len(watched.reps("sway_rms_mps2", [0.9, 0.9], mean_velocity_rad_s=1.2)) == 1
