"""What may be heard below the base topic, and how it is read: with mistrust, for anybody may publish there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from ankled.daemon.records import Alert, Event, Pair, Record, Rep, Session, Set, Side
from ankled.daemon.settings import RESERVED_SLUGS, Slug
from ankled.daemon.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Result: TypeAlias = Rep | Standing | Set | Pair | Session | Alert | Event

_SLUG: Final = re.compile(r"[a-z0-9_-]{1,64}")
_DEVICE: Final = {"rep": Rep, "standing": Standing, "set": Set, "alert": Alert}
_ATHLETE: Final = {"pair": Pair, "session": Session, "alert": Alert}
_STATES: Final = ("availability", "state", "live")
HISTORY: Final = "response/history"
_BRIDGE: Final = ("state", "event", "health", HISTORY)
LARGEST: Final = 64 * 1024
"""Bytes of a message that is read; a record has some 2 kB."""
LARGEST_ANSWER: Final = 8 * 1024 * 1024
_RECORD: Final = msgspec.json.Decoder(Record)

T = TypeVar("T")


class Place(NamedTuple):
    """Where a message came from: `owner` is a device or, with `athlete`, an athlete; of the bridge it is empty."""

    node: str
    owner: str
    what: str
    athlete: bool = False


class Availability(msgspec.Struct, frozen=True):
    """What `availability` and `bridge/state` say."""

    state: str


class DeviceState(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a device's `state`."""

    link: str | None = None
    name: str | None = None
    label: str | None = None
    side: Side = "unknown"
    athlete: Slug | None = None
    battery_percent: float | None = None
    rssi_dbm: float | None = None


class Trace(msgspec.Struct, frozen=True):
    """The curve since the message before."""

    angle_deg: list[float] | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a device's `live`, whichever of it a sensor can tell."""

    moving: bool | None = None
    activity: str | None = None
    phase: str | None = None
    set: int | None = None
    index: int | None = None
    cadence_per_min: float | None = None
    angle_deg: float | None = None
    lateral_force_n: float | None = None
    trace: Trace | None = None


def filters(base: str, nodes: Sequence[str]) -> list[str]:
    """Return what to subscribe to: states first, so that it is known who is there before results come."""
    devices = [f"+/{name}" for name in ("state", "availability")]
    rest = [f"bridge/{name}" for name in _BRIDGE if name != "state"]  # +/state takes that one in
    results = [*(f"+/{name}" for name in _DEVICE), *(f"athlete/+/{name}" for name in _ATHLETE), "+/live"]
    return [f"{base}/{node}/{topics}" for topics in (*devices, *rest, *results) for node in nodes or ("+",)]


def place(base: str, topic: str) -> Place | None:
    """Return where a message came from, or None for a topic that is none of ours."""
    if not topic.startswith(f"{base}/"):
        return None
    match topic.removeprefix(f"{base}/").split("/", 2):
        case [node, "bridge", what] if what in _BRIDGE:
            found = Place(node, "", what)
        case [node, "athlete", rest]:
            owner, _, what = rest.partition("/")
            if what not in _ATHLETE:
                return None
            found = Place(node, owner, what, athlete=True)
        case [node, owner, what] if what in _DEVICE or what in _STATES:
            found = Place(node, owner, what)
        case _:
            return None
    slugs = (found.node, found.owner) if found.owner else (found.node,)
    return found if all(_SLUG.fullmatch(slug) and slug not in RESERVED_SLUGS for slug in slugs) else None


def is_result(where: Place) -> bool:
    """Tell whether a place holds results, which are counted by `seq`."""
    return where.what in (_ATHLETE if where.athlete else _DEVICE) or where.what == "event"


def read(payload: bytes, kind: type[T], most: int = LARGEST) -> T | None:
    """Return the content of a message, or None for anything that is not of its kind."""
    if len(payload) > most:
        return None
    try:
        return msgspec.json.decode(payload, type=kind)
    except (ValueError, RecursionError):  # every error of msgspec, and of text that is none, is a ValueError
        return None


def result(where: Place, payload: bytes) -> Result | None:
    """Return the record that a topic for results brought, or None for one that does not belong there."""
    if len(payload) > LARGEST:
        return None
    try:
        record = _RECORD.decode(payload)
    except (ValueError, RecursionError):  # as above
        return None
    match record:
        case Pair() | Session():
            owner = (record.athlete, True)
        case Alert(device=None, athlete=str(athlete)):
            owner = (athlete, True)
        case Alert(device=str(device)):
            owner = (device, False)
        case Event():
            return record if where.what == "event" and _SLUG.fullmatch(record.device) else None
        case Rep() | Standing() | Set():
            owner = (record.device, False)
        case _:
            return None
    kind = (_ATHLETE if where.athlete else _DEVICE).get(where.what)
    return record if owner == (where.owner, where.athlete) and isinstance(record, kind or ()) else None


def source(record: Result) -> tuple[str, bool]:
    """Return whose `seq` a result counts: the device's, or (True) the athlete's."""
    match record:
        case Pair() | Session():
            return record.athlete, True
        case Alert(device=None):
            return record.athlete or "", True
        case _:
            return record.device or "", False
