"""Messages a second and their latency through mosquitto: our publisher beside a bare aiomqtt loop, in turns."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import aiomqtt  # noqa: TID251 - the rival
import msgspec
import numpy as np

from ankled.daemon import logs
from ankled.daemon.mqtt.backlog import MemoryBacklog
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from benchmarks.report import Figure, Section
from benchmarks.speed.live.processes import NotMeasuredError
from benchmarks.speed.rounds import ratio
from tests.daemon.brokers import Mosquitto, find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from benchmarks.datasets.common import FloatArray

PAYLOAD_BYTES: Final = 298
PATIENCE_S: Final = 60.0
IN_FLIGHT: Final = 8
"""So many unacknowledged messages at once, as our publisher has."""
PACED: Final = 300
PACED_HZ: Final = 200.0
TOPIC: Final = "ankled/bench/bridge/event"

NOTES = (
    (
        f"Flat out: real time from the first of many messages of {PAYLOAD_BYTES} bytes until a subscriber in the same "
        f"process has the last; the bare loop keeps {IN_FLIGHT} unacknowledged, as our publisher does. MQTT 5 both."
    ),
    (
        f"Latency: {PACED} messages at {PACED_HZ:g} a second, from handing one over until the subscriber has it. Each "
        "ratio is the median of the ratios of rounds in which both were measured next to each other."
    ),
    "Ours does more: backlog, order by number, content type and schema as properties, what the broker refuses.",
)


class Ran(NamedTuple):
    """One turn: messages a second flat out, and the latencies of paced ones."""

    rate_hz: float
    latency_ms: FloatArray


class Ear:
    """A subscriber that notes when each message arrives."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.arrived_s: list[float] = []
        self._wanted = 0
        self._all = asyncio.Event()

    async def listen(self) -> None:
        """Note arrivals until cancelled."""
        async for _ in self._client.messages:
            self.arrived_s.append(time.perf_counter())
            if len(self.arrived_s) >= self._wanted:
                self._all.set()

    async def have(self, count: int) -> None:
        """Wait for so many. Raises NotMeasuredError where some are lost."""
        self._wanted = count
        self._all.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                if len(self.arrived_s) < count:
                    await self._all.wait()
        if len(self.arrived_s) < count:
            raise NotMeasuredError(f"only {len(self.arrived_s)} of {count} messages arrived")


@contextlib.asynccontextmanager
async def bare(address: BrokerAddress, qos: int) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Yield what publishes with aiomqtt alone."""
    slots = asyncio.Semaphore(IN_FLIGHT)
    version = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client(address.host, address.port, protocol=version) as client, asyncio.TaskGroup() as group:

        async def send(payload: bytes) -> None:
            await client.publish(TOPIC, payload, qos)
            slots.release()

        async def hand(payload: bytes) -> None:
            await slots.acquire()
            group.create_task(send(payload))

        yield hand


@contextlib.asynccontextmanager
async def ours(address: BrokerAddress, qos: int) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Yield what hands over to our publisher."""
    backlog = MemoryBacklog(1000)
    async with Publisher(address, Topics(node="bench"), Options.for_replay(), backlog):

        async def hand(payload: bytes) -> None:
            await backlog.put(Message(TOPIC, payload, qos))

        yield hand


RIVALS: Final = {"bare": bare, "ours": ours}


async def turn(name: str, address: BrokerAddress, qos: int, count: int) -> Ran:
    """Let one of the two publish, flat out and paced."""
    payload = msgspec.json.encode({"schema": "ankled.event/1", "fill": ""})
    payload = payload.replace(b'""', b'"' + b"x" * (PAYLOAD_BYTES - len(payload)) + b'"')
    async with aiomqtt.Client(address.host, address.port) as client:
        await client.subscribe(TOPIC, qos=qos)
        ear = Ear(client)
        listening = asyncio.create_task(ear.listen(), name="ear")
        try:
            async with RIVALS[name](address, qos) as hand:
                await hand(payload)
                await ear.have(1)
                begun_s = time.perf_counter()
                for _ in range(count):
                    await hand(payload)
                await ear.have(count + 1)
                rate_hz = count / (ear.arrived_s[-1] - begun_s)
                handed_s = await paced(hand, payload)
                await ear.have(count + 1 + PACED)
        finally:
            listening.cancel()
            await asyncio.wait({listening})
    return Ran(rate_hz, 1e3 * (np.array(ear.arrived_s[count + 1 :]) - np.array(handed_s)))


async def paced(hand: Callable[[bytes], Awaitable[None]], payload: bytes) -> list[float]:
    """Hand messages over at a steady rate; return when each was."""
    handed_s = []
    due_s = time.perf_counter()
    for _ in range(PACED):
        due_s += 1.0 / PACED_HZ
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        handed_s.append(time.perf_counter())
        await hand(payload)
    return handed_s


def figures_of(qos: int, ran: Mapping[str, list[Ran]]) -> list[Figure]:
    """Return the rows of a quality of service."""
    found = []
    for what, unit, value in (
        ("messages/s", "/s", lambda one: one.rate_hz),
        ("p50", "ms", lambda one: float(np.percentile(one.latency_ms, 50))),
        ("p99", "ms", lambda one: float(np.percentile(one.latency_ms, 99))),
    ):
        both = {name: np.array([value(one) for one in rounds]) for name, rounds in ran.items()}
        middle = {name: float(np.median(values)) for name, values in both.items()}
        digits = 0 if unit == "/s" else 2
        found.append(
            Figure(
                key=f"qos{qos}_{what.replace('/', '_')}_ratio",
                label=f"QoS {qos}: {what}, ours / bare aiomqtt",
                value=ratio(both["ours"], both["bare"]),
                anchor=f"{middle['ours']:.{digits}f} / {middle['bare']:.{digits}f} {unit}",
            )
        )
    return found


def measure(count: int, rounds: int) -> Section:
    """Let both publish in turns, at QoS 0 and 1. Raises NotMeasuredError."""
    program = find("mosquitto")
    if program is None:
        raise NotMeasuredError("mosquitto is not on this machine")
    figures: list[Figure] = []
    logs.configure("warning")
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(program, Path(folder), "set_tcp_nodelay true", "max_queued_messages 0")
        broker.start()
        try:
            for qos in (0, 1):
                ran: dict[str, list[Ran]] = {name: [] for name in RIVALS}
                for number in range(rounds + 1):
                    for name, rivals in ran.items():
                        one = asyncio.run(turn(name, broker.address, qos, count))
                        if number:  # the first round is for warming up
                            rivals.append(one)
                figures += figures_of(qos, ran)
        finally:
            broker.kill()
    title = f"mqtt: {count} messages a round, {rounds} rounds, {os.cpu_count()} cores"
    return Section(name="mqtt", title=title, figures=figures, notes=NOTES)
