"""The two sensors on the chip of a simulated MetaMotion, and the accounters of its data processor."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import commands, packets, wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ankled.drivers.metamotion.wire import Sensor
    from ankled.simulators.peripherals.board import Taken
    from ankled.simulators.smooth import Floats

_WAKE_S: Final = {"acc": 0.004, "gyr": 0.055}
"""From power-on to the first sample: Bosch's data sheet of the BMI160, typical values."""
_DEFAULT_RATE_HZ: Final = 100.0
_FLAG, _FLAGS = 1, 2
"""How many bytes stand behind the register in commands that switch something."""


class ChipSensor:
    """One sensor: what is set, what was asked for, and the samples that wait for a packet to be full.

    `drop` is how many of the next packed packets get lost.
    """

    def __init__(self, sensor: Sensor) -> None:
        self.wire = sensor
        self.rate_hz = _DEFAULT_RATE_HZ
        self.full = sensor.default_range
        self.powered = False
        self.lets_through = False
        self.told: set[int] = set()
        self.drop = 0
        self._awake_s = 0.0
        self._waiting: Floats = np.zeros((0, 3))

    @property
    def measures(self) -> bool:
        """Whether samples come."""
        return self.powered and self.lets_through

    @property
    def step(self) -> float:
        """What a step of the int16 is worth in m/s2 or rad/s."""
        return packets.scale(self.wire, self.full)

    def command(self, data: bytes, now_s: float) -> bytes | None:
        """Obey a command to this module; return its answer if it has one."""
        register, rest = data[1], data[packets.HEADER :]
        if register == wire.READ | wire.CONFIG:
            current = commands.config(self.wire, self.rate_hz, self.full)
            return bytes([current[0], register]) + current[packets.HEADER :]
        if register == wire.CONFIG and len(rest) == _FLAGS and not self.powered:
            with suppress(DecodeError):  # codes that are none change nothing
                self.rate_hz, self.full = commands.parse_config(self.wire, data)
        elif register == wire.POWER and len(rest) == _FLAG:
            if rest[0] and not self.powered:
                self._awake_s = now_s + _WAKE_S[self.wire.stream]
            self.powered = bool(rest[0])
        elif register == wire.INTERRUPT and len(rest) == _FLAGS:
            self.lets_through = bool((self.lets_through or rest[0]) and not rest[1])
        elif register in (self.wire.single, self.wire.packed) and len(rest) == _FLAG:
            (self.told.add if rest[0] else self.told.discard)(register)
        if not self.measures:
            self._waiting = np.zeros((0, 3))
        return None

    def encoded(self, values: Floats) -> NDArray[np.uint8]:
        """Return samples as the sensor's bytes, shape (n, 6)."""
        raw = packets.encode_samples(b"", values, self.step)
        return np.frombuffer(raw, np.uint8).reshape(-1, packets.SAMPLE)

    def feed(
        self, taken: Taken, radio_s: Floats, board_hz: float, accounters: Mapping[int, Accounter]
    ) -> list[tuple[int, bytes]]:
        """Take samples of the board, return packets with the number of the board's sample that completed each.

        `radio_s` are the samples' times as the radio counts. A sensor slower than the board takes every second,
        fourth, ... sample; none while it wakes.
        """
        if not self.measures:
            return []
        number = taken.first + np.arange(len(taken.time_s))
        mine = (number % round(board_hz / self.rate_hz) == 0) & (radio_s >= self._awake_s)
        number = number[mine]
        values = (taken.acc if self.wire.stream == "acc" else taken.gyr)[mine]
        out: list[tuple[int, bytes]] = []
        if self.wire.single in self.told:
            header = bytes([self.wire.module, self.wire.single])
            out += [(int(at), header + row.tobytes()) for at, row in zip(number, self.encoded(values), strict=True)]
        for processor, accounter in accounters.items():
            accounted = accounter.feed(processor, taken.time_s[mine], self.encoded(values))
            out += zip(number.tolist(), accounted, strict=False)
        return out + self._packed(number, values)

    def _packed(self, number: NDArray[np.int64], values: Floats) -> list[tuple[int, bytes]]:
        """Return packets of three samples; what is left waits for the next."""
        before = len(self._waiting)
        waiting = np.concatenate([self._waiting, values])
        full = len(waiting) // wire.PACKED
        self._waiting = waiting[full * wire.PACKED :]
        if self.wire.packed not in self.told:
            return []
        header = bytes([self.wire.module, self.wire.packed])
        rows = self.encoded(waiting[: full * wire.PACKED]).reshape(full, wire.PACKED * packets.SAMPLE)
        at = number[np.arange(1, full + 1) * wire.PACKED - 1 - before]
        lost, self.drop = min(self.drop, full), max(self.drop - full, 0)
        return [(int(one), header + row.tobytes()) for one, row in zip(at[lost:], rows[lost:], strict=True)]


class Accounter:
    """A processor that puts a tick of the board's clock, or a count, in front of each acceleration."""

    def __init__(self, *, counts: bool) -> None:
        self.counts = counts
        self.told = False
        self._count = 0

    def feed(self, processor: int, clock_s: Floats, samples: NDArray[np.uint8]) -> list[bytes]:
        """Take encoded samples with their times on the board's clock, return packets, none while nobody asked."""
        if not self.told:
            return []
        if self.counts:
            numbers = self._count + np.arange(len(samples))
            self._count += len(samples)
        else:
            numbers = np.floor(clock_s / wire.TICK_S).astype(np.int64)
        return [
            packets.encode_accounted(packets.Accounted(processor, number & 0xFFFFFFFF, row.tobytes()))
            for number, row in zip(numbers.tolist(), samples, strict=True)
        ]
