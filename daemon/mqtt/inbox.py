"""What has come from the broker and was not read yet: bounded, for whoever may publish may flood us."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

MOST: Final = 4096
"""Messages. A new connection brings what is retained in one go: of Home Assistant, one of each of its devices."""
MOST_BYTES: Final = 8 * 1024 * 1024

log = structlog.stdlib.get_logger(__name__)


class Inbox(asyncio.Queue[Any]):
    """The queue of one connection. What finds no room is left out and counted; one line of the log says so."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.size_bytes = 0
        self.left_out = 0

    def put_nowait(self, item: Any) -> None:  # noqa: ANN401 - of aiomqtt, which is imported in one file
        """Take a message, or leave it out; the library would write a line of the log for each."""
        if self.qsize() < MOST and self.size_bytes + len(item.payload) <= MOST_BYTES:
            super().put_nowait(item)
            return
        if not self.left_out:
            log.warning("messages left out", reason="more comes from the broker than can be read", waiting=self.qsize())
        self.left_out += 1

    def _put(self, item: Any) -> None:  # noqa: ANN401 - as above
        super()._put(item)
        self.size_bytes += len(item.payload)

    def _get(self) -> Any:  # noqa: ANN401 - as above
        item = super()._get()
        self.size_bytes -= len(item.payload)
        return item
