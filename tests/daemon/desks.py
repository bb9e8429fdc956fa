"""A node for tests of those who listen to one: an outbox, and a desk that answers for the past from it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

import msgspec

from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.outbox.result import Result
from ankled.daemon.records import Record, Rep, to_json
from ankled.daemon.requests import answering
from ankled.daemon.requests.desk import Desk
from ankled.daemon.requests.forms import History, HistoryForm, Past
from tests.daemon.brokers import eventually
from tests.daemon.records import make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.connection import Connection

NODE = "gym"
ROOT = f"ankled/{NODE}"
TOPIC = f"{ROOT}/kim-left/rep"


def rep(seq: int, **given: object) -> Rep:
    """Return the repetition of this `seq`, the same each time; all are of one set."""
    fields: dict[str, object] = {
        "id": f"s/kim-left/rep/{seq}", "seq": seq, "session": "s", "node": NODE, "device": "kim-left", "athlete": "kim",
        "side": "left", "kind": "rep", "set": 1, "index": seq, "movement": "leg_raise", "start_s": 3.0 * seq,
        "end_s": 3.0 * seq + 2.0, "known_at_s": 3.0 * seq + 2.1, "duration_s": 2.0, "rom_deg": 40.0 + seq % 7,
    }  # fmt: skip
    return make(Rep, **(fields | given))


def result(record: Record) -> Result:
    """Return a record of a device as the outbox keeps it."""
    assert isinstance(record, Rep)
    return Result(
        id=record.id,
        source=record.device,
        seq=record.seq,
        athlete=record.athlete,
        topic=TOPIC,
        payload=to_json(record),
        retain=False,
    )


def told(results: list[Result], form: HistoryForm, seqs: list[int]) -> History:
    """Return an answer: of the results above a `seq` as many as were asked for."""
    return History(
        source=form.source,
        results=tuple(Past(topic=one.topic, record=msgspec.Raw(one.payload)) for one in results[: form.limit]),
        more=len(results) > form.limit,
        oldest_seq=min(seqs, default=None),
        latest_seq=max(seqs, default=None),
    )


class Node:
    """Publishes what a test has it publish, keeps it in an outbox, and has a desk that answers unless told not to."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox
        self._history = answering.history(outbox)
        self._out: asyncio.Queue[Message] = asyncio.Queue()
        self._desk = Desk(Topics(node=NODE), "safe", {"history": self._handle}, self._out.put_nowait)
        self._last_question = Message(topic="", payload=b"{}")
        self._questions = 0
        self.answers = True
        self.asked: list[HistoryForm] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, address: BrokerAddress, folder: Path) -> AsyncIterator[Self]:
        """Be online at a broker."""
        async with Outbox(folder / "outbox.db") as outbox, connected(address, timeout_s=20.0) as connection:
            self = cls(connection, outbox)
            await connection.subscribe(f"{ROOT}/bridge/request/history")
            await connection.publish(Message(f"{ROOT}/bridge/state", b'{"state":"online"}', 1, retain=True))
            await connection.publish(Message(f"{ROOT}/kim-left/availability", b'{"state":"online"}', 1, retain=True))
            async with self._desk:
                tasks = {asyncio.create_task(work, name="test-node") for work in (self._take(), self._answer())}
                try:
                    yield self
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks)

    async def make(self, *records: Rep, publish: bool = True) -> None:
        """Store results; those that are not published are what a broker loses."""
        for record in records:
            self._outbox.offer(result(record))
        highest = max(record.seq for record in records)
        while (await self._outbox.seq_range("kim-left"))[1] != highest:  # noqa: ASYNC110 - sends no event
            await asyncio.sleep(0.01)
        for record in records if publish else ():
            await self._connection.publish(Message(TOPIC, to_json(record)))

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish anything."""
        await self._connection.publish(Message(topic, payload))

    async def refuse(self, reason: str) -> None:
        """Answer the last question with an error."""
        transaction = msgspec.json.decode(self._last_question.payload)["transaction"]
        answer = {"transaction": transaction, "status": "error", "error": reason}
        await self.publish(f"{ROOT}/bridge/response/history", msgspec.json.encode(answer))

    async def asked_for(self, count: int) -> None:
        """Wait until so many questions have come."""
        await eventually(lambda: self._questions >= count)

    async def _handle(self, form: HistoryForm) -> msgspec.Struct:
        self.asked.append(form)
        return await self._history(form)

    async def _take(self) -> None:
        async for message in self._connection.received():
            self._last_question = message
            self._questions += 1
            if self.answers:
                self._desk.take(message)

    async def _answer(self) -> None:
        while True:
            await self._connection.publish(await self._out.get())
