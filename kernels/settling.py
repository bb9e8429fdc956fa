"""Are these the axes of a leg that walks? A gait detector of its own tries them on the last seconds.

Axes that the motion speaks for are adopted only when walking is found with them: a lifted leg has a principal axis too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ankled.kernels import gait, gait_axes, leg
from ankled.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TRIAL_RATIO = 4.0
"""Least ratio of variances along y and x for a trial."""
_TRIAL_CONFIDENCE = 0.3
"""Least correlation of angular rate and forward velocity that tells the sign of y."""
_TRIAL_STRIDES = 3
"""Strides that must be found for the axes to be adopted: two could be chance."""
_TELLING_STRIDES = 3
"""Strides that must be found where velocity does not say which way is forward."""
_RUNNING_M = 0.6
"""Least displacement of a swing in running."""
_TELLING_SHOCK = 1.2
"""Ratio of the shocks at contact from which on they say it."""


@kernel
def _trial(
    s: Any, ring: NDArray[np.float64], k: int, begin: int, scratch: NDArray[np.float64]
) -> tuple[int, int, float]:
    """Run a gait detector of its own over samples `begin` to `k` with the axes of `s.tried`.

    Return its strides, how many of them are as long as a runner's, and the mean shock at contact, m/s2.
    """
    gait.restart(s.trial, s.fresh)
    strides = running = 0
    total_mps2 = 0.0
    for j in range(begin, k + 1):
        for i in range(gait.step(s.trial, ring, j, begin, s.tried, scratch)):
            strides += 1
            total_mps2 += s.trial.found[i].shock_mps2
            if s.trial.found[i].travel_m >= _RUNNING_M:
                running += 1
    return strides, running, total_mps2 / max(1, strides)


@kernel
def settles(s: Any, ring: NDArray[np.float64], k: int, begin: int, scratch: NDArray[np.float64]) -> bool:
    """Put the axes that the motion speaks for into `s.tried` and tell whether they show strides.

    Where velocity does not say which way is forward, as in running, both ways are tried: the right one sees the harder
    shock at its contacts. Strides must then be as long as a runner's, since jumps and lifts look like that too.
    """
    gait_axes.solve(s.axes)
    if s.axes.ratio < _TRIAL_RATIO:
        return False
    leg.adopt(s.tried, s.axes)
    strides, running, shock_mps2 = _trial(s, ring, k, begin, scratch)
    if s.axes.confidence >= _TRIAL_CONFIDENCE:
        return strides >= _TRIAL_STRIDES
    leg.turn_round(s.tried)
    _, others, other_mps2 = _trial(s, ring, k, begin, scratch)
    if others >= _TELLING_STRIDES and other_mps2 > _TELLING_SHOCK * shock_mps2:
        return True
    leg.turn_round(s.tried)
    return running >= _TELLING_STRIDES and shock_mps2 > _TELLING_SHOCK * other_mps2
