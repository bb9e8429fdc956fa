"""What drivers raise. The message is one sentence that names what is wrong and what is allowed."""

from __future__ import annotations


class DriverError(ValueError):
    """Anything that a driver refuses."""


class DecodeError(DriverError):
    """These bytes are not what the device sends there: too short, an unknown type, values out of range."""


class OptionsError(DriverError):
    """The device does not offer what is asked of it."""
