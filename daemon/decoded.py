"""What sensors sent, out of a recording: the drivers at work without the pipeline behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.inputs import Command, Config, Link, Notification, ReadResult, State, WriteResult
from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.core import CoreState
from ankled.daemon.pipeline.links import Links
from ankled.daemon.pipeline.sessions import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.inputs import Input
    from ankled.daemon.settings import PipelineSettings
    from ankled.drivers.samples import Samples


_HOST = Context(node="", session="", origin_ns=0)
"""Times that count from the zero of the host's clock."""


class Decoder:
    """Fed the inputs of a capture in order, gives the samples of live sensors, with times on the host's clock, s."""

    def __init__(self) -> None:
        self._links = Links(_HOST)
        self._settings: PipelineSettings | None = None

    def __call__(self, item: Input) -> Sequence[Samples]:
        """Take an input and return the samples that it completed, of whichever device. Raises RecordingError."""
        samples = [one for _, out in self._links.due(item.host_ns) for one in out.samples]
        match item:
            case Config(settings=settings):
                self._settings = settings
            case State(data=data):
                self._restore(data)
            case Command(name="farewell", device=str(slug)):
                self._links.farewell(slug)
            case Link(up=False):
                self._links.down(item)
            case Link() if self._settings is not None:
                samples += self._up(item, self._settings)
            case Notification() | ReadResult() | WriteResult():
                out = self._links.feed(item)
                samples += [] if out is None else out.samples
            case _:
                pass
        return samples

    def _restore(self, data: bytes) -> None:
        """Take up the links as they were. Raises RecordingError for a state of another version."""
        try:
            self._links.restore(msgspec.msgpack.decode(data, type=CoreState).links, _HOST)
        except (msgspec.DecodeError, ValueError) as error:
            message = f"the recording's opening state cannot be read: {error}"
            raise RecordingError(message) from error

    def _up(self, link: Link, settings: PipelineSettings) -> Sequence[Samples]:
        try:
            return self._links.up(link, named(link.device, settings.devices)).samples
        except UsageError:  # it was refused live, too
            return ()
