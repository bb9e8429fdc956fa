"""Telling systemd how the service is: one datagram to the socket that it names in NOTIFY_SOCKET, see sd_notify(3)."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEND_S: Final = 0.5
"""How long a datagram may wait for room: systemd reads them all the time."""
_US: Final = 1e-6


class Notifier:
    """Says assignments such as READY=1. Without a socket it does nothing, so nobody need ask whether there is one."""

    def __init__(self, address: str | None) -> None:
        """Take the path of a socket, or @ and the name of an abstract one; None, or any other address, for nobody."""
        self._address: str | None = None
        if address is not None and address.startswith(("/", "@")):
            self._address = f"\0{address[1:]}" if address.startswith("@") else address

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the one for the socket that the environment names."""
        return cls(environ.get("NOTIFY_SOCKET") or None)

    @property
    def heard(self) -> bool:
        """Whether somebody asked to be told."""
        return self._address is not None

    def say(self, **told: str | int) -> bool:
        """Say all of this at once; tell whether it was taken. Nobody to hear it is as good as taken."""
        if self._address is None:
            return True
        # a line feed parts one assignment from the next
        text = "\n".join(f"{name}={' '.join(str(value).split())}" for name, value in told.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.settimeout(_SEND_S)
                way.sendto(text.encode(), self._address)
        except OSError:  # nobody reads it now, or this process may open no file more
            return False
        return True


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return within how long systemd wants to hear that we are alive; None where nobody watches over this process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        period_s = int(environ.get("WATCHDOG_USEC", "")) * _US
    except ValueError:
        return None
    return period_s if period_s > 0.0 else None
