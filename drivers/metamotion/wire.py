"""What the registers of a MetaMotion are called and what their codes mean.

Source: MetaWear SDK for C++ (mbientlab/MetaWear-SDK-Cpp, `src/metawear/*/cpp/*_register.h`, `accelerometer_bosch.cpp`,
`gyro_bosch.cpp`, and their tests). All of it level A (the vendor's own SDK), but the gyroscope of the BMI270: its
registers and codes stand in the SDK's source, and no test of the SDK shows a packet of it.

Every packet is `[module][register][data]`, 20 bytes at most, little-endian. A register is read by writing its number
plus 0x80; the answer carries that number too. The same register may be another one on the other chip: 0x05 of the
gyroscope is a single sample of the BMI160 and three samples of the BMI270.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Chip = Literal["bmi160", "bmi270"]
Axis3 = Literal["acc", "gyr"]

SERVICE: Final = "326a9000-85cb-9195-d9dd-464cfbbae75a"
COMMAND: Final = "326a9001-85cb-9195-d9dd-464cfbbae75a"
DATA: Final = "326a9006-85cb-9195-d9dd-464cfbbae75a"

ACCELEROMETER: Final = 0x03
PROCESSOR: Final = 0x09
EVENTS: Final = 0x0A
LOGGING: Final = 0x0B
SETTINGS: Final = 0x11
GYROSCOPE: Final = 0x13
FUSION: Final = 0x19
DEBUG: Final = 0xFE

MODULES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x01: "switch",
        0x02: "led",
        ACCELEROMETER: "accelerometer",
        0x04: "temperature",
        0x05: "gpio",
        0x06: "neo_pixel",
        0x07: "ibeacon",
        0x08: "haptic",
        PROCESSOR: "data_processor",
        EVENTS: "event",
        LOGGING: "logging",
        0x0C: "timer",
        0x0D: "i2c",
        0x0F: "macro",
        0x10: "conductance",
        SETTINGS: "settings",
        0x12: "barometer",
        GYROSCOPE: "gyroscope",
        0x14: "ambient_light",
        0x15: "magnetometer",
        0x16: "humidity",
        0x17: "color_detector",
        0x18: "proximity",
        FUSION: "sensor_fusion",
        DEBUG: "debug",
    }
)
"""Every module of the SDK's `core/module.h`."""

READ: Final = 0x80
INFO: Final = 0x00

# Registers that both sensors of both chips share.
POWER: Final = 0x01
INTERRUPT: Final = 0x02
CONFIG: Final = 0x03

# Registers of the other modules that are used here.
PROCESSOR_ADD: Final = 0x02
PROCESSOR_NOTIFY: Final = 0x03
PROCESSOR_NOTIFY_ENABLE: Final = 0x07
PROCESSOR_REMOVE_ALL: Final = 0x08
EVENTS_REMOVE_ALL: Final = 0x05
LOGGING_TIME: Final = 0x04
LOGGING_REMOVE_ALL: Final = 0x0A
CONNECTION: Final = 0x09
MAC: Final = 0x0B
BATTERY: Final = 0x0C
FUSION_ENABLE: Final = 0x01
FUSION_OUTPUT: Final = 0x03
DEBUG_RESET: Final = 0x01

PACKED: Final = 3
"""Samples in a packed packet; 2 + 3 x 6 bytes are all that a packet of the smallest link holds."""

TICK_S: Final = 48.0 / 32768.0
"""One tick of the board's clock: 48 periods of a 32,768 Hz crystal."""


class Sensor(NamedTuple):
    """One of the two sensors of a chip. `rates` and `ranges` hold the codes that set them, by Hz and by g or deg/s.

    `single` and `packed` are the registers of one sample and of three; packed ones exist from module revision
    `packed_since` on. `lsb_at_full_range` is how many steps of the int16 the range has to one side, `default_range` the
    range after power-on.
    """

    chip: Chip
    stream: Axis3
    module: int
    implementation: int
    single: int
    packed: int
    packed_since: int
    rates: Mapping[float, int]
    ranges: Mapping[float, int]
    lsb_at_full_range: float
    default_range: float

    def lsb(self, full: float) -> float:
        """Return how many steps of the int16 make one g or one degree per second at a range."""
        return self.lsb_at_full_range / full


_RATES_160 = MappingProxyType({25.0: 0x26, 50.0: 0x27, 100.0: 0x28, 200.0: 0x29})
_RATES_270 = MappingProxyType({25.0: 0xA6, 50.0: 0xA7, 100.0: 0xA8, 200.0: 0xA9})
_RANGES_G_160 = MappingProxyType({2.0: 0x03, 4.0: 0x05, 8.0: 0x08, 16.0: 0x0C})
_RANGES_G_270 = MappingProxyType({2.0: 0, 4.0: 1, 8.0: 2, 16.0: 3})
_RANGES_DPS = MappingProxyType({2000.0: 0, 1000.0: 1, 500.0: 2, 250.0: 3, 125.0: 4})

# 16384 steps per g at 2 g; 16.4 steps per degree per second at 2000: not quite the whole int16.
_ACC_FULL = 32768.0
_GYR_FULL = 32800.0

SENSORS: Final = (
    Sensor("bmi160", "acc", ACCELEROMETER, 1, 0x04, 0x1C, 1, _RATES_160, _RANGES_G_160, _ACC_FULL, 2.0),
    Sensor("bmi160", "gyr", GYROSCOPE, 0, 0x05, 0x07, 1, _RATES_160, _RANGES_DPS, _GYR_FULL, 2000.0),
    Sensor("bmi270", "acc", ACCELEROMETER, 4, 0x04, 0x05, 0, _RATES_270, _RANGES_G_270, _ACC_FULL, 8.0),
    Sensor("bmi270", "gyr", GYROSCOPE, 1, 0x04, 0x05, 0, _RATES_160, _RANGES_DPS, _GYR_FULL, 2000.0),
)

RATES_HZ: Final = tuple(_RATES_160)
ACC_RANGES_G: Final = tuple(_RANGES_G_160)
GYR_RANGES_DPS: Final = tuple(sorted(_RANGES_DPS))


_BY_IMPLEMENTATION = {(one.module, one.implementation): one for one in SENSORS}
_BY_CHIP = {(one.chip, one.stream): one for one in SENSORS}


def sensor_of(module: int, implementation: int) -> Sensor | None:
    """Return the sensor that a module of this implementation number is, or None for one that is not known."""
    return _BY_IMPLEMENTATION.get((module, implementation))


def sensor_on(chip: Chip, stream: Axis3) -> Sensor:
    """Return a sensor of a chip."""
    return _BY_CHIP[chip, stream]
