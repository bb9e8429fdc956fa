"""One device: waited for, connected to, held, and tried again, for as long as it is wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from structlog.contextvars import bind_contextvars

from ankled.daemon.live.adapter import BEAT_S
from ankled.daemon.live.backoff import Backoff, Trouble, trouble_of
from ankled.daemon.live.checks import unfit
from ankled.daemon.live.epoch import End, Epoch, Identity, Outside
from ankled.daemon.live.pulse import Pulse, woken
from ankled.daemon.live.sightings import Sighting, Sightings
from ankled.daemon.live.status import DeviceStatus
from ankled.drivers.link import Connection
from ankled.drivers.link_errors import AdapterError, LinkError, OutOfSlotsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.live.options import Wanted
    from ankled.daemon.live.owner import Owner
    from ankled.daemon.live.status import DeviceState


_LOST: Final = "the connection was lost"
_MOST_TOLD: Final = 32


class Device:
    """Its `run` ends when `stop` was called, or when an adopted device was not heard for long."""

    def __init__(self, wanted: Wanted, owner: Owner, seed: str, *, adopted: bool = False) -> None:
        self.wanted: Final = wanted
        self.adopted = adopted
        self.pulse: Final = Pulse()
        self.epoch: Epoch | None = None
        self.state: DeviceState = "waiting"
        self._owner = owner
        self._limits = owner.limits
        self._backoff = Backoff(f"{seed}/{wanted.slug}")
        self._sightings = Sightings(self._limits.fresh_s)
        self._news = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._since_ns = owner.now_ns()
        self._began_s = self._tried_s = self._since_ns * 1e-9
        self._puzzled_s: float | None = None
        self._retry_s: float | None = None
        self._attempts = self._links = self._number = self._packets = 0
        self._last_packet_s: float | None = None
        self._error: str | None = None
        self._told: set[str] = set()

    @property
    def slug(self) -> str:
        """Its name in topics and records."""
        return self.wanted.slug

    @property
    def stopping(self) -> bool:
        """Whether it is not wanted any more."""
        return self._stop.is_set()

    @property
    def waits(self) -> bool:
        """Whether a scan may help it, now or soon."""
        if self.epoch is not None or self.stopping:
            return False
        return self._retry_s is None or self._retry_s - self._now_s() < self._limits.fresh_s

    def sighted(self, sighting: Sighting) -> None:
        """Take note that it was heard. Of several devices with the name that is wanted, the one in use is kept."""
        held_s = self._tried_s if self.epoch is None else sighting.heard.time_s
        if (other := self._sightings.other(sighting, held_s)) is not None:
            seen = sighting.seen
            self._complain(f'"{seen.name}" is the name of {other} and of {seen.address}: tell them apart by address')
            return
        self._sightings.add(sighting)
        self._news.set()

    def nudge(self) -> None:
        """Look again, because a slot became free."""
        self._news.set()

    def stop(self) -> None:
        """Put it to rest and disconnect; `run` ends after that."""
        self._stop.set()
        if self.epoch is not None:
            self.epoch.end(None, "not wanted any more")
        elif self._task is not None:
            self._task.cancel()

    def status(self) -> DeviceStatus:
        """Return how it stands."""
        now_s, epoch, latest = self._now_s(), self.epoch, self._sightings.latest
        last_s = self._last_packet_s if epoch is None or epoch.last_packet_s is None else epoch.last_packet_s
        seen = None if latest is None else latest.seen
        return DeviceStatus(
            slug=self.slug,
            state=self.state,
            since_ns=self._since_ns,
            epoch=self._number,
            adopted=self.adopted,
            address=self.wanted.address if seen is None else seen.address,
            name=self.wanted.name if seen is None or seen.name is None else seen.name,
            driver=self.wanted.driver if latest is None else latest.claim.driver,
            adapter=None if latest is None else latest.adapter.name,
            rssi_dbm=None if seen is None else seen.rssi_dbm,
            mtu=None if epoch is None else epoch.mtu,
            attempts=self._attempts,
            reconnects=max(0, self._links - 1),
            packets=self._packets + (0 if epoch is None else epoch.packets),
            packet_age_s=None if last_s is None else now_s - last_s,
            retry_s=None if self._retry_s is None else max(0.0, self._retry_s - now_s),
            last_error=self._error,
        )

    async def run(self) -> None:
        """Wait, connect, hold, and begin again."""
        self._task = asyncio.current_task()
        bind_contextvars(device=self.slug)  # of this task, and all that it begins: libraries' lines name it too
        try:
            while (sighting := await self._await_sighting()) is not None:
                trouble = await self._attempt(sighting)
                if trouble is not None:
                    await self._back_off(trouble)
        finally:
            self.pulse.rest()

    async def _await_sighting(self) -> Sighting | None:
        """Wait until it can be connected to; None when there is no more point in it."""
        self._turn_to("waiting")
        waiting_s = self._now_s()
        while not self.stopping:
            self.pulse.beat()
            if (best := self._best()) is not None:
                return best
            latest = self._sightings.latest
            seen_s = waiting_s if latest is None else max(waiting_s, latest.heard.time_s)
            if self.adopted and self._now_s() - seen_s > self._limits.forget_s:
                return None
            self._news.clear()
            await woken(self._news, BEAT_S)
        return None

    def _best(self) -> Sighting | None:
        """Return the loudest of the sightings that can be acted upon now."""
        now_s = self._now_s()
        for one in self._sightings.fit(now_s, self._tried_s):
            if one.claim.driver is None:
                self._puzzle(one.claim.problem, now_s)
            elif (why := self._owner.room(self, one.adapter)) is not None:
                self._complain(why)
            else:
                return one
        return None

    async def _attempt(self, sighting: Sighting) -> Trouble | None:
        """Connect and hold the link to its end. Return what went wrong; None where waiting longer is of no use."""
        adapter = sighting.adapter
        adapter.slots.take(self.slug, self._now_s())  # there is one: `room` said so, and nobody ran since
        self._turn_to("connecting")
        self._attempts += 1
        self._puzzled_s = None
        try:
            end = await self._link(sighting)
        except OutOfSlotsError as error:
            adapter.slots.refused(self.slug, self._now_s())
            end = End(Trouble.NO_SLOT, str(error))
        except AdapterError as error:
            adapter.fail(error)
            end = End(None, str(error))
        except LinkError as error:
            end = End(trouble_of(error), str(error))
        finally:
            self._tried_s = self._now_s()
            adapter.slots.give_back(self.slug)
            self._owner.freed()
        if not self.stopping:
            self._complain(end.reason)
        return end.trouble

    async def _link(self, sighting: Sighting) -> End:
        """Connect, hold, disconnect. Raises LinkError where it does not come to a connection."""
        gone = asyncio.Event()

        def lost() -> None:
            gone.set()
            if self.epoch is not None:
                self.epoch.end(Trouble.LOST, _LOST)

        connection = await self._connect(sighting, lost)
        try:
            end = await self._hold(connection, sighting, gone)
        finally:
            self.pulse.beat()
            await connection.close()
            self._settle()
        return end

    async def _connect(self, sighting: Sighting, lost: Callable[[], None]) -> Connection:
        adapter, limits = sighting.adapter, self._limits
        self.pulse.rest()  # the adapter, and whoever connects before, have a pulse of their own
        async with adapter.quiet():
            self.pulse.beat()
            return await Connection.open(
                adapter.backend,
                sighting.heard.handle,
                lost,
                connect_s=limits.connect_s,
                request_s=limits.request_s,
            )

    async def _hold(self, connection: Connection, sighting: Sighting, gone: asyncio.Event) -> End:
        seen, driver = sighting.seen, sighting.claim.driver or ""
        info = self._owner.info_of(driver).at(self.wanted.rate_hz)
        why = await unfit(connection, info, self._limits)
        if gone.is_set():
            return End(Trouble.LOST, _LOST)
        if why is not None:
            return End(Trouble.UNFIT, why)
        self._number = self._owner.next_epoch(self.slug)
        self._links += 1
        who = Identity(self.slug, self._number, seen.address, seen.name or "", driver)
        owner = self._owner
        outside = Outside(owner.put, owner.now_ns, self._epoch_changed, lambda: owner.farewell(self.slug), self.pulse)
        self.epoch = Epoch(who, info, connection, self._limits, outside)
        try:
            return await self.epoch.run()
        finally:
            self._turn_to("waiting" if self.stopping else "backoff")  # at once: closing may take its time

    def _settle(self) -> None:
        """Keep what counts of a link that is over."""
        epoch, self.epoch = self.epoch, None
        if epoch is None:
            return
        self._packets += epoch.packets
        if epoch.last_packet_s is not None:
            self._last_packet_s = epoch.last_packet_s
            if epoch.last_packet_s - epoch.began_s >= self._limits.steady_s:
                self._backoff.reset()

    async def _back_off(self, trouble: Trouble) -> None:
        self._retry_s = self._now_s() + self._backoff.next_s(trouble)
        self._turn_to("backoff")
        while not self.stopping and (left_s := self._retry_s - self._now_s()) > 0.0:
            self.pulse.beat()
            await woken(self._stop, min(left_s, BEAT_S))
        self._retry_s = None

    def _epoch_changed(self) -> None:
        epoch = self.epoch
        if epoch is None:
            return
        if epoch.online:  # before it is told
            self._error = None
            self._told.clear()
        self._turn_to("streaming" if epoch.online else "silent" if epoch.silent else "starting")

    def _puzzle(self, problem: str | None, now_s: float) -> None:
        """Complain of a device that no driver knows, unless its next advertisement may yet tell."""
        if self._puzzled_s is None:
            self._puzzled_s = now_s
        if problem is not None and now_s - self._puzzled_s >= self._limits.unknown_s:
            self._complain(problem)

    def _complain(self, text: str) -> None:
        self._error = text
        if text not in self._told:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            self._told.add(text)
            self._owner.tell(self.slug, "warning", text)

    def _turn_to(self, state: DeviceState) -> None:
        if state != self.state:
            self.state, self._since_ns = state, self._owner.now_ns()
            self._owner.changed(self)

    def _now_s(self) -> float:
        return self._owner.now_s()
