"""The alerts of one device: low range, fatigue, sets beyond the plan, slips."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ankled.daemon.pipeline.alerts.watch import WatchState
from ankled.daemon.records import Event
from tests.daemon.records import make
from tests.daemon.watched import DEVICE, NAMED, WAVER, Watched, spread

# --- low range ------------------------------------------------------------------------------------------------------


def test_three_in_a_row_fall_short_of_the_range_of_before() -> None:
    """By more than a fifth of the median of the first ones."""
    watched = Watched()
    assert not watched.reps("rom_deg", spread(60.0))
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
        assert not watched.reps("rom_deg", spread(60.0), 1)
        assert len(watched.reps("rom_deg", spread(40.0), 2)) == expected


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
        spread(2.0) + spread(2.0),
        [3.0, *spread(2.0)],
        [*spread(2.0), 1.2, 2.0, 1.2, 2.0],
        spread(2.0)[:6] + spread(1.4)[:6],
        spread(2.0)[:9] + spread(1.4)[:3],
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
    assert not watched.reps("sway_rms_mps2", spread(0.2))
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
        watched.reps("sway_rms_mps2", spread(0.2) * 3, mean_velocity_rad_s=1.0 + 0.01 * turn)
        sizes.append(len(msgspec.msgpack.encode(watched.watch.state)))
    assert max(sizes) < 4000
    assert not watched.reps("sway_rms_mps2", [0.9, 0.9], mean_velocity_rad_s=1.2)
    data = msgspec.msgpack.encode(watched.watch.state)
    watched.watch.state = msgspec.msgpack.decode(data, type=WatchState)
    assert len(watched.reps("sway_rms_mps2", [0.9, 0.9], mean_velocity_rad_s=1.2)) == 1
