"""What a MetaMotion sends, both ways: samples, modules, battery, accounted samples. Sources and levels as in `wire`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import wire
from ankled.drivers.units import DEG_RAD, G_MPS2

if TYPE_CHECKING:
    from ankled.drivers.metamotion.wire import Sensor
    from ankled.drivers.samples import FloatArray

HEADER: Final = 2
SAMPLE: Final = 6
_AXES = 3
_I16 = np.dtype("<i2")
_LOWEST, _HIGHEST = -32768, 32767

_ACCOUNTED = struct.Struct("<BBBI")
_BATTERY = struct.Struct("<BBBH")
_FULL_PERCENT = 100


class Module(NamedTuple):
    """What a module says of itself; `implementation` and `revision` are None for a module that is absent."""

    module: int
    implementation: int | None
    revision: int | None

    @property
    def present(self) -> bool:
        """Whether the board has it."""
        return self.implementation is not None


class Accounted(NamedTuple):
    """A packet of an accounter: `number` is a tick of the board's clock or a count of packets, as it was made."""

    processor: int
    number: int
    payload: bytes


class Battery(NamedTuple):
    """Charge and voltage."""

    percent: int
    millivolt: int


def scale(sensor: Sensor, full: float) -> float:
    """Return what one step of the int16 is in m/s2 or rad/s, at a range in g or degrees per second."""
    return (G_MPS2 if sensor.stream == "acc" else DEG_RAD) / sensor.lsb(full)


def decode_samples(data: bytes, offset: int, step: float) -> FloatArray:
    """Return samples (n, 3) of a packet from `offset` on; a step of the int16 is worth `step`.

    The packet must hold whole samples: `require` says so.
    """
    raw: np.ndarray[tuple[int, int], np.dtype[np.int16]]
    raw = np.ndarray(((len(data) - offset) // SAMPLE, _AXES), _I16, data, offset)
    return raw * np.float64(step)


def encode_samples(header: bytes, values: FloatArray, step: float) -> bytes:
    """Return the packet of samples (n, 3), rounded to the int16 and held at its ends, as the sensor does."""
    return header + np.clip(np.rint(values / step), _LOWEST, _HIGHEST).astype(_I16).tobytes()


def require(data: bytes, count: int) -> None:
    """Raise DecodeError for a packet that does not hold exactly `count` samples."""
    if len(data) != HEADER + count * SAMPLE:
        raise DecodeError(
            f"a packet of register 0x{data[0]:02x} 0x{data[1]:02x} has {HEADER + count * SAMPLE} bytes here, "
            f"this one {len(data)}"
        )


def decode_module(data: bytes) -> Module:
    """Return what `[module] 80 ...` says; with nothing behind these two bytes the module is absent."""
    if len(data) == HEADER:
        return Module(data[0], None, None)
    if len(data) < HEADER + 2:
        raise DecodeError(f"what a module says of itself has 2 bytes, or 4 and more; this one has {len(data)}")
    return Module(data[0], data[2], data[3])


def encode_module(module: Module, extra: bytes = b"") -> bytes:
    """Return the answer of a module."""
    header = bytes([module.module, wire.READ | wire.INFO])
    if module.implementation is None or module.revision is None:
        return header
    return header + bytes([module.implementation, module.revision]) + extra


def decode_battery(data: bytes) -> Battery:
    """Return charge in percent and voltage in mV."""
    if len(data) != _BATTERY.size:
        raise DecodeError(f"the battery's state has {_BATTERY.size} bytes, this one {len(data)}")
    _, _, percent, millivolt = _BATTERY.unpack(data)
    if percent > _FULL_PERCENT:
        raise DecodeError(f"the battery's charge is {percent}; allowed are 0 to 100 percent")
    return Battery(percent, millivolt)


def encode_battery(battery: Battery) -> bytes:
    """Return the answer to a read of the battery."""
    return _BATTERY.pack(wire.SETTINGS, wire.READ | wire.BATTERY, battery.percent, battery.millivolt)


def decode_accounted(data: bytes) -> Accounted:
    """Return processor, number and payload of an accounter's packet: one sample, or one of each sensor."""
    if len(data) not in (_ACCOUNTED.size + SAMPLE, _ACCOUNTED.size + 2 * SAMPLE):
        raise DecodeError(f"an accounter's packet has 13 or 19 bytes here, this one {len(data)}")
    _, _, processor, number = _ACCOUNTED.unpack_from(data)
    return Accounted(processor, number, data[_ACCOUNTED.size :])


def encode_accounted(accounted: Accounted) -> bytes:
    """Return an accounter's packet."""
    head = _ACCOUNTED.pack(wire.PROCESSOR, wire.PROCESSOR_NOTIFY, accounted.processor, accounted.number)
    return head + accounted.payload
