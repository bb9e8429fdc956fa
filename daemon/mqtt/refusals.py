"""What to tell a user when a broker cannot be reached, or does not take us, our messages or our subscriptions."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Final

import structlog

from ankled.daemon.mqtt import tls

if TYPE_CHECKING:
    from ankled.daemon.mqtt.broker_url import BrokerAddress

# Reason codes of MQTT 5 (2.4); paho gives those of CONNACK for 3.1.1 too.
BAD_CREDENTIALS: Final = 134
NOT_AUTHORISED: Final = 135
UNSUPPORTED_VERSION: Final = 132
TAKEN_OVER: Final = 142
FIRST_FAILURE: Final = 128
LATER: Final = (145, 151)
"""Packet identifier in use, quota exceeded: the same message may be taken at another time."""

_MOST_TOPICS: Final = 1000

log = structlog.stdlib.get_logger(__name__)


class Refusals:
    """The messages that a broker has refused for good, each topic said once.

    A queue does not stand still for what no repetition helps, and nobody reads the same line a thousand times a day.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self._topics: dict[str, int] = {}

    @property
    def topics(self) -> dict[str, int]:
        """How many messages were refused of each topic, of the first thousand topics."""
        return dict(self._topics)

    def note(self, topic: str, url: str, why: str) -> None:
        """Count a refusal."""
        self.count += 1
        if topic in self._topics:
            self._topics[topic] += 1
        elif len(self._topics) < _MOST_TOPICS:
            self._topics[topic] = 1
            log.error("message refused", topic=topic, broker=url, reason=why, repeated="counted, not said again")


def failure(cause: BaseException | None, address: BrokerAddress, alert: str | None, timeout_s: float) -> str:  # noqa: PLR0911 - a table
    """Return the sentence for a connection that did not come about, by its cause."""
    where = address.where
    told = tls.alerted(alert or getattr(cause, "reason", None), where)
    if told is not None:
        return told
    match cause:
        case socket.gaierror():
            return f'the broker\'s name "{address.host}" does not resolve to an address; check its spelling and the DNS'
        case ssl.SSLCertVerificationError():
            return tls.untrusted(cause, where, address.trust.server_name or address.host)
        case ssl.SSLError() | ConnectionResetError() if address.tls:
            why = getattr(cause, "reason", None) or cause.strerror or cause
            plain = "ws" if address.transport == "websockets" else "mqtt"
            return f"no TLS with the broker at {where} ({why}); is that its TLS port? Without TLS use {plain}://"
        case FileNotFoundError():
            return f"there is no socket at {where}; start the broker or correct its address"
        case ConnectionRefusedError():
            return f"nobody listens at {where}; start the broker or correct its address"
        case ConnectionError() if address.transport == "websockets":
            return f"{where} does not answer as a broker with websockets does; correct the port or the path"
        case OSError() if not isinstance(cause, TimeoutError):
            return f"no connection to the broker at {where}: {cause.strerror or cause}"
    with_or_without = "without" if address.tls else "with"
    asked = "" if not address.tls or address.trust.cert_file else ", and does it ask for a client certificate"
    return (
        f"{where} gave no MQTT answer within {timeout_s:g} s; "
        f"can it be reached, is it an MQTT broker, and is it one {with_or_without} TLS{asked}?"
    )


def refused(code: object, where: str, words: str = "") -> str:
    """Return the sentence for a CONNACK that says no."""
    value = getattr(code, "value", code)
    if value in (BAD_CREDENTIALS, NOT_AUTHORISED):
        return (
            f"the broker at {where} refused the user name or password (code {value}: {code}{words}); "
            "correct mqtt.username and mqtt.password_file, or those in the URL"
        )
    if value == UNSUPPORTED_VERSION:
        return (
            f"the broker at {where} does not speak this version of MQTT (code {value}: {code}); correct mqtt.protocol"
        )
    return f"the broker at {where} refused the connection (code {value}: {code}{words})"


def closed(code: object, url: str, client_id: str, words: str = "") -> str:
    """Return the sentence for a DISCONNECT of the broker."""
    value = getattr(code, "value", code)
    if value == TAKEN_OVER:
        return (
            f'another client with the client id "{client_id}" has connected to the broker at {url} and thrown this one '
            f"out (code {value}: {code}); give each daemon a node or an mqtt.client_id of its own"
        )
    return f"the broker at {url} closed the connection (code {value}: {code}{words})"


def unpublished(code: object, words: str = "") -> str:
    """Return why a message was not taken."""
    value = getattr(code, "value", code)
    if value == NOT_AUTHORISED:
        return f"this user may not publish there (code {value}: {code}{words}); allow it in the broker's access list"
    return f"the broker does not take it (code {value}: {code}{words})"
