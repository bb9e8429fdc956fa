"""The clock of a live sensor: bursts, skewed and restarted clocks, counted samples, lost and repeated packets."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.pipeline.clock import Clock, ClockState
from ankled.daemon.pipeline.envelope import line_below, lower_hull, shortest_wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.drivers.samples import FloatArray

STAMPED = {"movesense": (104.0, 8), "dot": (60.0, 1), "openankle": (200.0, 7), "polar": (52.0, 60)}


class Packet(NamedTuple):
    """Samples taken at `true_s`, stamped `stamp_s` by the sensor, heard at `arrival_s`."""

    true_s: FloatArray
    stamp_s: FloatArray
    arrival_s: float


def packets(
    rate_hz: float,
    size: int,
    *,
    skew_ppm: float = 50.0,
    interval_s: float = 0.03,
    duration_s: float = 40.0,
    seed: int = 1,
) -> Iterator[Packet]:
    """Yield the packets of a sensor that runs fast by `skew_ppm`, sent at the events of a connection."""
    rng = np.random.default_rng(seed)
    first_s = rng.uniform(0.0, 0.1)
    for number in range(int(duration_s * rate_hz / size)):
        index = np.arange(number * size, (number + 1) * size) + 1.0
        true_s = first_s + index / (rate_hz * (1.0 + 1e-6 * skew_ppm))
        event_s = np.ceil((true_s[-1] + 0.0005) / interval_s) * interval_s
        arrival_s = float(event_s + 0.001 + rng.exponential(0.0005))
        stamp_s = 12.0 + true_s * (1.0 + 1e-6 * skew_ppm)
        yield Packet(np.asarray(true_s, np.float64), np.asarray(stamp_s, np.float64), arrival_s)


def placed(clock: Clock, stream: Iterator[Packet], *, stamped: bool = True) -> tuple[FloatArray, FloatArray]:
    """Return true times of all samples, and the times that the clock gave them."""
    true, given_s = [], []
    for packet in stream:
        times = clock.place(packet.stamp_s if stamped else None, len(packet.true_s), 0, packet.arrival_s)
        assert times is not None
        true.append(packet.true_s)
        given_s.append(times)
    return np.concatenate(true), np.concatenate(given_s)


@pytest.mark.parametrize("name", STAMPED)
@pytest.mark.parametrize("skew_ppm", [-50.0, 50.0, 200.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_stamped_samples_come_to_host_time(name: str, skew_ppm: float, seed: int) -> None:
    """After 20 s under bursts of 30 ms and skew, times are right to 5 ms (packets of a second: 15) and never fall."""
    rate_hz, size = STAMPED[name]
    clock = Clock()
    true, times = placed(clock, packets(rate_hz, size, skew_ppm=skew_ppm, seed=seed))
    error = (times - true)[true > 20.0]
    assert np.abs(error).max() < (0.005 if size < 20 else 0.015)
    assert np.diff(times).min() > 0.0
    uncertainty_s = clock.uncertainty_s
    assert uncertainty_s is not None
    assert np.abs(error[-1]) < uncertainty_s + 0.002, "the clock says how far it may be off"


def test_the_first_seconds_are_near_too() -> None:
    """Before any fit the error is no larger than the wait of one packet, and it shrinks without a step."""
    true, times = placed(Clock(), packets(104.0, 8))
    assert np.abs(times - true).max() < 0.035
    steps = np.diff(times) * 104.0
    assert 0.75 < steps.min() < steps.max() < 1.25


@pytest.mark.parametrize("true_rate_hz", [98.0, 100.0, 101.7])
def test_counted_samples_lock_to_their_arrivals(true_rate_hz: float) -> None:
    """A sensor without clock whose rate is percents off still has its samples placed to a few ms."""
    clock = Clock(100.0)
    true, times = placed(clock, packets(true_rate_hz, 1, skew_ppm=0.0), stamped=False)
    error = (times - true)[true > 10.0]
    assert np.abs(error).max() < 0.012
    assert clock.skew_ppm == pytest.approx(1e6 * (true_rate_hz / 100.0 - 1.0), abs=1500.0)
    assert clock.state.found_missing == 0


@pytest.mark.parametrize("lost", [5, 40])
def test_lost_samples_of_a_counted_stream_are_found(lost: int) -> None:
    """Arrivals that stay late show that samples were lost: the count is set right within two seconds."""
    clock = Clock(100.0)
    stream = list(packets(100.0, 1, skew_ppm=0.0))
    kept = [packet for number, packet in enumerate(stream) if not 2000 <= number < 2000 + lost]
    true, times = placed(clock, iter(kept), stamped=False)
    assert clock.state.found_missing == lost
    late = true > true[1999] + 2.0 + lost / 100.0
    assert np.abs((times - true)[late]).max() < 0.02


def test_a_stall_loses_nothing() -> None:
    """Packets that wait two seconds for the radio and then come at once are placed where they were taken."""
    stream = []
    for packet in packets(104.0, 8):
        stalled = 25.0 < packet.true_s[-1] < 27.0
        stream.append(packet._replace(arrival_s=27.05) if stalled else packet)
    for clock, stamped in ((Clock(), True), (Clock(104.0), False)):
        true, times = placed(clock, iter(stream), stamped=stamped)
        assert np.abs((times - true)[true > 20.0]).max() < 0.01
        assert clock.state.found_missing == 0


def test_one_wild_stamp_is_refused_and_forgotten() -> None:
    """A packet from the future is not believed, and what follows is as if it had not been."""
    clock, plain = Clock(), Clock()
    for number, packet in enumerate(packets(104.0, 8)):
        if number == 200:
            assert clock.place(packet.stamp_s + 3600.0, 8, 0, packet.arrival_s) is None
            continue
        got = clock.place(packet.stamp_s, 8, 0, packet.arrival_s)
        want = plain.place(packet.stamp_s, 8, 0, packet.arrival_s)
        assert got is not None
        assert want is not None
        assert got.tobytes() == want.tobytes()
    assert (clock.state.refused, clock.state.restarts) == (1, 0)


@pytest.mark.parametrize("jump_s", [-19.9, 3600.0])
def test_a_clock_that_begins_anew_is_followed(jump_s: float) -> None:
    """After a restart of the sensor's clock, back to zero or far ahead, times go on; at most two packets are lost."""
    clock = Clock()
    last_s = 0.0
    refused = 0
    for packet in packets(104.0, 8):
        later = packet.true_s[-1] > 20.0
        times = clock.place(packet.stamp_s + (jump_s if later else 0.0), 8, 0, packet.arrival_s)
        if times is None:
            refused += 1
            continue
        assert times[-1] > last_s
        last_s = float(times[-1])
    assert refused <= 2
    assert clock.state.restarts == 1
    assert last_s == pytest.approx(packet.true_s[-1], abs=0.005)


def test_a_packet_sent_twice_has_the_same_times_twice() -> None:
    """So the time base knows its samples for repeated ones."""
    clock = Clock()
    first = None
    for packet in packets(104.0, 8, duration_s=20.0):
        first = clock.place(packet.stamp_s, 8, 0, packet.arrival_s)
        again = clock.place(packet.stamp_s, 8, 0, packet.arrival_s + 0.002)
        assert first is not None
        assert again is not None
        np.testing.assert_allclose(again, first, atol=2e-3)
        assert again[-1] <= first[-1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_streams_that_come_apart_share_one_time(seed: int) -> None:
    """The same sensor time is the same host time in each, also across frames of a second that end at other moments."""
    frames = [("acc", one) for one in packets(52.0, 66, seed=seed)] + [("gyr", one) for one in packets(52.0, 57)]
    clock = Clock()
    stamps: dict[str, list[FloatArray]] = {"acc": [], "gyr": []}
    times: dict[str, list[FloatArray]] = {"acc": [], "gyr": []}
    for stream, packet in sorted(frames, key=lambda frame: frame[1].arrival_s):
        got = clock.place(packet.stamp_s, len(packet.stamp_s), 0, packet.arrival_s, stream)
        assert got is not None
        stamps[stream].append(packet.stamp_s)
        times[stream].append(got)
        clock = Clock(None, msgspec.msgpack.decode(msgspec.msgpack.encode(clock.state), type=ClockState))
    (acc_x, acc_s), (gyr_x, gyr_s) = ((np.concatenate(stamps[one]), np.concatenate(times[one])) for one in stamps)
    for given_s in (acc_s, gyr_s):
        steps = np.diff(given_s) * 52.0
        assert 0.75 < steps.min() < steps.max() < 1.25, "no frame overlaps the one before, none leaves a gap"
    both = (gyr_x > acc_x[0] + 3.0) & (gyr_x < acc_x[-1])
    np.testing.assert_allclose(gyr_s[both], np.interp(gyr_x[both], acc_x, acc_s), atol=2e-4)
    assert len(clock.state.way) < 10


@pytest.mark.parametrize("rate_hz", [None, 104.0])
def test_a_snapshot_goes_on_identically(rate_hz: float | None) -> None:
    """The state is all there is: saved in mid-stream and taken up again, every later time is the same bits."""
    stream = list(packets(104.0, 8))
    clock = Clock(rate_hz)
    expected = [clock.place(None if rate_hz else p.stamp_s, 8, 0, p.arrival_s) for p in stream]
    other = Clock(rate_hz)
    for number, packet in enumerate(stream):
        if number == 150:
            saved = msgspec.msgpack.encode(other.state)
            other = Clock(rate_hz, msgspec.msgpack.decode(saved, type=ClockState))
        got = other.place(None if rate_hz else packet.stamp_s, 8, 0, packet.arrival_s)
        want = expected[number]
        assert got is not None
        assert want is not None
        assert got.tobytes() == want.tobytes()


POINTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=40).map(
    lambda pairs: [(float(x), y / 100.0) for x, y in sorted(dict(pairs).items())]
)


@given(points=POINTS)
def test_the_hull_is_convex_and_below(points: list[tuple[float, float]]) -> None:
    """The lower hull's slopes rise from edge to edge, it begins and ends with the points, and none lies below it."""
    hull = lower_hull(points)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(hull)]
    assert slopes == sorted(slopes)
    assert (hull[0], hull[-1]) == (points[0], points[-1])
    for x, y in points:
        assert np.interp(x, [p[0] for p in hull], [p[1] for p in hull]) <= y + 1e-9


@given(points=POINTS, bound=st.sampled_from([0.0, 1e-3, 0.05, 10.0]))
def test_no_point_lies_below_the_line(points: list[tuple[float, float]], bound: float) -> None:
    """Whatever the bound, the line touches a point, lies below all others, and keeps the bound."""
    intercept, slope, scatter = line_below(points, bound)
    heights = [y - intercept - slope * x for x, y in points]
    assert abs(slope) <= bound
    assert min(heights) == pytest.approx(0.0, abs=1e-9)
    assert scatter >= 0.0


@given(points=POINTS)
def test_the_line_is_the_closest_one(points: list[tuple[float, float]]) -> None:
    """Of all lines through two points with none below, it has the least sum of distances (checked by brute force)."""
    intercept, slope, _ = line_below(points, 1e6)
    own = sum(y - intercept - slope * x for x, y in points)
    for a in points:
        for b in points:
            if a[0] < b[0]:
                steep = (b[1] - a[1]) / (b[0] - a[0])
                heights = [y - a[1] - steep * (x - a[0]) for x, y in points]
                assert min(heights) < -1e-9 or sum(heights) >= own - 1e-6


def test_waits_of_a_few_values_tell_the_step_between_them() -> None:
    """Three values a step apart: the shortest wait is half a step. Two values, or all alike: nothing can be told."""
    assert shortest_wait([0.0, 0.01, 0.02] * 20) == pytest.approx((0.01, 0.005))
    assert shortest_wait([0.0, 0.03] * 30) == pytest.approx((0.03, 0.0))
    assert shortest_wait([0.0] * 64) == (0.0, 0.0)
    assert shortest_wait([0.0, 0.01, 0.02]) == (0.0, 0.0)
