"""A spell of stillness: whether a standing leg was still, and how it swayed.

What lies still is not a leg: the tilt that the gyroscope saw must explain the acceleration that the accelerometer saw.
On a table both are noise, and the noise of two sensors is not alike.

Sway is that of the specific force in the plane across the mean of gravity, as in the paper: mostly gravity that the
tilting leg shares out between its axes, and no orientation filter is in it. Where the axes of the leg are not known,
one posture is taken for upright: that in which the leg was still first.
"""

from __future__ import annotations

from math import exp, nan, sqrt
from typing import TYPE_CHECKING, Any

from ankled.kernels import leg as legs
from ankled.kernels import quiet
from ankled.kernels.constants import GRAVITY_MPS2
from ankled.kernels.filters import lowpass
from ankled.kernels.jit import kernel
from ankled.kernels.results import STANDING, begin
from ankled.kernels.ring import ACC, FLAG_CLIPPED, FLAG_INTERPOLATED, FLAGS, GYR, TIME, window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAK_S = 0.5
"""Time constant of the high-pass through which tilt and force are compared: bias and drift stay out."""
_PART_S = 2.5
"""How long the parts of a spell are in which they are compared, at least."""
_MARGIN_S = 1.5
"""What is filtered with a spell before its begin."""


@kernel
def _upright(s: Any, leg: Any, u: tuple[float, float, float]) -> bool:
    """Tell whether the leg stood, with up direction `u` in the sensor's frame."""
    if leg.source != legs.UNKNOWN:
        return u[0] * leg.up[0] + u[1] * leg.up[1] + u[2] * leg.up[2] >= s.upright
    p = s.posture
    size = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
    return s.has_posture == 1 and u[0] * p[0] + u[1] * p[1] + u[2] * p[2] >= s.upright * size


@kernel
def _horizontal(leg: Any, u: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the unit vector across `u` nearest to the leg's left, or to an axis of the sensor if that is unknown."""
    if leg.source != legs.UNKNOWN:
        x, y, z = leg.left[0], leg.left[1], leg.left[2]
    elif abs(u[0]) < 0.6:
        x, y, z = 1.0, 0.0, 0.0
    else:
        x, y, z = 0.0, 1.0, 0.0
    along = x * u[0] + y * u[1] + z * u[2]
    x, y, z = x - along * u[0], y - along * u[1], z - along * u[2]
    size = sqrt(x * x + y * y + z * z)
    return x / size, y / size, z / size


@kernel
def _project(
    win: NDArray[np.float64],
    u: tuple[float, float, float],
    ml: tuple[float, float, float],
    dt_s: float,
    scratch: NDArray[np.float64],
) -> None:
    """Write specific force along AP and ML to scratch columns 0 and 1, the gyroscope's leaky tilt to 2 and 3, m/s2."""
    ax, ay, az = ml[1] * u[2] - ml[2] * u[1], ml[2] * u[0] - ml[0] * u[2], ml[0] * u[1] - ml[1] * u[0]
    keep = exp(-dt_s / _LEAK_S)
    tilt_ap, tilt_ml = 0.0, 0.0
    for i in range(win.shape[0]):
        row = win[i]
        scratch[i, 0] = row[ACC] * ax + row[ACC + 1] * ay + row[ACC + 2] * az
        scratch[i, 1] = row[ACC] * ml[0] + row[ACC + 1] * ml[1] + row[ACC + 2] * ml[2]
        # The vertical turns in the frame of the sensor by u x w. AP = ML x u, so that is -w.ML along AP, w.AP along ML.
        w_ap = row[GYR] * ax + row[GYR + 1] * ay + row[GYR + 2] * az
        w_ml = row[GYR] * ml[0] + row[GYR + 1] * ml[1] + row[GYR + 2] * ml[2]
        tilt_ap = keep * (tilt_ap - GRAVITY_MPS2 * dt_s * w_ml)
        tilt_ml = keep * (tilt_ml + GRAVITY_MPS2 * dt_s * w_ap)
        scratch[i, 2] = tilt_ap
        scratch[i, 3] = tilt_ml


@kernel
def _alive(s: Any, scratch: NDArray[np.float64], first: int, last: int) -> bool:
    """Tell whether tilt (columns 2, 3) explains force (0, 1) in most parts of rows [first, last), so that a leg swayed.

    In most parts: whoever takes a weight from the floor tilts it too, but only then. Columns 4 and 5 are overwritten.
    """
    keep = exp(-1.0 / (_LEAK_S * s.rate_hz))
    for j in range(2):
        scratch[0, j + 4] = 0.0
        for i in range(1, last):
            scratch[i, j + 4] = keep * (scratch[i - 1, j + 4] + scratch[i, j] - scratch[i - 1, j])
    parts = max(1, int((last - first) / (_PART_S * s.rate_hz)))
    swayed = 0
    for part in range(parts):
        xx, xy, yy = 0.0, 0.0, 0.0
        begin_at = first + (last - first) * part // parts
        end = first + (last - first) * (part + 1) // parts
        for i in range(begin_at, end):
            for j in range(2, 4):
                tilt, force = scratch[i, j], scratch[i, j + 2]
                xx += tilt * tilt
                xy += tilt * force
                yy += force * force
        if xx >= s.sway * s.sway * (end - begin_at) and xy > 0.0 and xy * xy >= s.coherence * s.coherence * xx * yy:
            swayed += 1
    return 2 * swayed > parts


@kernel
def close(
    s: Any,
    leg: Any,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.void],
    n: int,
    end: int,
) -> int:
    """Measure the spell up to sample `end` (excluded) into row `n` of `out`, if it is one; return the next free row."""
    start = max(s.first, oldest) + s.settle_n
    if end - start < s.shortest_n:
        return n
    begin_at = max(oldest, start - int(_MARGIN_S * s.rate_hz))
    win = window(ring, begin_at, k + 1)
    first, last = start - begin_at, end - begin_at
    x, y, z = 0.0, 0.0, 0.0
    missing, clipped = 0, 0
    for i in range(first, last):
        row = win[i]
        x += row[ACC]
        y += row[ACC + 1]
        z += row[ACC + 2]
        flags = int(row[FLAGS])
        missing += flags & int(FLAG_INTERPOLATED)
        clipped += 1 if flags & int(FLAG_CLIPPED) else 0
    size = sqrt(x * x + y * y + z * z)
    u = (x / size, y / size, z / size)
    _project(win, u, _horizontal(leg, u), 1.0 / s.rate_hz, scratch)
    for j in range(4):
        lowpass(scratch, j, win.shape[0], s.bandwidth_hz, s.rate_hz)
    if not _alive(s, scratch, first, last):
        s.has_posture = 0  # it was on no leg: neither was what it stood like
        return n
    if s.reps_n >= s.exercise_n or not _upright(s, leg, u):
        return n
    row = begin(out, n, STANDING, win[win.shape[0] - 1, TIME])
    row.start_s, row.end_s = win[first, TIME], win[last - 1, TIME]
    row.missing, row.clipped = missing, clipped
    row.axis_source = leg.source
    row.axis_uncertainty_rad = leg.uncertainty_rad if leg.source != legs.UNKNOWN else nan
    quiet.fill(row, scratch, first, last - first, s.rate_hz, s.bandwidth_hz)
    if leg.source == legs.UNKNOWN:
        row.rms_ap_mps2 = row.rms_ml_mps2 = nan
    return n + 1
