"""How fast the outbox takes results, and how fast it gives them to a broker that comes back."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiomqtt  # noqa: TID251 - the bare loop that ours is measured beside

from ankled.daemon import logs
from ankled.daemon.live.outlet import result_of
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from benchmarks.report import Figure, Section
from benchmarks.running import simulated
from benchmarks.speed.live.processes import NotMeasuredError
from tests.daemon.brokers import Mosquitto, find

if TYPE_CHECKING:
    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.outbox.result import Result

TOPICS: Final = Topics(node="bench")
IN_FLIGHT: Final = 8
DEADLINE_S: Final = 600.0
MIB: Final = 1024.0 * 1024.0

NOTES = (
    (
        "Records of a simulated walk, QoS 1, to a mosquitto without subscribers. Drained: all were stored before; "
        "from the start of the publisher to the last acknowledgement, no bound on the rate. Bare: "
        f"the same bytes from a list by aiomqtt, {IN_FLIGHT} at a time as the publisher has them, nothing stored."
    ),
)


def results(count: int) -> list[Result]:
    """Return so many results, the same walk again and again."""
    _, records = simulated("walk", mount_known=True)
    made = [result_of(record, TOPICS) for record in records]
    first = made[0]
    return [
        type(first)(
            id=f"s{number // len(made)}-{one.id}",
            source=one.source,
            seq=number,
            athlete=one.athlete,
            topic=one.topic,
            payload=one.payload,
            retain=one.retain,
        )
        for number in range(count)
        for one in (made[number % len(made)],)
    ]


async def bare_s(address: BrokerAddress, made: list[Result]) -> float:
    """Return how long aiomqtt alone takes."""
    waiting = iter(made)
    async with aiomqtt.Client(address.host, address.port) as client:

        async def one_after_the_other() -> None:
            for result in waiting:
                await client.publish(result.topic, result.payload, 1, result.retain)

        begun_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(one_after_the_other())
        return time.perf_counter() - begun_s


async def ours_s(address: BrokerAddress, made: list[Result], path: Path) -> tuple[float, float, int]:
    """Return how long storing takes, how long draining, and the size of it all."""
    async with Outbox(path) as outbox:
        begun_s = time.perf_counter()
        for start in range(0, len(made), 1000):
            for result in made[start : start + 1000]:
                outbox.offer(result)
            await outbox.account()  # behind what was offered: only so many wait for the disk
        stored_s = time.perf_counter() - begun_s
        begun_s = time.perf_counter()
        async with Publisher(address, TOPICS, Options(), outbox) as publisher:
            await publisher.drain(DEADLINE_S)
            drained_s = time.perf_counter() - begun_s
        account = await outbox.account()
    if account.acknowledged != len(made):
        message = f"{account.acknowledged} of {len(made)} results were acknowledged"
        raise NotMeasuredError(message)
    return stored_s, drained_s, account.size_bytes


async def _measure(address: BrokerAddress, count: int, path: Path) -> list[Figure]:
    made = results(count)
    bare = count / await bare_s(address, made)
    stored_s, drained_s, size_bytes = await ours_s(address, made, path)
    stored, drained = count / stored_s, count / drained_s
    mean_bytes = sum(len(result.payload) for result in made) / count
    return [
        Figure(
            key="drained_per_s",
            label=f"{count} results drained",
            value=drained,
            unit="/s",
            digits=0,
            anchor=f"bare {bare:.0f} /s",
        ),
        Figure(key="drained_of_bare", label="    of bare", value=drained / bare, digits=2),
        Figure(
            key="stored_per_s",
            label="stored",
            value=stored,
            unit="/s",
            digits=0,
            anchor=f"{mean_bytes:.0f} bytes each, {size_bytes / MIB:.0f} MiB in all",
        ),
        Figure(key="stored_of_bare", label="    of bare publishing", value=stored / bare, digits=1),
    ]


def measure(count: int) -> Section:
    """Store so many results while the broker is away, then drain them. Raises NotMeasuredError."""
    program = find("mosquitto")
    if program is None:
        raise NotMeasuredError("mosquitto is not on this machine")
    logs.configure("error", "json")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(program, folder)
        broker.start()
        try:
            figures = asyncio.run(_measure(broker.address, count, folder / "outbox.db"))
        finally:
            broker.kill()
            logs.unconfigure()
    return Section(name="outbox", title="outbox: stored, then given to a broker", figures=figures, notes=NOTES)
