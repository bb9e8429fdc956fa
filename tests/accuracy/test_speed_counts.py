"""The latency benchmark counts every loss, wherever it happens: a figure of 0 has to mean something."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.speed.live.case import lost
from benchmarks.speed.live.cast import Completed, Heard, Ran, Sent, labels, side_of

SENT = Sent(sent={"left-0": 100, "right-0": 90}, overrun={"left-0": 0, "right-0": 0})
RAN = Ran(
    completed=[Completed("a", 1, 2), Completed("b", 3, 4)],
    decoded={"left-0": 100, "right-0": 90},
    missing=0,
    dropped=0,
    most_waiting=1,
    packets=20,
    moments=0,
    streamed_s=0.0,
)
HEARD = Heard(arrived_ns={"a": 3, "b": 5})


def test_nothing_is_lost_when_all_counts_agree() -> None:
    """The counts of a run without loss give 0."""
    assert lost(SENT, RAN, HEARD) == 0


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"decoded": {"left-0": 100, "right-0": 80}}, 10),
        ({"decoded": {"left-0": 100}}, 90),
        ({"decoded": {"left-0": 101, "right-0": 89}}, 2),
        ({"missing": 3}, 3),
        ({"dropped": 4}, 4),
    ],
)
def test_what_the_daemon_lacks_is_lost(change: dict[str, object], count: int) -> None:
    """Samples that did not come, too many of one sensor beside too few of another, gaps and dropped inputs."""
    assert lost(SENT, msgspec.structs.replace(RAN, **change), HEARD) == count


def test_what_never_left_the_sensor_or_never_arrived_is_lost() -> None:
    """Samples that a sensor had no room for, and records that no subscriber saw."""
    assert lost(msgspec.structs.replace(SENT, overrun={"left-0": 7, "right-0": 0}), RAN, HEARD) == 7
    assert lost(SENT, RAN, Heard(arrived_ns={"a": 3})) == 1


def test_sensors_are_named_in_pairs() -> None:
    """Every pair has a left and a right one, and no name comes twice."""
    names = labels(16)
    assert len(set(names)) == 16
    assert [side_of(name) for name in names] == ["left", "right"] * 8
