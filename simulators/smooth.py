"""Smooth functions of time with exact first and second derivatives: sums of pulses and of waves.

Everything that moves in a simulation is one of these. A *step* goes from 0 to 1 and stays, a *bump* goes from 0 to 1
and back; both live on a finite interval, are polynomials or sines there, and come with closed-form derivatives, so
angular rate and acceleration are exact to rounding: nothing is differentiated numerically.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Floats: TypeAlias = NDArray[np.float64]
"""An array of float64."""
Jet: TypeAlias = Floats
"""A function of time and its derivatives on a time grid: rows value, first and second derivative; shape (3, n)."""


class Source(Protocol):
    """Anything that can add itself to a jet."""

    def add_to(self, time_s: Floats, jet: Jet) -> None:
        """Add value and two derivatives at the ascending instants `time_s` (n,) to `jet` (3, n)."""


def _step(u: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the step of degree 7: three derivatives vanish at both ends."""
    v = u * (1.0 - u)
    w = v * v
    return (
        u * u * u * u * (35.0 + u * (-84.0 + u * (70.0 - 20.0 * u))),
        140.0 * w * v,
        420.0 * w * (1.0 - 2.0 * u),
    )


def _minimum_jerk(u: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the minimum-jerk step: Flash and Hogan 1985, doi 10.1523/JNEUROSCI.05-07-01688.1985."""
    v = u * (1.0 - u)
    return u * u * u * (10.0 + u * (6.0 * u - 15.0)), 30.0 * v * v, 60.0 * v * (1.0 - 2.0 * u)


def _bump(u: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the bump (4 u (1 - u))^4: three derivatives vanish at both ends."""
    v = 4.0 * u * (1.0 - u)
    slope = 4.0 - 8.0 * u
    v2 = v * v
    return v2 * v2, 4.0 * v2 * v * slope, v2 * (12.0 * slope * slope - 32.0 * v)


def _sine4(u: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the bump sin^4(pi u)."""
    x = 2.0 * np.pi * u
    c1, c2, s1, s2 = np.cos(x), np.cos(2.0 * x), np.sin(x), np.sin(2.0 * x)
    return (
        0.375 - 0.5 * c1 + 0.125 * c2,
        np.pi * (s1 - 0.5 * s2),
        2.0 * np.pi**2 * (c1 - c2),
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """One pulse on the unit interval. `settles_at` is its value ever after: 1 for a step, 0 for a bump."""

    evaluate: Callable[[Floats], tuple[Floats, Floats, Floats]]
    settles_at: float


STEP = Shape(_step, 1.0)
MINIMUM_JERK = Shape(_minimum_jerk, 1.0)
BUMP = Shape(_bump, 0.0)
SINE4 = Shape(_sine4, 0.0)


@dataclass(frozen=True, slots=True)
class Pulses:
    """A sum of pulses of one shape: start and width in seconds, and amplitude; arrays of equal length (k,).

    They may overlap in any way. The cost is that of the samples covered, however many pulses there are.
    """

    shape: Shape
    start_s: Floats
    width_s: Floats
    amplitude: Floats

    def add_to(self, time_s: Floats, jet: Jet) -> None:
        """Add the sum and its derivatives at `time_s` to `jet`."""
        n = time_s.size
        first = np.searchsorted(time_s, self.start_s)
        last = np.searchsorted(time_s, self.start_s + self.width_s)
        if self.shape.settles_at != 0.0:
            settled = np.bincount(last, weights=self.amplitude * self.shape.settles_at, minlength=n + 1)
            jet[0] += np.cumsum(settled[:n])
        count = last - first
        total = int(count.sum())
        if total == 0:
            return
        ends = np.cumsum(count)
        row = np.arange(total) + np.repeat(first - ends + count, count)
        rate = np.repeat(1.0 / self.width_s, count)
        amplitude = np.repeat(self.amplitude, count)
        value, slope, curve = self.shape.evaluate((time_s[row] - np.repeat(self.start_s, count)) * rate)
        slope_amplitude = amplitude * rate
        jet[0] += np.bincount(row, weights=amplitude * value, minlength=n)
        jet[1] += np.bincount(row, weights=slope_amplitude * slope, minlength=n)
        jet[2] += np.bincount(row, weights=slope_amplitude * rate * curve, minlength=n)


@dataclass(frozen=True, slots=True)
class Waves:
    """A sum of sine waves that never stops: `amplitude * (sin(rate t + phase) - sin(phase))`, arrays of shape (k,)."""

    rate_rad_s: Floats
    phase_rad: Floats
    amplitude: Floats

    def add_to(self, time_s: Floats, jet: Jet) -> None:
        """Add the sum and its derivatives at `time_s` to `jet`."""
        for rate, phase, amplitude in zip(self.rate_rad_s, self.phase_rad, self.amplitude, strict=True):
            angle = rate * time_s + phase
            sine = amplitude * np.sin(angle)
            jet[0] += sine - amplitude * np.sin(phase)
            jet[1] += amplitude * rate * np.cos(angle)
            jet[2] -= rate * rate * sine


def evaluate(sources: Iterable[Source], time_s: Floats) -> Jet:
    """Return the sum of `sources` and its two derivatives at the ascending instants `time_s`, shape (3, n)."""
    jet = np.zeros((3, time_s.size))
    for source in sources:
        source.add_to(time_s, jet)
    return jet


def multiply(a: Jet, b: Jet) -> Jet:
    """Return the product of two jets by the product rule."""
    return np.stack((a[0] * b[0], a[1] * b[0] + a[0] * b[1], a[2] * b[0] + 2.0 * a[1] * b[1] + a[0] * b[2]))


def cosine_sine(angle: Jet) -> tuple[Jet, Jet]:
    """Return the jets of cos and sin of an angle (rad) given as a jet."""
    c, s = np.cos(angle[0]), np.sin(angle[0])
    square = angle[1] * angle[1]
    cosine = np.stack((c, -s * angle[1], -s * angle[2] - c * square))
    sine = np.stack((s, c * angle[1], c * angle[2] - s * square))
    return cosine, sine
