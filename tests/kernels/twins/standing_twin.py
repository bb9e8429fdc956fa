"""The sway of one spell from its samples, by the definition: plane across mean gravity, low-pass, measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.kernels.twins import filters_twin, quiet_twin

if TYPE_CHECKING:
    from tests.kernels.twins.windows_twin import Array


def sway(acc: Array, rate_hz: float, first: int, last: int, left: Array) -> dict[str, float]:
    """Every measure of samples [first, last) of the specific force, ML towards `left`; `acc` is filtered whole."""
    up = acc[first:last].mean(axis=0)
    up = up / np.linalg.norm(up)
    ml = left - (left @ up) * up
    ml = ml / np.linalg.norm(ml)
    plane = [filters_twin.lowpass(acc @ axis, 3.5, rate_hz)[first:last] for axis in (np.cross(ml, up), ml)]
    return quiet_twin.measure(plane[0] - plane[0].mean(), plane[1] - plane[1].mean(), rate_hz, 3.5)
