"""What to ask of an OpenAnkle device: what the user said, or else the most useful of what it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ankled.drivers.errors import OptionsError
from ankled.drivers.openankle import wire

if TYPE_CHECKING:
    from ankled.drivers.driver import Options

RATES_HZ: Final = (100.0, 200.0, 50.0, 400.0)
ACC_RANGES_G: Final = wire.ACC_RANGES_G[::-1]
GYR_RANGES_DPS: Final = wire.GYR_RANGES_DPS[::-1]
"""Best first: a heel strike reaches 16 g, a swinging leg 1000 deg/s, and 100 Hz shows both."""


def choose(options: Options, can: wire.Capabilities) -> wire.Format:
    """Return a format that the device has. Raises OptionsError for what it does not offer."""
    return wire.Format(
        _one("rate_hz", options.rate_hz, can.rates_hz, RATES_HZ),
        _one("acc_range_g", options.acc_range_g, can.acc_ranges_g, ACC_RANGES_G),
        _one("gyr_range_dps", options.gyr_range_dps, can.gyr_ranges_dps, GYR_RANGES_DPS),
    )


def _one(key: str, asked: float | None, offered: tuple[float, ...], preferred: tuple[float, ...]) -> float:
    if asked is None:
        return next(value for value in preferred if value in offered)
    if asked not in offered:
        offer = ", ".join(f"{value:g}" for value in offered)
        raise OptionsError(f"{key} is {asked:g}; this device offers {offer}")
    return asked
