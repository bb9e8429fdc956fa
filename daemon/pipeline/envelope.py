"""The line below a cloud of points that lies closest to them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Point: TypeAlias = tuple[float, float]

_FEW: Final = 16
_TWO: Final = 0.6


def line_below(points: Sequence[Point], bound: float) -> tuple[float, float, float]:
    """Return intercept and slope of the closest line that no point lies below, and how much the points scatter.

    `points` (x, y) are ordered by x, at least one. Of all lines below them the closest by the sum of distances runs
    through an edge of their lower convex hull, that above the mean x. A slope beyond `bound` either way is held there.
    The scatter is the median height of the lowest quarter of the points above the line.
    """
    # All about the mean, so that nothing is lost when x and y are large.
    mean_x = sum(x for x, _ in points) / len(points)
    hull = lower_hull(points)
    slope = 0.0
    anchor = min(points, key=lambda point: point[1])
    for left, right in pairwise(hull):
        if right[0] >= mean_x:
            slope = (right[1] - left[1]) / (right[0] - left[0])
            anchor = left
            break
    if not -bound <= slope <= bound:
        slope = min(max(slope, -bound), bound)
        anchor = min(hull, key=lambda point: point[1] - slope * point[0])
    elif slope == 0.0:
        anchor = min(hull, key=lambda point: point[1])
    intercept = anchor[1] - slope * anchor[0]
    heights = sorted(y - intercept - slope * x for x, y in points)
    return intercept, slope, max(heights[len(heights) // 8], 0.0)


def shortest_wait(heights: Sequence[float]) -> tuple[float, float]:
    """Return the step between the values that waits take, and how long the shortest of them is likely to be.

    `heights` are waits less the shortest. The step is the widest gap between neighbours among the lower three quarters,
    0 for a few. Waits that take three values or more are spread evenly over an interval, so the shortest lies between 0
    and the step. With two values it may be that: or else the packets come right at an event, sometimes missing it.
    """
    if len(heights) < _FEW:
        return 0.0, 0.0
    ordered = sorted(heights)[: 3 * len(heights) // 4]
    step = max(right - left for left, right in pairwise(ordered))
    return step, step / 2.0 if step < _TWO * (ordered[-1] - ordered[0]) else 0.0


def lower_hull(points: Sequence[Point]) -> list[Point]:
    """Return the lower convex hull of points ordered by x, from left to right (Andrew's monotone chain)."""
    hull: list[Point] = []
    for x, y in points:
        while len(hull) > 1:
            (ax, ay), (bx, by) = hull[-2], hull[-1]
            if (bx - ax) * (y - ay) > (by - ay) * (x - ax):
                break  # the last one lies below the line from the one before it to this one
            hull.pop()
        if hull and hull[-1][0] == x:
            hull[-1] = (x, min(y, hull[-1][1]))
        else:
            hull.append((x, y))
    return hull
