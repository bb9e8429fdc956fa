"""The bridge tells of itself: health, devices, the log, and the samples that somebody asked for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon import logs
from ankled.daemon.bridge.assembly import Assembly, Parts
from ankled.daemon.bridge.gauges import LoopLag, Ways
from ankled.daemon.bridge.health import OutboxHealth
from ankled.daemon.bridge.imu import ImuStream
from ankled.daemon.bridge.journal import Journal, Level
from ankled.daemon.bridge.notices import Notices, bounded
from ankled.daemon.errors import AnkledError
from ankled.daemon.live.pulse import Pulse
from ankled.daemon.mqtt.connection import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ankled.daemon.bridge.assembly import Account, Board, Outbox
    from ankled.daemon.bridge.health import BridgeHealth
    from ankled.daemon.bridge.journal import LogLine
    from ankled.daemon.capture.writer import CaptureHealth, CaptureWriter
    from ankled.daemon.live.clock import Clock
    from ankled.daemon.live.service import Service
    from ankled.daemon.live.supervisor import Supervisor
    from ankled.daemon.mqtt.topics import Topics
    from ankled.daemon.requests.forms import Devices
    from ankled.drivers.samples import Samples

_LOOK_S: Final = 1.0
_TELL_S: Final = 10.0
_LOG_S: Final = 0.25
_ASK_S: Final = 2.0
"""How long the outbox may take to give its account."""


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What is told beside results: of which sensors the samples, and from which level on the log (None: nothing).

    `configured` are those that the configuration names; `others` tells whether samples of adopted ones are published.
    """

    imu: frozenset[str] = frozenset()
    configured: frozenset[str] = frozenset()
    others: bool = False
    log: Level | None = None

    def of(self, slug: str) -> bool:
        """Tell whether the samples of a sensor are published."""
        return slug in self.imu or (self.others and slug not in self.configured)


class Bridge:
    """Made beside the service, run beside it. Without a board nothing is published, and `health` tells all the same.

    `outbox`, `capture`, `listing`, which gives the list of devices, and `troubles`, which gives problems of others, may
    be set anew at any time.
    """

    def __init__(  # noqa: PLR0913  (what it tells of and where to, by name)
        self,
        *,
        service: Service,
        supervisor: Supervisor,
        topics: Topics,
        clock: Clock,
        listing: Callable[[], Devices],
        board: Board | None = None,
        spoken: Spoken | None = None,
    ) -> None:
        self.pulse = Pulse()
        self.outbox: Outbox | None = None
        self.listing = listing
        self.capture: Callable[[], CaptureWriter | None] = lambda: None
        self.troubles: Callable[[], Iterable[str]] = tuple
        self.spoken = Spoken() if spoken is None else spoken
        self._service = service
        self._topics = topics
        self._clock = clock
        self._board = board
        self._lag = LoopLag()
        self._ways = Ways() if board is None else board.ways
        self._ways.now_ns = clock.now_ns
        self._imu = ImuStream(service.core, self._wanted, self._samples)
        self._assembly = Assembly(
            Parts(service, supervisor, clock, self._lag, self._ways, board, self._capture_health, self._troubles),
        )
        self._stored: OutboxHealth | None = None
        self._account: Account | None = None
        self._told: tuple[str, ...] | None = None
        self._measured_s = 0.0
        self._notices = Notices()
        service.core.tap = self._sampled
        if board is not None:
            service.made = self._ways.begin

    def health(self) -> BridgeHealth:
        """Return how everything stands now."""
        return self._assembly.health(self._stored)

    async def run(self) -> None:
        """Tell until cancelled."""
        journal = None if self.spoken.log is None or self._board is None else Journal(self.spoken.log)
        if journal is not None:
            logs.listen(journal)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._lag.run(), name="bridge-lag")
                group.create_task(self._report(), name="bridge-health")
                if journal is not None:
                    group.create_task(self._write(journal), name="bridge-log")
        finally:
            if journal is not None:
                logs.unlisten(journal)

    def tell(self) -> None:
        """Tell of health and devices, as far as they are news."""
        if self._board is None:
            return
        now_ns = self._clock.now_ns()
        now_s = now_ns * 1e-9
        due = now_s - self._measured_s >= _TELL_S
        if due:  # also while problems come and go more often than that
            self._assembly.measure()
            self._measured_s = now_s
        health = self.health()
        if due or health.problems != self._told:
            self._told = health.problems
            self._board.keep(self._topics.bridge("health"), msgspec.json.encode(health))
        devices = bounded(self.listing())
        if self._notices.news(devices, now_ns):
            self._board.keep(self._topics.bridge("devices"), msgspec.json.encode(devices))

    async def _report(self) -> None:
        while True:
            self.pulse.beat()
            await self._ask()
            self.tell()
            await asyncio.sleep(_LOOK_S)
            self._imu.passed(self._clock.now_ns())

    async def _ask(self) -> None:
        """Look at the outbox; for its account, which its thread gives between two writes, now and then."""
        if (outbox := self.outbox) is None:
            self._stored = None
            return
        account = self._account
        if account is None or self._clock.now_ns() * 1e-9 - self._measured_s >= _TELL_S - _LOOK_S:
            with contextlib.suppress(AnkledError, TimeoutError):
                async with asyncio.timeout(_ASK_S):
                    account = self._account = await outbox.account()
        self._stored = OutboxHealth(
            pending=len(outbox),
            dropped=0 if account is None else account.dropped,
            lost=outbox.lost,
            size_bytes=0 if account is None else account.size_bytes,
            # the reason names a file of this machine, which is nobody's business: the log has it
            fault=None if outbox.fault is None else "it cannot be written; the log says why",
        )

    async def _write(self, journal: Journal) -> None:
        while True:
            journal.flush_to(self._line, self._clock.now_ns() * 1e-9)
            await asyncio.sleep(_LOG_S)

    def _line(self, line: LogLine) -> None:
        if self._board is not None:
            self._board.say(Message(self._topics.bridge("logging"), msgspec.json.encode(line), 0, retain=False))

    def _wanted(self, slug: str) -> bool:
        return self.spoken.of(slug)

    def _samples(self, slug: str, payload: bytes) -> None:
        if self._board is not None:
            self._board.say(Message(self._topics.device(slug, "imu"), payload, 0, retain=False))

    def _sampled(self, samples: Samples) -> None:
        self._assembly.sampled(samples)
        if self._board is not None:
            self._imu.sampled(samples)

    def _troubles(self) -> Iterable[str]:
        return self.troubles()

    def _capture_health(self) -> CaptureHealth | None:
        writer = self.capture()
        return None if writer is None else writer.health()
