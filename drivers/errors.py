"""What drivers raise. The message is one sentence that names what is wrong and what is allowed."""

from __future__ import annotations

from typing import Final

_MOST_SHOWN: Final = 16


class DriverError(ValueError):
    """Anything that a driver refuses."""


class DecodeError(DriverError):
    """These bytes are not what the device sends there: too short, an unknown type, values out of range."""


def shown(data: bytes) -> str:
    """Return bytes as a message shows them: in hexadecimal digits, and of many the first ones only."""
    if len(data) <= _MOST_SHOWN:
        return data.hex()
    return f"{data[:_MOST_SHOWN].hex()}... ({len(data)} bytes)"


class OptionsError(DriverError):
    """The device does not offer what is asked of it."""
