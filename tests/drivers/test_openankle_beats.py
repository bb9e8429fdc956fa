"""Beats without a device: their scale, those that are ignored, the state of the driver."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle.driver import SILENT_BEATS
from tests.drivers.openankle_talk import beat, clock_of, opened, packet, streaming

WRAP_US = 1 << 32


@given(
    start_us=st.integers(0, WRAP_US - 1),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 400)), min_size=1, max_size=80),
)
def test_beats_are_on_the_scale_of_the_samples(start_us: int, steps: list[tuple[bool, int]]) -> None:
    """Wherever the clock wraps: a beat is as far from the packets as the board's clock says, from the second one on."""
    driver = streaming()
    number, packets, now_us, zero_us = 0, 0, start_us, 0
    for is_packet, pause in steps:
        if is_packet:
            number += 2 + pause
            now_us = start_us + 10_000 * number
            driver.feed(packet(number % 0x10000, now_us % WRAP_US))
            zero_us = now_us // WRAP_US * WRAP_US if packets == 0 else zero_us  # the first stamp is given as sent
            packets += 1
            continue
        now_us += 100 * pause + 1
        told = clock_of(driver.feed(beat(now_us % WRAP_US)))
        if packets > 1:
            assert told == [pytest.approx((now_us - zero_us) / 1e6, abs=1e-9)]
        else:
            assert told == []
        if driver.state.stream.beats == SILENT_BEATS - 1:
            driver.state.stream.beats = 0


@pytest.mark.parametrize(
    ("time_us", "boot", "taken"),
    [
        (1_100_000, 7, True),
        (1_020_000, 7, True),
        (1_019_999, 7, False),  # taken before the packet that came before it: it waited longer than that
        (61_020_000, 7, True),
        (61_020_001, 7, False),
        (900_000, 7, False),
        (1_100_000, 8, False),
        (1_100_000, 6, False),
    ],
)
def test_beats_that_belong_to_no_packet_are_ignored(time_us: int, boot: int, *, taken: bool) -> None:
    """Another boot, a clock that has stepped, or one that is behind: nothing is made of it, nothing is said."""
    driver = streaming()
    driver.feed(packet(0, 1_000_000))
    driver.feed(packet(2, 1_020_000))
    outputs = driver.feed(beat(time_us, boot))
    assert clock_of(outputs) == ([time_us / 1e6] if taken else [])
    assert len(outputs) == taken


def test_beats_wait_for_a_line() -> None:
    """One packet, or one after stamps that jumped, is no line yet."""
    driver = streaming()
    assert driver.feed(beat(999_000)) == []
    driver.feed(packet(0, 1_000_000))
    assert driver.feed(beat(1_001_000)) == []
    driver.feed(packet(2, 1_020_000))
    assert clock_of(driver.feed(beat(1_021_000))) == [1.021]
    driver.feed(packet(4, 9_000_000))
    assert driver.feed(beat(9_001_000)) == []
    driver.feed(packet(6, 9_020_000))
    assert clock_of(driver.feed(beat(9_021_000))) == [9.021]


def test_no_beats_but_while_streaming() -> None:
    """Whatever comes before Start, or after stop(), is left alone; what is malformed is still refused."""
    for driver in (OpenAnkle(), opened()):
        assert driver.feed(beat(5)) == []
    driver = streaming()
    driver.feed(packet(0, 1_000_000))
    driver.feed(packet(2, 1_020_000))
    assert clock_of(driver.feed(beat(1_021_000)))
    driver.stop()
    assert driver.feed(beat(1_022_000)) == []
    with pytest.raises(DecodeError, match="5 bytes"):
        driver.feed(m.Notification(characteristic=wire.CLOCK, data=bytes(4)))


@given(st.integers(1, 60))
def test_a_snapshot_between_beats_changes_nothing(cut: int) -> None:
    """A driver restored from a snapshot tells the same beats, also across the wrap of the clock."""
    items = []
    for k in range(40):
        now_us = round(4.293e9 + 81_234 * k)
        items += [packet(8 * k, now_us % WRAP_US, 8), beat((now_us + 90_000 + 7 * k) % WRAP_US)]
    driver = streaming()
    for item in items[:cut]:
        driver.feed(item)
    other = OpenAnkle()
    other.restore(driver.snapshot())
    told = 0
    for item in items[cut:]:
        left, right = clock_of(driver.feed(item)), clock_of(other.feed(item))
        assert left == right
        told += len(left)
    assert told == sum(number % 2 == 1 and number > 2 for number in range(cut, len(items)))
    assert driver.snapshot() == other.snapshot()
