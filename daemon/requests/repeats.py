"""Requests that come twice in quick succession: by the broker, which delivers at least once, or by an eager caller."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from ankled.daemon.mqtt.connection import Message

Key: TypeAlias = tuple[object, ...]

_KEPT_S: Final = 5.0
_MOST: Final = 64


class Repeats:
    """Knows the requests that are being done, and for a few seconds those that were, with their answers."""

    def __init__(self) -> None:
        self._doing: set[Key] = set()
        self._done: dict[Key, tuple[float, Message]] = {}

    def known(self, key: Key) -> bool:
        """Tell whether the same request is being done, or was a moment ago."""
        now_s = asyncio.get_running_loop().time()
        self._done = {key: one for key, one in self._done.items() if now_s - one[0] < _KEPT_S}
        return key in self._doing or key in self._done

    def answer(self, key: Key) -> Message | None:
        """Return what was answered; None where that is yet to come."""
        return self._done[key][1] if key in self._done else None

    def begin(self, key: Key) -> None:
        """Note that a request is being done."""
        self._doing.add(key)

    def end(self, key: Key, answer: Message | None) -> None:
        """Note that it is done; without an answer it failed, and may be tried again at once."""
        self._doing.discard(key)
        if answer is not None:
            self._done[key] = (asyncio.get_running_loop().time(), answer)
            if len(self._done) > _MOST:
                del self._done[next(iter(self._done))]
