"""The requests that only look: history, health, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ankled.daemon.requests.forms import Devices, Health, History, HistoryForm, Nothing, Past

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ankled.daemon.outbox.result import Result
    from ankled.daemon.requests.desk import Handler

PAGE_BYTES: Final = 96 * 1024
"""Of results in one answer: several brokers take no message above 128 KiB. The first result is given in any case."""
_FRAME_BYTES: Final = 64
"""What a result takes beside its topic and its record, at most."""


class Archive(Protocol):
    """Where results are kept; see `outbox.outbox.Outbox`."""

    async def history(self, source: str, after_seq: int, limit: int) -> list[Result]:
        """Return results of a device or athlete above a `seq`, in order."""

    async def seq_range(self, source: str) -> tuple[int | None, int | None]:
        """Return the lowest `seq` kept and the highest there is."""


def history(archive: Archive, public: Callable[[str], str] = str) -> Handler:
    """Return what answers with the results that are kept. `public` gives what an athlete's name stands under there."""

    async def handle(asked: HistoryForm) -> History:
        source = asked.source
        if (await archive.seq_range(source))[1] is None and (await archive.seq_range(public(source)))[1] is not None:
            source = public(source)
        # One more than wanted tells whether there are more. The range is read last: it takes in what was found.
        found = await archive.history(source, asked.after_seq, asked.limit + 1)
        oldest, latest = await archive.seq_range(source)
        page = tuple(_page(found[: asked.limit]))
        return History(source=source, results=page, more=len(page) < len(found), oldest_seq=oldest, latest_seq=latest)

    return handle


def _page(found: Iterable[Result]) -> Iterator[Past]:
    """Yield as many results as one answer holds."""
    size = 0
    for number, result in enumerate(found):
        size += len(result.topic) + len(result.payload) + _FRAME_BYTES
        if number and size > PAGE_BYTES:
            return
        yield Past(topic=result.topic, record=msgspec.Raw(result.payload))


def health_check(problems: Callable[[], tuple[str, ...]]) -> Handler:
    """Return what answers with what is not well: the same that `bridge/health` tells."""

    async def handle(_: Nothing) -> Health:
        found = problems()
        return Health(healthy=not found, problems=found)

    return handle


def devices(listing: Callable[[], Devices]) -> Handler:
    """Return what answers with the list of devices."""

    async def handle(_: Nothing) -> Devices:
        return listing()

    return handle
