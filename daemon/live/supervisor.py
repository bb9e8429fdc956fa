"""Everything live: one task an adapter and one a device, and the ways in and out. Only a defect makes `run` raise."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ankled.daemon.live.adapter import Adapter
from ankled.daemon.live.device import Device
from ankled.daemon.live.matching import Matching
from ankled.daemon.live.near import Near
from ankled.daemon.live.options import Admission, Limits, Wanted
from ankled.daemon.live.sightings import Sighting
from ankled.daemon.live.status import Nearby, Notice, SupervisorStatus
from ankled.drivers.messages import Deadline
from ankled.drivers.patience import strays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ankled.daemon.inputs import Input
    from ankled.daemon.live.matching import Claim
    from ankled.daemon.live.status import DeviceStatus, Level
    from ankled.drivers.driver import Advertisement, DriverInfo
    from ankled.drivers.link import Backend, Handle
    from ankled.drivers.messages import Action

_MOST_PUZZLES: Final = 256


class Supervisor:
    """Connects to what is wanted and keeps it connected.

    `put`, `changed` and `notice` are called in the event loop and must not block; `put` gets the inputs in their
    order. `sensors_for` gives the names of the drivers that know an advertisement, `info_of` what a driver says of
    itself, `farewell` what puts a sensor to rest before a wanted disconnect. Two supervisors with the same `seed` wait
    alike.
    """

    def __init__(  # noqa: PLR0913  (everything the outside gives, once and by name)
        self,
        *,
        backends: Mapping[str, Backend],
        devices: Iterable[Wanted],
        sensors_for: Callable[[Advertisement], list[str]],
        info_of: Callable[[str], DriverInfo],
        put: Callable[[Input], None],
        now_ns: Callable[[], int],
        farewell: Callable[[str], Iterable[Action]] = lambda _slug: (),
        changed: Callable[[DeviceStatus], None] = lambda _status: None,
        notice: Callable[[Notice], None] = lambda _notice: None,
        admission: Admission | None = None,
        limits: Limits | None = None,
        seed: str = "",
    ) -> None:
        self.limits = Limits() if limits is None else limits
        self.put = put
        self.now_ns = now_ns
        self.farewell = farewell
        self.info_of = info_of
        self._changed = changed
        self._notice = notice
        self._admission = Admission() if admission is None else admission
        self._seed = seed
        self._wanted = {one.slug: one for one in devices}
        self._matching = Matching(self._wanted.values(), self._admission, sensors_for)
        self._near = Near(self.limits.forget_s)
        self._adapters = {
            name: Adapter(name, backend, self.limits, self, seed) for name, backend in sorted(backends.items())
        }
        self._devices: dict[str, Device] = {}
        self._epochs: dict[str, int] = {}
        self._puzzles: set[str] = set()
        self._late_actions = 0
        self._group: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._left = asyncio.Event()

    # --- for whoever owns the supervisor

    async def run(self) -> None:
        """Work until `stop` is called; then say farewell to every sensor, disconnect and return."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            scanning = [group.create_task(one.run(), name=f"adapter {one.name}") for one in self._adapters.values()]
            self._reconcile()
            await self._stopping.wait()
            self._reconcile()
            await self._idle.wait()
            for task in scanning:
                task.cancel()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    def want(self, devices: Iterable[Wanted], admission: Admission | None = None) -> None:
        """Want these devices from now on. Who is not among them, or wanted otherwise, is put to rest first."""
        self._wanted = {one.slug: one for one in devices}
        self._admission = self._admission if admission is None else admission
        self._matching.want(self._wanted.values(), self._admission)
        self._reconcile()

    async def gone(self, slug: str) -> None:
        """Wait until a device that is not wanted any more was let go."""
        while (device := self._devices.get(slug)) is not None and device.stopping:
            self._left.clear()
            await self._left.wait()

    def act(self, slug: str, epoch: int, action: Action) -> None:
        """Carry out what a driver asks for, after what it asked for before. For a link that is over this does nothing.

        A Deadline is nothing for the radio: it raises TypeError.
        """
        if isinstance(action, Deadline):
            msg = "a Deadline is for whoever feeds the driver; the radio keeps no time"
            raise TypeError(msg)
        device = self._devices.get(slug)
        link = None if device is None else device.epoch
        if link is None or not link.up or link.who.epoch != epoch:
            self._late_actions += 1
            return
        link.act(action)

    def status(self) -> SupervisorStatus:
        """Return how things stand."""
        return SupervisorStatus(
            devices=tuple(device.status() for _, device in sorted(self._devices.items())),
            adapters=tuple(adapter.status() for adapter in self._adapters.values()),
            strays=strays(),
            late_actions=self._late_actions,
        )

    def nearby(self) -> tuple[Nearby, ...]:
        """Return everybody who was heard of late, by address. Who is connected does not advertise."""
        now_s = self.now_s()
        self._near.forget(now_s)
        found = {}
        for heard in self._near:
            seen, claim = heard.advertisement, self._matching.claim(heard.advertisement)
            found[seen.address] = Nearby(
                address=seen.address,
                name=seen.name,
                rssi_dbm=seen.rssi_dbm,
                services=seen.services,
                slug=None if claim is None else claim.slug,
                drivers=self._matching.drivers(seen),
                adapter=heard.adapter,
                age_s=now_s - heard.time_s,
            )
        return tuple(found[address] for address in sorted(found))

    @property
    def heartbeat_s(self) -> float:
        """How long ago the slowest of the loops last turned.

        At most about the sum of what one turn may take: connecting, a request, closing; with the default limits less
        than a minute. More is a defect, whatever the radio does.
        """
        pulses = [adapter.pulse for adapter in self._adapters.values()]
        pulses += [device.pulse for device in self._devices.values()]
        return max((pulse.age_s() for pulse in pulses), default=0.0)

    # --- for adapters and devices

    def now_s(self) -> float:
        """Return the host's time."""
        return self.now_ns() * 1e-9

    def needed(self) -> bool:
        """Tell whether there is somebody to scan for."""
        return self._admission.adopt != "none" or any(device.waits for device in self._devices.values())

    def heard(self, adapter: Adapter, seen: Advertisement, handle: Handle) -> None:
        """Take an advertisement to whom it concerns."""
        now_s = self.now_s()
        self._near.forget(now_s)
        heard = self._near.hear(adapter.name, seen, handle, now_s)
        claim = self._matching.claim(heard.advertisement)
        if claim is None or self._in_use(seen.address):
            return
        device = self._devices.get(claim.slug) or self._adopt(claim, seen.address)
        if device is not None:
            device.sighted(Sighting(adapter, heard, claim))

    def room(self, device: Device, adapter: Adapter) -> str | None:
        """Return why an adapter has no slot for a device, or None. The adopted leave room for the wanted."""
        free = adapter.slots.free(self.now_s())
        if free == 0:
            taken = ", ".join(adapter.slots.taken) or "others"
            return f"adapter {adapter.name} has no connection left: {taken} hold them"
        if device.adopted:
            absent = [slug for slug, one in self._devices.items() if not one.adopted and one.epoch is None]
            if free <= len(absent):
                return f"adapter {adapter.name} keeps its last connections for {', '.join(absent)}"
        return None

    def freed(self) -> None:
        """Let everybody look for the slot that became free."""
        for device in self._devices.values():
            device.nudge()

    def next_epoch(self, slug: str) -> int:
        """Count the links of a device over the life of this process; the first is 1."""
        self._epochs[slug] = self._epochs.get(slug, 0) + 1
        return self._epochs[slug]

    def changed(self, device: Device) -> None:
        """Pass on a new state, and let the adapters see whether a scan is needed."""
        self._changed(device.status())
        for adapter in self._adapters.values():
            adapter.wake()

    def tell(self, device: str | None, level: Level, text: str) -> None:
        """Pass on what is to be told."""
        self._notice(Notice(host_ns=self.now_ns(), device=device, level=level, text=text))

    # --- who is there

    def _in_use(self, address: str) -> bool:
        """Tell whether a device is connected: it does not advertise then, but bluetoothd tells of its links."""
        links = [device.epoch for device in self._devices.values()]
        return any(link is not None and link.who.address == address for link in links)

    def _may_stay(self, adopted: Device) -> bool:
        """Tell whether a device may stay adopted: not when it is blocked now, or wanted under a name of its own."""
        now, admission = adopted.status(), self._admission
        address = (now.address or "").upper()
        if admission.adopt == "none" or address in {one.upper() for one in admission.block.addresses}:
            return False
        return not any(
            one.address.upper() == address if one.address else one.name == now.name for one in self._wanted.values()
        )

    def _adopt(self, claim: Claim, address: str) -> Device | None:
        if not claim.adopted:
            return None
        if claim.driver is None:
            if claim.slug not in self._puzzles:
                if len(self._puzzles) >= _MOST_PUZZLES:
                    self._puzzles.clear()
                self._puzzles.add(claim.slug)
                self.tell(claim.slug, "warning", claim.problem or "no driver knows it")
            return None
        if sum(device.adopted for device in self._devices.values()) >= self._admission.most:
            return None
        return self._start(Wanted(slug=claim.slug, address=address), adopted=True)

    def _start(self, wanted: Wanted, *, adopted: bool = False) -> Device | None:
        if self._group is None or self._stopping.is_set():
            return None
        device = Device(wanted, self, self._seed, adopted=adopted)
        self._devices[wanted.slug] = device
        task = self._group.create_task(device.run(), name=f"device {wanted.slug}")
        task.add_done_callback(lambda task: self._ended(device, task))
        return device

    def _ended(self, device: Device, task: asyncio.Task[None]) -> None:
        del self._devices[device.slug]
        self._left.set()
        torn_down = not device.stopping and (task.cancelled() or task.exception() is not None)
        if not torn_down:
            self._reconcile()

    def _reconcile(self) -> None:
        """Start whom is missing and stop whom is too many; whoever is to be changed is started when it has stopped."""
        for slug, device in self._devices.items():
            if self._wanted.get(slug) == device.wanted:
                keep, device.adopted = True, False  # one that was adopted may now be asked for as it is
            else:
                keep = device.adopted and slug not in self._wanted and self._may_stay(device)
            if not keep or self._stopping.is_set():
                device.stop()
        for slug, wanted in self._wanted.items():
            if slug not in self._devices:
                self._start(wanted)
        if self._stopping.is_set() and not self._devices:
            self._idle.set()
        for adapter in self._adapters.values():
            adapter.wake()
