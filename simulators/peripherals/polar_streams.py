"""What a simulated Polar sensor measures: how its readings become whole numbers, and when a frame of them is sent.

Models and settings: product pages and `SdkModeExplained.md` of polarofficial/polar-ble-sdk (A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
import numpy as np

from ankled.drivers.polar import frames, wire
from ankled.drivers.polar.wire import Settings
from ankled.drivers.units import DEG_RAD, G_MPS2, MILLI_G_MPS2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ankled.simulators.peripherals.board import Taken
    from ankled.simulators.smooth import Floats

Kind = Literal["verity", "h10"]
Form = Literal["factor", "converted", "float"]

CLOCK_BEGINS_NS: Final = 599_616_000_000_000_000
"""2019-01-01 in ns since 2000-01-01: where the clock of an H10 begins after it was off (A)."""
LONGEST_FRAME: Final = wire.MIN_MTU - 3
"""Frames grow no longer, however large the MTU (B: vendor in issue #439)."""

_G_LSB_PER_G: Final = 0.0305e-3
"""Resolution of a range of 1 g. 0.244 mg at 8 g is what a Verity Sense answers (A), the rest in proportion (C)."""
_DPS_LSB_PER_DPS: Final = 35e-6
"""70 mdps at 2000 deg/s, as usual with the rates 26 to 416 Hz (C)."""
_WORD: Final = (-(2**15), 2**15 - 1)


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What one product has. `normal` and `sdk` are what its streams offer; without SDK mode `sdk` is empty."""

    title: str
    name: str
    types: tuple[int, ...]
    normal: dict[int, Settings]
    sdk: dict[int, Settings]
    stays_on: bool
    start_ends_with: bytes


def _offer(rates: list[float], ranges: list[float], *, channels: bool) -> Settings:
    offer: Settings = {wire.SAMPLE_RATE: rates, wire.RESOLUTION: [16], wire.RANGE: ranges}
    return {**offer, wire.CHANNELS: [3]} if channels else offer


_SDK_RATES: Final[list[float]] = [26, 52, 104, 208, 416]
_ECG, _PPG, _PPI, _MAG, _OFFLINE, _OFFLINE_HR = 0, 1, 3, 6, 13, 14

MODELS: Final[dict[Kind, Model]] = {
    "verity": Model(
        title="Polar Verity Sense",
        name="Polar Sense C0FFEE01",  # B: issue #278
        types=(_PPG, wire.ACC, _PPI, wire.GYRO, _MAG, wire.SDK_MODE, _OFFLINE, _OFFLINE_HR),
        normal={wire.ACC: _offer([52], [8], channels=True), wire.GYRO: _offer([52], [2000], channels=True)},
        sdk={
            wire.ACC: _offer(_SDK_RATES, [2, 4, 8, 16], channels=True),
            wire.GYRO: _offer(_SDK_RATES, [250, 500, 1000, 2000], channels=True),
        },
        stays_on=False,
        start_ends_with=b"",
    ),
    "h10": Model(
        title="Polar H10",
        name="Polar H10 C0FFEE02",
        types=(_ECG, wire.ACC),
        normal={wire.ACC: _offer([25, 50, 100, 200], [2, 4, 8], channels=False)},
        sdk={},
        stays_on=True,
        start_ends_with=b"\x01",
    ),
}


class Outlet:
    """One stream: samples that wait for their frame to be full.

    `form`: `factor` sends the sensor's words, and their factor with the answer to the start, as older firmware does.
    `converted` sends ACC in mG without a factor, as newer firmware does (B: issues #331, #443); `float` besides that
    GYRO as float32. Which firmware sends GYRO so is not known; 130 samples in a frame (issue #439) are words.
    """

    def __init__(self, kind: Kind, form: Form, type_: int, rate_hz: float, range_: float) -> None:
        self.type = type_
        self.rate_hz = rate_hz
        self._range = range_
        self._as_words = kind != "h10" and (form == "factor" or (type_ == wire.GYRO and form == "converted"))
        self._frame_type = frames.RAW if kind == "h10" else frames.DELTA_FACTOR if self._as_words else frames.DELTA
        self._stamps: NDArray[np.int64] = np.zeros(0, np.int64)
        self._values: NDArray[np.int64] = np.zeros((0, frames.AXES), np.int64)

    @property
    def resolution(self) -> float:
        """What the last bit of the sensor's words is worth, in g or deg/s."""
        return self._range * (_G_LSB_PER_G if self.type == wire.ACC else _DPS_LSB_PER_DPS)

    @property
    def factor(self) -> float | None:
        """The factor that the answer to the start holds, if it does."""
        return self.resolution if self._as_words else None

    def take(self, taken: Taken, limit: int) -> list[bytes]:
        """Add samples and return the frames that are full; samples before a loss end their frame, full or not."""
        out: list[bytes] = []
        if taken.lost:
            out += self._frames(limit, whole=False)
        self._stamps = np.concatenate((self._stamps, stamps_ns(taken.time_s)))
        self._values = np.concatenate((self._values, self._whole(taken.acc if self.type == wire.ACC else taken.gyr)))
        return out + self._frames(limit, whole=True)

    def drop(self) -> None:
        """Forget what waits."""
        self._stamps, self._values = self._stamps[:0], self._values[:0]

    def _frames(self, limit: int, *, whole: bool) -> list[bytes]:
        out: list[bytes] = []
        while len(self._values):
            data, count, full = frames.encode(self.type, self._frame_type, self._stamps, self._values, limit)
            if whole and not full:
                break
            out.append(data)
            self._stamps, self._values = self._stamps[count:], self._values[count:]
        return out

    def _whole(self, readings: Floats) -> NDArray[np.int64]:
        """Return readings in m/s2 or rad/s as the whole numbers that are sent: words of 16 bits, or made of these."""
        unit = (G_MPS2 if self.type == wire.ACC else DEG_RAD) * self.resolution
        words = np.clip(np.round(readings / unit), *_WORD)
        if self._as_words:
            return words.astype(np.int64)
        if self.type == wire.GYRO:
            return frames.patterns(words * self.resolution)
        return np.round(words * unit / MILLI_G_MPS2).astype(np.int64)


def stamps_ns(clock_s: Floats) -> NDArray[np.int64]:
    """Return times of the board's clock as frames state them."""
    return np.round(clock_s * 1e9).astype(np.int64) + CLOCK_BEGINS_NS
