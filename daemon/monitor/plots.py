"""Small plots of characters, and numbers and names that fit where they are put, whatever they hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = "_.-=+*#@"
_BARS: Final = ((-60.0, 4), (-70.0, 3), (-80.0, 2), (-90.0, 1))
"""dBm from which on so many bars are shown."""
_FLAT: Final = 0.1
"""Values that differ by less than this share of their size are drawn as level: noise is no trend."""
_BIG: Final = 1e5


def spark(values: Sequence[float | None], width: int, *, ascii_only: bool = False) -> str:
    """Return the last `width` values as columns between the lowest and the highest of them; a gap for none."""
    levels = _ASCII if ascii_only else _BLOCKS
    shown = list(values)[-width:] if width > 0 else []
    known = [value for value in shown if value is not None and math.isfinite(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    room = max(high - low, _FLAT * max(abs(low), abs(high)))
    top = len(levels) - 1

    def column(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return " "
        part = 0.5 + (value - low / 2.0 - high / 2.0) / room if 0.0 < room < math.inf else 0.5
        return levels[round(top * min(1.0, max(0.0, part)))]

    return "".join(map(column, shown))


def balance(percent: float, width: int, full: float, *, ascii_only: bool = False) -> str:
    """Return a bar to the left (negative) or right of a mark in the middle, `full` percent long at most."""
    half = (width - 1) // 2
    filled = min(half, max(0, math.ceil(half * abs(percent) / full - 0.5))) if math.isfinite(percent) else 0
    bar, mark, empty = ("#", "|", ".") if ascii_only else ("█", "│", "·")
    left = bar * filled if percent < 0.0 else ""
    right = bar * filled if percent > 0.0 else ""
    return f"{left.rjust(half, empty)}{mark}{right.ljust(half, empty)}"


def shares(left_percent: float, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """Return both parts of a bar that is shared by left and right."""
    share = min(100.0, max(0.0, left_percent)) if math.isfinite(left_percent) else 50.0
    filled = round(width * share / 100.0)
    one, other = ("#", "=") if ascii_only else ("█", "▒")
    return one * filled, other * (width - filled)


def signal(rssi_dbm: float, *, ascii_only: bool = False) -> str:
    """Return the strength of a radio signal as up to four bars."""
    count = next((count for least, count in _BARS if rssi_dbm >= least), 0)
    bars = "||||" if ascii_only else "▂▄▆█"
    return bars[:count].ljust(len(bars), "." if ascii_only else "·")


def figure(value: float | None, digits: int = 1) -> str:
    """Return a number in few characters, or a dash."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{digits}f}" if abs(value) < _BIG else f"{value:.0e}"


def plain(text: str, most: int = 64) -> str:
    """Return text that can neither move the cursor nor turn the line around, cut to a length."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(char if char.isprintable() else "?" for char in cut)


def age(seconds: float) -> str:
    """Return how long ago something was."""
    if not 0.0 <= seconds < 8_640_000.0:  # noqa: PLR2004 - a hundred days
        return "long ago"
    for unit, length_s in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length_s:
            return f"{seconds / length_s:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
