"""Rest detection inside the orientation filter of vqf.py.

The sensor rests once neither its angular rate nor its specific force has left a narrow band around its own low-pass
for `rest_min_s`, and the low-passed rate is small enough to be a bias.
"""

from __future__ import annotations

from typing import Any

from ankled.kernels.jit import inlined
from ankled.kernels.lowpass import advance, lowpass


@inlined
def watch_rate(s: Any, gx: float, gy: float, gz: float) -> None:
    """Low-pass the angular rate and end the rest if it deviates or turns too fast to be a bias."""
    bank = s.rest_gyr
    lx = lowpass(bank, 0, gx)
    ly = lowpass(bank, 1, gy)
    lz = lowpass(bank, 2, gz)
    advance(bank)
    s.rest_rate[0] = lx
    s.rest_rate[1] = ly
    s.rest_rate[2] = lz
    deviation2 = (gx - lx) ** 2 + (gy - ly) ** 2 + (gz - lz) ** 2
    if deviation2 >= s.rest_gyr2 or max(abs(lx), abs(ly), abs(lz)) > s.bias_clip:
        s.rest_s = 0.0
        s.rest = 0


@inlined
def watch_force(s: Any, ax: float, ay: float, az: float) -> None:
    """Low-pass the specific force and end the rest if it deviates, else count the time."""
    bank = s.rest_acc
    dx = ax - lowpass(bank, 0, ax)
    dy = ay - lowpass(bank, 1, ay)
    dz = az - lowpass(bank, 2, az)
    advance(bank)
    if dx * dx + dy * dy + dz * dz >= s.rest_acc2:
        s.rest_s = 0.0
        s.rest = 0
    else:
        s.rest_s += s.ts_s
        if s.rest_s >= s.rest_min_s:
            s.rest = 1
