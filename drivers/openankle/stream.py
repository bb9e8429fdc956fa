"""The stream of an OpenAnkle device: packets become blocks, and what the device samples by becomes `settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.openankle import events, wire
from ankled.drivers.openankle.clock import PROVEN, Clock
from ankled.drivers.openankle.packets import decode_beat, decode_packet

if TYPE_CHECKING:
    from ankled.drivers.messages import DriverOutput

_JUMPS_TOLD = 3
_JUDGED_AT = 8
_TOLERANCE = 0.06
"""The profile allows a device to be wrong about its period by 5 %; a percent of that for the jitter of few packets."""
_SLOWEST_HZ, _FASTEST_HZ = 40.0, 600.0
_INDEX = np.arange(float(wire.MAX_SAMPLES))


def _new_clock() -> Clock:
    return Clock(10_000.0)


class Stream(msgspec.Struct, kw_only=True):
    """What is known of the stream. `form` is the byte that `settings` told last, `period_ns` 0 while nobody said it.

    `judged`: whether the period that the device named has been compared with its stamps, or none was named. `beats`
    counts those since the last packet.
    """

    form: int | None = None
    period_ns: int = 0
    judged: bool = False
    jumps: int = 0
    beats: int = 0
    clock: Clock = msgspec.field(default_factory=_new_clock)

    @property
    def begun(self) -> bool:
        """Whether a packet of this run has come."""
        return self.clock.packets > 0

    def begin(self) -> None:
        """Expect a new run, whose samples count from 0."""
        self.clock = Clock(self.clock.period_us, expected=0)
        self.beats = 0

    def assume(self, rate_hz: float) -> None:
        """Take this for the true rate until the device names one."""
        if not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
            allowed = f"{_SLOWEST_HZ:g} to {_FASTEST_HZ:g}"
            raise DecodeError(f'context key "rate_hz" is {rate_hz:g}; allowed are {allowed}')
        self.period_ns = round(1e9 / rate_hz)

    def settle(self, form: int, period_ns: int) -> list[DriverOutput]:
        """Tell by what the device samples, if that is news; until two packets have measured it, the period counts."""
        if self.clock.packets < PROVEN:
            self.clock.period_us = period_ns / 1000.0
        if (form, period_ns) == (self.form, self.period_ns):
            return []
        self.form, self.period_ns, self.judged = form, period_ns, False
        return [events.settings(wire.FORMATS[form], period_ns)]

    def take(self, data: bytes) -> tuple[list[DriverOutput], bool]:
        """Return what a packet brings, and whether the device began anew before it."""
        packet = decode_packet(data)
        self.beats = 0
        restarted = self.begun and packet.boot != self.clock.boot
        said: list[DriverOutput] = []
        if packet.form != self.form:
            known_ns = self.period_ns if self.form is None else 0
            said += self.settle(packet.form, known_ns or wire.nominal_period_ns(wire.FORMATS[packet.form]))
            self.judged = not known_ns
        placed = self.clock.place(packet.first, packet.boot, packet.time_us, len(packet.acc))
        if placed.jump_us is not None and self.jumps < _JUMPS_TOLD:
            self.jumps += 1
            said.append(events.error("time stamps jump against the sample numbers", jump_s=placed.jump_us * 1e-6))
        if not self.judged and self.clock.packets == _JUDGED_AT:
            said += self._judge()
        time_s = (placed.start_us + placed.period_us * _INDEX[: len(packet.acc)]) / 1e6
        said.append(m.Block(acc=packet.acc, gyr=packet.gyr, time_s=time_s, missing=placed.missing))
        return said, restarted

    def beat(self, data: bytes, *, alone: bool) -> list[DriverOutput]:
        """Return what the board's clock showed, if the stream tells on which scale; `alone`: as sent, without one."""
        time_us, boot = decode_beat(data)
        self.beats += 1
        if alone and not self.begun:
            return [m.Beat(time_s=time_us / 1e6)]
        reading_us = self.clock.reading_us(boot, time_us)
        return [] if reading_us is None else [m.Beat(time_s=reading_us / 1e6)]

    def _judge(self) -> list[DriverOutput]:
        """Compare the period that the device named with the one that its stamps show."""
        self.judged = True
        found_hz, named_hz = 1e6 / self.clock.period_us, events.rate_hz(self.period_ns)
        if abs(found_hz / named_hz - 1.0) <= _TOLERANCE:
            return []
        message = "the device samples at another rate than it says"
        return [events.error(message, rate_hz=named_hz, measured_hz=round(found_hz, 1))]
