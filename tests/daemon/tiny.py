"""A tiny sensor, and a bench that plays the core: it starts each link and keeps every input."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from ankled.daemon.inputs import Link, Notification, ReadResult, WriteResult
from ankled.daemon.live.supervisor import Supervisor
from ankled.drivers.driver import Advertisement, DriverInfo
from ankled.drivers.link import Backend
from ankled.drivers.messages import Subscribe
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import (
    BATTERY_LEVEL,
    BATTERY_SERVICE,
    Advertising,
    AttError,
    Characteristic,
    Outgoing,
    Peripheral,
    Service,
)
from ankled.simulators.radio.backend import backends
from tests.drivers.conversation import board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from ankled.daemon.inputs import Input
    from ankled.daemon.live.options import Wanted
    from ankled.daemon.live.status import DeviceStatus, Notice
    from ankled.drivers.messages import Action
    from ankled.simulators.radio.world import World

SERVICE = "a0000000-0000-4000-8000-000000000001"
DATA = "a0000000-0000-4000-8000-000000000002"
COMMAND = "a0000000-0000-4000-8000-000000000003"
QUICK = "a0000000-0000-4000-8000-000000000004"
NAME = sig(0x2A00)

INFO = DriverInfo(
    name="tiny",
    title="Tiny sensor",
    kind="sensor",
    services=(SERVICE,),
    characteristics={"data": DATA, "command": COMMAND, "quick": QUICK},
    name_prefixes=("Tiny",),
    min_mtu=60,
    longest_gap_s=0.2,
)


class TinySensor(Peripheral):
    """Sends a count every `period_s` while subscribed to and awake; takes commands by a write with a response only."""

    driver: ClassVar[str] = "tiny"

    def __init__(
        self, name: str = "Tiny 1", period_s: float = 0.1, services: tuple[Service, ...] | None = None
    ) -> None:
        super().__init__(board(), name)
        self.period_s = period_s
        self.asleep = False
        self.battery_every_s: float | None = None
        self.commands: list[bytes] = []
        self.reads = 0
        self.links = 0
        self._count = 0
        self._due_s = 0.0
        self._services = services or (
            Service(
                uuid=SERVICE,
                characteristics=(
                    Characteristic(uuid=DATA, properties=("notify",)),
                    Characteristic(uuid=COMMAND, properties=("write",)),
                    Characteristic(uuid=QUICK, properties=("write-without-response",)),
                ),
            ),
            BATTERY_SERVICE,
        )

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        return self._services

    @property
    def advertising(self) -> Advertising:
        """What it advertises."""
        return Advertising(name=self.name, services=(SERVICE,))

    @property
    def streaming(self) -> bool:
        """Whether it sends."""
        return DATA in self.subscribed

    def connect(self, mtu: int, now_s: float) -> None:
        """Count the links."""
        if not self.connected:
            self.links += 1
        super().connect(mtu, now_s)

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Count the reads."""
        self.reads += 1
        return super().read(characteristic, now_s)

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:  # noqa: ARG002  (as the base class)
        """Take a command, or refuse it."""
        if self.refusals:
            self.refusals -= 1
            raise AttError(AttError.UNLIKELY)
        self.commands.append(data)

    def advance(self, now_s: float) -> list[Outgoing]:
        """Send the next count when it is due, or the battery level of a sensor that sleeps."""
        if self.battery_every_s is not None and now_s >= self._due_s and BATTERY_LEVEL in self.subscribed:
            self._due_s = now_s + self.battery_every_s
            return [Outgoing(characteristic=BATTERY_LEVEL, data=bytes([50]))]
        if DATA not in self.subscribed or self.asleep or now_s < self._due_s:
            return []
        self._due_s = now_s + self.period_s
        self._count += 1
        return [Outgoing(characteristic=DATA, data=self._count.to_bytes(4, "little"))]


class Bench:
    """Plays the core for a supervisor. `greet` is what is asked of each link that comes up."""

    def __init__(self, wanted: Iterable[Wanted], central_backends: Mapping[str, Backend], **options: Any) -> None:
        self.inputs: list[Input] = []
        self.changes: list[tuple[str, str]] = []
        self.notices: list[Notice] = []
        self.greet: list[Action] = [Subscribe(characteristic=DATA)]
        self.supervisor = Supervisor(
            backends=central_backends,
            devices=wanted,
            sensors_for=options.pop("sensors_for", tiny_sensors),
            info_of=options.pop("info_of", lambda _: INFO),
            put=self._put,
            now_ns=now_ns,
            changed=self._changed,
            notice=self.notices.append,
            **options,
        )

    def _put(self, item: Input) -> None:
        self.inputs.append(item)
        if isinstance(item, Link) and item.up:
            for action in self.greet:
                self.supervisor.act(item.device, item.epoch, action)

    def _changed(self, status: DeviceStatus) -> None:
        self.changes.append((status.slug, status.state))

    def links(self, slug: str | None = None) -> list[Link]:
        """Return the ups and downs."""
        return [one for one in self.inputs if isinstance(one, Link) and slug in {None, one.device}]

    def downs(self) -> list[str | None]:
        """Return the reasons for which links went down."""
        return [one.reason for one in self.links() if not one.up]

    def results(self) -> list[ReadResult | WriteResult]:
        """Return the outcomes of requests."""
        return [one for one in self.inputs if isinstance(one, ReadResult | WriteResult)]

    def packets(self, slug: str | None = None) -> list[Notification]:
        """Return the notifications."""
        return [one for one in self.inputs if isinstance(one, Notification) and slug in {None, one.device}]

    def status(self, slug: str = "left") -> DeviceStatus:
        """Return how one device stands."""
        return next(one for one in self.supervisor.status().devices if one.slug == slug)

    async def until(self, condition: Callable[[], bool], within_s: float = 60.0) -> float:
        """Wait until a condition holds; return when, and fail if it does not in time."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + within_s
        while not condition():
            assert loop.time() < end_s, "it did not come to that in time"
            await asyncio.sleep(0.02)
        return loop.time()


def now_ns() -> int:
    """Return the time of the (virtual) event loop."""
    return round(asyncio.get_running_loop().time() * 1e9)


def tiny_sensors(seen: Advertisement) -> list[str]:
    """Know what looks tiny."""
    return ["tiny"] if seen.name is not None and seen.name.startswith("Tiny") else []


async def adapter(world: World, label: str = "central", slots: int = 7) -> Backend:
    """Return the backend of a new adapter in a world."""
    scanner, client = backends(await world.central(label, slots=slots))
    return Backend(adapter=label, scanner=scanner, client=client)


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[asyncio.Task[None]]:
    """Run the supervisor; stop it at the end, and check what holds of every run."""
    task = asyncio.create_task(bench.supervisor.run(), name="supervisor")
    await asyncio.sleep(0)  # the devices are there from now on
    try:
        yield task
    finally:
        bench.supervisor.stop()
        if not task.cancelled():
            await asyncio.wait_for(task, 60.0)
    check_grammar(bench)


def check_grammar(bench: Bench) -> None:
    """Check that each link is up, then gives its inputs, then is down, and that epochs count from 1."""
    up: dict[str, int] = {}
    last: dict[str, int] = {}
    for item in bench.inputs:
        assert isinstance(item, Link | Notification | ReadResult | WriteResult)
        if isinstance(item, Link) and item.up:
            assert item.device not in up
            assert item.epoch == last.get(item.device, 0) + 1
            up[item.device] = last[item.device] = item.epoch
        else:
            assert up[item.device] == item.epoch, "an input of a link that is down"
            if isinstance(item, Link):
                del up[item.device]
    assert not up, "a link that never went down"
    times = [item.host_ns for item in bench.inputs]
    assert times == sorted(times)
