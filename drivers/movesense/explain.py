"""Frames in words, for whoever looks at single packets: events that hold what a frame says.

`status` {"cmd", "ref", "path" or "data"} for a command; `response` {"kind", "ref", ...} for an answer and for data of
which nothing is known; `battery` {"level"} for the energy level; `info` with the vendor's keys for data of a resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.drivers.errors import DecodeError
from ankled.drivers.messages import Event
from ankled.drivers.movesense import resources, wire

if TYPE_CHECKING:
    from ankled.drivers.messages import Value
    from ankled.drivers.movesense.wire import Hello, Response

_HELLO_KEYS = ("serial", "product", "dfu_mac", "app", "app_version")
"""The texts of a HELLO in their order (B)."""
_FULL = 100


def command(data: bytes) -> Event:
    """Return what a central has written. Raises DecodeError."""
    said = wire.decode_command(data)
    value: dict[str, Value] = {"cmd": said.code.name, "ref": said.ref}
    path = said.path
    value |= _only("data", said.payload.hex()) if path is None else _only("path", path)
    return Event(name="status", value=value)


def named(hello: Hello) -> dict[str, Value]:
    """Return who the sensor says it is, by names, as far as it does."""
    return {"protocol_version": hello.version, **dict(zip(_HELLO_KEYS, hello.texts, strict=False))}


def answer(said: Response | Hello, path: str | None) -> Event:
    """Return what an answer says; `path` is the resource that was asked for, if that is known. Raises DecodeError."""
    value: dict[str, Value] = {"kind": "hello", "ref": said.ref}
    if isinstance(said, wire.Hello):
        value |= {"protocol_version": said.version, "strings": list(said.texts)}
        return Event(name="response", value=value | (named(said) if said.version is not None else {}))
    value |= {"kind": "command-response", "status": said.status, "meaning": said.words}
    if path is None or not said.data or resources.layout(path) is None:
        return Event(name="response", value=value | _only("data", said.data.hex()))
    held = payload(path, said.data)
    return held if held.name == "battery" else Event(name="response", value=value | held.value)


def payload(path: str, data: bytes) -> Event:
    """Return what data of a resource that is no motion stream hold. Raises DecodeError."""
    held = resources.decode(path, data)
    if isinstance(level := held.get("level"), int):
        if level > _FULL:
            raise DecodeError(f"the energy level is {level}; 0 to {_FULL} percent are allowed")
        return Event(name="battery", value=held)
    return Event(name="info", value=_only("resource", path) | held)


def unknown(kind: int, data: bytes) -> Event:
    """Return data of which nothing is known, or a frame of a type that is not known."""
    value: dict[str, Value] = {"ref": data[1], "data": data[wire.HEADER_BYTES :].hex()}
    if kind in {wire.FIRST, wire.SECOND, wire.THIRD}:
        value |= {"kind": "data", "continuation": kind != wire.FIRST}
        return Event(name="response", value=value)
    message = f"a notification of type {kind} is unknown; 1 (answer) and 2, 3, 4 (data) are known"
    value |= {"kind": "unknown", "code": kind, "message": message}
    return Event(name="error", value=value)


def _only(key: str, value: Value) -> dict[str, Value]:
    return {key: value}
