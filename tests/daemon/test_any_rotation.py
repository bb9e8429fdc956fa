"""How a sensor sits in its pocket does not show in the records of real people, and left is never taken for right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.daemon.offline import run_recording
from ankled.daemon.records import Rep
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from benchmarks.datasets import ipol, leg_raises
from benchmarks.datasets.common import Recording
from tests.daemon.record_rules import check_reps

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.records import Side

WALKS = ("1-2", "3-3", "6-1", "8-4")
SESSIONS = ("s1_e1", "s1_e4", "s2_e3")
IDENTICAL = ("kind", "movement", "side", "set", "index", "first", "turn", "retroactive", "axis_source", "plane")
TIMES = ("start_s", "end_s", "toe_off_s", "peak_s", "known_at_s", "lateral_force_peak_time_s")
MOST_OFF_S = 0.5
SIZES = (
    "rom_deg", "stride_length_m", "peak_velocity_rad_s", "mean_velocity_rad_s", "cadence_per_min", "sway_rms_mps2",
    "sway_range_deg", "sway_jerk_rms_mps3", "lateral_force_rms_n", "lateral_force_mean_n", "lateral_force_peak_n",
)  # fmt: skip


def records_of(data: Recording, side: Side) -> list[Rep]:
    """Return the strides and repetitions of one leg."""
    given = PipelineSettings(devices=(DeviceSettings(slug="leg", side=side),))
    found = [record for record in run_recording(given, {"leg": data.arrays()}) if isinstance(record, Rep)]
    check_reps(found)
    return found


def turned(data: Recording, seed: int) -> Recording:
    """Return what the sensor had recorded, had it sat in its pocket turned at random."""
    turn = Rotation.random(rng=np.random.default_rng(seed))
    return Recording(
        data.time_s, np.ascontiguousarray(turn.apply(data.acc)), np.ascontiguousarray(turn.apply(data.gyr))
    )


def mirrored(data: Recording) -> Recording:
    """Return what the other leg had recorded, had it done the same: a rate is an axial vector."""
    mirror = np.array([1.0, -1.0, 1.0])
    return Recording(data.time_s, data.acc * mirror, data.gyr * -mirror)


def same(one: list[Rep], other: list[Rep], rate_hz: float, names: tuple[str, ...] = IDENTICAL) -> None:
    """Assert as many, of the same kinds, at the same times within a sample, sizes within 2 %.

    Rounding can tip the sample that closes a slow movement, or which of two peaks of one size is the larger: so one
    repetition, or one in 25, may be off in any one field.
    """
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for name in names:
            assert getattr(a, name) == getattr(b, name), (a.id, name)
    for name in TIMES:
        x, y = (np.array([getattr(rep, name) for rep in reps], dtype=float) for reps in (one, other))
        np.testing.assert_array_equal(np.isnan(x), np.isnan(y), err_msg=name)
        off = np.abs(y - x) > 1.001 / rate_hz
        assert off.sum() <= _odd(one), (name, y[off] - x[off])
        assert np.all(np.abs(y - x)[off] < MOST_OFF_S), name
    for name in SIZES:
        x, y = (np.array([getattr(rep, name) for rep in reps], dtype=float) for reps in (one, other))
        scale = float(np.nanmedian(np.abs(x))) if np.any(~np.isnan(x)) else 1.0
        off = np.abs(y - x) > 0.02 * (np.abs(x) + scale)
        assert off.sum() <= _odd(one), (name, x[off], y[off])


def _odd(reps: list[Rep]) -> int:
    """Return how many may be off in a field."""
    return max(1, len(reps) // 25)


@settings(max_examples=6)
@given(name=st.sampled_from(WALKS), side=st.sampled_from(("left", "right")), seed=st.integers(0, 10**6))
def test_any_rotation_of_a_walk(data_folder: Path, name: str, side: Side, seed: int) -> None:
    """Real feet, with a U-turn and lost packets: the same strides."""
    assert data_folder
    data = ipol.load_walk(name).feet[side].data
    found = records_of(data, side)
    assert len(found) > 8
    same(found, records_of(turned(data, seed), side), ipol.RATE_HZ)


@settings(max_examples=4)
@given(name=st.sampled_from(SESSIONS), seed=st.integers(0, 10**6))
def test_any_rotation_of_an_exercise(data_folder: Path, name: str, seed: int) -> None:
    """Real repetitions at 25 Hz, correct, fast and low: the same."""
    assert data_folder
    data = leg_raises.load_session(name).data
    found = records_of(data, "right")
    assert len(found) > 20
    same(found, records_of(turned(data, seed), "right"), leg_raises.RATE_HZ)


@pytest.mark.parametrize("name", WALKS)
@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_a_mirrored_foot_has_the_same_outward_sign(data_folder: Path, name: str, side: Side, other: Side) -> None:
    """What one foot did, done by the other: the same records, signed forces and all."""
    assert data_folder
    data = ipol.load_walk(name).feet[side].data
    found = records_of(data, side)
    assert any(rep.lateral_force_peak_n for rep in found)
    same(found, records_of(mirrored(data), other), ipol.RATE_HZ, tuple(n for n in IDENTICAL if n != "side"))
