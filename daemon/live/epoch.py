"""One link of one device, while it is up: what its driver asks for, in order, and the proof that it is alive."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ankled.daemon.inputs import Link, Notification, ReadResult, WriteResult
from ankled.daemon.live.backoff import Trouble
from ankled.daemon.live.requests import HARMLESS, Answer, ask, probe_of
from ankled.daemon.live.silence import Silence, Verdict
from ankled.drivers import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ankled.daemon.inputs import Input
    from ankled.daemon.live.options import Limits
    from ankled.daemon.live.pulse import Pulse
    from ankled.drivers.driver import DriverInfo
    from ankled.drivers.link import Connection

_MOST_ACTIONS: Final = 256
_BEAT_S: Final = 5.0


class Identity(NamedTuple):
    """Who is on the other end, and for the how many-th time."""

    slug: str
    epoch: int
    address: str
    name: str
    driver: str


class End(NamedTuple):
    """Why it is over; `trouble` is None where that was wanted."""

    trouble: Trouble | None
    reason: str


class Outside(NamedTuple):
    """What an epoch has to do with: where inputs go, the clock, who is told of changes, and the driver's last wish."""

    put: Callable[[Input], None]
    now_ns: Callable[[], int]
    changed: Callable[[], None]
    farewell: Callable[[], Iterable[messages.Action]]
    pulse: Pulse


class Epoch:
    """Puts Link(up), then results and notifications, then Link(down), and nothing of this epoch after that."""

    def __init__(
        self, who: Identity, info: DriverInfo, connection: Connection, limits: Limits, outside: Outside
    ) -> None:
        self.who: Final = who
        self.began_s: Final = outside.now_ns() * 1e-9
        self.up = False
        self.online = False
        """Whether packets prove that it is alive."""
        self._info = info
        self._connection = connection
        self._limits = limits
        self._outside = outside
        self._silence = Silence(limits, info.longest_gap_s, self.began_s)
        self._aside: Final = frozenset(HARMLESS).difference(info.characteristics.values())
        self._actions: deque[messages.Action] = deque()
        self._more = asyncio.Event()
        self._asking = asyncio.Lock()
        self._subscribed: set[str] = set()
        self._ended = asyncio.Event()
        self._end: End | None = None

    @property
    def mtu(self) -> int:
        """The size of an ATT packet."""
        return self._connection.mtu

    @property
    def packets(self) -> int:
        """How many notifications of the sensor came."""
        return self._silence.packets

    @property
    def last_packet_s(self) -> float | None:
        """When the last one came."""
        return self._silence.last_s if self._silence.packets else None

    @property
    def silent(self) -> bool:
        """Whether there was no packet for too long."""
        return self._now_s() - self._silence.last_s >= self._silence.patience_s

    def end(self, trouble: Trouble | None, reason: str) -> None:
        """Let it end. The first reason given counts."""
        if self._end is None:
            self._end = End(trouble, reason)
            self._ended.set()

    def act(self, action: messages.Action) -> None:
        """Do what the driver asks for, after what it asked for before."""
        if len(self._actions) >= _MOST_ACTIONS:
            self.end(Trouble.HUNG_UP, f"its driver asks for more than {_MOST_ACTIONS} things at once")
            return
        self._actions.append(action)
        self._more.set()

    async def run(self) -> End:
        """Hold the link until it ends; return why. Where the end is wanted, the driver puts the sensor to rest."""
        self.up = True
        self._tell_link(reason=None)
        self._outside.changed()
        try:
            async with asyncio.TaskGroup() as group:
                loops = [
                    group.create_task(self._work(), name=f"actions {self.who.slug}"),
                    group.create_task(self._watch(), name=f"silence {self.who.slug}"),
                ]
                await self._ended.wait()
                for loop in loops:
                    loop.cancel()
            if self._end is not None and self._end.trouble is None:
                await self._part()
        finally:
            self.end(None, "the service stops")
            self.up = self.online = False
            self._tell_link(reason=self._end.reason if self._end else None)
        return self._end or End(None, "")

    async def _work(self) -> None:
        while True:
            self._more.clear()
            while self._actions:
                action = self._actions.popleft()
                if isinstance(action, messages.HangUp):
                    self.end(Trouble.UNFIT if action.lasting else Trouble.HUNG_UP, action.reason)
                elif not isinstance(action, messages.Deadline):
                    await self._request(action)
            await self._more.wait()

    async def _request(self, action: messages.Subscribe | messages.Read | messages.Write) -> None:
        """Make one request and put its result; the link ends if the outcome shows that there is none any more."""
        uuid = action.characteristic
        async with self._asking:
            began_s = self._now_s()
            if isinstance(action, messages.Subscribe):  # from the first moment: its values may overtake the answer
                (self._subscribed.add if action.on else self._subscribed.discard)(uuid)
            answer = await ask(self._connection, action, partial(self._notified, uuid))
        self._put_result(action, answer)
        if answer.alive:
            self._silence.answered(self._now_s())
        elif answer.over:
            self.end(Trouble.LOST, str(answer.error))
        elif answer.late and self._silence.last_s <= began_s:
            self.end(Trouble.SILENT, f"{answer.error}, and no packets either")

    def _put_result(self, action: messages.Subscribe | messages.Read | messages.Write, answer: Answer) -> None:
        host_ns, slug, epoch, uuid = self._outside.now_ns(), self.who.slug, self.who.epoch, action.characteristic
        error = None if answer.error is None else str(answer.error)
        if isinstance(action, messages.Read):
            read = ReadResult(
                host_ns=host_ns, device=slug, epoch=epoch, characteristic=uuid, data=answer.data, error=error
            )
            self._outside.put(read)
        else:
            self._outside.put(WriteResult(host_ns=host_ns, device=slug, epoch=epoch, characteristic=uuid, error=error))

    def _notified(self, uuid: str, data: bytes) -> None:
        """Take a value the moment it arrives, so for every packet. A battery level proves the link, not the stream."""
        host_ns = self._outside.now_ns()
        if not self.up:
            return
        who = self.who
        self._outside.put(
            Notification(host_ns=host_ns, device=who.slug, epoch=who.epoch, characteristic=uuid, data=data)
        )
        if uuid in self._aside:
            self._silence.answered(host_ns * 1e-9)
            return
        self._silence.packet(host_ns * 1e-9)
        if not self.online:
            self.online = True
            self._outside.changed()

    async def _watch(self) -> None:
        """Look after packets that do not come."""
        while True:
            self._outside.pulse.beat()
            await asyncio.sleep(min(_BEAT_S, max(0.01, self._silence.next_s(self._now_s()))))
            verdict = self._silence.check(self._now_s())
            if self.silent and (self.online or self.packets == 0):
                self.online = False
                self._outside.changed()
            if verdict is Verdict.PROBE:
                await self._probe()
            elif verdict is Verdict.DROP:
                self.end(Trouble.SILENT, f"it answers, and has sent nothing for {self._silence_s():.0f} s")

    async def _probe(self) -> None:
        """Ask for something, to see whether the link is alive that claims to be. A request under way does as well."""
        async with self._asking:
            if self._silence.check(self._now_s()) is not Verdict.PROBE:
                return
            uuid = probe_of(self._connection, self._info, self._subscribed)
            if uuid is None:
                self.end(Trouble.SILENT, f"nothing for {self._silence_s():.1f} s, and it has nothing to be asked for")
                return
            answer = await ask(self._connection, messages.Read(characteristic=uuid), partial(self._notified, uuid))
        if answer.alive:
            self._silence.answered(self._now_s())
        elif self.silent:
            self.end(Trouble.SILENT, f"nothing for {self._silence_s():.1f} s, and no answer to a read")

    async def _part(self) -> None:
        """Let the driver put the sensor to rest."""
        try:
            async with asyncio.timeout(self._limits.farewell_s):
                for action in self._outside.farewell():
                    if isinstance(action, messages.Subscribe | messages.Read | messages.Write):
                        await self._request(action)
        except TimeoutError:
            return

    def _silence_s(self) -> float:
        return self._now_s() - self._silence.last_s

    def _now_s(self) -> float:
        return self._outside.now_ns() * 1e-9

    def _tell_link(self, *, reason: str | None) -> None:
        self._outside.put(
            Link(
                host_ns=self._outside.now_ns(),
                device=self.who.slug,
                epoch=self.who.epoch,
                up=self.up,
                address=self.who.address,
                name=self.who.name,
                driver=self.who.driver,
                services=self._connection.services,
                mtu=self._connection.mtu,
                reason=reason,
            )
        )
