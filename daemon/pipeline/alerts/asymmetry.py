"""`asymmetry`: over the pairs of a set the legs differ, with certainty, by more than healthy legs do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.pipeline.alerts.compensation import fit
from ankled.daemon.pipeline.alerts.finding import Finding
from ankled.kernels import symmetry

if TYPE_CHECKING:
    from ankled.daemon.records import Pair, Rep, Side

THRESHOLD_PERCENT: Final = {"rom": 15.0, "time": 10.0, "contact_time": 10.0, "force": 30.0, "impulse": 30.0}
"""An index beyond 10 to 15 % is commonly called asymmetric. Lateral forces depend on how the sensor's axes lie on each
leg and on how far each foot turns out: they differ more between healthy legs."""
_FORCES: Final = ("force", "impulse")
_FEWEST: Final = 6
_WINDOW: Final = 64
_WORDS: Final = {
    "rom": "range of motion",
    "time": "duration",
    "contact_time": "contact time",
    "force": "peak lateral force",
    "impulse": "lateral impulse",
}


class Asymmetry(msgspec.Struct, kw_only=True):
    """What is remembered: the indices of each quantity over the pairs of the sets `of`, the ids of the last pairs."""

    of: tuple[str, int, int] = ("", 0, 0)
    indices: dict[str, list[float]] = {}
    told: bool = False

    def step(self, pair: Pair, left: Rep, right: Rep) -> Finding | None:
        """Take in a pair; return what makes it certain, once in a set."""
        of = (pair.of, left.set, right.set)
        if of != self.of:
            self.of, self.indices, self.told = of, {}, False
        if self.told or not (fit(left) and fit(right)):
            return None
        sure: list[tuple[float, str, symmetry.Interval]] = []
        for name, threshold in THRESHOLD_PERCENT.items():
            compared = getattr(pair, name)
            if compared is None or (name in _FORCES and not _mounted(left, right)):
                continue
            values = self.indices[name] = [*self.indices.get(name, []), compared.index_percent][-_WINDOW:]
            # Most pairs are alike: only where they may not be is the interval worth its time.
            if len(values) < _FEWEST or abs(sum(values)) <= threshold * len(values):
                continue
            interval = symmetry.mean_interval(values)
            if interval is not None and (beyond := _beyond(interval)) > threshold:
                sure.append((beyond / threshold, name, interval))
        if not sure:
            return None
        self.told = True
        _, name, interval = max(sure)
        return _finding(pair, name, interval, {other: found.mean for _, other, found in sure})


def _mounted(left: Rep, right: Rep) -> bool:
    """Tell whether the axes of both legs were given: axes that were found differ enough to make forces differ."""
    return left.axis_source == right.axis_source == "configured"


def _beyond(interval: symmetry.Interval) -> float:
    """Return how far from zero the interval begins, negative if it holds zero."""
    if interval.low is None or interval.high is None:
        return -1.0
    return max(interval.low, -interval.high)


def _finding(pair: Pair, name: str, interval: symmetry.Interval, means: dict[str, float]) -> Finding:
    """Return what to tell. The weaker leg does less, or takes longer; on the ground it stays less long."""
    right_has_less = interval.mean < 0.0
    lesser: Side = "right" if right_has_less else "left"
    greater: Side = "left" if right_has_less else "right"
    weaker, more = (greater, True) if name == "time" else (lesser, False)
    other = lesser if more else greater
    low, high = sorted((abs(interval.low or 0.0), abs(interval.high or 0.0)))
    what = "strides" if pair.of == "stride" else "repetitions"
    return Finding(
        alert="asymmetry",
        severity="notice",
        side=weaker,
        set=None,
        quantity=name,
        known_at_s=pair.known_at_s,
        about=[pair.id],
        message=(
            f"{weaker.capitalize()} leg weaker: {_WORDS[name]} {abs(interval.mean):.0f} % {'more' if more else 'less'} "
            f"than {other}. Over {interval.count} pairs of {what}; 95 %: {low:.0f} to {high:.0f} %."
        ),
        evidence={
            "index_percent": interval.mean,
            "low_percent": interval.low or 0.0,
            "high_percent": interval.high or 0.0,
            "threshold_percent": THRESHOLD_PERCENT[name],
            "count": float(interval.count),
            **{f"{other}_index_percent": mean for other, mean in means.items()},
        },
    )
