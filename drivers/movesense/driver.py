"""The driver of Movesense sensors: one connection, from HELLO to samples.

It asks one thing at a time: HELLO, what accelerometer and gyroscope offer, their present ranges, then it subscribes to
both together, `/Meas/IMU6/<rate>`. The sensor has few slots for requests, and one that it never answers may keep its
slot beyond the connection (B): so nothing optional is asked twice, and `/Info`, which is never answered, not at all.

Ranges cannot be set by this protocol (B). What the sensor has set is asked by GET /Meas/IMU/Config (A by the API files,
not seen in a capture); where it does not say, the ranges of `settings` are None.

Events: `info` with `protocol_version`, `serial`, `product`, `dfu_mac`, `app`, `app_version` and `ranges_settable`;
`settings` with `rate_hz`, `acc_range_g`, `gyr_range_dps` and what is offered, `acc_ranges_g` and `gyr_ranges_dps`;
`error` with `message` and, where the sensor has answered, `request` and `status`. The battery is the business of the
standard service's driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo, Options, context_text, refuse_context
from ankled.drivers.errors import DecodeError
from ankled.drivers.movesense import explain, motion, resources, wire
from ankled.drivers.movesense.dialogue import Dialogue
from ankled.drivers.movesense.stamps import Stamps, place
from ankled.drivers.movesense.steps import DialogueState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.messages import DriverInput, DriverOutput, Value

DEFAULT_RATE_HZ: Final = 104.0
_DATA_TYPES: Final = (wire.FIRST, wire.SECOND, wire.THIRD)


class MovesenseState(msgspec.Struct):
    """All that a connection remembers. `resource` is what the payloads are of; `settled` once `settings` are said.

    With `decoding` packets come from anywhere, in any order; `bare` when they may be payloads without their header.
    """

    resource: str | None = None
    decoding: bool = False
    bare: bool = False
    settled: bool = False
    dialogue: DialogueState = msgspec.field(default_factory=DialogueState)
    parts: motion.Parts = msgspec.field(default_factory=motion.Parts)
    stamps: Stamps = msgspec.field(default_factory=Stamps)


class Movesense(Driver[MovesenseState]):
    """Accelerations and angular rates of one Movesense, by subscription.

    Above 208 Hz a payload of both does not fit into the three parts that there are, so such rates are not offered.
    """

    info = DriverInfo(
        name="movesense",
        title="Movesense (HR+, HR2, Flash, MD) by its GATT SensorData Protocol; ranges cannot be set",
        kind="sensor",
        services=(wire.SERVICE,),
        characteristics={"command": wire.COMMAND, "data": wire.DATA},
        name_prefixes=("Movesense",),  # B; the service is not advertised, and FDF3 and 180D are not its own
        streams=("acc", "gyr"),
        rates_hz=(13.0, 26.0, 52.0, 104.0, 208.0),  # A
        default_rate_hz=DEFAULT_RATE_HZ,
        min_mtu=wire.HEADER_BYTES + wire.PART_BYTES + 3,
        longest_gap_s=0.2,  # 13 payloads a second, at any rate (B for 52 and 104 Hz)
        clock="sensor",
    )
    State: ClassVar = MovesenseState

    def __init__(self, options: Options | None = None) -> None:
        """Prepare for a new connection. Raises OptionsError for what no Movesense offers."""
        super().__init__(options)
        rate_hz = self.options.rate_hz or DEFAULT_RATE_HZ
        self.state.resource = f"/Meas/IMU6/{rate_hz:g}"

    @classmethod
    def for_decoding(cls, context: Mapping[str, Value]) -> Self:
        """Return a driver for single packets: `resource` is the path that they are of.

        A packet is a notification; with `payload` (any text) it may as well be the payload of one, without its header.
        Without `resource` answers and frames are told apart, but not what they hold. Commands are decoded too, on the
        characteristic that they are written to.
        """
        refuse_context(context, ("resource", "payload"))
        driver = cls()
        path = context_text(context, "resource")
        if path is not None and motion.stream_of(path) is None and resources.layout(path) is None:
            raise DecodeError(
                f'context key "resource" is "{path}"; allowed are paths such as /Meas/IMU6/104, /Meas/IMU9/52,'
                " /Meas/Acc/104, /Meas/Temp or /Meas/Gyro/Info"
            )
        driver.state.resource = path
        driver.state.decoding = True
        driver.state.bare = context_text(context, "payload") is not None
        return driver

    def start(self) -> list[DriverOutput]:
        """Subscribe to notifications: commands go out when that is done, so that no answer is missed."""
        return self._talk.open()

    def stop(self) -> list[DriverOutput]:
        """End the subscription; the sensor does so by itself when the link is dropped."""
        return self._talk.close()

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows. Raises DecodeError."""
        match item:
            case m.Notification(characteristic=wire.DATA, data=data):
                return self._look_at(data) if self.state.decoding else self._take(data)
            case m.Notification(characteristic=uuid, data=data) | m.ReadResult(characteristic=uuid, data=data):
                if self.state.decoding and uuid == wire.COMMAND:
                    return [explain.command(data)]
                raise DecodeError(f"{uuid} brings nothing; a Movesense sends by {wire.DATA}")
            case m.WriteResult(characteristic=uuid, error=error):
                return self._talk.written(uuid, error)
            case m.Timeout(name=name):
                return self._talk.timed_out(name)

    @property
    def _talk(self) -> Dialogue:
        return Dialogue(self.state.dialogue, self.state.resource or "")

    def _take(self, data: bytes) -> list[DriverOutput]:
        """Take a notification of the connection."""
        kind, ref = _header(data)
        talk = self.state.dialogue
        if kind == wire.RESPONSE:
            return self._talk.answered(data)
        if kind not in _DATA_TYPES:
            return [explain.unknown(kind, data)]
        if not ref or ref != talk.stream_ref:
            if 0 < ref <= talk.last_ref:
                return []  # of a subscription that was given up
            raise DecodeError(f"these are data of subscription {ref}; there is only {talk.stream_ref or 'none yet'}")
        return self._data(kind, data)

    def _data(self, kind: int, data: bytes) -> list[DriverOutput]:
        """Take one part of a payload of the stream."""
        state = self.state
        stream = motion.stream_of(state.resource or "")
        if stream is None:
            raise DecodeError(f"{state.resource} is no motion stream")
        outputs: list[DriverOutput] = []
        if kind == wire.FIRST and state.parts.begun:
            if state.parts.begun == data[wire.HEADER_BYTES :]:
                return []  # sent twice
            outputs.append(_error(f"of a payload only the first {len(state.parts.begun)} bytes came; it is lost"))
        whole = motion.join(state.parts, stream, kind, data[wire.HEADER_BYTES :])
        return outputs if whole is None else outputs + self._samples(stream, whole)

    def _samples(self, stream: motion.Stream, whole: bytes) -> list[DriverOutput]:
        """Return the samples of a whole payload, behind the settings if they are the first."""
        state = self.state
        said = motion.decode(stream, whole)
        outputs: list[DriverOutput] = []
        if not state.settled or (not state.decoding and not state.dialogue.streaming):
            state.settled = True
            if not state.decoding:
                state.stamps = Stamps()  # of this subscription: what was before it is no gap
                outputs += self._talk.streams()
            outputs.append(self._settings(stream.rate_hz))
        count = (len(whole) - motion.STAMP_BYTES) // stream.sample_bytes
        time_s, missing = place(state.stamps, stream.rate_hz, said.stamp_ms, count)
        if said.acc is not None or said.gyr is not None:
            outputs.append(m.Block(acc=said.acc, gyr=said.gyr, time_s=time_s, missing=missing))
        elif said.magn is not None:
            field: dict[str, Value] = {"timestamp_ms": said.stamp_ms, "magn_uT": said.magn.tolist()}
            outputs.append(m.Event(name="info", value=field))
        return outputs

    def _settings(self, rate_hz: float) -> m.Event:
        talk = self.state.dialogue
        value: dict[str, Value] = {
            "rate_hz": rate_hz,
            "acc_range_g": talk.acc_range_g,
            "gyr_range_dps": talk.gyr_range_dps,
        }
        if not self.state.decoding:
            value |= {"acc_ranges_g": list(talk.acc_ranges_g), "gyr_ranges_dps": list(talk.gyr_ranges_dps)}
        return m.Event(name="settings", value=value)

    def _look_at(self, data: bytes) -> list[DriverOutput]:
        """Take a single packet: a notification or, if that does not fit the resource, the payload of one."""
        ways = (self._whole, self._bare) if not self.state.bare else (self._bare, self._whole)
        try:
            return ways[0](data)
        except DecodeError as error:
            try:
                return ways[1](data)
            except DecodeError:
                raise error from None

    def _whole(self, data: bytes) -> list[DriverOutput]:
        """Take a packet as a notification."""
        kind, _ = _header(data)
        path = self.state.resource
        moves = path is not None and motion.stream_of(path) is not None
        if kind == wire.RESPONSE:
            said = wire.decode_answer(data)
            if moves and isinstance(said, wire.Response) and said.data:
                raise DecodeError(f"the answer to a SUBSCRIBE has 4 bytes, this one {len(data)}")
            return [explain.answer(said, path)]
        if path is None:
            return [explain.unknown(kind, data)]
        if kind not in _DATA_TYPES:
            raise DecodeError(f"a notification of type {kind} is unknown; 1 to 4 are allowed")
        return self._data(kind, data) if moves else [explain.payload(path, data[wire.HEADER_BYTES :])]

    def _bare(self, data: bytes) -> list[DriverOutput]:
        """Take a packet as a payload without its header."""
        path = self.state.resource
        if path is None:
            raise DecodeError('a payload without its header needs the context key "resource"')
        stream = motion.stream_of(path)
        return [explain.payload(path, data)] if stream is None else self._samples(stream, data)


def _header(data: bytes) -> tuple[int, int]:
    if len(data) < wire.HEADER_BYTES:
        raise DecodeError(f"a notification has {len(data)} bytes; it is never shorter than its header of 2 bytes")
    return data[0], data[1]


def _error(message: str) -> m.Event:
    return m.Event(name="error", value={"message": message})
