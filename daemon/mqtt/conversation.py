"""What is said on an open connection: messages out, with what the broker makes of them; subscriptions; messages in."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import structlog
from msgspec.structs import replace

from ankled.daemon.errors import BrokerError, TakenOverError
from ankled.daemon.mqtt import properties, refusals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.message import Message
    from ankled.daemon.mqtt.refusals import Refusals

Version: TypeAlias = Literal["5", "3.1.1"]

log = structlog.stdlib.get_logger(__name__)


class LostError(Exception):
    """The line is broken, or silent for longer than is allowed."""


class Line(Protocol):
    """A client of a library that is connected. What it does raises LostError."""

    terms: properties.Terms
    words: str
    """What the broker said last to explain a reason code."""
    code: ReasonCode | None
    """Why the broker has disconnected, if it has said so."""
    too_new: bool
    """Whether the broker has said that it does not speak a newer version."""

    @property
    def identifier(self) -> str:
        """The client id."""

    async def send(self, message: Message, made: Properties | None) -> ReasonCode | None:
        """Return once the broker has answered, with the reason code where it refuses."""

    async def ask(self, topics: str, qos: int) -> Sequence[int | ReasonCode]:
        """Subscribe, and return the broker's reason codes."""

    def hear(self) -> AsyncIterator[Message]:
        """Yield what comes."""


class Connection:
    """An open connection. A failure of `publish` or the end of `lost` means that it is of no more use."""

    def __init__(self, line: Line, address: BrokerAddress, version: Version, noted: Refusals) -> None:
        """Begin on an open line."""
        self._line = line
        self._url = address.url
        self._noted = noted
        self.version = version
        self.too_new = line.too_new
        """Whether the broker has said that it does not speak a newer version."""
        self.usable = True
        self._slots = asyncio.Semaphore(line.terms.in_flight)
        if not line.terms.qos or not line.terms.retain:
            log.warning(
                "broker offers less", broker=self._url, acknowledges=line.terms.qos > 0, retains=line.terms.retain
            )

    @property
    def named(self) -> dict[str, str]:
        """What a log says of it."""
        return {"broker": self._url, "mqtt": self.version}

    @property
    def terms(self) -> properties.Terms:
        """What the broker allows."""
        return self._line.terms

    async def publish(self, message: Message) -> bool:
        """Return once the broker has acknowledged the message; with QoS 0, once it is written.

        False: the broker refuses this message for good, which is noted and said. MQTT 3.1.1 has no way to say so.
        """
        terms = self._line.terms
        if message.qos > terms.qos or (message.retain and not terms.retain):
            message = replace(message, qos=min(message.qos, terms.qos), retain=message.retain and terms.retain)
        made = properties.of_message(message) if self.version == "5" else None
        if made is not None and terms.packet_bytes is not None:
            size_bytes = properties.size_bytes(message, made)
            if size_bytes > terms.packet_bytes:
                why = f"it takes {size_bytes} bytes, and the broker allows {terms.packet_bytes}; raise its limit"
                self._noted.note(message.topic, self._url, why)
                return False
        # with QoS 0 nothing is acknowledged, so nothing is in flight
        slot = self._slots if message.qos else contextlib.nullcontext()
        try:
            async with slot:
                code = await self._line.send(message, made)
        except LostError as error:
            raise self._failed("did not acknowledge a message") from error
        if code is None:
            return True
        why = refusals.unpublished(code, self._line.words)
        if code.value in refusals.LATER:
            raise self._failed(f"did not take a message: {why}")
        self._noted.note(message.topic, self._url, why)
        return False

    async def lost(self) -> None:
        """Wait for the end of the connection, then raise BrokerError. Messages that arrive are dropped."""
        async for _ in self.received():
            pass

    async def subscribe(self, topics: str, qos: int = 1) -> None:
        """Ask for everything published on a filter; return once the broker has agreed.

        A refusal raises BrokerError too, and leaves the connection `usable`.
        """
        try:
            answer = await self._line.ask(topics, qos)
        except LostError as error:
            raise self._failed("did not acknowledge a subscription") from error
        for code in answer:
            if (value := getattr(code, "value", code)) >= refusals.FIRST_FAILURE:
                msg = f"the broker at {self._url} does not let this user subscribe to {topics} (code {value}: {code})"
                raise BrokerError(msg)

    async def received(self) -> AsyncIterator[Message]:
        """Yield what arrives on the filters subscribed to; ends with BrokerError when the connection does."""
        try:
            async for message in self._line.hear():
                yield message
        except LostError as error:
            raise self._failed("closed the connection") from error

    def _failed(self, what: str) -> BrokerError:
        self.usable = False
        if self._line.code is not None:
            told = refusals.closed(self._line.code, self._url, self._line.identifier, self._line.words)
            return TakenOverError(told) if self._line.code.value == refusals.TAKEN_OVER else BrokerError(told)
        return BrokerError(f"the broker at {self._url} {what}")
