"""Axes in the records: what earlier sessions have found, what walking says to it, and a weight that slips."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ankled.daemon.inputs import Config, Stop
from ankled.daemon.settings import Mount, PipelineSettings
from ankled.simulators.exercises import Exercise
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from ankled.simulators.simulation import simulate
from tests.daemon.record_rules import check_reps
from tests.daemon.wearers import BOOT_NS, SECOND, Recording, changed, events, legs, lines, packets, reps, run, settings

if TYPE_CHECKING:
    from ankled.daemon.records import Event, Record

LIFT_WALK_LIFT = (
    Stand(duration_s=1.5),
    Exercise(name="leg_raise", reps=3),
    Stand(duration_s=8.0),
    Gait(speed_mps=1.25, strides=8),
    Stand(duration_s=8.0),
    Exercise(name="leg_raise", reps=2),
    Stand(duration_s=2.0),
)
LEG = legs(*LIFT_WALK_LIFT)["left"]
TRUE = Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))
DETAIL = {"uncertainty_deg", "left_x", "left_y", "left_z", "up_x", "up_y", "up_z"}


def turned(angle_deg: float) -> Mount:
    """Return the true mount turned about the leg's long axis."""
    angle = math.radians(angle_deg)
    return Mount(left=(-math.sin(angle), math.cos(angle), 0.0), up=(0.0, 0.0, 1.0))


def records_of(recording: Recording, given: PipelineSettings | None = None) -> list[Record]:
    """Return the records of the left device."""
    stop = Stop(host_ns=BOOT_NS + round(float(recording.time_s[-1]) * SECOND), reason="asked")
    return run([Config(host_ns=BOOT_NS, settings=given or settings()), *packets("left", recording), stop])


def left_of(event: Event) -> list[float]:
    """Return the direction of the wearer's left that an event tells."""
    return [float(event.detail[f"left_{name}"]) for name in "xyz"]


@pytest.mark.parametrize("angle_deg", [0.0, 12.0, 30.0, 180.0])
def test_stored_axes_serve_until_walking_shows_where_the_weight_sits(angle_deg: float) -> None:
    """Repetitions before the first steps have them, with 20 deg of doubt; no stride ever does, whichever way round."""
    records = records_of(LEG, changed(settings(), "left", stored_axes=turned(angle_deg)))
    found = reps(records)
    check_reps(found)
    walked_s = next(rep.known_at_s for rep in found if rep.kind == "stride")
    early = [rep for rep in found if rep.known_at_s < walked_s]
    assert len(early) == 3
    for rep in early:
        assert rep.axis_source == "stored"
        assert rep.axis_uncertainty_deg == pytest.approx(20.0)
        assert "axis_uncertain" in rep.quality_reasons
        assert rep.lateral_force_peak_n is not None
    assert {rep.axis_source for rep in found if rep not in early} == {"walking"}
    (settled,) = events(records)
    assert settled.event == "axis_settled"
    assert float(settled.detail["changed_deg"]) == pytest.approx(angle_deg, abs=10.0)
    assert left_of(settled) @ np.array(TRUE.left) > math.cos(math.radians(4.0))


def test_stored_axes_alter_nothing_that_walking_has_shown() -> None:
    """From the first stride on the records are those of a session that knew nothing, but for the event's change."""
    bare, stored = (
        reps(records_of(LEG, changed(settings(), "left", stored_axes=mount))) for mount in (None, turned(50.0))
    )
    count = sum(rep.axis_source == "stored" for rep in stored)
    assert count == 3
    assert lines(stored[count:]) == lines(bare[count:])


def test_a_configured_mount_goes_before_stored_axes() -> None:
    """What a user says is taken."""
    given = changed(settings(), "left", mount=TRUE, stored_axes=turned(90.0))
    assert lines(records_of(LEG, given)) == lines(records_of(LEG, changed(settings(), "left", mount=TRUE)))


def test_without_stored_axes_the_event_has_no_change() -> None:
    """What was settled first has changed nothing."""
    (settled,) = events(records_of(LEG))
    assert set(settled.detail) == DETAIL | {"axis_ratio", "confidence"}


def test_a_slip_is_told_and_the_records_after_it_are_right_again() -> None:
    """The scenario `slip`: one event with the turn; doubtful strides say so; afterwards forces are the true ones."""
    made = simulate("slip").legs["left"]
    given = changed(settings(), "left", rate_hz=100.0, mass_kg=made.mass_kg)
    records = records_of(Recording(made.time_s, made.acc, made.gyr), given)
    (slip,) = [event for event in events(records) if event.event == "slip"]
    assert set(slip.detail) == DETAIL | {"angle_deg", "about_x_deg", "about_y_deg", "about_z_deg"}
    (turn,) = made.slips
    assert turn.time_s < slip.known_at_s < turn.time_s + 8.0
    assert float(slip.detail["angle_deg"]) == pytest.approx(40.0, abs=3.0)
    assert float(slip.detail["about_z_deg"]) == pytest.approx(40.0, abs=3.0)
    assert left_of(slip) @ np.array(made.mount_after.left) > math.cos(math.radians(3.0))
    found = reps(records)
    doubted = [rep for rep in found if turn.time_s + 0.3 < rep.start_s and rep.known_at_s < slip.known_at_s]
    assert len(doubted) >= 2
    assert all("axis_uncertain" in rep.quality_reasons and rep.quality <= 0.8 for rep in doubted)
    after = [rep for rep in found if rep.known_at_s >= slip.known_at_s]
    assert len(after) > 5
    assert not any("axis_uncertain" in rep.quality_reasons for rep in after)
    truth = {round(one.end_s, 1): one.lateral_force_peak_n for one in made.truth}
    pairs = [(rep, truth[key]) for rep in after for key in truth if abs(rep.end_s - key) < 0.2]
    force = float(np.median([rep.lateral_force_peak_n or math.nan for rep, _ in pairs]))
    assert force == pytest.approx(float(np.median([peak for _, peak in pairs if peak is not None])), rel=0.1)
