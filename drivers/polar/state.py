"""What a connection to a Polar sensor remembers."""

from __future__ import annotations

import msgspec

from ankled.drivers.polar.setup import Choice
from ankled.drivers.polar.timeline import Timeline
from ankled.drivers.polar.wire import ACC, GYRO


class Stream(msgspec.Struct):
    """One measurement: what it offers, whether it runs, the factor that its start was answered with, and its clock."""

    offered: dict[int, list[float]] | None = None
    running: bool = False
    factor: float | None = None
    line: Timeline = msgspec.field(default_factory=Timeline)


class PolarState(msgspec.Struct):
    """Everything there is to remember.

    `active`: the driver may ask the device for something. `types` are the measurements that the device has, once read.
    `pending` is the command that waits for its answer, `partial` what has come of that. `stops` are streams to be
    stopped before they are started. `tries` counts refusals and missing answers in a row, `ended` how often streams
    ended without a frame in between. `origin_ns` is midnight of the sensor's clock before its first frame: seconds from
    there on keep their precision. `bare` (channels, bits): data are delta coded samples without the head of a frame.
    """

    active: bool = False
    types: list[int] = msgspec.field(default_factory=list)
    pending: bytes = b""
    partial: bytes = b""
    stops: list[int] = msgspec.field(default_factory=list)
    tries: int = 0
    ended: int = 0
    sdk_mode: bool = False
    choice: Choice | None = None
    origin_ns: int | None = None
    acc: Stream = msgspec.field(default_factory=Stream)
    gyr: Stream = msgspec.field(default_factory=Stream)
    bare: tuple[int, int] | None = None

    def stream(self, type_: int) -> Stream | None:
        """Return the stream of a measurement type; None for one that is never started."""
        return self.acc if type_ == ACC else self.gyr if type_ == GYRO else None

    def streams(self) -> list[tuple[int, Stream]]:
        """Return the streams that the device has."""
        return [(type_, one) for type_, one in ((ACC, self.acc), (GYRO, self.gyr)) if type_ in self.types]
