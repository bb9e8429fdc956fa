"""Properties of MQTT 5 as aiomqtt's library paho has them: made from a message, and read from what the broker sends."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import msgspec
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ankled.daemon.mqtt.message import Message, content_type, user_properties

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_IN_FLIGHT: Final = 20  # paho's own limit where the broker sets none
_LONGEST_REASON: Final = 200
# The largest fixed header, and the lengths of topic and packet identifier in front of it (MQTT 5.0, 2.1 and 3.3.2).
_OVERHEAD_BYTES: Final = 5 + 2 + 2


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a broker allows on a connection; the defaults are those of MQTT 5 and hold for 3.1.1.

    `in_flight` is what we keep to, `receive_maximum` what the broker said; null is what it did not say.
    """

    in_flight: int = _MOST_IN_FLIGHT
    packet_bytes: int | None = None
    qos: int = 2
    retain: bool = True
    receive_maximum: int | None = None
    session_expiry_s: int | None = None
    keepalive_s: int | None = None


def terms(properties: Properties | None) -> Terms:
    """Return what the answer to CONNECT allows. Topic aliases are never used: none need be kept within a limit."""
    told = _told(properties)
    return Terms(
        in_flight=max(1, min(_MOST_IN_FLIGHT, told.get("ReceiveMaximum", _MOST_IN_FLIGHT))),
        packet_bytes=told.get("MaximumPacketSize"),
        qos=told.get("MaximumQoS", 2),
        retain=bool(told.get("RetainAvailable", 1)),
        receive_maximum=told.get("ReceiveMaximum"),
        session_expiry_s=told.get("SessionExpiryInterval"),
        keepalive_s=told.get("ServerKeepAlive"),
    )


def of_connect(packet_bytes: int | None) -> Properties | None:
    """Return the properties of CONNECT: what we take at most."""
    if packet_bytes is None:
        return None
    made = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has types in part
    made.MaximumPacketSize = packet_bytes
    return made


def of_message(message: Message) -> Properties:
    """Return the properties that a message is sent with; those of one schema are made once."""
    answered = message.response_topic, message.correlation_data
    return _made(message.expiry_s, content_type(message), user_properties(message), *answered)


@functools.lru_cache(maxsize=64)
def _made(
    expiry_s: int | None,
    content: str | None,
    user: tuple[tuple[str, str], ...],
    response_topic: str | None,
    correlation_data: bytes | None,
) -> Properties:
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has types in part
    found = {
        "MessageExpiryInterval": expiry_s,
        "ContentType": content,
        "ResponseTopic": response_topic,
        "CorrelationData": correlation_data,
        "UserProperty": list(user) or None,
    }
    for name, value in found.items():
        if value is not None:
            setattr(made, name, value)
    packed = made.pack()  # type: ignore[no-untyped-call]  # as above
    # paho packs them for every packet: a third of the time that a message takes
    object.__setattr__(made, "pack", lambda: packed)
    return made


def size_bytes(message: Message, properties: Properties) -> int:
    """Return an upper bound of the size of the packet that carries a message."""
    packed_bytes = len(properties.pack())  # type: ignore[no-untyped-call]  # as above
    return _OVERHEAD_BYTES + len(message.topic.encode()) + packed_bytes + len(message.payload)


def received(topic: str, payload: bytes, qos: int, retain: bool, properties: Properties | None) -> Message:  # noqa: FBT001 - as the library gives them
    """Return a message that has come."""
    told = _told(properties)
    return Message(
        topic,
        payload,
        qos,
        retain,
        expiry_s=told.get("MessageExpiryInterval"),
        content_type=told.get("ContentType"),
        user=tuple(_pairs(told.get("UserProperty", ()))),
        response_topic=told.get("ResponseTopic"),
        correlation_data=told.get("CorrelationData"),
    )


def reason(properties: Properties | None) -> str:
    """Return what the broker says in words, after a colon and on one line; nothing if it says none."""
    told = _told(properties)
    words = [str(told[name]) for name in ("ReasonString", "ServerReference") if told.get(name)]
    shown = "".join(one if one.isprintable() else " " for one in "; ".join(words))
    return f": {shown[:_LONGEST_REASON]}" if shown else ""


def _told(properties: Properties | None) -> dict[str, Any]:
    """Return the properties by name; paho keeps them as attributes beside some of its own."""
    return {} if properties is None else vars(properties)


def _pairs(found: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((str(name), str(value)) for name, value in found)
