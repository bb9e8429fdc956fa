"""The links of all live devices: which source an input belongs to, and whose deadline is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.pipeline.source import NEVER, Out, Source, SourceState
from ankled.drivers.driver import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.inputs import Link, Notification, ReadResult, WriteResult
    from ankled.daemon.pipeline.context import Context
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.messages import Action


class Links:
    """The sources by device. Inputs of an epoch that is over are left alone: they were on their way when it ended."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sources: dict[str, Source] = {}
        self.next_due_ns: int = NEVER
        """When the next deadline of any driver is over; never, if there is none."""

    def get(self, slug: str) -> Source | None:
        """Return the source of a device, if its link is up."""
        return self._sources.get(slug)

    def up(self, link: Link, settings: DeviceSettings) -> Out:
        """Begin a connection. Raises UsageError when the driver cannot do what the settings ask for."""
        self._sources.pop(link.device, None)
        options = Options(
            rate_hz=settings.rate_hz, acc_range_g=settings.acc_range_g, gyr_range_dps=settings.gyr_range_dps
        )
        source = Source(link, options, self._context)
        self._sources[link.device] = source
        out = source.start()
        self.look()
        return out

    def down(self, link: Link) -> bool:
        """End a connection; tell whether it was the present one of its device, or one that was refused."""
        source = self._sources.get(link.device)
        if source is not None and source.link.epoch != link.epoch:
            return False
        self._sources.pop(link.device, None)
        self.look()
        return True

    def feed(self, given: Notification | ReadResult | WriteResult) -> Out | None:
        """Give an input to its source; None when that is gone."""
        source = self._sources.get(given.device)
        if source is None or source.link.epoch != given.epoch:
            return None
        before_ns = source.next_due_ns
        out = source.feed(given)
        if source.next_due_ns != before_ns:  # seldom: most packets move no deadline
            self.look()
        return out

    def due(self, host_ns: int) -> Iterator[tuple[str, Out]]:
        """Feed all deadlines that are over at `host_ns`."""
        while self.next_due_ns <= host_ns:
            for slug, source in list(self._sources.items()):
                if source.next_due_ns <= host_ns:
                    yield slug, source.due(host_ns)
            self.look()

    def farewell(self, slug: str) -> list[Action]:
        """Return what to do before the link of a device is dropped on purpose."""
        source = self._sources.get(slug)
        return [] if source is None else source.stop()

    def snapshot(self) -> dict[str, SourceState]:
        """Return what all sources remember."""
        return {slug: source.snapshot() for slug, source in self._sources.items()}

    def restore(self, states: dict[str, SourceState], context: Context) -> None:
        """Go on from a snapshot."""
        self._context = context
        self._sources = {slug: Source.restored(state, context) for slug, state in states.items()}
        self.look()

    def look(self) -> None:
        """Take note of deadlines that have moved."""
        self.next_due_ns = min((source.next_due_ns for source in self._sources.values()), default=NEVER)
