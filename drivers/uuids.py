"""UUIDs as drivers write them: 128 bits, lower case, with dashes."""

from __future__ import annotations

import re

from ankled.drivers.errors import DriverError

_SHORT = re.compile(r"^(?:0x)?([0-9a-f]{4}|[0-9a-f]{8})$")
_LONG = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def sig(short: int) -> str:
    """Return the 128-bit form of a UUID that the Bluetooth SIG assigned."""
    return f"{short:08x}-0000-1000-8000-00805f9b34fb"


def normalise(text: str) -> str:
    """Return a UUID of 16, 32 or 128 bits, in any case, as drivers write it. Raises DriverError."""
    lower = text.strip().lower()
    if short := _SHORT.match(lower):
        return sig(int(short[1], 16))
    if _LONG.match(lower):
        return lower
    raise DriverError(f'"{text}" is no UUID; allowed are 4, 8 or 32 hexadecimal digits, the latter with dashes')
