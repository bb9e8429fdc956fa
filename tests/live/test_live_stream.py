"""The live stream against the simulator's truth: right while somebody moves, and silent while nobody does."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from ankled.daemon.bridge.live import LiveStream
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Live, Rep
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.radio.faults import Fault
from ankled.simulators.simulation import simulate
from tests.daemon.records import make
from tests.live.runs import NS, Run, config_for, run, with_devices
from tests.live.test_live_acceleration import dressed as dressed_without_gyroscope
from tests.live.test_live_identity import SEED, dressed

if TYPE_CHECKING:
    from ankled.simulators.limb import Kinematics

MASS_KG = 1.0
MOST_IN_A_SECOND = 10
ZERO_DEG = 8.0
"""How far from the vertical a walking leg's own zero may be: it is the mean direction of the leg in stance."""


def moments(result: Run, slug: str) -> list[tuple[float, Live]]:
    """Return what was told of a sensor, with the time at which it was."""
    return [(at_s, one) for at_s, one in result.kept.records if isinstance(one, Live) and one.device == slug]


def reps(result: Run, slug: str) -> list[Rep]:
    """Return the results of a sensor."""
    return [one for _, one in result.kept.records if isinstance(one, Rep) and one.device == slug]


@pytest.fixture(scope="module")
def session() -> Run:
    """Return a whole session: twelve strides, a rest, six repetitions of the left leg and six of the right."""
    world = dressed("left=openankle", "right=movesense", ideal=True)
    assert world.stage is not None
    return run(world, world.stage.duration_s + 20.0)


def truth(result: Run, slug: str, time_s: list[float]) -> Kinematics:
    """Return how the leg truly moved at these session times."""
    made = simulate("demo", seed=SEED, imu="ideal", mount=MOUNTS["oblique"], with_truth=False)
    assert result.begun_s is not None
    legs = {side: leg for side, leg in made.legs.items() if side == slug}
    return legs[slug].limb.at(np.asarray(time_s) - result.begun_s)  # type: ignore[index]  # a slug that is a side


@pytest.mark.parametrize("slug", ["left", "right"])
def test_at_most_ten_a_second_while_somebody_moves(session: Run, slug: str) -> None:
    """In no second of host time are there more than ten, and while somebody moves there are not many fewer."""
    told = moments(session, slug)
    times = np.array([at_s for at_s, _ in told])
    assert max(np.searchsorted(times, times + 1.0) - np.arange(len(times))) <= MOST_IN_A_SECOND
    walk = [one for one in reps(session, slug) if one.kind == "stride"]
    during = [at_s for at_s, one in told if walk[0].start_s < one.known_at_s < walk[-1].end_s]
    assert len(during) > 7.0 * (walk[-1].end_s - walk[0].start_s)


@pytest.mark.parametrize("slug", ["left", "right"])
def test_nobody_moves_nothing_is_told(session: Run, slug: str) -> None:
    """Before the first step and after the last repetition there is silence; the last message says that it is over."""
    told = moments(session, slug)
    results = reps(session, slug)
    assert told[0][1].known_at_s > results[0].start_s - 1.0
    assert told[-1][1].known_at_s < results[-1].end_s + 3.0
    assert told[-1][1].moving is False
    assert told[-1][1].phase == "rest"
    halts = [(one, after) for (_, one), (_, after) in pairwise(told) if after.known_at_s - one.known_at_s > 0.5]
    assert halts, "there is a rest in the scenario"
    for one, after in halts:
        assert one.moving is False
        assert after.moving is True


def test_the_angle_of_a_walking_leg(session: Run) -> None:
    """Walking, the angle is that of the leg in its sagittal plane, from the zero that the axes of the leg have."""
    told = [one for _, one in moments(session, "left") if one.activity == "stride"]
    up = truth(session, "left", [one.known_at_s for one in told]).up
    expected = np.degrees(np.arctan2(-up[:, 0], up[:, 2]))
    errors = np.array([one.angle_deg for one in told]) - expected
    assert np.ptp(expected) > 40.0
    assert abs(np.median(errors)) < ZERO_DEG
    assert np.median(np.abs(errors - np.median(errors))) < 2.0
    assert all(one.axis_uncertainty_deg is not None and one.axis_source == "walking" for one in told)


def test_the_curve_is_what_the_leg_did_in_between(session: Run) -> None:
    """The values between two messages follow the truth as those of the moment do: none is lost or shifted."""
    told = [one for _, one in moments(session, "left") if one.activity == "stride" and one.trace is not None]
    times, angles = [], []
    for one in told:
        assert one.trace is not None
        assert one.trace.angle_deg is not None
        assert one.trace.angle_deg[-1] == pytest.approx(one.angle_deg, abs=0.02)
        count = len(one.trace.angle_deg)
        times += [one.known_at_s - (count - 1 - place) * one.trace.dt_s for place in range(count)]
        angles += one.trace.angle_deg
    up = truth(session, "left", sorted(times)).up
    expected = np.degrees(np.arctan2(-up[:, 0], up[:, 2]))
    in_order = np.array(angles)[np.argsort(times, kind="stable")]
    errors = in_order - expected
    assert np.median(np.abs(errors - np.median(errors))) < 2.0
    assert np.corrcoef(in_order, expected)[0, 1] > 0.98


@pytest.mark.parametrize(("slug", "outward"), [("left", 1.0), ("right", -1.0)])
def test_lateral_force_is_outward_and_as_large_as_it_is(session: Run, slug: str, outward: float) -> None:
    """In swing it is mass times acceleration along the outward axis; the peak is the largest of the curve."""
    told = [one for _, one in moments(session, slug) if one.phase == "swing" and one.trace is not None]
    step_s = 2.0 / (100.0 if slug == "left" else 104.0)
    grid = np.array([one.known_at_s for one in told])[:, None] - step_s * np.linspace(0.25, 0.75, 5)
    order = np.argsort(grid.ravel())
    across = np.empty(grid.size)
    across[order] = truth(session, slug, grid.ravel()[order].tolist()).linear_acceleration_mps2[:, 1]
    expected = outward * MASS_KG * across.reshape(grid.shape).mean(axis=1)
    forces = np.array([one.lateral_force_n for one in told])
    assert np.ptp(expected) > 3.0
    assert np.median(np.abs(forces - expected)) < 0.4
    assert np.corrcoef(forces, expected)[0, 1] > 0.8
    for one in told:
        assert one.trace is not None
        assert one.trace.lateral_force_n is not None
        largest = max(one.trace.lateral_force_n, key=abs)
        assert one.lateral_force_peak_n == pytest.approx(largest, abs=0.002)


@pytest.mark.parametrize("slug", ["left", "right"])
def test_a_repetition_goes_out_is_held_and_comes_back(session: Run, slug: str) -> None:
    """Within each repetition of a set the leg is out, then back, and turns by about the range that the result tells."""
    told = [one for _, one in moments(session, slug)]
    lifts = [one for one in reps(session, slug) if one.kind == "rep"]
    assert len(lifts) == 6
    for lift in lifts:
        assert lift.rom_deg is not None
        within = [one for one in told if lift.start_s + 0.3 < one.known_at_s < lift.end_s - 0.1]
        phases = [one.phase for one in within]
        assert {"out", "back"} <= set(phases) <= {"out", "hold", "back", "rest"}
        assert phases.index("out") < phases.index("back")
        angles = [angle for one in within if one.trace is not None for angle in one.trace.angle_deg or []]
        assert max(angles) == pytest.approx(lift.rom_deg, rel=0.12)


def test_set_index_cadence_and_quality_are_those_of_the_last_result(session: Run) -> None:
    """What is counted is what was published before, and a cadence goes when nothing follows."""
    told = session.kept.records
    last: Rep | None = None
    seen = 0
    for _, one in told:
        if isinstance(one, Rep) and one.device == "left":
            last = one
        elif isinstance(one, Live) and one.device == "left" and last is not None and one.set == last.set:
            seen += 1
            assert (one.index, one.quality) == (last.index, last.quality)
            assert one.cadence_per_min in {last.cadence_per_min, None}
            if one.cadence_per_min is not None:
                assert one.known_at_s - last.end_s < 2.0 * (120.0 if last.kind == "stride" else 60.0) / 5.0
    assert seen > 100
    before = [one for _, one in moments(session, "left") if one.known_at_s < reps(session, "left")[0].known_at_s]
    assert all(one.set is one.index is one.cadence_per_min is one.quality is None for one in before)


def test_what_is_not_known_is_null() -> None:
    """A leg whose axes are unknown has no lateral force, and a weight on no side in particular has none either."""
    world = dressed("left=openankle", "right=movesense", ideal=True)
    result = run(world, 25.0, config=with_devices(config_for(world), side="unknown"))
    told = [one for _, one in moments(result, "left")]
    early = [one for one in told if one.axis_source == "none"]
    assert early
    for one in early:
        assert one.lateral_force_n is one.lateral_force_peak_n is one.axis_uncertainty_deg is None
    assert all(one.lateral_force_n is None for one in told)
    assert all(one.trace is None or one.trace.lateral_force_n is None for one in told)
    assert any(one.angle_deg is not None and one.axis_source == "walking" for one in told)


def test_a_sensor_that_falls_silent_is_said_to_be_unknown() -> None:
    """A link that dies in mid-stride leaves no moving leg behind: the last message knows nothing."""
    world = dressed("left=openankle", "right=movesense")
    result = run(world, 16.0, faults=[Fault(at_s=9.0, kind="zombie", device="left", duration_s=6.0)])
    told = [one for _, one in moments(result, "left")]
    blank = [one for one in told if one.moving is None]
    assert blank
    assert (blank[0].angle_deg, blank[0].phase, blank[0].trace) == (None, None, None)
    assert blank[0].known_at_s == pytest.approx(10.5, abs=1.6)


def test_without_a_gyroscope_there_is_cadence_and_nothing_else() -> None:
    """Each stride tells set, index and cadence; when none follows, one message says that it is over."""
    world = dressed_without_gyroscope("metamotion")
    assert world.stage is not None
    result = run(world, world.stage.duration_s + 10.0)
    told = [one for _, one in moments(result, "left")]
    strides = reps(result, "left")
    assert len(strides) > 10
    assert told[-1].moving is False
    walking = [one for one in told if one.moving]
    assert {one.index for one in walking} <= {one.index for one in strides}
    assert len(walking) > len(strides) // 2
    assert walking[-1].cadence_per_min == pytest.approx(strides[-1].cadence_per_min)
    for one in told:
        assert (one.angle_deg, one.phase, one.lateral_force_n, one.sway_rms_mps2, one.trace) == (None,) * 5


def test_a_sensor_that_computes_for_itself_is_held_to_the_rate_too() -> None:
    """Of what comes faster the newest is told, at the next packet or tick that may."""
    shown: list[Live] = []
    stream = LiveStream(Core(), shown.append)
    for number in range(100):
        stream.said(make(Live, device="pod", known_at_s=0.01 * number, moving=None), number * 10_000_000)
    stream.passed(2 * NS)
    times = [one.known_at_s for one in shown]
    assert len(times) <= MOST_IN_A_SECOND + 1
    assert times[-1] == 0.99


def test_nothing_is_told_where_it_is_not_wanted() -> None:
    """`publish_live = false` leaves the results as they are."""
    world = dressed("left=openankle", "right=movesense")
    config = config_for(world)
    mqtt = msgspec.structs.replace(config.mqtt, publish_live=False)
    result = run(world, 15.0, config=msgspec.structs.replace(config, mqtt=mqtt))
    assert not moments(result, "left")
    assert reps(result, "left")
