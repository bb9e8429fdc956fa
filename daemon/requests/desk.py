"""The desk: takes requests from the broker, has them done within bounds, and answers each."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias

import msgspec
import structlog

from ankled.daemon.errors import AnkledError, UsageError
from ankled.daemon.requests.answers import Reply, reply_to
from ankled.daemon.requests.faults import filled
from ankled.daemon.requests.forms import FORMS, Form
from ankled.daemon.requests.policy import admitted
from ankled.daemon.requests.reading import fields_of, transaction_of
from ankled.daemon.requests.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from ankled.daemon.mqtt.connection import Message
    from ankled.daemon.mqtt.topics import Topics
    from ankled.daemon.requests.policy import Policy

    # takes the struct that its form names, and gives the other one
    Handler: TypeAlias = Callable[[Any], Awaitable[msgspec.Struct]]

_UNHEEDED_S: Final = 2.0
"""How long a handler may take to end when it is told to."""
_INTERNAL: Final = "an internal error, which the log of the daemon tells"

log = structlog.stdlib.get_logger(__name__)


class _LateError(Exception):
    """A handler has not done its work in time."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests may be under way at once, and how long each may take."""

    most: int = 64
    deadline_s: float = 10.0


class DeskStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the start. `failed` are defects, `late` took longer than allowed; both count as refused too."""

    done: int = 0
    refused: int = 0
    failed: int = 0
    late: int = 0


class Asked(NamedTuple):
    """A request that is in order."""

    form: Form
    takes: msgspec.Struct
    transaction: str | int | None
    reply: Reply


class Desk:
    """An asynchronous context manager: at its end what is under way is let go of."""

    def __init__(
        self,
        topics: Topics,
        policy: Policy,
        handlers: Mapping[str, Handler],
        answer: Callable[[Message], None],
        bounds: Bounds | None = None,
    ) -> None:
        """Prepare. `answer` sends a message and does not wait; each handler does the request of its name."""
        self._topics = topics
        self._policy = policy
        self._handlers = dict(handlers)
        self._forms = {form.name: form for form in FORMS if form.name in handlers}
        if strange := handlers.keys() - self._forms.keys():
            msg = f"handlers for requests that have no form: {', '.join(sorted(strange))}"
            raise ValueError(msg)
        self._answer = answer
        self._bounds = bounds or Bounds()
        self._listen: Callable[[str, Callable[[Message], None]], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._repeats = Repeats()
        self._told: set[str] = set()
        self.statistics = DeskStatistics()
        self.closing_s: Callable[[], float] = lambda: 2 * _UNHEEDED_S
        """How long what is under way may take to let go at the end."""

    async def __aenter__(self) -> Self:
        """Return the desk; it works from the first message on."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what is under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.closing_s())

    def listen(self, listen: Callable[[str, Callable[[Message], None]], None]) -> None:
        """Have requests come here, unless there are to be none."""
        self._listen = listen
        self.follow(self._policy)

    def follow(self, policy: Policy) -> None:
        """Take these requests from now on. With `off`, what still comes is not looked at."""
        self._policy = policy
        if policy != "off" and self._listen is not None:
            self._listen(self._topics.request("+"), self.take)
            self._listen = None

    def take(self, message: Message) -> None:
        """Take a request. Whatever it is, it is answered or ignored; this neither waits nor raises."""
        name = message.topic.rpartition("/")[2]
        if self._policy == "off":
            return
        if message.retain:
            self._ignore(name)
            return
        reply, problem = reply_to(self._topics, name, message)
        transaction = None
        try:
            fields = fields_of(message.payload)
            transaction = transaction_of(fields)
            form = admitted(name, self._forms, self._policy, problem)
            self._begin(Asked(form, filled(form, fields), transaction, reply), message)
        except UsageError as error:
            self._refuse(reply, transaction, str(error))
        except Exception:  # a defect here must not cost the connection to the broker
            log.exception("request not read", name=name[:64])
            self._count(failed=1)
            self._refuse(reply, transaction, f"the request met {_INTERNAL}")

    def _ignore(self, name: str) -> None:
        """Do nothing: a request that the broker keeps would be made anew on every connection."""
        if name in self._forms and name not in self._told:
            self._told.add(name)
            log.warning("request ignored", name=name, reason="it is retained; publish requests without retain")

    def _begin(self, asked: Asked, message: Message) -> None:
        key = None
        if not asked.form.read_only and asked.transaction is not None:
            key = (asked.form.name, message.payload, asked.reply)
            if self._repeats.known(key):
                if (before := self._repeats.answer(key)) is not None:
                    self._answer(before)
                return
        if len(self._tasks) >= self._bounds.most:
            msg = f"{self._bounds.most} requests are under way, which is as many as there may be; ask again"
            raise UsageError(msg)
        if key is not None:
            self._repeats.begin(key)
        task = asyncio.create_task(self._serve(asked, key), name=f"request {asked.form.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, asked: Asked, key: tuple[object, ...] | None) -> None:
        """Have a request done and answer it. What alters something waits for its turn, in the order of arrival."""
        answer = None
        try:
            async with contextlib.nullcontext() if asked.form.read_only else self._turn:
                answer = await self._outcome(asked)
        finally:
            if key is not None:
                self._repeats.end(key, answer)
        if answer is not None:
            self._answer(answer)

    async def _outcome(self, asked: Asked) -> Message | None:
        """Return the answer; None where a fault was answered."""
        name = asked.form.name
        try:
            answer = asked.reply.ok(asked.transaction, await self._within(asked))
        except _LateError:
            self._count(late=1)
            told = f"{name} took longer than {self._bounds.deadline_s:g} s and was given up"
            if not asked.form.read_only:
                told += "; whether it was done is not known"
        except AnkledError as error:
            told = str(error)
        except Exception:  # a defect of one request is no reason to end the others
            log.exception("request failed", name=name)
            self._count(failed=1)
            told = f"{name} met {_INTERNAL}"
        else:
            self._count(done=1)
            if not asked.form.read_only:
                log.info("request done", name=name, transaction=asked.transaction)
            return answer
        self._refuse(asked.reply, asked.transaction, told)
        return None

    async def _within(self, asked: Asked) -> msgspec.Struct:
        """Have the handler do it. Raises _LateError, also for a handler that does not heed its cancellation."""
        work = asyncio.ensure_future(self._handlers[asked.form.name](asked.takes))
        try:
            await asyncio.wait({work}, timeout=self._bounds.deadline_s)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=_UNHEEDED_S)
        if not work.done():
            log.error("request does not end", name=asked.form.name)
        if not work.done() or work.cancelled():
            raise _LateError
        data = work.result()
        if not isinstance(data, asked.form.gives):
            msg = f"the handler of {asked.form.name} gave {type(data).__name__}, not {asked.form.gives.__name__}"
            raise TypeError(msg)
        return data

    def _refuse(self, reply: Reply, transaction: str | int | None, text: str) -> None:
        self._count(refused=1)
        log.debug("request refused", topic=reply.topic, reason=text)
        self._answer(reply.error(transaction, text))

    def _count(self, **more: int) -> None:
        counts = msgspec.structs.asdict(self.statistics)
        self.statistics = DeskStatistics(**{name: counts[name] + more.get(name, 0) for name in counts})
