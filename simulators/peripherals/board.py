"""The board of a simulated device: a clock that is a little off, a sampling sensor with a FIFO, and a battery."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ankled.simulators.imu import CONSUMER, Imperfect
from ankled.simulators.peripherals.motion import AHEAD_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.simulators.imu import ImuErrors
    from ankled.simulators.peripherals.motion import Motion
    from ankled.simulators.smooth import Floats

_AHEAD = 128
"""Most samples worked out at once: one at a time would cost as much each."""


class Taken(NamedTuple):
    """Samples taken out of the FIFO: `time_s` (n,) on the board's clock, `acc` (n, 3) m/s2, `gyr` (n, 3) rad/s.

    `first` counts samples since sampling began, `lost` those that the FIFO had no room for right before these.
    """

    first: int
    time_s: Floats
    acc: Floats
    gyr: Floats
    lost: int


class Board:
    """Samples a motion at a rate of its own clock, which runs fast by `skew_ppm` and showed `clock_s` at time 0.

    Readings carry the sensor's biases, scale errors and noise; range and resolution are the encoder's business.
    """

    def __init__(  # noqa: PLR0913  (every argument is one independent trait, all but the first by keyword)
        self,
        motion: Motion,
        *,
        skew_ppm: float = 0.0,
        clock_s: float = 12.0,
        errors: ImuErrors = CONSUMER,
        seed: int = 0,
        fifo: int = 1024,
        battery_percent: float = 87.0,
    ) -> None:
        self._motion = motion
        self._pace = 1.0 + 1e-6 * skew_ppm
        self._boot_s = 0.0
        self._boot_clock_s = clock_s
        self._errors = errors
        self._seed = seed
        self._fifo = fifo
        self.battery_percent = battery_percent
        self.running = False
        self.rate_hz = 0.0
        self._begun_clock_s = 0.0
        self._out = 0
        self._lost = 0
        self._cache_first = 0
        self._cache: tuple[Floats, Floats] = (np.zeros((0, 3)), np.zeros((0, 3)))
        self._sensor = Imperfect(errors, 1.0, seed)

    def clock_s(self, now_s: float) -> float:
        """Return what the board's clock shows at `now_s`."""
        return self._boot_clock_s + (now_s - self._boot_s) * self._pace

    def radio_s(self, clock_s: Floats) -> Floats:
        """Return the radio's time at which the board's clock shows `clock_s`: the truth about time stamps."""
        return self._boot_s + (clock_s - self._boot_clock_s) / self._pace

    def begin(self, rate_hz: float, now_s: float) -> None:
        """Sample at `rate_hz` of the board's clock; the first sample comes one period from now."""
        self.running = True
        self.rate_hz = rate_hz
        self._begun_clock_s = self.clock_s(now_s)
        self._out = self._lost = self._cache_first = 0
        self._cache = (np.zeros((0, 3)), np.zeros((0, 3)))
        self._sensor = Imperfect(self._errors, rate_hz, self._seed)

    def halt(self, now_s: float) -> None:  # noqa: ARG002  (in the form of the others)
        """Sample no more, and empty the FIFO."""
        self.running = False

    def reboot(self, now_s: float) -> None:
        """Begin the clock at zero."""
        self.running = False
        self._boot_s, self._boot_clock_s = now_s, 0.0

    def ready(self, now_s: float) -> int:
        """Return how many samples wait in the FIFO; what has no room there is lost, the oldest first."""
        if not self.running:
            return 0
        taken = int(np.floor((self.clock_s(now_s) - self._begun_clock_s) * self.rate_hz + 1e-9))
        if (over := taken - self._out - self._fifo) > 0:
            self.lose(over)
        return max(taken - self._out, 0)

    def lose(self, count: int) -> None:
        """Lose the next `count` samples, as by an overrun."""
        self._out += count
        self._lost += count

    def take(self, count: int) -> Taken:
        """Take `count` samples out of the FIFO; no more than `ready` said."""
        index = np.arange(self._out, self._out + count)
        time_s = self._times(index)
        acc, gyr = self._read(self._out, count)
        taken = Taken(self._out, time_s, acc, gyr, self._lost)
        self._out += count
        self._lost = 0
        return taken

    def _times(self, index: NDArray[np.int64]) -> Floats:
        """Return when samples are taken, on the board's clock."""
        return np.asarray(self._begun_clock_s + (index + 1.0) / self.rate_hz, dtype=np.float64)

    def _read(self, first: int, count: int) -> tuple[Floats, Floats]:
        """Return `count` readings from sample `first` on, in blocks worked out ahead of need."""
        have = len(self._cache[0])
        if first < self._cache_first or first + count > self._cache_first + have:
            number = max(count, min(_AHEAD, max(1, int(self.rate_hz * AHEAD_S))))
            clock_s = self._times(np.arange(first, first + number))
            acc, gyr = self._motion.at(self.radio_s(clock_s))
            self._cache_first, self._cache = first, self._sensor.read(acc, gyr)
        part = slice(first - self._cache_first, first - self._cache_first + count)
        return self._cache[0][part], self._cache[1][part]
