"""`python -m tests.soak.virtual`: two hours of virtual time in one process, and whether anything grows."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter

import msgspec

from ankled.daemon.config.schema import RadioConfig
from ankled.daemon.live.launch import Live
from ankled.daemon.live.outlet import Nowhere
from ankled.daemon.records import Live as Moment
from ankled.daemon.records import Record
from ankled.drivers.link import Backend
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.faults import Faults, parse_script
from ankled.simulators.radio.outfit import parse_sensor, worn
from ankled.simulators.radio.virtual import VirtualLoop, run_virtual
from tests.live.runs import LoopClock, config_for
from tests.soak.held import FIELDS, held
from tests.soak.scene import SENSORS, faults
from tests.soak.trend import judge, told

MINUTES = float(os.environ.get("SOAK_VIRTUAL_MIN", "120"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
_SHOW_MIN = 5


class Numbered(Nowhere):
    """Counts results by source, and what came under any but the next number."""

    def __init__(self) -> None:
        self.last: Counter[str] = Counter()
        self.astray = 0

    def take(self, record: Record) -> None:
        """Count one."""
        if isinstance(record, Moment):
            return
        source = record.id.rsplit("/", 3)[1]
        self.astray += record.seq != self.last[source] + 1
        self.last[source] = record.seq


async def soak() -> int:
    """Run everything; return 0 where nothing grew and no number was left out."""
    sensors = [parse_sensor(f"{label}={make}") for label, (make, _) in SENSORS.items()]
    world = worn("demo", sensors, seed=SEED, interval_s=0.5, repeat=True, begin="at once")
    rows: list[tuple[float, dict[str, float]]] = []
    async with world:
        scanner, client = backends(await world.central(slots=len(SENSORS)))
        settings: dict[str, dict[str, object]] = {
            label: {"rate_hz": rate_hz, "athlete": f"athlete-{label.partition('-')[2]}"}
            for label, (_, rate_hz) in SENSORS.items()
        }
        outlet, stop = Numbered(), asyncio.Event()
        live = Live(
            msgspec.structs.replace(config_for(world, **settings), radio=RadioConfig(slots=len(SENSORS))),
            {"soft": Backend(adapter="soft", scanner=scanner, client=client)},
            outlet,
            LoopClock(),
        )
        script = parse_script("\n".join(faults(SEED, 60.0 * MINUTES)), world.labels)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with Faults(world, script) as done:
            async with asyncio.TaskGroup() as group:
                group.create_task(live.run(stop), name="live")
                begun_s = loop.time()
                for minute in range(round(MINUTES) + 1):
                    await asyncio.sleep(begun_s + 60.0 * minute - loop.time())
                    # What the simulation remembers for itself is no part of the daemon.
                    loop._last.clear()
                    done.done.clear()
                    rows.append((minute, held() | {"queued": live.service.queue.statistics.waiting}))
                    if minute % _SHOW_MIN == 0:
                        shown = " ".join(f"{key}={value:.10g}" for key, value in _rounded(rows[-1][1]).items())
                        sys.stdout.write(f"{minute:4} min  {shown} results={outlet.last.total()}\n")
                        sys.stdout.flush()
                stop.set()
    found = [judge(name, [at for at, _ in rows], [row[name] for _, row in rows]) for name in (*FIELDS, "queued")]
    flat = [one for one in found if one is not None]
    sys.stdout.write(
        f"{outlet.last.total()} results, {outlet.astray} under another number than the next\n{told(flat)}\n"
    )
    good = bool(flat) and all(one.flat for one in flat) and not outlet.astray and outlet.last.total() > 0
    sys.stdout.write(f"verdict: {'flat' if good else 'NOT flat, results astray, or too short to tell'}\n")
    return 0 if good else 1


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 1) for key, value in row.items()}


if __name__ == "__main__":
    sys.exit(run_virtual(soak()))
