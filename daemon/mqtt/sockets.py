"""What aiomqtt and paho leave to others about sockets: time-outs, small packets at once, and closing them."""

from __future__ import annotations

import socket
import traceback


def unix_socket(path: str, timeout_s: float) -> socket.socket:
    """Return a connection to a unix socket; paho would wait for ever for a broker that takes none."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(timeout_s)
        made.connect(path)
    except BaseException:
        made.close()
        raise
    return made


def send_at_once(found: object) -> None:
    """Switch Nagle's algorithm off, also below TLS and a websocket.

    Else a result waits up to 40 ms for the broker's delayed acknowledgement of a message that it need not answer.
    """
    below = getattr(found, "_socket", found)  # of paho's websocket
    if isinstance(below, socket.socket) and below.family in (socket.AF_INET, socket.AF_INET6):
        below.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def close_abandoned(cause: BaseException | None) -> None:
    """Close what paho leaves to the garbage collector when a handshake fails: a socket in its frames."""
    for frame, _ in traceback.walk_tb(None if cause is None else cause.__traceback__):
        for value in frame.f_locals.values():
            if isinstance(value, socket.socket):
                value.close()
