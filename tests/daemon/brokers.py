"""Real brokers and a subscriber for tests: mosquitto as a child process, and a gate that cuts connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

import aiomqtt  # noqa: TID251 - the subscriber of the tests, next to the publisher under test
import msgspec

from ankled.daemon.demo.pace import patience
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.records import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

HOST = "127.0.0.1"
PATIENCE_S = 20.0  # how long, in real time, a test waits for what must happen, on a machine with other things to do


def find(name: str) -> str | None:
    """Return where a program is; mosquitto lives in sbin, which is not on every user's path."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """Return a port of the loopback address that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def event(number: int) -> Event:
    """Return a record that carries its number."""
    return Event(
        id=f"s/left/event/{number}",
        seq=number,
        session="s",
        node="gym",
        device="left",
        event="slip",
        known_at_s=0.1 * number,
        detail={"angle_deg": 0.5 * number},
    )


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something holds that sends no event when it begins to."""
    async with asyncio.timeout(patience(PATIENCE_S)):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


class Mosquitto:
    """A mosquitto of its own on a free port of the loopback address."""

    def __init__(self, program: str, folder: Path, *lines: str) -> None:
        self.address = BrokerAddress(host=HOST, port=free_port())
        self._program = program
        self._file = folder / "mosquitto.conf"
        self.log = folder / "mosquitto.log"
        # started as root it would become a user who may not read the test's files
        own_user = ["user root"] if os.geteuid() == 0 else []
        allow = [] if any("allow_anonymous" in line for line in lines) else ["allow_anonymous true"]
        listener = f"listener {self.address.port} {HOST}"
        # no bound on what is under way to a subscriber: what mosquitto has acknowledged, it has also passed on
        self._file.write_text(
            "\n".join([listener, *own_user, *allow, "max_inflight_messages 0", "persistence false", *lines, ""])
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when connections are taken."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen([self._program, "-c", str(self._file)], stderr=log)
        self.until_listening(self.address.port)

    def until_listening(self, port: int) -> None:
        """Wait until connections are taken at a port; those of websockets come later than the others."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                message = f"mosquitto did not start with {self._file.read_text()!r}: {self.log.read_text()[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the broker."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def alive(self) -> bool:
        """Whether it runs, or is frozen."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the broker in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def kill(self) -> None:
        """End the broker as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)  # a stopped process would not end
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None


class Gate:
    """A TCP relay in front of a broker, whose connections can be cut, and which can be shut."""

    def __init__(self, target: BrokerAddress) -> None:
        self.address = msgspec.structs.replace(target, host=HOST, port=free_port())
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self.taken = 0

    async def open(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._relay, HOST, self.address.port)

    async def shut(self) -> None:
        """Break every connection without a farewell, and take no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for _ in range(4):  # what was accepted becomes a relay over some turns of the loop
            await asyncio.sleep(0)
        for relay in self._relays:
            relay.cancel()
        if self._relays:
            await asyncio.wait(self._relays)
        await asyncio.sleep(0.02)  # what is aborted is closed in the next turn; then a broker in this process sees it

    @property
    def relaying(self) -> bool:
        """Whether there is a connection."""
        return bool(self._writers)

    def cut(self) -> None:
        """Break every connection without a farewell."""
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        writers = {writer}
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                far_reader, far_writer = await asyncio.open_connection(self._target.host, self._target.port)
                writers.add(far_writer)
                self._writers |= writers
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            for one in writers:
                one.transport.abort()
            self._writers -= writers
            self._relays.discard(task)

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


class Subscriber:
    """Collects what a broker delivers on a filter."""

    def __init__(self) -> None:
        self.messages: list[aiomqtt.Message] = []
        self._task: asyncio.Task[None] | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def on(cls, address: BrokerAddress, topics: str = "#", *, qos: int = 1) -> AsyncIterator[Self]:
        """Subscribe; what is received stays readable after the end."""
        self = cls()
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            timeout=patience(PATIENCE_S),
        )
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(contextlib.suppress(aiomqtt.MqttError))  # the broker may be killed by the test
            await stack.enter_async_context(client)
            await client.subscribe(topics, qos=qos)
            self._task = asyncio.create_task(self._collect(client))
            try:
                yield self
            finally:
                self._task.cancel()
                await asyncio.wait({self._task})

    async def _collect(self, client: aiomqtt.Client) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async for message in client.messages:
                self.messages.append(message)

    async def ended(self) -> None:
        """Wait until the broker has ended the connection."""
        assert self._task is not None
        await asyncio.wait_for(asyncio.shield(self._task), patience(PATIENCE_S))

    async def until(self, count: int) -> None:
        """Wait until so many messages have come."""
        await eventually(lambda: len(self.messages) >= count)

    async def until_numbers(self, count: int) -> None:
        """Wait until so many different records have come."""
        await eventually(lambda: len(set(self.numbers)) >= count)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the records received, in order."""
        return numbers(self.messages)


def numbers(messages: list[aiomqtt.Message]) -> list[int]:
    """Return the numbers of the records among the messages, in order."""
    return [
        int(msgspec.json.decode(payload(message))["seq"])
        for message in messages
        if message.topic.matches("ankled/gym/bridge/event")
    ]


def payload(message: aiomqtt.Message) -> bytes:
    """Return the payload as it came."""
    assert isinstance(message.payload, bytes)
    return message.payload


def firsts(values: list[int]) -> list[int]:
    """Return each value once, where it first stood."""
    return list(dict.fromkeys(values))


async def retained(address: BrokerAddress, topics: str = "#") -> dict[str, bytes]:
    """Return what the broker keeps on the filter."""
    async with Subscriber.on(address) as subscriber:
        # a broker sends what it keeps before it takes the next message from the same client
        async with aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            timeout=patience(PATIENCE_S),
        ) as marker:
            await marker.publish("ankled/marker", b"", qos=1)
        await eventually(lambda: any(message.topic.matches("ankled/marker") for message in subscriber.messages))
        return {str(m.topic): payload(m) for m in subscriber.messages if m.retain and m.topic.matches(topics)}
