"""The backlog against a list: order, numbers, room, and that nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.mqtt.backlog import MemoryBacklog
from ankled.daemon.mqtt.backoff import Backoff
from ankled.daemon.mqtt.connection import Message

STEPS = st.lists(st.one_of(st.just(("put", 0)), st.tuples(st.just("acknowledge"), st.integers(0, 12))), max_size=60)


@given(st.integers(1, 5), STEPS)
def test_it_behaves_like_a_list_with_numbers(limit: int, steps: list[tuple[str, int]]) -> None:
    """Any order of puts and acknowledgements: the same messages under the same numbers as in a plain list."""

    async def scenario() -> None:
        backlog = MemoryBacklog(limit)
        model: list[Message] = []
        let_go = 0
        for action, number in steps:
            if action == "put" and len(model) - let_go < limit:
                message = Message("t", b"%d" % len(model))
                assert await backlog.put(message) == len(model)
                model.append(message)
            elif action == "acknowledge":
                backlog.acknowledge(number)
                let_go = max(let_go, min(number + 1, len(model)))
            assert backlog.first == let_go
            assert len(backlog) == len(model) - let_go
            assert backlog.full == (len(backlog) == limit)
            assert [await backlog.get(n) for n in range(let_go, len(model))] == model[let_go:]
        backlog.acknowledge(len(model))
        await backlog.drained()

    asyncio.run(scenario())


async def test_waiting_puts_get_their_turn_in_order() -> None:
    """Producers that wait for room are served as they came."""
    backlog = MemoryBacklog(1)
    await backlog.put(Message("t", b"0"))
    waiting = [asyncio.create_task(backlog.put(Message("t", b"%d" % n))) for n in (1, 2, 3)]
    got = []
    for number in range(4):
        got.append((await backlog.get(number)).payload)
        backlog.acknowledge(number)
    assert [await task for task in waiting] == [1, 2, 3]
    assert got == [b"0", b"1", b"2", b"3"]


async def test_a_cancelled_put_takes_no_room() -> None:
    """Who gives up waiting leaves the room to the next one."""
    backlog = MemoryBacklog(1)
    await backlog.put(Message("t", b"0"))
    waiting = asyncio.create_task(backlog.put(Message("t", b"1")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    backlog.acknowledge(0)
    assert await backlog.put(Message("t", b"2")) == 1
    assert (await backlog.get(1)).payload == b"2"


async def test_what_was_let_go_is_not_to_be_had() -> None:
    """A reader that asks for an acknowledged message is wrong, and told so."""
    backlog = MemoryBacklog(2)
    await backlog.put(Message("t", b"0"))
    backlog.acknowledge(0)
    await backlog.put(Message("t", b"1"))
    with pytest.raises(LookupError, match="message 0 has been let go of; the oldest kept is 1"):
        await backlog.get(0)


def test_a_backlog_has_room() -> None:
    """A limit of zero would make every put wait for ever."""
    with pytest.raises(ValueError, match="allowed is 1 or more"):
        MemoryBacklog(0)


@given(st.integers(0, 2**32))
def test_waits_grow_to_a_limit_and_are_jittered(seed: int) -> None:
    """Each wait lies between half and the whole of 0.25 s doubled up to 30 s; a reset begins again."""
    backoff = Backoff(seed=seed)
    for _ in range(2):
        waits = [backoff.next_s() for _ in range(10)]
        for wait, nominal in zip(waits, [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30], strict=True):
            assert nominal / 2 <= wait <= nominal
        assert waits[8] != waits[9]
        backoff.reset()
