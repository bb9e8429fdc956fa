"""The queue in front of the dispatcher: order, room for what matters, and a wait that ends when something comes."""

from __future__ import annotations

import asyncio

import pytest

from ankled.daemon.inputs import Dropped, Input, Notification, Tick
from ankled.daemon.live.queue import InputQueue


def packet(number: int, device: str = "left") -> Notification:
    """Return a notification that carries its number."""
    return Notification(host_ns=number, device=device, epoch=1, characteristic="2a37", data=bytes([number]))


def test_what_has_no_room_is_counted_before_what_comes_after_it() -> None:
    """The oldest packets give way, anything else stays, and each device's loss is told first."""
    queue = InputQueue(capacity=3)
    given: list[Input] = [packet(1), Tick(host_ns=2), packet(3, "right"), packet(4), packet(5)]
    for item in given:
        queue.put(item)
    lost = [Dropped(host_ns=2, device="left", count=1), Dropped(host_ns=2, device="right", count=1)]
    assert queue.take(10) == [*lost, Tick(host_ns=2), packet(4), packet(5)]
    assert (queue.statistics.dropped, queue.statistics.most, queue.statistics.waiting) == (2, 3, 0)


def test_what_is_no_packet_always_has_room() -> None:
    """A queue full of links and ticks grows: nothing of them is ever lost."""
    queue = InputQueue(capacity=2)
    ticks = [Tick(host_ns=number) for number in range(4)]
    for item in ticks:
        queue.put(item)
    assert queue.take(10) == ticks


def test_a_batch_leaves_the_rest_in_order() -> None:
    """Two batches give what one would."""
    queue = InputQueue()
    for number in range(5):
        queue.put(packet(number))
    assert queue.take(2) + queue.take(10) == [packet(number) for number in range(5)]


async def test_waiting_ends_with_the_first_input() -> None:
    """Whoever waits is told at once, long before the time is over."""
    queue = InputQueue()
    waiting = asyncio.create_task(queue.wait(3600.0))
    await asyncio.sleep(0)
    queue.put(packet(1))
    async with asyncio.timeout(5.0):
        assert await waiting


async def test_waiting_ends_with_the_time() -> None:
    """Without an input the wait ends too, and says that there is none."""
    async with asyncio.timeout(5.0):
        assert not await InputQueue().wait(0.01)


@pytest.mark.parametrize("filled", [False, True])
async def test_others_run_even_if_nothing_is_waited_for(filled: bool) -> None:
    """A dispatcher that always finds work, or is always late, cannot starve the links and the publisher."""
    queue = InputQueue()
    if filled:
        queue.put(packet(1))
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    assert await queue.wait(0.0) is filled
    assert ran.is_set()


async def test_a_cancelled_wait_leaves_no_timer() -> None:
    """A wait that was given up does not wake anybody later."""
    queue = InputQueue()
    waiting = asyncio.create_task(queue.wait(0.01))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    again = asyncio.create_task(queue.wait(3600.0))
    await asyncio.sleep(0.05)
    assert not again.done()
    again.cancel()
