"""A look into the kernels' memory between two blocks of samples: what the leg does at this moment.

It reads and alters nothing, so results are the same whether somebody looks or not. It is no part of what a replay must
repeat, and so it is numpy and not compiled: looked at ten times a second, it costs little.
"""

from __future__ import annotations

from math import degrees, pi
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from ankled.daemon.pipeline.reps import AXIS_SOURCES
from ankled.kernels.constants import GAIT, GRAVITY_MPS2, REPS
from ankled.kernels.excursion import HOME
from ankled.kernels.leg import CONFIGURED, UNKNOWN, WALKING
from ankled.kernels.ring import ACC, GYR, QUAT, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.daemon.settings import DeviceSettings

    FloatArray: TypeAlias = NDArray[np.float64]

Phase: TypeAlias = Literal["rest", "out", "hold", "back", "stance", "swing"]

_SWAY_S: Final = 1.0
_TRACE_HZ: Final = 50.0
"""Values of the trace a second at most: each is the mean of the samples between, which passes what is below 22 Hz."""
_SWAY_HZ: Final = 22.5
"""Means so many a second pass what is below 10 Hz, the bandwidth of sway."""
_STILL_RAD_S: Final = 0.15
"""A leg that turns more slowly is at rest, or held."""
_HELD: Final = 0.7
"""Part of the excursion above which a still leg is held, as `phases` has it."""
_SWINGING: Final = 1
_NEXT: Final = 1.6
"""A stride that takes so many times as long as the last belongs to another bout, as `steps` has it."""


class Moment(NamedTuple):
    """What can be told of the newest sample; None is what is not known. Forces are per kilogram, to the left."""

    time_s: float
    moves: bool
    walks: bool
    phase: Phase | None
    angle_deg: float | None
    rate_rad_s: float | None
    lateral_mps2: float | None
    lateral_peak_mps2: float | None
    sway_rms_mps2: float | None
    axis_source: str | None
    axis_uncertainty_deg: float | None
    dt_s: float
    angles_deg: list[float] | None
    laterals_mps2: list[float] | None


class _Turn(NamedTuple):
    """An angle and what belongs to it: now, its curve over all rows looked at, its rate, and the axis it is about."""

    now_rad: float
    curve_rad: FloatArray | None
    rate_rad_s: float
    axis: FloatArray


class Look:
    """Looks at one running chain again and again; a pipeline that takes its place wants another one."""

    def __init__(self, state: NDArray[np.void], ring: FloatArray, rate_hz: float) -> None:
        """Begin with what comes; `state` and `ring` are those of `chain.Chain`."""
        # Views: they show the memory as it is, whenever they are read.
        self._chain = state
        self._ring = ring
        self._capacity = ring.shape[0] // 2
        bouts = state["bouts"]
        self._bouts = bouts
        self._movement = int(bouts["movement"][0])
        self._leg = bouts["leg"]
        self._gait = bouts["gait"]
        self._reps = bouts["reps"]
        self._turning = self._reps["leg"]
        self._rate_hz = rate_hz
        self._block = max(1, round(rate_hz / _TRACE_HZ))
        self._sway_block = max(1, round(rate_hz / _SWAY_HZ))
        self._sway_n = round(_SWAY_S * rate_hz)
        self._next = int(state["k"][0])

    def moment(self) -> Moment | None:
        """Return what is new since the last call; None where nothing is."""
        k = int(self._chain["k"][0])
        known = min(k - int(self._chain["oldest"][0]), self._capacity)
        fresh = min(k - self._next, known)
        # Rounded up: a sample may be seen twice, but none is left out.
        blocks = min(-(-fresh // self._block), known // self._block)
        if fresh <= 0 or not blocks:
            return None
        self._next = k
        fresh = blocks * self._block
        count = max(fresh, min(self._sway_n, known))
        rows = self._ring.take(np.arange(k - count, k) % self._capacity, axis=0)
        up = _up(rows[:, QUAT : QUAT + 4])
        linear = rows[:, ACC : ACC + 3] - GRAVITY_MPS2 * up
        gyr = rows[-fresh:, GYR : GYR + 3]
        walks = self._walks(k)
        turn = self._stride(rows, up) if walks else self._repetition(rows, up)
        lateral = None
        if self._leg["source"][0] != UNKNOWN:
            lateral = (linear[-fresh:] @ self._leg["left"][0]).reshape(blocks, self._block).mean(axis=1)
        curve = None if turn is None or turn.curve_rad is None else turn.curve_rad[-fresh:]
        return Moment(
            time_s=float(rows[-1, TIME]),
            moves=bool(np.einsum("ij,ij->i", gyr, gyr).max() > _STILL_RAD_S**2) or self._away(),
            walks=walks,
            phase=self._phase(walks),
            angle_deg=None if turn is None else degrees(turn.now_rad),
            rate_rad_s=None if turn is None else turn.rate_rad_s,
            lateral_mps2=None if lateral is None else float(lateral[-1]),
            lateral_peak_mps2=None if lateral is None else float(lateral[np.abs(lateral).argmax()]),
            sway_rms_mps2=None if turn is None else self._sway(linear, turn.axis),
            axis_source=AXIS_SOURCES[int(self._leg["source"][0])],
            axis_uncertainty_deg=None if lateral is None else degrees(float(self._leg["uncertainty_rad"][0])),
            dt_s=self._block / self._rate_hz,
            angles_deg=None if curve is None else np.degrees(curve[self._block - 1 :: self._block]).tolist(),
            laterals_mps2=None if lateral is None else lateral.tolist(),
        )

    def _walks(self, k: int) -> bool:
        """Tell whether the next stride may be under way, behind one that was found to be one."""
        if self._movement == REPS or self._leg["source"][0] not in (CONFIGURED, WALKING):
            return False
        since_n = k - float(self._bouts["last_contact"][0])
        return since_n <= _NEXT * min(float(self._gait["stride_n"][0]), float(self._gait["longest_stride_n"][0]))

    def _counts(self) -> bool:
        """Tell whether there is an axis that repetitions turn about, and whether they are looked for."""
        return self._movement != GAIT and bool(self._reps["has_axis"][0])

    def _away(self) -> bool:
        """Tell whether the leg has left its rest side."""
        return self._counts() and int(self._reps["mode"][0]) != HOME

    def _phase(self, walks: bool) -> Phase | None:  # noqa: FBT001  (what the caller has found out already)
        if walks:
            return "swing" if int(self._gait["mode"][0]) == _SWINGING else "stance"
        if not self._counts():
            return None
        if not self._away():
            return "rest"
        reps = self._reps
        out_rad = float(reps["x"][0]) - float(reps["valley_x"][0])
        if abs(rate := float(reps["rate"][0])) < _STILL_RAD_S:
            held = out_rad >= _HELD * (float(reps["peak_x"][0]) - float(reps["valley_x"][0]))
            return "hold" if held else "out" if float(reps["x"][0]) >= float(reps["peak_x"][0]) else "back"
        return "out" if rate > 0.0 else "back"

    def _stride(self, rows: FloatArray, up: FloatArray) -> _Turn:
        """Return the angle of the leg from the vertical in its sagittal plane."""
        left, along = self._leg["left"][0], self._leg["up"][0]
        curve = np.arctan2(-(up @ np.cross(left, along)), up @ along)
        return _Turn(float(curve[-1]), curve, float(rows[-1, GYR : GYR + 3] @ left), left)

    def _repetition(self, rows: FloatArray, up: FloatArray) -> _Turn | None:
        """Return the angle from the rest side about the axis of the movement."""
        if not self._counts():
            return None
        turning, axis = self._turning, self._turning["a"][0]
        now_rad = float(self._reps["x"][0]) - float(self._reps["valley_x"][0])
        rate_rad_s = float(rows[-1, GYR : GYR + 3] @ axis)
        if turning["by_gyro"][0]:  # about the vertical: what the gyroscope has added up to leaves no curve behind
            return _Turn(now_rad, None, rate_rad_s, axis)
        raw = np.arctan2(up @ turning["f"][0], up @ turning["e"][0])
        curve = now_rad + (raw - raw[-1] + pi) % (2.0 * pi) - pi
        return _Turn(now_rad, curve, rate_rad_s, axis)

    def _sway(self, linear: FloatArray, axis: FloatArray) -> float | None:
        """Return the root mean square across the plane of the movement over the last second, mean removed."""
        blocks = self._sway_n // self._sway_block
        needed = blocks * self._sway_block
        if len(linear) < needed:
            return None
        across = (linear[-needed:] @ axis).reshape(blocks, self._sway_block).mean(axis=1)
        return float(across.std())


def outward(device: DeviceSettings) -> float | None:
    """Return what turns a force per kilogram to the left into newtons outward; None for an unknown side."""
    return {"left": device.mass_kg, "right": -device.mass_kg, "unknown": None}[device.side]


def _up(quat: FloatArray) -> FloatArray:
    """Return the unit vectors that point up in the sensor frame, as `frames.up`; shape (n, 3)."""
    w, x, y, z = quat.T
    up = np.empty((len(quat), 3))
    up[:, 0] = x * z - w * y
    up[:, 1] = y * z + w * x
    up[:, 2] = 0.5 - (x * x + y * y)
    up *= 2.0
    return up
