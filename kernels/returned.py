"""Whether the leg came back, as a repetition brings it back, or was set down elsewhere, as by a step.

The leg is looked at where it turns least just before and just after. Two signs: how far it stands from where it stood,
for brief ones only, since the double integral of the acceleration drifts; and how far it was turned round, for all of
them, since the single integral of the angular rate hardly does.
"""

from __future__ import annotations

from math import degrees
from typing import TYPE_CHECKING, Any

from ankled.kernels import displacement
from ankled.kernels.gait_events import least_motion
from ankled.kernels.jit import kernel
from ankled.kernels.ring import window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BRIEF_S = 1.6
"""Only a repetition shorter than this can be told from a step by displacement."""
_REST_REACH_S = 0.5
"""How long before a repetition the leg is looked for at rest."""
_TRAVEL_M = 0.25
"""Horizontal displacement between the ends of a repetition from which it was a step."""
_TURNED_DEG = 20.0
"""Change of heading between the ends of a repetition from which it was a step."""
_TURNED_SHARE = 0.5
"""The same for a repetition about the vertical, which need not be all the way back: a share of its range."""


@kernel
def is_brief(found: Any, rate_hz: float) -> bool:
    """Tell whether a repetition (phases.FOUND) is as short as a step."""
    return found.closed - found.onset < _BRIEF_S * rate_hz


@kernel
def came_back(
    found: Any,
    ring: NDArray[np.float64],
    k: int,
    oldest: int,
    up: NDArray[np.float64],
    rate_hz: float,
    scratch: NDArray[np.float64],
) -> bool:
    """Tell whether the leg stands where it stood, `up` being its long axis, as far as sample `k` shows it."""
    first = max(oldest, int(found.onset - _REST_REACH_S * rate_hz))
    win = window(ring, first, k + 1)
    before = float(least_motion(win, 0, int(found.onset) - first))
    after = float(least_motion(win, min(int(found.closed) - first, k - first), k - first))
    most_deg = max(_TURNED_DEG, _TURNED_SHARE * degrees(found.rom_rad)) if found.by_gyro else _TURNED_DEG
    if abs(displacement.heading_change(win, before, after)) > most_deg:
        return False
    if not is_brief(found, rate_hz):
        return True
    return displacement.measure(win, before, after, up, 0.0, rate_hz, scratch).horizontal_m <= _TRAVEL_M
