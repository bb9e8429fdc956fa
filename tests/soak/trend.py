"""Whether a row of figures, one a minute, is flat: the slope of Theil and Sen, held against a bound on the growth."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WARM_MIN: Final = 5.0
"""What is made once, such as caches and pages of the allocator, has been made after so long."""
LEAST: Final = 4
"""Fewer figures tell no slope."""


class Bound(NamedTuple):
    """By how much a figure may grow over the whole time after the warm-up: `least`, or this share of its level."""

    least: float
    share: float = 0.0


BOUNDS: Final = {
    "rss_mib": Bound(8.0, 0.05),
    "heap_kblocks": Bound(20.0, 0.05),
    "objects_k": Bound(10.0, 0.05),
    "tasks": Bound(4.0),
    "threads": Bound(1.0),
    "files": Bound(3.0),
    "sockets": Bound(2.0),
    "dbus": Bound(0.0),
    "queued": Bound(20.0),
    "pending": Bound(50.0),
}
"""What must not grow. Latencies are printed and not judged: they tell of the machine as much as of the program."""


class Verdict(NamedTuple):
    """What one figure did: `slope` for each minute, `growth` over the time after the warm-up."""

    name: str
    slope: float
    growth: float
    bound: float
    flat: bool


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Return the median of the slopes of all pairs: a few outliers do not move it."""
    pairs = [
        (values[b] - values[a]) / (times[b] - times[a])
        for a in range(len(times))
        for b in range(a + 1, len(times))
        if times[b] > times[a]
    ]
    return median(pairs) if pairs else 0.0


def judge(name: str, minutes: Sequence[float], values: Sequence[float], warm_min: float = WARM_MIN) -> Verdict | None:
    """Return the verdict on one figure; None where too few of its values come after the warm-up."""
    late = [(at, value) for at, value in zip(minutes, values, strict=True) if at >= warm_min]
    if len(late) < LEAST:
        return None
    times, used = [at for at, _ in late], [value for _, value in late]
    rising = slope(times, used)
    growth = rising * (times[-1] - times[0])
    bound = max(BOUNDS[name].least, BOUNDS[name].share * median(used))
    return Verdict(name, rising, growth, bound, growth <= bound)


def told(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as lines."""
    return "\n".join(
        f"  {one.name:<13} {one.slope:+9.4f}/min {one.growth:+9.3f} in all, at most {one.bound:8.3f}  "
        f"{'flat' if one.flat else 'GROWS'}"
        for one in verdicts
    )
