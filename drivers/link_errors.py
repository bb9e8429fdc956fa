"""What can go wrong on the radio. The class says what to do, the message what it is about in one sentence."""

from __future__ import annotations


class LinkError(Exception):
    """Anything that goes wrong between this program and a device."""


class AdapterError(LinkError):
    """The adapter itself is of no use at present: no device can help, so wait for the adapter and try again."""


class AdapterMissingError(AdapterError):
    """There is no such adapter: plug it in, or correct its name or address."""


class AdapterOffError(AdapterError):
    """The adapter is there and switched off: power it on."""


class NoPermissionError(AdapterError):
    """The system does not let this user speak to bluetoothd: fix the permission."""


class NoBluetoothdError(AdapterError):
    """D-Bus or bluetoothd does not answer: start it."""


class BusyError(LinkError):
    """Another operation is in progress: try again in a moment."""


class OutOfSlotsError(LinkError):
    """The adapter holds as many connections as it can: wait until one is let go."""


class DeviceNotFoundError(LinkError):
    """The device is not known any more: scan until it is seen again."""


class LinkTimeoutError(LinkError):
    """No answer in time. The link may be dead: see whether it answers to anything else, or drop it."""


class LinkLostError(LinkError):
    """The connection has ended: make a new one."""


class LinkFailedError(LinkError):
    """None of the other classes: drop the connection and make a new one."""


class NotOfferedError(LinkError):
    """The device has no such characteristic, or it cannot do that. The link is good; asking again will not help."""


class RequestRefusedError(LinkError):
    """The device answered with an ATT error `code` (Bluetooth Core 5.4, Vol 3, Part F, 3.4.1.1). The link is good."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
