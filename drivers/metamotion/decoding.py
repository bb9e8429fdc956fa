"""Single packets from the middle of a stream, of which only a context is known.

Context: `chip` (bmi160, bmi270), `range_g`, `range_dps`, `mode` of accounters: `time` (default) or `count`. Without
`chip` register and length tell, as far as they can. Without a range it is the one that the chip has after power-on.
`lsb_per_g` and `lsb_per_dps` may be given too; they must fit the range.

Events: `battery` {level, voltage_mv}, `info` {mac}, and `response` with `op`: `module` {module, name, present,
implementation, revision}, `config` {module, rate_hz, range_g | range_dps}, `accounter` {processor, tick | count},
`time` {tick, time_s, reset_id}, those of the sensor fusion (`corrected_gyro` {dps, accuracy}, ...), and `other`
{module, register, data} for what else a known module says.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.driver import context_number, context_text, refuse_context
from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import commands, packets, wire
from ankled.drivers.units import G_MPS2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ankled.drivers.messages import DriverOutput, Value
    from ankled.drivers.metamotion.wire import Axis3, Sensor
    from ankled.drivers.samples import FloatArray

_KEYS = ("chip", "range_g", "range_dps", "mode", "lsb_per_g", "lsb_per_dps")
_TIME = struct.Struct("<BBIB")
_TICKS = 1 << 32
_NEAR = 1 << 24
"""A tick that falls back has wrapped only if it is that close to the modulus (6.8 of 1747 hours); else it restarted."""

_Vector = tuple[str, struct.Struct, tuple[str, ...], float]
_CORRECTED = struct.Struct("<2x3fB")
_FOUR = struct.Struct("<2x4f")
_THREE = struct.Struct("<2x3f")
# SDK `sensor_fusion_register.h` and `datainterpreter.cpp` (A): mg, or m/s2 which the SDK gives in g.
_FUSION: Final[Mapping[int, _Vector]] = {
    0x04: ("corrected_acc", _CORRECTED, ("g", "accuracy"), 1e-3),
    0x05: ("corrected_gyro", _CORRECTED, ("dps", "accuracy"), 1.0),
    0x06: ("corrected_mag", _CORRECTED, ("uT", "accuracy"), 1.0),
    0x07: ("quaternion", _FOUR, ("w", "x", "y", "z"), 1.0),
    0x08: ("euler", _FOUR, ("heading_deg", "pitch_deg", "roll_deg", "yaw_deg"), 1.0),
    0x09: ("gravity", _THREE, ("g",), 1.0 / G_MPS2),
    0x0A: ("linear_acc", _THREE, ("g",), 1.0 / G_MPS2),
}


class Told(msgspec.Struct):
    """What the context tells, and what accounters said last: tick or count by processor, and wraps before it."""

    chip: wire.Chip | None = None
    range_g: float | None = None
    range_dps: float | None = None
    mode: Literal["time", "count"] = "time"
    last: dict[int, int] = msgspec.field(default_factory=dict)
    wraps: dict[int, int] = msgspec.field(default_factory=dict)


def told(context: Mapping[str, Value]) -> Told:
    """Return what a context tells. Raises DecodeError."""
    refuse_context(context, _KEYS)
    plain = {
        "chip": context_text(context, "chip", ("bmi160", "bmi270")),
        "range_g": _range(context, "range_g", "lsb_per_g", "acc"),
        "range_dps": _range(context, "range_dps", "lsb_per_dps", "gyr"),
        "mode": context_text(context, "mode", ("time", "count")) or "time",
    }
    return msgspec.convert(plain, Told)


def _range(context: Mapping[str, Value], key: str, steps_key: str, stream: Axis3) -> float | None:
    """Return a range that is allowed, told as such or by its steps per unit."""
    sensor = wire.sensor_on("bmi160", stream)
    full, steps = context_number(context, key), context_number(context, steps_key)
    if full is None and steps is not None:
        full = next((one for one in sensor.ranges if np.isclose(sensor.lsb(one), steps)), None)
        if full is None:
            allowed = ", ".join(f"{sensor.lsb(one):g}" for one in sensor.ranges)
            raise DecodeError(f'context key "{steps_key}" is {steps:g}; allowed: {allowed}')
    if full is not None and full not in sensor.ranges:
        raise DecodeError(f'context key "{key}" is {full:g}; allowed: {", ".join(f"{one:g}" for one in sensor.ranges)}')
    if full is not None and steps is not None and not np.isclose(sensor.lsb(full), steps):
        raise DecodeError(f'context key "{steps_key}" is {steps:g}; {key} {full:g} allows {sensor.lsb(full):g} alone')
    return full


def decode(known: Told, data: bytes) -> list[DriverOutput]:
    """Return what a packet of the data characteristic says. Raises DecodeError."""
    if len(data) < packets.HEADER:
        raise DecodeError(f"a packet has a module and a register, 2 bytes or more; this one has {len(data)}")
    module, register = data[0], data[1]
    if module not in wire.MODULES:
        raise DecodeError(f"module 0x{module:02x} is not known; allowed are {bytes(wire.MODULES).hex(' ')}")
    if (module, register) == (wire.PROCESSOR, wire.PROCESSOR_NOTIFY):
        return _accounted(known, packets.decode_accounted(data))
    if register == wire.READ | wire.INFO:
        return [_module(data)]
    if register == wire.READ | wire.CONFIG and module in (wire.ACCELEROMETER, wire.GYROSCOPE):
        return [_config(known, data)]
    answer = _ANSWERS.get((module, register))
    return [_samples(known, data) or _other(data) if answer is None else answer(data)]


def _other(data: bytes) -> m.Event:
    return _response("other", module=wire.MODULES[data[0]], register=data[1], data=data[packets.HEADER :].hex())


def _response(op: str, **value: Value) -> m.Event:
    return m.Event(name="response", value={"op": op, **value})


def _samples(known: Told, data: bytes) -> m.Block | None:
    """Return the samples of a packet, or None for a register that sends none on the chips that it may be."""
    fits = [
        (sensor, count)
        for sensor in wire.SENSORS
        for register, count in ((sensor.single, 1), (sensor.packed, wire.PACKED))
        if known.chip in (None, sensor.chip) and (sensor.module, register) == (data[0], data[1])
    ]
    if not fits:
        return None
    sensor, count = next((one for one in fits if len(data) == packets.HEADER + one[1] * packets.SAMPLE), fits[0])
    packets.require(data, count)
    values = packets.decode_samples(data, packets.HEADER, _step(known, sensor))
    return m.Block(
        acc=values if sensor.stream == "acc" else None, gyr=values if sensor.stream == "gyr" else None, time_s=None
    )


def _step(known: Told, sensor: Sensor) -> float:
    full = known.range_g if sensor.stream == "acc" else known.range_dps
    return packets.scale(sensor, sensor.default_range if full is None else full)


def _accounted(known: Told, packet: packets.Accounted) -> list[DriverOutput]:
    """Return an accounter's sample: of the accelerometer alone, or one of each sensor that a fuser joined.

    Which signal the accounter stands behind was said when it was made, not in its packets; these two are what the
    board can send in 20 bytes for a sensor of motion.
    """
    chip = known.chip or "bmi160"
    acc = packets.decode_samples(packet.payload[: packets.SAMPLE], 0, _step(known, wire.sensor_on(chip, "acc")))
    gyr: FloatArray | None = None
    if len(packet.payload) > packets.SAMPLE:
        gyr = packets.decode_samples(packet.payload[packets.SAMPLE :], 0, _step(known, wire.sensor_on(chip, "gyr")))
    before = known.last.get(packet.processor)
    known.last[packet.processor] = packet.number
    if known.mode == "count":
        skipped = 0 if before is None else (packet.number - before - 1) % _TICKS
        said = _response("accounter", processor=packet.processor, count=packet.number)
        # A count that falls back began anew: the board was restarted, and what is lost cannot be told.
        return [said, m.Block(acc=acc, gyr=gyr, time_s=None, missing=skipped if skipped < _NEAR else 0)]
    wraps = known.wraps.get(packet.processor, 0)
    if before is not None and before - packet.number > _TICKS - _NEAR:
        wraps += 1
        known.wraps[packet.processor] = wraps
    time_s = np.array([(wraps * _TICKS + packet.number) * wire.TICK_S])
    said = _response("accounter", processor=packet.processor, tick=packet.number)
    return [said, m.Block(acc=acc, gyr=gyr, time_s=time_s)]


def _module(data: bytes) -> m.Event:
    module = packets.decode_module(data)
    value: dict[str, Value] = {"module": module.module, "name": wire.MODULES[module.module], "present": module.present}
    if module.present:
        value |= {"implementation": module.implementation, "revision": module.revision}
    return _response("module", **value)


def _config(known: Told, data: bytes) -> m.Event:
    stream: Axis3 = "acc" if data[0] == wire.ACCELEROMETER else "gyr"
    sensors = [one for one in wire.SENSORS if one.stream == stream and known.chip in (None, one.chip)]
    # The rate codes of the accelerometers differ in their upper bits, which tells the chips apart.
    sensor = next((one for one in sensors if len(data) > packets.HEADER and data[2] in one.rates.values()), sensors[0])
    rate, full = commands.parse_config(sensor, data)
    key = "range_g" if stream == "acc" else "range_dps"
    return _response("config", module=wire.MODULES[data[0]], rate_hz=rate, **{key: full})


def battery(data: bytes) -> m.Event:
    """Return charge in percent and voltage in mV as an event."""
    said = packets.decode_battery(data)
    return m.Event(name="battery", value={"level": said.percent, "voltage_mv": said.millivolt})


def _mac(data: bytes) -> m.Event:
    length = 9
    if len(data) != length:
        raise DecodeError(f"the answer with the address has {length} bytes, this one {len(data)}")
    return m.Event(name="info", value={"mac": data[:2:-1].hex(":").upper()})


def _time(data: bytes) -> m.Event:
    if len(data) < _TIME.size:
        raise DecodeError(f"the answer with the board's time has {_TIME.size} bytes or more, this one {len(data)}")
    _, _, tick, reset_id = _TIME.unpack_from(data)
    return _response("time", tick=tick, time_s=tick * wire.TICK_S, reset_id=reset_id)


def _fused(data: bytes) -> m.Event:
    op, layout, names, factor = _FUSION[data[1]]
    if len(data) != layout.size:
        raise DecodeError(f"a packet of {op} has {layout.size} bytes, this one {len(data)}")
    numbers = layout.unpack(data)
    if not all(map(math.isfinite, numbers)):
        raise DecodeError(f"a packet of {op} holds a number that is not finite")
    value: dict[str, Value]
    if layout is _FOUR:
        value = dict(zip(names, numbers, strict=True))
    else:
        value = {names[0]: [number * factor for number in numbers[:3]]}
        if len(names) > 1:
            value[names[1]] = numbers[3]
    return _response(op, **value)


_ANSWERS: Final[Mapping[tuple[int, int], Callable[[bytes], m.Event]]] = {
    (wire.SETTINGS, wire.READ | wire.BATTERY): battery,
    (wire.SETTINGS, wire.READ | wire.MAC): _mac,
    (wire.LOGGING, wire.READ | wire.LOGGING_TIME): _time,
    **{(wire.FUSION, register): _fused for register in _FUSION},
}
