"""Asks nodes for results of the past: question by question, with a time-out, again, and with a reason when in vain."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.monitor.heard import LARGEST_ANSWER, read
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.requests.forms import History, HistoryForm, Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import TypeAlias

    from ankled.daemon.monitor.collect import Model, Ordered
    from ankled.daemon.monitor.people import Node, Now, Source

    Publish: TypeAlias = Callable[[Message], Awaitable[object]]

_PAGE: Final = 100
_TRIES: Final = 2


class NoHistoryError(Exception):
    """There is no answer, or none of use; `silent` if there was none at all. The message says why."""

    def __init__(self, reason: str, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.silent = silent


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What comes on `bridge/response/history`."""

    transaction: Transaction | None = None
    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


class Historian:
    """Asks through one connection. Answers reach it by `answered`, questions leave by `publish`."""

    def __init__(self, model: Model, publish: Publish, now: Callable[[], Now], *, last: int, timeout_s: float) -> None:
        """Prepare; at its beginning the `last` results of a source are wanted."""
        self._model = model
        self._publish = publish
        self._now = now
        self._last = last
        self._timeout_s = timeout_s
        self._name = f"monitor-{secrets.token_hex(4)}"
        self._count = 0
        self._waiting: dict[str, asyncio.Future[_Answer]] = {}

    def answered(self, payload: bytes) -> None:
        """Take in an answer. Those to others are none of our business."""
        answer = read(payload, _Answer, LARGEST_ANSWER)
        waiting = None if answer is None else self._waiting.get(str(answer.transaction))
        if answer is not None and waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def fill(self, node: Node, source: Source) -> AsyncIterator[list[Ordered]]:
        """Get what is missing of a source; yield the results whose turn has come. Raises NoHistoryError."""
        model, sequence = self._model, source.sequence
        began, latest = sequence.next, None
        if began is None:
            after, latest = await self._beginning(node, source)
        else:
            after = began - 1
        while True:
            told = await self._ask(node, HistoryForm(source=source.owner, after_seq=after, limit=_PAGE))
            yield model.past(node, told, self._now())
            before, after = after, max([after, *(_seq(one.record) for one in told.results)])
            yield model.covered(node, source, after if told.more else told.latest_seq or after)
            if not told.more or after == before:
                break
        if began is None:
            yield model.begin(node, source, None if latest is None else latest + 1)
        elif sequence.gap is not None and sequence.next == began:
            yield model.give_up(node, source)  # no answer will move it
        sequence.behind = False

    async def _beginning(self, node: Node, source: Source) -> tuple[int, int | None]:
        """Return after which `seq` the last results begin, and the latest there is."""
        told = await self._ask(node, HistoryForm(source=source.owner, after_seq=0, limit=1))
        latest = told.latest_seq
        return max(0, (latest or 0) - self._last), latest

    async def _ask(self, node: Node, form: HistoryForm) -> History:
        """Ask, and again where no answer comes in time."""
        for _ in range(_TRIES):
            self._count += 1
            transaction = f"{self._name}-{self._count}"
            waiting: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
            self._waiting[transaction] = waiting
            question = {"transaction": transaction, **msgspec.to_builtins(form)}
            topic = f"{self._model.base}/{node.name}/bridge/request/history"
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._publish(Message(topic, msgspec.json.encode(question)))
                    return _content(await waiting)
            except TimeoutError:
                continue
            finally:
                del self._waiting[transaction]
        reason = "it does not answer to history; its requests may be off, or this user may not make any"
        raise NoHistoryError(reason, silent=True)


def _content(answer: _Answer) -> History:
    if answer.status != "ok":
        raise NoHistoryError(answer.error or "it refuses history and does not say why")
    found = read(bytes(answer.data), History, LARGEST_ANSWER)
    if found is None:
        raise NoHistoryError("its answer to history cannot be understood")
    return found


class _Counted(msgspec.Struct):
    seq: int = 0


def _seq(record: msgspec.Raw) -> int:
    counted = read(bytes(record), _Counted)
    return 0 if counted is None else counted.seq
