"""WitMotion: what registers say, in units."""

from __future__ import annotations

import pytest

from ankled.drivers.witmotion import registers
from tests.drivers.witmotion_talk import fed, values


@pytest.mark.parametrize(
    ("register", "raw", "key", "value"),
    [
        (registers.TEMPERATURE, (2874,), "temperature_deg_c", 28.74),
        (registers.QUATERNION, (16384, -16384, 8192, 0), "quaternion", [0.5, -0.5, 0.25, 0.0]),
        (registers.BATTERY, (396,), "battery_v", 3.96),
        (registers.VERSION, (-1,), "version", 65535),
        (registers.RATE, (9,), "rate_code", 9),
    ],
)
def test_registers_have_units(register: int, raw: tuple[int, ...], key: str, value: object) -> None:
    """Values of known registers are told in units."""
    (told,) = values(fed(registers.encode_reply(register, raw)), "response")
    assert told[key] == pytest.approx(value)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (4708, 0, "4708"),
        (-1, 0, "65535"),
        (4708, 0x7FFF, "4708"),
        (0x0507 - 0x8000, -0x8000 | 1234 >> 2, "1234.5.7"),
    ],
)
def test_the_firmware_has_the_version_that_the_vendor_writes(low: int, high: int, text: str) -> None:
    """One number of 16 bits, or with the highest bit of both registers set three, of 16, 5 and 7 bits."""
    assert values(fed(registers.encode_reply(registers.VERSION, (low, high))), "info") == [{"firmware": text}]


@pytest.mark.parametrize(
    ("hundredths", "level"),
    [(397, 100.0), (396, 90.0), (380, 50.0), (341, 5.0), (330, 0.0), (0, None), (-5, None), (840, 60.0), (881, 100.0)],
)
def test_battery_level_follows_the_vendors_tables(hundredths: int, level: float | None) -> None:
    """A voltage above a step has its charge; two cells have a table of their own; no voltage is no level."""
    (told,) = values(fed(registers.encode_reply(registers.BATTERY, (hundredths,))), "battery")
    assert told == {"level": level, "battery_v": hundredths / 100.0}


@pytest.mark.parametrize("percent", [100.0, 90.0, 75.0, 60.0, 50.0, 40.0, 30.0, 20.0, 15.0, 10.0, 5.0])
def test_battery_voltage_and_level_belong_together(percent: float) -> None:
    """The simulated sensor's voltage is read as the level it has."""
    assert registers.battery_percent(registers.battery_volts(percent)) == percent
