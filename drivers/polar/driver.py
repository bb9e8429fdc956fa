"""The driver of Polar's sensors: its description, and the frames of its streams.

Accelerometer and gyroscope are streams of their own, so there are Blocks of one and of the other. A device sends a
frame when it is full, at 232 bytes: the stiller it is worn, the more differences fit into one and the later it comes
(B: vendor in polar-ble-sdk issue #439). At 52 Hz that is about 0.7 s to 1.5 s in motion, 2.5 s and more at rest. Rates
above 52 Hz, for which the Verity Sense is put into SDK mode, shorten it in proportion.

Events: `info` (`features`), `response` (`operation`, `measurement`, by number `op` and `type`, `status`, `more`,
`params` by name), `error` (`message`, and of an answer the same), `status` (`stopped`: measurements that the device
ended on its own), `settings` (`rate_hz`, `acc_range_g`, `gyr_range_dps`, `sdk_mode`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo, context_number, refuse_context
from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import delta, frames, procedure, setup, wire
from ankled.drivers.polar.state import PolarState
from ankled.drivers.polar.timeline import DEFAULT_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from ankled.drivers.messages import DriverInput, DriverOutput, Value

_DAY_NS: Final = 86_400 * 1_000_000_000


class Polar(Driver[PolarState]):
    """Verity Sense (accelerometer and gyroscope), H10 and OH1 (accelerometer).

    `time_s` of a Block is in seconds of the sensor's clock since the midnight before the first frame; made by
    `for_decoding` since 2000-01-01.
    """

    info = DriverInfo(
        name="polar",
        title="Polar Verity Sense, H10, OH1",
        kind="sensor",
        services=(wire.SERVICE,),
        characteristics={"control": wire.CONTROL, "data": wire.DATA},
        name_prefixes=("Polar ",),
        streams=("acc", "gyr"),
        rates_hz=setup.RATES_HZ,
        default_rate_hz=DEFAULT_RATE_HZ,
        acc_ranges_g=setup.ACC_RANGES_G,
        gyr_ranges_dps=setup.GYR_RANGES_DPS,
        min_mtu=wire.MIN_MTU,
        longest_gap_s=3.0,  # at rest 140 differences of 4 bits fit into a frame; a stream may take longer than both
        clock="sensor",
    )
    State: ClassVar = PolarState

    @classmethod
    def for_decoding(cls, context: Mapping[str, Value]) -> Self:
        """Return a driver for packets of running streams. Times are in s since 2000-01-01.

        Without `rate_hz` no loss is told, and a frame without `previous_time_s` (not 0) is taken to be of 52 Hz. With
        `channels` and `resolution_bits` data are delta coded samples without a frame's head, given as a `response`.
        """
        refuse_context(context, ("factor", "rate_hz", "previous_time_s", "channels", "resolution_bits"))
        driver = cls()
        state = driver.state
        state.types, state.origin_ns = [wire.ACC, wire.GYRO], 0
        factor = context_number(context, "factor")
        rate_hz = _between(context, "rate_hz", 1.0, 10_000.0)
        previous_s = _between(context, "previous_time_s", 0.0, 1e11)
        for _, stream in state.streams():
            stream.running, stream.factor = True, None if factor is None else frames.checked_factor(factor)
            stream.line.begin(rate_hz or 0.0)
            stream.line.previous_ns = round(previous_s * 1e9) if previous_s else None
        channels = _between(context, "channels", 1, 255)
        bits = _between(context, "resolution_bits", 1, delta.WIDEST)
        if channels is not None and bits is not None:
            state.bare = (int(channels), int(bits))
        return driver

    def start(self) -> list[DriverOutput]:
        """Subscribe, and read what the device has; the rest follows."""
        return procedure.begin(self.state)

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows."""
        match item:
            case m.Notification(characteristic=wire.DATA, data=data):
                return self._frame(data)
            case (
                m.Notification(characteristic=wire.CONTROL, data=data)
                | m.ReadResult(characteristic=wire.CONTROL, data=data, error=None)
            ):
                return self._control(wire.decode_control(data))
            case m.WriteResult(error=str(error)) if not self.state.pending:
                return procedure.give_up(self.state, f"the device refuses a subscription: {error}")
            case m.ReadResult(error=str(error)) | m.WriteResult(error=str(error)):
                return procedure.failed(self.state, f"the device refuses an access: {error}")
            case m.Timeout(name=name):
                return self._over(name)
        return []

    def stop(self) -> list[DriverOutput]:
        """Stop the streams and SDK mode; an H10 whose streams run stays on."""
        return procedure.farewell(self.state)

    def _over(self, name: str) -> list[DriverOutput]:
        """Go on after a deadline."""
        if name == "answer":
            return procedure.failed(self.state, "the device does not answer", after_s=0.0)
        if name == "again":
            return procedure.proceed(self.state, self.options)
        silent = [type_ for type_, stream in self.state.streams() if stream.line.previous_ns is None]
        self.state.stops = silent
        return procedure.ended(self.state, silent, "the device sends no samples")

    def _control(self, said: wire.Answer | wire.Stopped | wire.Features) -> list[DriverOutput]:
        state = self.state
        if isinstance(said, wire.Answer):
            return procedure.answered(state, self.options, said)
        if isinstance(said, wire.Features):
            names: list[Value] = [wire.type_name(type_) for type_ in said.types]
            out: list[DriverOutput] = [m.Event(name="info", value={"features": names})]
            if state.types:
                return out
            if not said.types:
                return [*out, *procedure.give_up(state, "the device has no measurements at all", lasting=True)]
            state.types = list(said.types)
            return [*out, *procedure.proceed(state, self.options)]
        names = [wire.type_name(type_) for type_ in said.types]
        told = m.Event(name="status", value={"stopped": names})
        return [told, *procedure.ended(state, said.types, "the device ends its streams again and again")]

    def _frame(self, data: bytes) -> list[DriverOutput]:
        state = self.state
        if state.bare is not None:
            return [_bare(data, *state.bare)]
        frame = frames.decode_head(data)
        stream = state.stream(frame.type)
        if stream is None:
            raise DecodeError(f"a frame of {wire.type_name(frame.type)}, which nobody asked for; allowed: ACC and GYRO")
        if not stream.running:
            return []  # left over from an earlier connection: what it was started with is not known
        values = frames.decode_samples(frame, data, stream.factor)
        if state.origin_ns is None:
            state.origin_ns = frame.stamp_ns - frame.stamp_ns % _DAY_NS
        out: list[DriverOutput] = []
        if stream.line.previous_ns is None and state.active:
            state.ended = 0
            others = [one for _, one in state.streams() if one is not stream]
            if all(one.line.previous_ns is not None for one in others):
                out.append(m.Deadline(name="frame", after_s=None))
        time_s, missing = stream.line.take(frame.stamp_ns, len(values), state.origin_ns)
        acc, gyr = (values, None) if frame.type == wire.ACC else (None, values)
        out.append(m.Block(acc=acc, gyr=gyr, time_s=time_s, missing=missing))
        return out


def _between(context: Mapping[str, Value], key: str, low: float, high: float) -> float | None:
    """Return a number of the context within limits, or None."""
    value = context_number(context, key)
    if value is not None and not low <= value <= high:
        raise DecodeError(f'context key "{key}" is {value:g}; {low:g} to {high:g} are allowed')
    return value


def _bare(data: bytes, channels: int, bits: int) -> DriverOutput:
    """Return delta coded samples that are not in a frame, as whole numbers of 32 bits, in which sums wrap."""
    values = delta.decode(data, 0, channels=channels, bits=bits)
    rows: list[Value] = values.astype(np.int64).astype(np.int32).tolist()
    return m.Event(name="response", value={"samples": rows, "count": len(rows)})
