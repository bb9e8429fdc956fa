"""When the date is believed: not after the machine has begun, not after it was set, and again after an hour."""

from __future__ import annotations

from ankled.daemon.live.steady import Steady

NS = 1_000_000_000


class Hands:
    """Clocks that are set by hand."""

    def __init__(self, utc_s: float) -> None:
        self.host_s, self.utc_s = 50.0, utc_s

    def now_ns(self) -> int:
        """Return the host's time."""
        return round(self.host_s * NS)

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return round(self.utc_s * NS)

    def go(self, seconds: float, ppm: float = 0.0) -> None:
        """Let time pass."""
        self.host_s += seconds
        self.utc_s += seconds * (1.0 + ppm * 1e-6)


def believed_after(steady: Steady, clock: Hands, ppm: float = 0.0) -> int:
    """Return after how many minutes the date is believed."""
    for minute in range(1, 1000):
        clock.go(60.0, ppm)
        if steady.believed():
            return minute
    raise AssertionError


def test_a_machine_without_a_clock_of_its_own() -> None:
    """It begins in 1970; the network tells the date after five minutes, and an hour later it is believed."""
    clock = Hands(10.0)
    steady = Steady(clock)
    for _ in range(5):
        clock.go(60.0)
        assert not steady.believed()
    clock.utc_s += 1.8e9
    assert not steady.believed()
    assert believed_after(steady, clock) == 60


def test_a_leap_ahead_by_mistake_is_never_believed() -> None:
    """It is put right before the hour is over; that is a step like the other."""
    clock = Hands(1.8e9)
    steady = Steady(clock)
    assert believed_after(steady, clock) == 60
    clock.utc_s += 365 * 86400.0
    assert not steady.believed()
    for _ in range(55):
        clock.go(60.0)
        assert not steady.believed()
    clock.utc_s -= 365 * 86400.0
    assert not steady.believed()
    assert believed_after(steady, clock) == 60


def test_a_clock_that_is_only_slewed_is_not_set() -> None:
    """As time servers do it all day, at 500 ppm at most."""
    clock = Hands(1.8e9)
    steady = Steady(clock)
    assert believed_after(steady, clock, 500.0) == 60
    for _ in range(600):
        clock.go(60.0, -500.0)
        assert steady.believed()
