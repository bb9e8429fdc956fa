"""One adapter at work: its scanner, the quiet that connecting needs, and its slots. A dead adapter is waited for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from ankled.daemon.live.backoff import Backoff, Trouble
from ankled.daemon.live.deaf import Cure, Deaf
from ankled.daemon.live.pulse import Pulse, woken
from ankled.daemon.live.slots import Slots
from ankled.daemon.live.status import AdapterStatus
from ankled.drivers.link import Backend, Handle, Scanner
from ankled.drivers.link_errors import LinkError
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ankled.daemon.live.options import Limits
    from ankled.daemon.live.owner import Owner
    from ankled.daemon.live.status import AdapterState
    from ankled.drivers.driver import Advertisement

BEAT_S: Final = 5.0
"""Loops turn at least so often, unless they wait for the radio, which has deadlines of its own."""
_SETTLE_S: Final = 0.2
"""What changes comes in several pieces: an adapter appears, is named, and is powered on."""
_EVERYONE: Final = frozenset({sig(0x1800), sig(0x1801)})
"""Services of every device with a GATT server."""


class Adapter:
    """Scans while somebody is waited for and nobody is being connected. Lives as long as the supervisor."""

    def __init__(self, name: str, backend: Backend, limits: Limits, owner: Owner, seed: str) -> None:
        self.name: Final = name
        self.backend: Final = backend
        self.slots: Final = Slots(limits.slots)
        self.pulse: Final = Pulse()
        self.up_since_s: float | None = None
        """Since when it works; what was heard before that is stale. None while it does not."""
        self._limits = limits
        self._owner = owner
        self._scanner = Scanner(backend, self._heard)
        self._deaf = Deaf(limits)
        self._backoff = Backoff(f"{seed}/{name}")
        self._turn = asyncio.Lock()
        self._still = asyncio.Event()
        self._still.set()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._quiet_wanted = 0
        self._state: AdapterState = "starting"
        self._since_s = owner.now_s()
        self._error: str | None = None
        self._restarts = self._power_cycles = self._count = 0

    def status(self) -> AdapterStatus:
        """Return how it stands."""
        return AdapterStatus(
            name=self.name,
            state=self._state,
            since_ns=round(self._since_s * 1e9),
            last_error=self._error,
            slots=self.slots.limit(self._owner.now_s()),
            taken=self.slots.taken,
            restarts=self._restarts,
            power_cycles=self._power_cycles,
            heard=self._count,
        )

    def wake(self) -> None:
        """Look again whether a scan is needed."""
        self._wake.set()

    def fail(self, error: LinkError) -> None:
        """Note that the adapter is of no use: nobody connects by it until a scan has begun anew."""
        if self.up_since_s is not None or self._error != str(error):
            self._owner.tell(None, "warning", f"adapter {self.name}: {error}")
        self.up_since_s = None
        self._error = str(error)
        self._turn_to("down")
        self._wake.set()

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """Have the adapter for oneself: no scan, and nobody else connects."""
        self._quiet_wanted += 1
        self._wake.set()
        try:
            async with self._turn:
                await self._still.wait()
                yield
        finally:
            self._quiet_wanted -= 1
            self._wake.set()

    async def run(self) -> None:
        """Work until cancelled. Raises nothing that a later attempt could mend."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.backend.watch(self._disturb), name=f"watch {self.name}")
            try:
                await self._work()
            finally:
                self.pulse.rest()
                await self._stop_scanning()

    async def _work(self) -> None:
        while True:
            await self._rest()
            try:
                await self._scan()
            except LinkError as error:
                self.fail(error)
                await self._wait(self._backoff.next_s(Trouble.NO_ANSWER))

    async def _rest(self) -> None:
        while not self._wanted():
            if self._error is None:
                self._turn_to("paused" if self._quiet_wanted else "resting")
            self.pulse.beat()
            self._wake.clear()
            await woken(self._wake, BEAT_S)

    async def _scan(self) -> None:
        """Scan until that is not wanted any more, or hears nothing for too long. Raises LinkError."""
        self.pulse.beat()
        self._still.clear()
        self._changed.clear()
        try:
            await self._scanner.start()
            self._begun()
            held_s = 0.0
            while self._wanted() and self._state == "scanning" and not self._disturbed():
                now_s = self._owner.now_s()
                self.pulse.beat()
                if now_s >= held_s:
                    await self._find_held()
                    held_s = now_s + self._limits.held_s
                if (cure := self._deaf.cure(now_s, links=len(self.slots.taken))) is not Cure.NONE:
                    await self._cure(cure)
                    return
                self._wake.clear()
                await woken(self._wake, min(BEAT_S, max(0.01, self._deaf.due_s(now_s))))
        finally:
            await self._stop_scanning()

    def _wanted(self) -> bool:
        return self._quiet_wanted == 0 and self._owner.needed()

    def _disturb(self) -> None:
        """Note that it may have begun or ceased to work."""
        self._changed.set()
        self._wake.set()

    def _disturbed(self) -> bool:
        """Tell whether the scan has to begin anew, because what it stood on is gone or has changed."""
        return self._changed.is_set() or self._scanner.lost

    def _begun(self) -> None:
        now_s = self._owner.now_s()
        if self.up_since_s is None:
            self.up_since_s = now_s
            if self._error is not None:
                self._owner.tell(None, "info", f"adapter {self.name} works again")
        self._error = None
        self._backoff.reset()
        self._deaf.started(now_s)
        self._turn_to("scanning")

    async def _find_held(self) -> None:
        """Look for devices that do not advertise because bluetoothd still holds a link that somebody left behind."""
        for seen, handle in await self.backend.held(_EVERYONE):
            self._owner.heard(self, seen, handle)

    async def _cure(self, cure: Cure) -> None:
        """Do it. A restart is told of in the status alone: an empty room looks the same, and it costs nothing."""
        self._restarts += 1
        if cure is Cure.POWER_CYCLE:
            self._power_cycles += 1
            self._owner.tell(None, "warning", f"adapter {self.name} has heard nothing for long: {cure.value}")
            await self._stop_scanning()
            await self.backend.power_cycle()

    async def _stop_scanning(self) -> None:
        self._deaf.stopped()
        await self._scanner.stop()
        self._still.set()

    async def _wait(self, wait_s: float) -> None:
        """Wait for so long, or until the adapter may work again."""
        until_s = self._owner.now_s() + wait_s
        while (left_s := until_s - self._owner.now_s()) > 0.0:
            self.pulse.beat()
            if await woken(self._changed, min(left_s, BEAT_S)):
                await asyncio.sleep(_SETTLE_S)
                return

    def _heard(self, seen: Advertisement, handle: Handle) -> None:
        self._count += 1
        self._deaf.heard(self._owner.now_s())
        self._owner.heard(self, seen, handle)

    def _turn_to(self, state: AdapterState) -> None:
        if state != self._state:
            self._state, self._since_s = state, self._owner.now_s()
