"""The queue in front of the dispatcher when more comes than can be processed: what is lost is counted and told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.inputs import Dropped, Link, Notification, ReadResult, Tick, WriteResult
from ankled.daemon.live import service
from ankled.daemon.live.queue import InputQueue
from ankled.simulators.radio.virtual import run_virtual
from tests.live.account import play

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.inputs import Input


def packet(number: int, device: str = "left") -> Notification:
    """Return a notification that bears a number."""
    return Notification(host_ns=number, device=device, epoch=1, characteristic="c", data=bytes([number % 256]))


def link(number: int, *, up: bool) -> Link:
    """Return an end or a beginning of a link."""
    return Link(host_ns=number, device="left", epoch=1, up=up, address="a", name="n", driver="d")


def test_the_oldest_notifications_make_room_and_are_counted_by_device() -> None:
    """The count comes before the next input; what is newer stays in its order."""
    queue = InputQueue(capacity=3)
    for number in range(6):
        queue.put(packet(number, "left" if number % 2 else "right"))
    taken = queue.take(10)
    lost = [one for one in taken if isinstance(one, Dropped)]
    assert {(one.device, one.count) for one in lost} == {("right", 2), ("left", 1)}
    assert [one.host_ns for one in taken[len(lost) :]] == [3, 4, 5]
    assert all(one.host_ns == 3 for one in lost), "host time does not run back"
    assert queue.take(10) == []
    assert (queue.statistics.most, queue.statistics.dropped, queue.statistics.waiting) == (3, 3, 0)


answers = st.sampled_from(
    [
        lambda n: link(n, up=True),
        lambda n: link(n, up=False),
        lambda n: WriteResult(host_ns=n, device="left", epoch=1, characteristic="c"),
        lambda n: ReadResult(host_ns=n, device="left", epoch=1, characteristic="c", data=b""),
        lambda n: Tick(host_ns=n),
        packet,
        packet,
        packet,
    ]
)


@given(steps=st.lists(st.one_of(answers, st.integers(1, 6)), max_size=60), capacity=st.integers(1, 5))
def test_nothing_but_notifications_is_ever_lost(steps: list[object], capacity: int) -> None:
    """Whatever comes and goes: every input is either taken, in its order, or counted; links and answers are taken."""
    queue = InputQueue(capacity=capacity)
    put: list[Input] = []
    taken: list[Input] = []
    for step in steps:
        if isinstance(step, int):
            taken += queue.take(step)
        else:
            put.append(step(len(put)))  # type: ignore[operator]  # one of those above
            queue.put(put[-1])
    taken += queue.take(1000)
    arrived = [one for one in taken if not isinstance(one, Dropped)]
    lost = sum(one.count for one in taken if isinstance(one, Dropped))
    assert len(arrived) + lost == len(put)
    assert lost == queue.statistics.dropped
    assert [one.host_ns for one in arrived] == sorted(one.host_ns for one in arrived)
    missing = [one for one in put if one not in arrived]
    assert all(isinstance(one, Notification) for one in missing)
    times = [one.host_ns for one in taken]
    assert times == sorted(times)


def test_waiting_ends_with_the_first_input_or_with_the_time() -> None:
    """Whoever waits is woken at once; without an input the wait is as long as was asked for."""

    async def scenario() -> None:
        loop, queue = asyncio.get_running_loop(), InputQueue()
        assert not await queue.wait(1.5)
        assert loop.time() == pytest.approx(1.5)
        loop.call_later(0.25, queue.put, packet(1))
        assert await queue.wait(10.0)
        assert loop.time() == pytest.approx(1.75)
        assert await queue.wait(10.0)
        assert loop.time() == pytest.approx(1.75)

    run_virtual(scenario())


def test_an_overflow_is_told_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dispatcher that cannot keep up with a burst: lost inputs are events, their samples missing, the links stay up.

    And the capture replays to the same bytes: the loss is one of its inputs.
    """
    monkeypatch.setattr(service, "InputQueue", lambda: InputQueue(capacity=12))
    played = play("left=openankle right=movella_dot", "8 bursts * 3 2.0", 25.0, tmp_path, complete=False)
    statistics = played.run.live.service.queue.statistics
    lost = {
        label: sum(d["count"] for _, what, d in played.events(label) if what == "inputs_lost")
        for label in ("left", "right")
    }
    assert statistics.dropped == sum(lost.values()) > 100
    for label, each in (("left", 8), ("right", 1)):
        device = played.devices[label]
        assert [there for _, there in played.online(label)] == [False, True, False]
        assert lost[label] > 0
        assert device.unheard_outside((5.0, 13.0), (24.8, float("inf"))) == 0
        inside_s = device.unheard_s[device.unheard_s < 20.0]
        packets, rest = divmod(len(inside_s), each)
        assert rest == 0
        assert 0.9 * lost[label] <= packets <= lost[label], "some of what was lost was no packet of samples"
