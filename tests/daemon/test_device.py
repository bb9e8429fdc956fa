"""One device: what its records say, that they depend on nothing later, and what gaps, sides and masses do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from ankled.daemon.errors import UsageError
from ankled.daemon.inputs import Config, Stop
from ankled.daemon.offline import run_recording
from ankled.daemon.records import Event
from ankled.daemon.settings import DeviceSettings, Mount, PipelineSettings
from ankled.drivers.samples import Samples
from benchmarks.datasets import common, ipol, leg_raises
from tests.daemon.record_rules import check_reps
from tests.daemon.wearers import (
    BOOT_NS,
    SECOND,
    WALK_LIFT_WALK,
    Recording,
    changed,
    events,
    legs,
    lines,
    packets,
    reps,
    run,
    sets,
    settings,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.records import Record
    from ankled.drivers.samples import FloatArray

WORN = legs(*WALK_LIFT_WALK)
LEFT = WORN["left"]
END_S = float(LEFT.time_s[-1])


def _columns(data: common.Recording) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a recording of a data set as the pipeline takes it."""
    return data.time_s, data.acc, data.gyr


def _alone(recording: Recording, given: PipelineSettings | None = None, slug: str = "left") -> list[Record]:
    """Return the records of one device that sends the recording, and then the session ends."""
    stop = Stop(host_ns=BOOT_NS + round(float(recording.time_s[-1]) * SECOND), reason="asked")
    return run([Config(host_ns=BOOT_NS, settings=given or settings()), *packets(slug, recording), stop])


def _jittered(recording: Recording) -> Recording:
    """Return the recording with times that waver by a third of a period, in order."""
    wavering = np.random.default_rng(7).uniform(-0.006, 0.006, len(recording.time_s))
    return recording._replace(time_s=recording.time_s + wavering)


# --- causality ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", [LEFT, _jittered(LEFT.without(5.02, 5.6))], ids=["even", "wavering with a gap"])
def test_a_record_depends_on_nothing_after_known_at(recording: Recording) -> None:
    """Cut anywhere: every record known by then is there, the same, whatever follows the cut."""
    whole = _alone(recording)
    cuts = {record.known_at_s for record in whole} | set(np.linspace(2.0, END_S, 30))
    for cut_s in sorted(cuts):
        known = [record for record in whole if record.known_at_s <= cut_s]
        seen = _alone(recording.until(cut_s))
        if cut_s >= END_S:
            known = whole
        assert lines(seen[: len(known)]) == lines(known), cut_s


@limits(max_examples=20)
@given(cut_s=st.floats(0.5, 30.0), seed=st.integers(0, 9))
def test_a_record_is_the_same_whatever_follows(cut_s: float, seed: int) -> None:
    """Noise in place of the rest of the recording alters no record that was known before it."""
    noise = np.random.default_rng(seed).normal(0.0, 5.0, (len(LEFT.time_s), 6))
    late = LEFT.time_s > cut_s
    other = Recording(
        LEFT.time_s, np.where(late[:, None], noise[:, :3], LEFT.acc), np.where(late[:, None], noise[:, 3:], LEFT.gyr)
    )
    known = [record for record in _alone(LEFT) if record.known_at_s <= cut_s]
    assert lines(_alone(other)[: len(known)]) == lines(known)


# --- fields ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_fields_are_what_the_table_says(side: str) -> None:
    """Every record of a walk with lifts meets the definitions; both kinds occur, settled and first ones too."""
    found = reps(_alone(WORN[side], slug=side))
    check_reps(found)
    assert {rep.kind for rep in found} == {"stride", "rep"}
    assert {rep.first for rep in found} == {True, False, None}


@pytest.mark.parametrize("name", ["1-1", "1-4"])
def test_the_fields_of_people_walking(data_folder: Path, name: str) -> None:
    """Real walks with lost packets: the same definitions hold, on both feet."""
    walk = ipol.load_walk(name)
    devices = (DeviceSettings(slug="left", side="left"), DeviceSettings(slug="right", side="right"))
    both = {side: _columns(foot.data) for side, foot in walk.feet.items()}
    records = run_recording(PipelineSettings(devices=devices), both)
    for side in walk.feet:
        check_reps(reps(records, side))
        assert len(reps(records, side)) > 8


@pytest.mark.parametrize("name", ["s1_e3", "s1_e4"])
def test_the_fields_of_people_lifting(data_folder: Path, name: str) -> None:
    """Real leg raises at 25 Hz: no anatomical axis, and every field that needs one is null with the reason."""
    data = leg_raises.load_session(name).data
    given = PipelineSettings(devices=(DeviceSettings(slug="leg", side="right"),))
    found = reps(run_recording(given, {"leg": _columns(data)}))
    check_reps(found)
    assert len(found) > 20
    assert {rep.kind for rep in found} == {"rep"}
    assert {rep.axis_source for rep in found} == {"none"}


def test_a_configured_exercise_is_the_movement_of_repetitions_only() -> None:
    """The name stands in records of repetitions and in their set; a walk stays a walk."""
    records = _alone(LEFT, changed(settings(), "left", exercise="leg raise"))
    assert {rep.movement for rep in reps(records) if rep.kind == "rep"} == {"leg raise"}
    assert {rep.movement for rep in reps(records) if rep.kind == "stride"} == {"walk"}
    assert {closed.movement for closed in sets(records)} == {"leg raise", "walk"}


def test_the_movement_that_is_sought_is_the_only_one_found() -> None:
    """`gait` finds no repetitions, `reps` no strides."""
    assert {rep.kind for rep in reps(_alone(LEFT, changed(settings(), "left", movement="gait")))} == {"stride"}
    assert {rep.kind for rep in reps(_alone(LEFT, changed(settings(), "left", movement="reps")))} == {"rep"}


# --- mass, side, mount ----------------------------------------------------------------------------------------------

_FORCES = ("peak_n", "mean_n", "rms_n", "impulse_n_s", "impact_n", "uncertainty_n")


def test_forces_are_proportional_to_the_mass_and_nothing_else_is() -> None:
    """F = m a: twice the mass, twice every force, and the same record otherwise."""
    one, two = (reps(_alone(LEFT, changed(settings(), "left", mass_kg=mass))) for mass in (1.0, 2.0))
    names = [f"lateral_force_{name}" for name in _FORCES]
    for a, b in zip(one, two, strict=True):
        for name in type(a).__struct_fields__:
            x, y = getattr(a, name), getattr(b, name)
            if name == "mass_kg" or (name in names and x is not None):
                assert y == 2.0 * x
            else:
                assert y == x
    assert any(rep.lateral_force_peak_n for rep in one)


def test_outward_has_one_sign_on_both_legs() -> None:
    """The same motion mirrored onto the other leg gives the same signed force."""
    mirror = np.array([1.0, -1.0, 1.0])  # of a vector; a rate is an axial vector and turns the other way round
    other = Recording(LEFT.time_s, LEFT.acc * mirror, LEFT.gyr * -mirror)
    left, right = reps(_alone(LEFT)), reps(_alone(other, slug="right"))
    assert [rep.kind for rep in left] == [rep.kind for rep in right]
    for a, b in zip(left, right, strict=True):
        for name in ("lateral_force_peak_n", "lateral_force_impact_n", "lateral_force_mean_n", "rom_deg"):
            x, y = getattr(a, name), getattr(b, name)
            assert y == (None if x is None else pytest.approx(x, rel=1e-6))
    assert any(rep.lateral_force_peak_n for rep in left)


def test_the_same_leg_under_the_other_name_has_the_other_sign() -> None:
    """The sign comes from the side that was said, and is applied once."""
    left = reps(_alone(LEFT))
    right = reps(_alone(LEFT, changed(settings(), "left", side="right")))
    for a, b in zip(left, right, strict=True):
        for name in ("lateral_force_peak_n", "lateral_force_impact_n"):
            x, y = getattr(a, name), getattr(b, name)
            assert y == (None if x is None else -x)
        assert a.lateral_force_rms_n == b.lateral_force_rms_n


def test_of_an_unknown_side_signed_fields_are_null_and_the_others_stay() -> None:
    """Outward is not known then; how much force there was is."""
    left = reps(_alone(LEFT))
    unknown = reps(_alone(LEFT, changed(settings(), "left", side="unknown")))
    check_reps(unknown)
    assert any(rep.lateral_force_peak_n is not None for rep in left)
    for a, b in zip(left, unknown, strict=True):
        assert b.lateral_force_peak_n is b.lateral_force_impact_n is None
        assert (b.lateral_force_rms_n, b.lateral_force_impulse_n_s) == (
            a.lateral_force_rms_n,
            a.lateral_force_impulse_n_s,
        )


def test_a_configured_mount_is_used_from_the_first_repetition() -> None:
    """With the mount said there is nothing to wait for: no strides published late, no axes that settle."""
    mount = Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))
    records = _alone(LEFT, changed(settings(), "left", mount=mount))
    check_reps(reps(records))
    assert {rep.axis_source for rep in reps(records)} == {"configured"}
    assert not events(records)


# --- gaps and bad samples -------------------------------------------------------------------------------------------


def test_a_gap_interrupts_the_stride_and_the_set_goes_on() -> None:
    """The gap is an event of its own length; no stride spans it; what comes after belongs to the same set."""
    records = _alone(LEFT.without(5.02, 5.6))
    (gap,) = [event for event in events(records) if event.event == "interrupted"]
    assert gap.detail == {"gap_s": pytest.approx(0.6, abs=0.021)}
    assert gap.known_at_s == pytest.approx(5.6)
    walked = [rep for rep in reps(records) if rep.end_s < 12.0]
    assert not any(rep.start_s < 5.3 < rep.end_s for rep in walked)
    assert any(rep.end_s < 5.02 for rep in walked)
    assert any(rep.start_s > 5.6 and rep.first for rep in walked)
    assert {rep.set for rep in walked} == {1}


def test_a_short_loss_is_bridged_and_counted() -> None:
    """Up to 150 ms are interpolated: no event, the same strides, and `missing` says how many samples were made up."""
    whole, lossy = _alone(LEFT), _alone(LEFT.without(5.02, 5.12))
    assert [event.event for event in events(lossy)] == [event.event for event in events(whole)]
    assert len(reps(lossy)) == len(reps(whole))
    assert sum(rep.missing for rep in reps(lossy)) >= 5
    assert sum(rep.missing for rep in reps(whole)) == 0


def test_samples_that_say_nothing_are_left_out() -> None:
    """Repeated times, times that run back and values that are not finite are counted and alter no record."""
    doubled = Recording(*(np.repeat(column, 2, axis=0) for column in LEFT))
    doubled.acc[1::2] = 1e3
    assert lines(_alone(doubled)) == lines(_alone(LEFT))
    back = Recording(*(np.concatenate([column[:300], column[100:]]) for column in LEFT))
    assert lines(_alone(back)) == lines(_alone(LEFT))


def test_samples_need_time_and_rate() -> None:
    """What the kernels cannot do without is said by the device's name."""
    (packet, *_) = packets("left", LEFT)
    untimed = Samples(device="left", host_ns=packet.host_ns, time_s=None, acc=packet.acc, gyr=packet.gyr)
    with pytest.raises(UsageError, match="device left: samples need a time and an angular rate each"):
        run([Config(host_ns=BOOT_NS, settings=settings()), untimed])


def test_an_event_says_which_axes_were_found() -> None:
    """When the axes settle, the event holds how surely."""
    (settled, *_) = events(_alone(LEFT))
    assert isinstance(settled, Event)
    assert settled.event == "axis_settled"
    axes = {f"{name}_{component}" for name in ("left", "up") for component in "xyz"}
    assert set(settled.detail) == {"axis_ratio", "confidence", "uncertainty_deg"} | axes
    for name in ("left", "up"):
        assert sum(float(settled.detail[f"{name}_{component}"]) ** 2 for component in "xyz") == pytest.approx(1.0)
    assert 0.0 < float(settled.detail["uncertainty_deg"]) < 10.0
