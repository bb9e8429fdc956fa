"""Compensating movement: what raises it, what does not, and that each episode is told once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.daemon.watched import DEVICE, NAMED, Watched, spread


@pytest.mark.parametrize(
    ("quantity", "usual"), [("sway_range_deg", 2.0), ("sway_rms_mps2", 0.2), ("lateral_force_rms_n", 0.3)]
)
def test_three_in_a_row_far_beyond_thespread(quantity: str, usual: float) -> None:
    """Told with the third; the evidence holds what was seen, what is usual, and the three that show it."""
    watched = Watched()
    assert not watched.reps(quantity, spread(usual))
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
    assert not watched.reps("sway_rms_mps2", spread(0.2))
    assert not watched.reps("sway_rms_mps2", [0.5, 0.5, 0.2, 0.5, 0.5, 0.2, 0.5])


def test_an_episode_is_told_once_and_again_after_it_has_cleared() -> None:
    """Ten odd ones raise one alert; two ordinary ones do not end it, three do."""
    watched = Watched()
    assert not watched.reps("sway_rms_mps2", spread(0.2))
    assert len(watched.reps("sway_rms_mps2", [0.5] * 10)) == 1
    assert not watched.reps("sway_rms_mps2", [0.2, 0.2, *[0.5] * 4])
    assert not watched.reps("sway_rms_mps2", [0.2] * 3)
    assert [alert.id for alert in watched.reps("sway_rms_mps2", [0.5] * 4)] == ["monday/left-ankle/alert/2"]


def test_too_few_before_it_say_nothing_of_what_isspread() -> None:
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
        assert not watched.reps("sway_rms_mps2", spread(0.2 * pace**2), **given)


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
    assert not watched.reps("sway_rms_mps2", spread(0.2), **stride)
    assert not watched.reps("sway_rms_mps2", [0.9] * 5, **(stride | given))
    assert not watched.reps("sway_rms_mps2", [0.6, 0.6], **stride)
    assert not watched.reps("sway_rms_mps2", [0.9], **(stride | given))
    assert len(watched.reps("sway_rms_mps2", [0.6], **stride)) == 1


def test_axes_that_move_within_their_uncertainty_are_no_compensation() -> None:
    """A stride of 60 degrees seen along an axis 4 degrees off sways by 4 degrees more."""
    watched = Watched()
    stride: dict[str, Any] = {"kind": "stride", "first": False, "turn": False, "axis_uncertainty_deg": 4.0}
    assert not watched.reps("sway_range_deg", spread(2.0), **stride)
    assert not watched.reps("sway_range_deg", [6.0] * 4, **stride)
    assert len(watched.reps("sway_range_deg", [6.5] * 4, **stride)) == 1


def test_one_exercise_does_not_compare_with_the_next() -> None:
    """A new set may be another exercise; one that was named is not."""
    for device, expected in ((DEVICE, 0), (NAMED, 1)):
        watched = Watched(device)
        assert not watched.reps("sway_rms_mps2", spread(0.2), 1)
        assert len(watched.reps("sway_rms_mps2", spread(0.6), 2)) == expected


def test_other_settings_begin_anew() -> None:
    """With another mass, forces are no longer those of before."""
    watched = Watched(NAMED)
    assert not watched.reps("lateral_force_rms_n", spread(0.3), 1)
    watched.watch.forget()
    assert not watched.reps("lateral_force_rms_n", spread(0.9), 2)
