"""What a subscriber has heard of one session, message by message: the one source of everything that is shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.records import Alert, Event, Pair, Record, Rep, Session, Set
from ankled.daemon.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.mqtt.connection import Message

_RESULTS: Final = frozenset({"rep", "standing", "set", "pair", "session", "alert", "event"})
_DECODER: Final = msgspec.json.Decoder(Record)
_OFFLINE: Final = b'{"state":"offline"}'


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of the state of a sensor."""

    device: str
    link: str
    name: str | None = None
    side: str = ""
    rate_hz: float | None = None


class Tally:
    """The records of a session as they arrived, each once, whatever the broker delivers twice or had kept."""

    def __init__(self, session: str, heard: Callable[[Record], None] | None = None) -> None:
        """Listen for `session`; `heard` is called with each new record."""
        self._session = session
        self._heard = heard
        self._ids: set[str] = set()
        self._news = asyncio.Event()
        self._farewell = asyncio.Event()
        self.reps: dict[str, list[Rep]] = {"left": [], "right": []}
        self.sets: list[Set] = []
        self.alerts: list[Alert] = []
        self.pair: Pair | None = None
        self.session: Session | None = None
        self.axes: set[str] = set()
        self.sensors: dict[str, Sensor] = {}
        self.last: Message | None = None

    @property
    def count(self) -> int:
        """How many records were heard."""
        return len(self._ids)

    def take(self, message: Message) -> None:
        """Take in what the broker delivered."""
        if message.retain:  # of an earlier run, or from before this one had something to tell
            return
        kind = message.topic.rpartition("/")[2]
        if kind == "state":
            self._hear_state(message)
        if kind not in _RESULTS:
            return
        try:
            record = _DECODER.decode(message.payload)
        except msgspec.DecodeError:  # on a shared broker anybody may write below our topic
            return
        if record.session != self._session or record.id in self._ids:
            return
        self._ids.add(record.id)
        self.last = message
        self._keep(record)
        if self._heard is not None:
            self._heard(record)
        self._news.set()

    async def until(self, count: int, deadline_s: float) -> bool:
        """Wait for so many records; return whether they came in time."""
        try:
            async with asyncio.timeout(deadline_s):
                while self.count < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def farewell(self, deadline_s: float) -> bool:
        """Wait until the daemon has said that it is gone; return whether it did in time."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._farewell.wait()
        except TimeoutError:
            return False
        return True

    def _hear_state(self, message: Message) -> None:
        """Take in the state of a sensor, by the side where it is worn, or of the daemon."""
        if message.topic.endswith("/bridge/state"):
            if message.payload == _OFFLINE:
                self._farewell.set()
            return
        try:
            sensor = msgspec.json.decode(message.payload, type=Sensor)
        except msgspec.DecodeError:  # as above
            return
        self.sensors[sensor.side] = sensor

    def _keep(self, record: Record) -> None:
        """Put a record where it is looked for."""
        match record:
            case Rep():
                self.reps.setdefault(record.side, []).append(record)
            case Set():
                self.sets.append(record)
            case Pair():
                self.pair = record
            case Session():
                self.session = record
            case Alert():
                self.alerts.append(record)
            case Event() if record.event == "axis_settled":
                self.axes.add(record.device)
            case Event() | Standing():
                pass
