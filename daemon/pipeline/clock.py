"""The clock of a live sensor: its own time, or its count of samples, becomes host time.

A packet cannot arrive before its last sample was taken, and some packet arrives almost at once. So of all points
(sensor time x, arrival - x) the lowest carry the truth: the fit is the line below all of them that lies closest, an
edge of their lower convex hull (Moon, Skelly, Towsley, INFOCOM 1999, doi:10.1109/INFCOM.1999.749287), over the last
`WINDOW_S`, its slope within what clocks of this kind can be off. What is handed out follows that line without a step:
an error decays with `SETTLE_S`, at least by `LEAST_SLEW`, so that time never runs backwards within a stream.

Arrivals come at the events of the connection. Where the period of the packets and the interval of the events have a
common measure, the waits take a few values only, and even the shortest of them is not zero but anywhere up to the step
between them: half that step is taken off.

Sensors without time have their samples counted at the nominal rate instead, which may be wrong by percents; samples
lost unseen then show as arrivals that stay late, and the count is set right by as many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.daemon.pipeline.envelope import Point, line_below, shortest_wait

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray

WINDOW_S: Final = 60.0
COUNTED_WINDOW_S: Final = 20.0
BIN_S: Final = 0.5
CRYSTAL: Final = 500e-6
"""The most that a sensor's clock is taken to be off; the data sheets of cheap resonators end here."""
COUNTED: Final = 0.05
"""The most that the nominal rate of a sensor without clock is taken to be off."""
SLOPE_AFTER_S: Final = 5.0
COUNTED_SLOPE_AFTER_S: Final = 1.5
SETTLE_S: Final = 2.0
LEAST_SLEW: Final = 0.01
MOST_SLEW: Final = 0.2
STRANGE_S: Final = 0.25
"""A stamp that would have its packet arrive so long before it was sent is wrong, or its clock began anew."""
HEIGHTS: Final = 64
"""Packets whose waits are compared to find the step between them."""
INTERVAL_S: Final = 0.05
"""The interval that a connection is taken to have at most, where it cannot be seen."""
STALL_S: Final = 0.1
"""What waits longer did so for another reason than the interval of the connection."""
AIR_S: Final = 0.002
"""What even the fastest packet takes from one clock to the other."""
NOISE_S: Final = 0.005
"""Waits that differ by less in all are one and the same wait."""
REMEMBERED_S: Final = 15.0
"""How far one stream of a sensor may be behind another."""
AGREE: Final = 3
"""Packets that must tell the same strange time before it is believed."""


class ClockState(msgspec.Struct, kw_only=True):
    """All that a clock remembers. Points are (x, arrival - x), one for each bin of `BIN_S`, the lowest of the bin.

    `newest` is the newest stamp of each stream, `late` when packets came and the least wait of those that came at once.
    `way` is (x, host time) after each packet where streams come apart, back to where the one furthest behind has come.
    """

    points: list[Point] = msgspec.field(default_factory=list)
    offset_s: float = 0.0
    slope: float = 0.0
    started: bool = False
    first_x: float = 0.0
    last_x: float = 0.0
    last_s: float = 0.0
    count: int = 0
    strange: list[Point] = msgspec.field(default_factory=list)
    late: list[Point] = msgspec.field(default_factory=list)
    spread_s: float = 0.0
    heights: list[float] = msgspec.field(default_factory=list)
    step_s: float = 0.0
    wait_s: float = 0.0
    restarts: int = 0
    refused: int = 0
    found_missing: int = 0
    beats: int = 0
    newest: dict[str, float] = msgspec.field(default_factory=dict)
    way: list[Point] = msgspec.field(default_factory=list)


class Clock:
    """One stream's clock. `rate_hz` given: the sensor sends no time and its samples are counted."""

    def __init__(self, rate_hz: float | None = None, state: ClockState | None = None) -> None:
        self.state = ClockState() if state is None else state
        self._rate_hz = rate_hz
        self._window_s = WINDOW_S if rate_hz is None else COUNTED_WINDOW_S
        self._bound = CRYSTAL if rate_hz is None else COUNTED
        self._slope_after_s = SLOPE_AFTER_S if rate_hz is None else COUNTED_SLOPE_AFTER_S

    @property
    def skew_ppm(self) -> float:
        """How much faster than the host's the sensor's clock runs."""
        return -1e6 * self.state.slope

    @property
    def uncertainty_s(self) -> float | None:
        """How far the times may be off, as far as the arrivals tell; None before the first packet.

        The lowest points scatter about the line by what is left of the bursts; with them goes what the slope may be
        off over the time since the fit began, and what arrivals cannot tell: where all packets wait for the radio
        equally long, that wait may be anything up to the interval of the connection.
        """
        s = self.state
        if not s.started:
            return None
        known_s = s.last_x - s.first_x
        unseen_s = INTERVAL_S if max(s.heights, default=0.0) < NOISE_S else s.step_s
        slope_s = self._bound * known_s if known_s < self._slope_after_s else 0.0
        behind_s = abs(s.last_s - (s.last_x + s.offset_s + s.slope * s.last_x))
        return AIR_S + s.spread_s + slope_s + behind_s + unseen_s

    def place(
        self, time_s: FloatArray | None, count: int, missing: int, arrival_s: float, stream: str = ""
    ) -> FloatArray | None:
        """Return the host times of `count` samples of a packet that arrived at `arrival_s`, both in s; or None.

        `time_s` (count,) is on the sensor's clock. None is returned for a packet whose stamps cannot be right: it is
        counted in `refused`. Streams of one sensor that come apart are told by `stream`: they share the clock, so the
        same sensor time gets the same host time in each, and after a pause all packets of one may come before all those
        of another.
        """
        s = self.state
        x = self._counted(count, missing, arrival_s) if time_s is None else time_s
        last = float(x[-1])
        begun = not s.started
        if begun:
            self._begin(last, arrival_s)
        elif self._rate_hz is None:
            if begun := last < s.newest.get(stream, last) - 1.0:
                self._begin(last, arrival_s)
                s.restarts += 1
            elif arrival_s - last < s.offset_s + s.slope * last - STRANGE_S:
                begun = self._believed(last, arrival_s)
                if not begun:
                    return None
        s.strange.clear()
        s.newest[stream] = max(s.newest.get(stream, last), last)
        if last <= s.last_x and not begun:
            return self._passed(x)  # sent again: the time base will know it; or of the stream that is behind
        self._note(last, arrival_s - last)
        return self._apart(x, last) if stream and self._rate_hz is None else self._follow(x, last)

    def beat(self, x: float, arrival_s: float) -> None:
        """Take in that the sensor's clock showed `x` when it handed a packet to the radio that came at `arrival_s`."""
        s = self.state
        if s.started and arrival_s - x > s.offset_s + s.slope * x - STRANGE_S:
            s.beats += 1
            self._note(x, arrival_s - x)

    def _counted(self, count: int, missing: int, arrival_s: float) -> FloatArray:
        """Return the times of samples on a clock that ticks once a sample."""
        s = self.state
        period_s = 1.0 / (self._rate_hz or 1.0)
        first = s.count + missing
        s.count = first + count
        if s.started and (off := self._count_error(s.count * period_s, arrival_s, period_s)):
            s.found_missing += off
            first += off
            s.count += off
        return np.asarray(np.arange(first + 1, first + count + 1) * period_s, dtype=np.float64)

    def _count_error(self, x: float, arrival_s: float, period_s: float) -> int:
        """Return by how many samples the count has fallen behind for good, once that is clear."""
        s = self.state
        residual_s = arrival_s - x - (s.offset_s + s.slope * x)
        if x - s.first_x < 2.0 * COUNTED_SLOPE_AFTER_S:
            return 0
        if s.late and arrival_s - s.late[-1][0] < NOISE_S:  # what comes at once has waited once
            s.late[-1] = (s.late[-1][0], min(s.late[-1][1], residual_s))
        else:
            s.late.append((arrival_s, residual_s))
        while s.late[0][0] < arrival_s - 1.0:
            s.late.pop(0)
        if residual_s <= (limit_s := max(1.5 * period_s, 0.03)):
            return 0  # as nearly always: the packet itself is in time
        if len(s.late) < 5 or arrival_s - s.late[0][0] < 0.6:  # noqa: PLR2004  (enough packets over most of a second)
            return 0
        least_s = min(one for _, one in s.late)
        if least_s <= limit_s:
            return 0
        s.late.clear()
        return round(least_s / period_s)

    def _begin(self, x: float, arrival_s: float) -> None:
        """Begin a fit with the packet whose last sample was taken at `x`."""
        s = self.state
        s.last_s = max(arrival_s, s.last_s) if s.started else arrival_s
        s.started = True
        s.points.clear()
        s.first_x = s.last_x = x
        s.offset_s, s.slope, s.spread_s = arrival_s - x, 0.0, 0.0
        s.step_s = s.wait_s = 0.0
        s.heights.clear()
        s.beats = 0
        s.newest.clear()
        s.way.clear()

    def _believed(self, x: float, arrival_s: float) -> bool:
        """Tell whether a stamp far ahead of time is a new clock: when some in a row agree. Else it is refused."""
        s = self.state
        y = arrival_s - x
        if s.strange and abs(s.strange[-1][1] - y) > STRANGE_S:
            s.strange.clear()
        s.strange.append((x, y))
        if len(s.strange) < AGREE:
            s.refused += 1
            return False
        self._begin(x, arrival_s)
        s.restarts += 1
        return True

    def _note(self, x: float, y: float) -> None:
        """Take in a point, and lay the line anew where it matters: at each new bin, and below the line."""
        s = self.state
        points = s.points
        if points and int(x / BIN_S) < int(points[-1][0] / BIN_S):
            return  # it comes too late to matter, and points have an order
        fresh = not points or int(x / BIN_S) != int(points[-1][0] / BIN_S)
        if fresh:
            points.append((x, y))
            if points[0][0] < x - self._window_s:
                points.pop(0)
        elif y < points[-1][1]:
            points[-1] = (x, y)
        height_s = y - s.offset_s - s.slope * x
        if height_s < STALL_S:
            s.heights.append(height_s)
        if fresh or y < s.offset_s + s.slope * x:
            bound = self._bound if x - s.first_x >= self._slope_after_s else 0.0
            s.offset_s, s.slope, s.spread_s = line_below(points, bound)
        if fresh:
            del s.heights[:-HEIGHTS]
            s.step_s, s.wait_s = shortest_wait(s.heights)
            if s.beats:  # these wait for any part of the interval: the shortest wait among some is almost none
                s.step_s, s.wait_s = INTERVAL_S / s.beats, 0.0

    def _passed(self, x: FloatArray) -> FloatArray:
        """Return the host times of sensor times for which some were handed out before."""
        s = self.state
        way_x, way_s = np.transpose(s.way or [(s.last_x, s.last_s)])
        times = np.where(x < way_x[0], way_s[0] + (x - way_x[0]), np.interp(x, way_x, way_s))
        return np.asarray(times, dtype=np.float64)

    def _apart(self, x: FloatArray, last: float) -> FloatArray:
        """Return the host times of samples of one of several streams, which may begin before the last packet's end."""
        s = self.state
        behind = int(x.searchsorted(s.last_x)) if s.way else 0
        known = self._passed(x[:behind])
        times = self._follow(x, last)
        times[:behind] = known
        s.way.append((last, s.last_s))
        furthest = min(s.newest.values())
        while len(s.way) > 1 and (s.way[1][0] <= furthest or s.way[1][0] < last - REMEMBERED_S):
            s.way.pop(0)
        return times

    def _follow(self, x: FloatArray, last: float) -> FloatArray:
        """Return host times of samples at `x`, drawn to the line as fast as is fit."""
        s = self.state
        target_s = last + s.offset_s + s.slope * last - s.wait_s
        passed_s = last - s.last_x
        if passed_s <= 0.0:  # the first packet of a fit
            step_s = float(x[1] - x[0]) if len(x) > 1 else 0.0
            begun_s = target_s - (last - float(x[0]))
            if begun_s <= s.last_s - step_s:
                s.last_s = target_s = max(target_s, s.last_s)
            times = np.asarray(x + (target_s - last))
            s.last_s, s.last_x = float(times[-1]), last
            return times
        ahead_s = s.last_s + passed_s * (1.0 + s.slope) - target_s
        if self._rate_hz is not None and ahead_s < -1.5 / self._rate_hz:
            now_s = target_s  # samples were lost: time goes on after the gap
            times = np.asarray(x + (target_s - last))
        else:
            pull_s = min(max(abs(ahead_s) / SETTLE_S, LEAST_SLEW), MOST_SLEW) * passed_s
            ahead_s -= min(max(ahead_s, -pull_s), pull_s)
            now_s = target_s + ahead_s
            times = np.asarray(s.last_s + (x - s.last_x) * ((now_s - s.last_s) / passed_s))
        s.last_s, s.last_x = float(times[-1]), last  # as handed out, to the last bit: a repeated sample must be known
        return times
