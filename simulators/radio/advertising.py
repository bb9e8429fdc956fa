"""Advertising data as bytes and back (Core Specification Supplement, Part A)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from ankled.drivers.uuids import sig
from ankled.simulators.radio.errors import RadioError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.simulators.peripherals.model import Advertising

ROOM: Final = 31
"""Bytes of a legacy advertisement, and of its scan response (Bluetooth Core 5.4, Vol 6, Part B, 2.3)."""

_FLAGS: Final = bytes([2, 0x01, 0x06])  # general discoverable, no BR/EDR
_SERVICES_16: Final = (0x02, 0x03)
_SERVICES_128: Final = (0x06, 0x07)
_NAMES: Final = (0x08, 0x09)
_MANUFACTURER: Final = 0xFF
_SHORT_TAIL: Final = sig(0)[8:]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a scanner knows of a device: its advertisement and, when it asked for one, its scan response."""

    address: str
    rssi_dbm: int
    name: str | None = None
    services: tuple[str, ...] = ()
    manufacturer: dict[int, bytes] = msgspec.field(default_factory=dict)


def encode(advertising: Advertising) -> tuple[bytes, bytes]:
    """Return advertisement and scan response. What does not fit goes into the response; raises RadioError beyond."""
    short = [uuid for uuid in advertising.services if _is_short(uuid)]
    long = [uuid for uuid in advertising.services if not _is_short(uuid)]
    parts = [_FLAGS]
    if short:
        parts.append(_part(_SERVICES_16[1], b"".join(struct.pack("<H", int(uuid[:8], 16)) for uuid in short)))
    if long:
        parts.append(_part(_SERVICES_128[1], b"".join(UUID(uuid).bytes[::-1] for uuid in long)))
    parts += [_part(_MANUFACTURER, struct.pack("<H", key) + data) for key, data in advertising.manufacturer.items()]
    parts.append(_part(_NAMES[1], advertising.name.encode()))
    fields = [b"", b""]
    for part in parts:
        place = 0 if len(fields[0]) + len(part) <= ROOM else 1
        fields[place] += part
    if len(fields[1]) > ROOM:
        raise RadioError(
            f'what "{advertising.name}" advertises takes {sum(map(len, fields))} bytes and does not fit into'
            f" an advertisement and a scan response of {ROOM} bytes each"
        )
    return fields[0], fields[1]


def decode(address: str, rssi_dbm: int, structures: Iterable[tuple[int, bytes]]) -> Heard:
    """Return what the data structures of an advertisement and its scan response say."""
    name: str | None = None
    services: list[str] = []
    manufacturer: dict[int, bytes] = {}
    for kind, data in structures:
        if kind in _NAMES:
            name = data.decode(errors="replace")
        elif kind in _SERVICES_16:
            services += [sig(code) for (code,) in struct.iter_unpack("<H", data[: len(data) & ~1])]
        elif kind in _SERVICES_128:
            services += [str(UUID(bytes=data[at : at + 16][::-1])) for at in range(0, len(data) - 15, 16)]
        elif kind == _MANUFACTURER and len(data) > 1:
            manufacturer[data[0] | data[1] << 8] = data[2:]
    return Heard(address=address, rssi_dbm=rssi_dbm, name=name, services=tuple(services), manufacturer=manufacturer)


def _is_short(uuid: str) -> bool:
    return uuid.startswith("0000") and uuid.endswith(_SHORT_TAIL)


def _part(kind: int, data: bytes) -> bytes:
    return bytes([len(data) + 1, kind]) + data
