"""A message, and what MQTT 5 says beside its payload: how long it is of use, what it is made of, where to answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from ankled.daemon.mqtt.backlog import Parcel

LIVE_EXPIRY_S: Final = 5
"""A value of the moment is of no use to anybody later: a broker that is behind may drop it. Results never expire."""

JSON: Final = "application/json"

_SCHEMA = re.compile(rb'\{"schema":"([A-Za-z0-9._/-]{1,64})"')


class Message(msgspec.Struct, frozen=True):
    """What goes to the broker, or comes from it. From `expiry_s` on only MQTT 5 carries it; 3.1.1 leaves it out."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    content_type: str | None = None
    user: tuple[tuple[str, str], ...] = ()
    response_topic: str | None = None
    correlation_data: bytes | None = None


def of_parcel(parcel: Parcel) -> Message:
    """Return what goes to the broker."""
    return parcel if isinstance(parcel, Message) else Message(parcel.topic, parcel.payload, parcel.qos, parcel.retain)


def content_type(message: Message) -> str | None:
    """Return the content type, found from the payload where none is given: what is stored need not store it."""
    return message.content_type or (JSON if message.payload[:1] in (b"{", b"[") else None)


def user_properties(message: Message) -> tuple[tuple[str, str], ...]:
    """Return the user properties, and before them the name of the record's schema."""
    schema = _SCHEMA.match(message.payload)
    return message.user if schema is None else (("schema", schema[1].decode()), *message.user)
