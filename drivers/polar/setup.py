"""Which of the settings that a device offers are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ankled.drivers.polar.timeline import DEFAULT_RATE_HZ
from ankled.drivers.polar.wire import CHANNELS, RANGE, RESOLUTION, SAMPLE_RATE, Settings

if TYPE_CHECKING:
    from ankled.drivers.driver import Options

RATES_HZ: Final = (25.0, 26.0, 50.0, 52.0, 100.0, 104.0, 200.0, 208.0, 416.0)
"""H10 25 to 200, OH1 50, Verity Sense 52 and in SDK mode 26 to 416 (A)."""
ACC_RANGES_G: Final = (2.0, 4.0, 8.0, 16.0)
GYR_RANGES_DPS: Final = (250.0, 500.0, 1000.0, 2000.0)


class Choice(msgspec.Struct, frozen=True):
    """What streams are started with. `acc` and `gyr` are settings in the order of the documents' example."""

    rate_hz: float
    acc: tuple[tuple[int, float], ...]
    gyr: tuple[tuple[int, float], ...] = ()

    @property
    def acc_range_g(self) -> float | None:
        """The accelerometer's range, if the device lets it be set."""
        return dict(self.acc).get(RANGE)

    @property
    def gyr_range_dps(self) -> float | None:
        """The gyroscope's range, if there is one."""
        return dict(self.gyr).get(RANGE)


def choose(options: Options, acc: Settings, gyr: Settings | None) -> Choice | str:
    """Return what to start with, or a sentence that says what is asked for and what the device offers instead.

    Unless told otherwise: 52 Hz, or where that is not offered the next rate above it, and the widest ranges, because
    the ankle gets the impact of every step. `gyr` is None for a device without a gyroscope.
    """
    rates = sorted(set(acc.get(SAMPLE_RATE, ())) & set((acc if gyr is None else gyr).get(SAMPLE_RATE, ())))
    if not rates:
        return "the device offers no sample rate for all of its sensors"
    if options.rate_hz is None:
        rate_hz = next((rate for rate in rates if rate >= DEFAULT_RATE_HZ), rates[-1])
    elif options.rate_hz in rates:
        rate_hz = options.rate_hz
    else:
        return f"rate_hz is {options.rate_hz:g}; this device offers {_listed(rates)}"
    for key, wanted, offered in (
        ("acc_range_g", options.acc_range_g, acc.get(RANGE, [])),
        ("gyr_range_dps", options.gyr_range_dps, [] if gyr is None else gyr.get(RANGE, [])),
    ):
        if wanted is not None and wanted not in offered:
            return f"{key} is {wanted:g}; this device offers {_listed(sorted(offered))}"
    return Choice(
        rate_hz=float(rate_hz),
        acc=_settings(acc, rate_hz, options.acc_range_g),
        gyr=() if gyr is None else _settings(gyr, rate_hz, options.gyr_range_dps),
    )


def _settings(offered: Settings, rate_hz: float, range_: float | None) -> tuple[tuple[int, float], ...]:
    """Return one value for each setting that is offered: the largest, unless one is asked for."""
    asked = {SAMPLE_RATE: rate_hz} if range_ is None else {SAMPLE_RATE: rate_hz, RANGE: range_}
    return tuple(
        (key, float(asked.get(key, max(offered[key]))))
        for key in (SAMPLE_RATE, RESOLUTION, RANGE, CHANNELS)
        if offered.get(key)
    )


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values) or "nothing: it cannot be set"
