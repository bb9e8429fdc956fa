"""A storm: a broker and a daemon that are killed, frozen, filled and cut off at random, and who watches it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import signal
import time
from typing import TYPE_CHECKING, Any, Final

import aiomqtt  # noqa: TID251 - clients that are not ours, beside the daemon under test
import msgspec

from tests.daemon.brokers import HOST, Gate, Mosquitto, payload
from tests.daemon.commands import spawn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress

BROKER_LINES: Final = ("memory_limit 6000000", "max_queued_messages 0")
"""A bound on the memory of mosquitto, so that it can be filled."""
_RESULTS: Final = frozenset({"rep", "set", "pair", "session", "event", "alert", "standing"})
SIDES: Final = ("left", "right")
SOURCES: Final = (*SIDES, "kim")
"""The devices and the athlete, each of which counts its results."""
_AGAIN_S: Final = 0.1
_START_S: Final = 60.0
_HOARD: Final = 200


class Watcher:
    """An ordinary subscriber, at the broker itself: it comes back after every loss and asks for nothing it missed."""

    def __init__(self, address: BrokerAddress, topics: str) -> None:
        self._address = address
        self._topics = topics
        self.seen: dict[str, bytes] = {}
        self.repeats = 0

    async def watch(self) -> None:
        """Collect results until cancelled."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(self._address.host, self._address.port, timeout=1.0) as client:
                    await client.subscribe(self._topics, qos=1)
                    async for message in client.messages:
                        self._note(message)
            await asyncio.sleep(_AGAIN_S)

    def _note(self, message: aiomqtt.Message) -> None:
        if str(message.topic).rpartition("/")[2] not in _RESULTS:
            return
        if not (found := payload(message)):
            return  # a topic is cleared
        name = msgspec.json.decode(found)["id"]
        self.repeats += name in self.seen and not message.retain
        self.seen[name] = found


async def asked(address: BrokerAddress, seen: dict[str, bytes]) -> dict[str, bytes]:
    """Return what has been seen and what the daemon's history adds, asked for wherever the seqs of a source have gaps.

    Of each source it asks at least once, for who came late cannot know that there is more.
    """
    found = dict(seen)
    async with aiomqtt.Client(address.host, address.port, timeout=20.0) as client:
        await client.subscribe("ankled/gym/bridge/response/history", qos=1)
        for source in SOURCES:
            more = True
            while more:
                answer = await _history(client, source, _first_gap(source, found))
                found |= {past["record"]["id"]: msgspec.json.encode(past["record"]) for past in answer["results"]}
                more = answer["more"]
    return found


def _first_gap(source: str, found: dict[str, bytes]) -> int:
    """Return the last seq of a source before its first gap."""
    have = {record["seq"] for record in map(msgspec.json.decode, found.values()) if source_of(record) == source}
    return next(number for number in itertools.count() if number + 1 not in have)


def source_of(record: dict[str, object]) -> object:
    """Return the device or athlete whose `seq` a record bears."""
    return record.get("device") or record["athlete"]


async def _history(client: aiomqtt.Client, source: str, after_seq: int) -> dict[str, Any]:
    """Ask until there is an answer: the daemon may be away."""
    for attempt in range(20):
        form = {"transaction": f"{source} {after_seq} {attempt}", "source": source, "after_seq": after_seq}
        await client.publish("ankled/gym/bridge/request/history", msgspec.json.encode(form), qos=1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                async for message in client.messages:
                    answer = msgspec.json.decode(payload(message))
                    if answer["transaction"] == form["transaction"]:
                        assert answer["status"] == "ok", answer
                        return dict(answer["data"])
    told = f"no answer about {source}"
    raise AssertionError(told)


class Daemon:
    """`ankled run` as a process that can be killed and started again."""

    def __init__(self, words: tuple[object, ...], log: Path) -> None:
        self._words = words
        self.log = log
        self._process: subprocess.Popen[str] | None = None
        self.killed_ns: list[int] = []

    def start(self) -> None:
        """Start it; its log goes to a file."""
        with self.log.open("a") as log:
            self._process = spawn("run", *self._words, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it as the kernel would where memory is short."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        self.killed_ns.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        self._process.kill()
        self._process.wait()

    @property
    def online(self) -> int:
        """How often a sensor came online, as the log tells."""
        return self.log.read_text().count('"sensor online"')

    def stop(self) -> int:
        """End it in order, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60.0)

    def abandon(self) -> None:
        """Let nothing live on, whatever becomes of the test."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class Storm:
    """Draws what happens, and when, from a seed."""

    def __init__(self, seed: int, broker: Mosquitto, gate: Gate, daemon: Daemon) -> None:
        self._random = random.Random(seed)
        self._broker = broker
        self._gate = gate
        self._daemon = daemon
        self.troubles: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "kill": self._kill,
            "restart": self._restart,
            "freeze": self._freeze,
            "fill": self._fill,
            "cut": self._cut,
            "shut": self._shut,
        }

    async def rage(self, rounds: int, kills: int) -> list[str]:
        """Let each trouble come about equally often, in random order; the daemon is killed in `kills` of the rounds."""
        names = sorted(self.troubles)
        drawn = [names[number % len(names)] for number in range(rounds)]
        self._random.shuffle(drawn)
        deadly = set(self._random.sample(range(rounds), kills))
        for number, name in enumerate(drawn):
            await self._pause(0.1, 0.8)
            if not self._broker.alive:  # seen once: a mosquitto that ended by itself is one more trouble
                await asyncio.to_thread(self._broker.start)
            if number not in deadly:
                await self.troubles[name]()
                continue
            after_s = self._random.uniform(0.0, 0.6)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.troubles[name]())
                group.create_task(self._kill_daemon(after_s))
        return [f"{name} and daemon killed" if n in deadly else name for n, name in enumerate(drawn)]

    async def _kill_daemon(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await asyncio.to_thread(self._daemon.kill)
        before = self._daemon.online
        self._daemon.start()
        async with asyncio.timeout(_START_S):
            while self._daemon.online < before + len(SIDES):  # noqa: ASYNC110 - a log sends no event when it grows
                await asyncio.sleep(_AGAIN_S)
        await self._pause(0.5, 2.0)

    async def _kill(self) -> None:
        await asyncio.to_thread(self._broker.kill)
        await self._pause(0.0, 0.5)
        await asyncio.to_thread(self._broker.start)

    async def _restart(self) -> None:
        await asyncio.to_thread(self._broker.stop)
        await self._pause(0.0, 0.5)
        await asyncio.to_thread(self._broker.start)

    async def _freeze(self) -> None:
        self._broker.signal(signal.SIGSTOP)
        await self._pause(0.1, 2.0)
        self._broker.signal(signal.SIGCONT)

    async def _cut(self) -> None:
        self._gate.cut()

    async def _shut(self) -> None:
        await self._gate.shut()
        await self._pause(0.1, 1.5)
        await self._gate.open()

    async def _fill(self) -> None:
        """Have mosquitto hold messages for somebody who is away, until it takes no more."""
        async with full(self._broker.address):
            await self._pause(0.1, 1.5)

    async def _pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self._random.uniform(least_s, most_s))


@contextlib.asynccontextmanager
async def full(address: BrokerAddress) -> AsyncIterator[None]:
    """Keep a broker with bounded memory full: what is published to it is refused or not acknowledged."""

    def client(identifier: str | None, *, clean: bool) -> aiomqtt.Client:
        return aiomqtt.Client(HOST, address.port, identifier=identifier, clean_session=clean, timeout=0.5)

    async with client("hoarder", clean=False) as hoarder:
        await hoarder.subscribe("hoard", qos=1)
    for size in (65536, 4096, 512):
        with contextlib.suppress(aiomqtt.MqttError):
            async with client(None, clean=True) as filler:
                for _ in range(_HOARD):  # what is small enough may be acknowledged and dropped, for ever
                    await filler.publish("hoard", b"x" * size, qos=1)
    try:
        yield
    finally:
        await _freed(lambda: client("hoarder", clean=True))


async def _freed(client: Callable[[], aiomqtt.Client]) -> None:
    """Have the broker let go of the hoard; it may be too full to answer at first."""
    for _ in range(20):
        with contextlib.suppress(aiomqtt.MqttError):
            async with client():
                return
        await asyncio.sleep(_AGAIN_S)
