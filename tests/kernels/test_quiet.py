"""Quiet-standing sway: a circle whose measures are known in closed form, noise against the twin, and the guards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ankled.kernels import quiet
from tests.kernels.twins import filters_twin, quiet_twin

if TYPE_CHECKING:
    from tests.kernels.motions import Array

RADIUS, LOOPS_HZ, SECONDS = 0.2, 0.5, 30.0


def circle(rate_hz: float) -> tuple[Array, Array]:
    """Return a circle of acceleration, on an offset as a tilted sensor has it."""
    t = np.arange(0.0, SECONDS, 1.0 / rate_hz)
    turn = 2.0 * np.pi * LOOPS_HZ * t
    return 0.4 + RADIUS * np.cos(turn), -0.1 + RADIUS * np.sin(turn)


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 200.0])
def test_circle(rate_hz: float) -> None:
    """A circle of 0.2 m/s2 run twice in 4 s: every measure is geometry, and MF is the frequency of the loop.

    F95 lies 95 % through the one line that holds all power and is 1/T wide.
    """
    out = quiet.measure(*circle(rate_hz), rate_hz)
    assert out is not None
    omega = 2.0 * np.pi * LOOPS_HZ
    assert out.dist_mps2 == pytest.approx(RADIUS, rel=0.01)
    assert out.rms_mps2 == pytest.approx(RADIUS, rel=0.01)
    assert out.range_mps2 == pytest.approx(2.0 * RADIUS, rel=0.02)
    assert out.path_mps2 == pytest.approx(RADIUS * omega * SECONDS, rel=0.01)
    assert out.mf_hz == pytest.approx(LOOPS_HZ, rel=0.01)
    assert out.mv_mps == pytest.approx(RADIUS / omega, rel=0.01)
    assert out.area_m2ps5 == pytest.approx(0.5 * RADIUS**2 * omega, rel=0.01)
    assert out.jerk_m2ps5 == pytest.approx(0.5 * (RADIUS * omega) ** 2 * SECONDS, rel=0.01)
    assert out.power_m2ps4 == pytest.approx(RADIUS**2, rel=0.01)
    assert out.f50_hz == pytest.approx(LOOPS_HZ, rel=1e-3)
    assert out.f95_hz == pytest.approx(LOOPS_HZ + 0.45 / SECONDS, rel=1e-3)
    assert out.rms_ap_mps2 == pytest.approx(out.rms_ml_mps2, rel=0.01)
    assert out.cf_hz == pytest.approx(LOOPS_HZ, rel=0.01)
    assert out.fd < 0.15


@pytest.mark.parametrize("seed", range(4))
def test_equals_twin(seed: int) -> None:
    """Noise gives the twin's figures, the low-pass of 3.5 Hz included."""
    rng = np.random.default_rng(seed)
    ap, ml = np.cumsum(0.02 * rng.normal(size=(2, 700)), axis=1) + 0.05 * rng.normal(size=(2, 700))
    out = quiet.measure(ap, ml, 100.0)
    assert out is not None
    ap, ml = (filters_twin.lowpass(x, 3.5, 100.0) for x in (ap, ml))
    expected = quiet_twin.measure(ap - ap.mean(), ml - ml.mean(), 100.0, 3.5)
    for name, value in expected.items():
        assert getattr(out, name) == pytest.approx(value, rel=1e-8), name


def test_directions_exchange() -> None:
    """Which direction is called AP does not matter to any measure: all are of the plane."""
    ap, ml = np.cumsum(np.random.default_rng(5).normal(size=(2, 600)), axis=1)
    a, b = quiet.measure(ap, ml, 100.0), quiet.measure(ml, ap, 100.0)
    assert a is not None
    assert b is not None
    assert a.rms_mps2 == pytest.approx(b.rms_mps2)
    assert a.f95_hz == pytest.approx(b.f95_hz)
    assert a.area_m2ps5 == pytest.approx(b.area_m2ps5)


def test_guards() -> None:
    """Less than five seconds is no spell of standing; perfect stillness has zeros and no frequencies."""
    assert quiet.measure(np.ones(499), np.ones(499), 100.0) is None
    still = quiet.measure(np.zeros(500), np.zeros(500), 100.0)
    assert still is not None
    assert (still.rms_mps2, still.path_mps2, still.power_m2ps4) == (0.0, 0.0, 0.0)
    assert math.isnan(still.mf_hz)
    assert math.isnan(still.f95_hz)
