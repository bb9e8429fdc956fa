"""Live runs without hardware and without waiting: simulated devices, bleak, links, core, capture; a virtual clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.capture import form
from ankled.daemon.capture.writer import CaptureLimits, CaptureWriter
from ankled.daemon.config import Config
from ankled.daemon.config.schema import DeviceConfig
from ankled.daemon.live.launch import Live
from ankled.daemon.records import Live as Moment
from ankled.daemon.records import to_json
from ankled.drivers.link import Backend
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.faults import Faults
from ankled.simulators.radio.virtual import run_virtual

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from ankled.daemon.bridge.assembly import Board
    from ankled.daemon.inputs import Input
    from ankled.daemon.live.clock import Clock
    from ankled.daemon.live.roster import Roster
    from ankled.daemon.records import Record
    from ankled.simulators.radio.faults import Fault
    from ankled.simulators.radio.world import World

UTC_NS = 1_800_000_000_000_000_000
BOOT_NS = 5_000_000_000_000
NS = 1_000_000_000


class LoopClock:
    """The host's clocks, driven by the event loop's."""

    def now_ns(self) -> int:
        """Return the host's time."""
        return BOOT_NS + round(asyncio.get_running_loop().time() * NS)

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return UTC_NS + round(asyncio.get_running_loop().time() * NS)


@dataclass
class Kept:
    """An outlet that keeps everything: `states` as (time in s, topic, payload), `records` as (time in s, record)."""

    records: list[tuple[float, Record]] = field(default_factory=list)
    states: list[tuple[float, str, bytes]] = field(default_factory=list)

    def take(self, record: Record) -> None:
        """Keep a record."""
        self.records.append((asyncio.get_running_loop().time(), record))

    def keep(self, topic: str, payload: bytes) -> None:
        """Keep a state, if it is a new one."""
        if payload not in [old for _, name, old in self.states if name == topic][-1:]:
            self.states.append((asyncio.get_running_loop().time(), topic, payload))

    def of(self, topic: str) -> list[tuple[float, bytes]]:
        """Return the states of a topic that ends so."""
        return [(time_s, payload) for time_s, name, payload in self.states if name.endswith(topic)]

    def lines(self) -> list[bytes]:
        """Return the results as they are published, without those that are only of the moment."""
        return [to_json(record) for _, record in self.records if not isinstance(record, Moment)]


@dataclass
class Run:
    """What a run gave."""

    kept: Kept
    live: Live
    world: World
    begun_s: float | None = None
    inputs: list[Input] = field(default_factory=list)
    told: list[tuple[float, str]] = field(default_factory=list)


def config_for(world: World, **devices: dict[str, object]) -> Config:
    """Return a configuration that names every device of the world by its address; sides are those of the labels."""
    made = []
    for label in world.labels:
        traits: dict[str, object] = {
            "slug": label,
            "address": world.address(label),
            "side": "left" if label.startswith("left") else "right",
            "athlete": "kim",
        }
        made.append(DeviceConfig(**(traits | devices.get(label, {}))))  # type: ignore[arg-type]  # named as its fields
    return Config(node="test", devices=tuple(made))


def run(
    world: World,
    duration_s: float,
    *,
    config: Config | None = None,
    faults: Iterable[Fault] = (),
    capture: Path | None = None,
    limits: CaptureLimits | None = None,
    meanwhile: Callable[[Run], Awaitable[None]] | None = None,
    board: Board | None = None,
    roster: Roster | None = None,
    clock: Clock | None = None,
) -> Run:
    """Run for so long on a virtual clock, with everything closed in order."""

    async def whole() -> Run:
        async with world:
            central = await world.central()
            scanner, client = backends(central)
            kept = Kept()
            used = config_for(world) if config is None else config
            backend = {"soft": Backend(adapter="soft", scanner=scanner, client=client)}
            live = Live(used, backend, kept, clock or LoopClock(), board=board, roster=roster)
            result = Run(kept=kept, live=live, world=world)
            stop = asyncio.Event()
            writer = None if capture is None else CaptureWriter(capture, form.origin("test", "live"), limits)
            asyncio.get_running_loop().call_later(duration_s, stop.set)
            try:
                with Faults(world, faults) as script:
                    async with asyncio.TaskGroup() as group:
                        other = None if meanwhile is None else group.create_task(_beside(meanwhile, result))
                        await live.run(stop, writer)
                        if other is not None:
                            other.cancel()
                    result.told = script.done
            finally:
                if writer is not None:
                    writer.close(20.0)
            result.begun_s = None if world.stage is None else world.stage.begins_s
            return result

    return run_virtual(whole())


async def _beside(work: Callable[[Run], Awaitable[None]], result: Run) -> None:
    await work(result)


def with_devices(config: Config, **changes: object) -> Config:
    """Return the configuration with the same change to every device."""
    devices = tuple(msgspec.structs.replace(device, **changes) for device in config.devices)
    return msgspec.structs.replace(config, devices=devices)
