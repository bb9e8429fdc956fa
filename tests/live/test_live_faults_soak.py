"""Hundreds of lost links over four sensors: as many tasks, clients, files and bytes after as before."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from bleak import BleakClient

from ankled.daemon.live.launch import Live
from ankled.daemon.live.outlet import Nowhere
from ankled.daemon.live.state import OFFLINE, ONLINE
from ankled.daemon.pipeline.source import Source
from ankled.daemon.records import Event
from ankled.drivers.link import Backend, Connection
from ankled.drivers.patience import strays
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.connection import Link
from ankled.simulators.radio.faults import Faults
from ankled.simulators.radio.outfit import parse_sensor, worn
from ankled.simulators.radio.script import Fault
from ankled.simulators.radio.virtual import VirtualLoop, run_virtual
from tests.live.runs import LoopClock, config_for
from tests.trials import repeated

if TYPE_CHECKING:
    from ankled.daemon.records import Record

SLOW = {
    "left": ("witmotion", 20.0),
    "right": ("witmotion", 20.0),
    "left-2": ("witmotion", 20.0),
    "right-2": ("movesense", 13.0),
}
"""Labels, makes and rates: what is looked at are links, not samples."""
LOSSES = repeated(1000, 500)
WARM = 200
"""After so many, everything that is made once has been made."""


class Counting(Nowhere):
    """Counts what happened, knows who is there, and keeps nothing else."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.told: dict[str, bytes] = {}
        self._news = asyncio.Event()

    def take(self, record: Record) -> None:
        """Count an event."""
        if isinstance(record, Event):
            self.events[record.event] += 1

    def keep(self, topic: str, payload: bytes) -> None:
        """Note who is there."""
        if topic.endswith("/availability"):
            self.told[topic.split("/")[-2]] = payload
            self._news.set()
            self._news = asyncio.Event()

    async def until(self, label: str, payload: bytes) -> None:
        """Wait until that is said of a device."""
        async with asyncio.timeout(60.0):
            while self.told.get(label) != payload:
                await self._news.wait()


class Held(NamedTuple):
    """What is held while every sensor streams."""

    tasks: int
    clients: int
    connections: int
    sources: int
    ways: int
    files: int
    blocks: int
    rss_kib: int

    @classmethod
    def now(cls) -> Held:
        """Count. What the virtual clock remembers of passed moments, bounded by itself, is let go before."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop._last.clear()
        gc.collect()
        kinds = Counter(type(one) for one in gc.get_objects())
        return cls(
            tasks=len(asyncio.all_tasks()),
            clients=kinds[BleakClient],
            connections=kinds[Connection],
            sources=kinds[Source],
            ways=kinds[Link],
            files=len(list(Path("/proc/self/fd").iterdir())),
            blocks=sys.getallocatedblocks(),
            rss_kib=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024,
        )


def test_lost_links_leave_nothing_behind() -> None:
    """Of everything that a link is made of there is one for each sensor, whatever came before; memory stays flat."""

    async def soak() -> tuple[list[Held], Counter[str], float]:
        world = worn(
            "stand",
            [parse_sensor(f"{label}={make}") for label, (make, _) in SLOW.items()],
            seed=3,
            interval_s=0.03,
            begin="at once",
        )
        async with world:
            scanner, client = backends(await world.central())
            rates: dict[str, dict[str, object]] = {label: {"rate_hz": rate_hz} for label, (_, rate_hz) in SLOW.items()}
            config = config_for(world, **rates)
            outlet, stop = Counting(), asyncio.Event()
            soft = Backend(adapter="soft", scanner=scanner, client=client)
            live = Live(config, {"soft": soft}, outlet, LoopClock())
            # As if each link had lasted: a sensor that is lost again and again is not tried as often.
            live.supervisor.limits = msgspec.structs.replace(live.supervisor.limits, steady_s=0.0)
            with Faults(world) as faults:

                async def lose(label: str, times: int) -> None:
                    for _ in range(times):
                        faults.apply(Fault(at_s=0.0, kind="link_loss", device=label))
                        await outlet.until(label, OFFLINE)
                        await outlet.until(label, ONLINE)

                async with asyncio.TaskGroup() as group:
                    group.create_task(live.run(stop), name="live")
                    held = []
                    for label in world.labels:
                        await outlet.until(label, ONLINE)
                    for losses in (WARM, LOSSES - WARM):
                        share = losses // len(world.labels)
                        await asyncio.gather(*(lose(label, share) for label in world.labels))
                        await asyncio.sleep(1.0)
                        faults.done.clear()
                        held.append(Held.now())
                    stop.set()
            return held, outlet.events, world.now_s

    gc.collect()
    others = Counter(type(one) for one in gc.get_objects())  # of tests before this one in the same process
    (warm, end), events, lasted_s = run_virtual(soak())
    print(f"\n{LOSSES} losses in {lasted_s:.0f} s\nafter {WARM}: {warm}\nafter {LOSSES}: {end}")  # noqa: T201  (figures, for whoever runs it with -s)
    sensors = len(SLOW)
    assert events["connected"] == events["disconnected"] == LOSSES + sensors
    assert events["interrupted"] == LOSSES
    assert events["sensor_error"] == events["inputs_lost"] == 0
    assert end[:6] == warm[:6]
    own = (end.connections - others[Connection], end.sources - others[Source], end.ways - others[Link])
    assert own == (sensors, sensors, sensors)
    assert strays() == 0
    assert end.blocks - warm.blocks < LOSSES - WARM, "less than one small object a loss"
    assert end.rss_kib - warm.rss_kib < 8 * 1024
