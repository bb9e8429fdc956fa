"""Where the answer to a request goes, and what it looks like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.requests.faults import shown

if TYPE_CHECKING:
    from ankled.daemon.mqtt.topics import Topics

LARGEST: Final = 1024 * 1024
"""Bytes of an answer: what brokers and their clients take without being told to."""
NAMELESS: Final = "unknown"
"""Where requests are answered whose name cannot be one of a topic."""
_OWN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,3}")


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is answered: `data` where it is ok, else `error`."""

    transaction: str | int | None
    status: Literal["ok", "error"]
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType = msgspec.UNSET


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """To whom: a topic and, with MQTT 5, what the caller tells its requests apart by."""

    topic: str
    correlation: bytes | None = None

    def ok(self, transaction: str | int | None, data: msgspec.Struct) -> Message:
        """Return the message that says what was asked for."""
        encoded = msgspec.json.encode(
            Answer(transaction=transaction, status="ok", data=msgspec.Raw(msgspec.json.encode(data)))
        )
        if len(encoded) > LARGEST:
            return self.error(
                transaction, f"the answer is {len(encoded)} bytes long, more than the {LARGEST} there may be"
            )
        return self._message(encoded)

    def error(self, transaction: str | int | None, text: str) -> Message:
        """Return the message that says why not."""
        return self._message(msgspec.json.encode(Answer(transaction=transaction, status="error", error=text)))

    def _message(self, payload: bytes) -> Message:
        # never retained: an answer is for whoever asked, now
        message = Message(self.topic, payload, 1, retain=False)
        if self.correlation is None:
            return message
        return msgspec.structs.replace(message, correlation_data=self.correlation)


def reply_to(topics: Topics, name: str, message: Message) -> tuple[Reply, str | None]:
    """Return where a request is answered, and what is wrong with where it wants to be.

    An answer goes below the node's own `bridge/response/` alone. Whoever may ask must not be able to have the daemon,
    which may write more than they, write to another topic: the request of another node, or a state.
    """
    try:
        topic = topics.response(name)
    except UsageError:
        topic = topics.response(NAMELESS)
    correlation: bytes | None = getattr(message, "correlation_data", None)
    wanted: str | None = getattr(message, "response_topic", None)
    if wanted is None:
        return Reply(topic=topic, correlation=correlation), None
    root = topics.response(NAMELESS).removesuffix(NAMELESS)
    if wanted.startswith(root) and _OWN.fullmatch(wanted.removeprefix(root)):
        return Reply(topic=wanted, correlation=correlation), None
    problem = (
        f"the response topic is {shown(wanted)}, allowed is {root} followed by one to four levels of "
        "letters, digits, _ and -"
    )
    return Reply(topic=topic, correlation=correlation), problem
