"""Every topic that a daemon publishes on by itself, a line each: what it carries, how it is sent and what for."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from ankled.daemon.bridge.health import BridgeHealth
from ankled.daemon.bridge.info import Info
from ankled.daemon.bridge.journal import LogLine
from ankled.daemon.live.state import Report
from ankled.daemon.moments import Imu
from ankled.daemon.records import Alert, Event, Live, Pair, Rep, Session, Set
from ankled.daemon.requests.forms import Devices
from ankled.daemon.standing import Standing

Whose: TypeAlias = Literal["bridge", "device", "athlete"]


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is there."""

    state: Literal["online", "offline"]


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One topic below a node: of the daemon itself, of a device or of an athlete."""

    whose: Whose
    name: str
    content: type[msgspec.Struct]
    qos: Literal[0, 1]
    retain: bool
    summary: str

    @property
    def key(self) -> str:
        """What the topic is called in the document, and its schema's file where the record has no name of its own."""
        return f"{self.whose}_{self.name}"

    @property
    def address(self) -> str:
        """The topic, with parameters in braces."""
        level = {"bridge": "bridge", "device": "{device}", "athlete": "athlete/{athlete}"}[self.whose]
        return f"{{base}}/{{node}}/{level}/{self.name}"


def _kept(whose: Whose, name: str, content: type[msgspec.Struct], summary: str) -> Published:
    """Return a topic whose last message the broker keeps."""
    return Published(whose=whose, name=name, content=content, qos=1, retain=True, summary=summary)


def _sent(whose: Whose, name: str, content: type[msgspec.Struct], summary: str) -> Published:
    """Return a topic whose messages are sent at least once."""
    return Published(whose=whose, name=name, content=content, qos=1, retain=False, summary=summary)


def _streamed(whose: Whose, name: str, content: type[msgspec.Struct], summary: str) -> Published:
    """Return a topic whose messages are of the moment, and sent at most once."""
    return Published(whose=whose, name=name, content=content, qos=0, retain=False, summary=summary)


PUBLISHED: Final = (
    _kept("bridge", "state", Presence, "Whether the daemon is there; also its last will."),
    _kept("bridge", "info", Info, "Which version runs, under which name, and what it can do."),
    _kept("bridge", "health", BridgeHealth, "Whether the daemon does its work, in figures, and what is not well."),
    _kept("bridge", "devices", Devices, "The sensors that are wanted, and those that were heard near by."),
    _sent("bridge", "event", Event, "Something that happened to a sensor's stream and touches its results."),
    _streamed("bridge", "logging", LogLine, "A line of the log."),
    _kept("device", "availability", Presence, "Whether samples come from the sensor."),
    _kept("device", "state", Report, "What is known about the sensor and its link."),
    _streamed("device", "live", Live, "What a leg does at the moment, at most ten times a second."),
    _streamed("device", "imu", Imu, "Decoded samples, where that is asked for."),
    _sent("device", "rep", Rep, "One stride or repetition."),
    _sent("device", "standing", Standing, "A spell of quiet standing."),
    _kept("device", "set", Set, "A set, when it ends; the last one is kept."),
    _sent("device", "alert", Alert, "Something about one leg that a coach should look at."),
    _sent("athlete", "pair", Pair, "A stride or repetition of each leg, side by side."),
    _kept("athlete", "session", Session, "Totals, when the session ends; the last ones are kept."),
    _sent("athlete", "alert", Alert, "Something about both legs together that a coach should look at."),
)
