"""Setting a MetaMotion up: which commands, in which order, and which boards will not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ankled.drivers import messages as m
from ankled.drivers.metamotion import commands, wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ankled.drivers.driver import Options
    from ankled.drivers.messages import DriverOutput, Value
    from ankled.drivers.metamotion.wire import Axis3, Sensor

STREAMS: Final[Mapping[int, Axis3]] = {wire.ACCELEROMETER: "acc", wire.GYROSCOPE: "gyr"}
WORDS: Final[Mapping[Axis3, str]] = {"acc": "accelerometer", "gyr": "gyroscope"}

Found = dict[int, tuple[int, int] | None]
"""Implementation and revision of both modules by their number; None for one that is absent."""

# The SDK's documentation asks for 7.5 ms for packed samples; the range leaves the central a choice.
_CONNECTION: Final = commands.connection(7.5, 15.0, 0, 6000.0)


def writes(several: Iterable[bytes]) -> list[DriverOutput]:
    """Return commands as outputs."""
    return [m.Write(characteristic=wire.COMMAND, data=data) for data in several]


def discover() -> list[DriverOutput]:
    """Take away what an earlier connection left, and ask which sensors there are."""
    asked = [commands.read(module, wire.INFO) for module in STREAMS]
    return writes([*commands.TEAR_DOWN, *asked])


def configure(sensors: Iterable[Sensor], rate_hz: float, ranges: Mapping[Axis3, float]) -> list[DriverOutput]:
    """Let the sensors rest, as they cannot be configured while they measure, configure them and read that back."""
    outputs: list[DriverOutput] = []
    for sensor in sensors:
        outputs += writes(commands.stop(sensor))
        outputs += writes([commands.config(sensor, rate_hz, ranges[sensor.stream])])
        outputs += writes([commands.read(sensor.module, wire.CONFIG)])
    return outputs


def run(sensors: Iterable[Sensor]) -> list[DriverOutput]:
    """Let packed samples come."""
    outputs = writes([_CONNECTION])
    for sensor in sensors:
        outputs += writes(commands.start(sensor))
    return outputs


def rest(sensors: Iterable[Sensor]) -> list[DriverOutput]:
    """Stop what `run` began, in the reverse order."""
    return [output for sensor in reversed(list(sensors)) for output in writes(commands.stop(sensor))]


def sensors_of(found: Found) -> list[Sensor]:
    """Return the sensors that were found and are known, the accelerometer first."""
    kinds = ((module, found.get(module)) for module in STREAMS)
    known = (wire.sensor_of(module, kind[0]) for module, kind in kinds if kind is not None)
    return [sensor for sensor in known if sensor is not None]


def described(found: Found) -> dict[str, Value]:
    """Return what was found, for people."""
    sensors = sensors_of(found)
    value: dict[str, Value] = {"chip": sensors[0].chip, "gyroscope": len(sensors) > 1}
    for module, stream in STREAMS.items():
        kind = found.get(module)
        value[f"{stream}_revision"] = None if kind is None else kind[1]
    return value


def unfit(found: Found, options: Options) -> str | None:
    """Return why this board cannot be used as it is asked for, or None."""
    if found[wire.ACCELEROMETER] is None:
        return "the board has no accelerometer; one with a BMI160 or a BMI270 is needed"
    if found[wire.GYROSCOPE] is None and options.gyr_range_dps is not None:
        return "gyr_range_dps is set, but this board has no gyroscope; it offers acceleration alone"
    for module, stream in STREAMS.items():
        kind = found[module]
        if kind is None:
            continue
        sensor = wire.sensor_of(module, kind[0])
        if sensor is None:
            known = [f"{one.implementation} ({one.chip})" for one in wire.SENSORS if one.module == module]
            return f"the {WORDS[stream]} is of implementation {kind[0]}; known are {' and '.join(known)}"
        if kind[1] < sensor.packed_since:
            return (
                f"the firmware's {WORDS[stream]} module is of revision {kind[1]}; "
                f"packed samples need {sensor.packed_since} or later: update the firmware"
            )
    return None


def mismatch(sensor: Sensor, got: tuple[float, float], asked: tuple[float, float]) -> str | None:
    """Return what is wrong with a configuration that was read back, Hz and g or deg/s, or None."""
    if got == asked:
        return None
    unit = "g" if sensor.stream == "acc" else "dps"
    return (
        f"the {WORDS[sensor.stream]} stays at {got[0]:g} Hz and {got[1]:g} {unit}; "
        f"asked for were {asked[0]:g} Hz and {asked[1]:g} {unit}"
    )
