"""Two daemons of one name on one broker: they take each other's place there, and their results get mixed. It is told.

Each start of a daemon says another word in `bridge/info`, and each daemon reads that topic: who finds the word of
another there, after having said its own, is not alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.mqtt.connection import Message
    from ankled.daemon.mqtt.topics import Topics

log = structlog.stdlib.get_logger(__name__)


class Twin:
    """Finds out whether somebody else bears this node's name."""

    def __init__(self, topics: Topics, info: bytes) -> None:
        self._topics = topics
        self._own = info
        self._said = False
        self._before: set[bytes] = set()
        self.problem: str | None = None
        """One sentence, once another was found."""

    def listen(self, listen: Callable[[str, Callable[[Message], None]], None]) -> None:
        """Have `hear` called with what is on `bridge/info`."""
        listen(self._topics.bridge("info"), self.hear)

    def hear(self, message: Message) -> None:
        """Take in a message of `bridge/info`.

        What the broker kept may be from a predecessor, or from our own time before a change of brokers. We replace it,
        so one that is there again was said again.
        """
        if message.payload == self._own:
            self._said = True
        elif not message.payload or self.problem is not None:
            return
        elif not message.retain or (self._said and message.payload in self._before):
            self._tell(message.payload)
        else:
            self._before.add(message.payload)

    def _tell(self, info: bytes) -> None:
        root = self._topics.root
        self.problem = (
            f"another daemon publishes below {root}, too: each throws the other off the broker, and results get mixed; "
            "give one of them another node"
        )
        log.error("not alone", reason=self.problem, other=info.decode(errors="replace"))
