"""What an OpenAnkle device says, as the values of events: units in the keys, words for codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.drivers import messages as m
from ankled.drivers.openankle import commands as c

if TYPE_CHECKING:
    from ankled.drivers.messages import Value
    from ankled.drivers.openankle import wire


def error(message: str, **details: Value) -> m.Event:
    """Return an `error`: a sentence, and what is known in figures."""
    return m.Event(name="error", value={"message": message, **details})


def rate_hz(period_ns: int) -> float:
    """Return the rate that a period stands for, to 1 mHz: a period is in whole nanoseconds."""
    return round(1e9 / period_ns, 3)


def settings(form: wire.Format, period_ns: int) -> m.Event:
    """Return `settings`: `rate_hz` is what the device says it has, which need not be the nominal rate."""
    value: dict[str, Value] = {
        "rate_hz": rate_hz(period_ns),
        "acc_range_g": form.acc_range_g,
        "gyr_range_dps": form.gyr_range_dps,
    }
    return m.Event(name="settings", value=value)


def offers(can: wire.Capabilities) -> m.Event:
    """Return an `info` with versions and with what can be asked for."""
    value: dict[str, Value] = {
        "protocol_version": f"{can.major}.{can.minor}",
        "firmware_version": ".".join(map(str, can.firmware)),
        "rates_hz": list(can.rates_hz),
        "acc_ranges_g": list(can.acc_ranges_g),
        "gyr_ranges_dps": list(can.gyr_ranges_dps),
        "weight_settable": can.weight_settable,
        "weight_kept": can.weight_kept,
        "identifies": can.identifies,
        "tells_clock": can.tells_clock,
        "max_samples": can.max_samples,
    }
    return m.Event(name="info", value=value)


def weight(status: wire.Status) -> m.Event:
    """Return an `info` with `mass_kg`, null when not known, and `side`."""
    mass_kg = None if status.mass_g is None else status.mass_g / 1000.0
    return m.Event(name="info", value={"mass_kg": mass_kg, "side": status.side})


def state(status: wire.Status) -> m.Event:
    """Return `status`. `lost` counts samples lost inside the device since Start, `boot` its starts."""
    value: dict[str, Value] = {
        "state": status.activity,
        "overrun": status.overrun,
        "imu_fault": status.imu_fault,
        "low_battery": status.low_battery,
        "boot": status.boot,
        "lost": status.lost,
    }
    return m.Event(name="status", value=value)


def news(before: wire.Status | None, status: wire.Status) -> list[m.DriverOutput]:
    """Return what a status tells that the one before it did not."""
    said: list[m.DriverOutput] = []
    if before is None or (before.mass_g, before.side) != (status.mass_g, status.side):
        said.append(weight(status))
    if before is None or state(before) != state(status):
        said.append(state(status))
    if before is not None and before.boot != status.boot:
        said.append(error("the device restarted", boot=status.boot))
    if status.imu_fault and (before is None or not before.imu_fault):
        said.append(error("the device says that its motion sensor does not work"))
    return said


def command_name(op: int) -> str:
    """Return the word for a command; its number, for one of a later version."""
    try:
        return c.Op(op).name.lower()
    except ValueError:
        return f"0x{op:02x}"


def result_name(result: int) -> str:
    """Return the word for a result; its number, for one of a later version."""
    try:
        return c.Result(result).name.lower()
    except ValueError:
        return f"0x{result:02x}"


def response(answer: c.Response) -> m.Event:
    """Return `response`: the command, its tag, the result in words and as `code`, and what comes with it."""
    value: dict[str, Value] = {
        "command": command_name(answer.op),
        "tag": answer.tag,
        "result": result_name(answer.result),
        "code": answer.result,
    }
    if answer.offset is not None:
        value["offset"] = answer.offset
    if (started := answer.started) is not None:
        value["samples_per_packet"] = started.samples_per_packet
        value["rate_hz"] = rate_hz(started.period_ns)
    return m.Event(name="response", value=value)


def refusal(answer: c.Response) -> str:
    """Return a refusal as a sentence."""
    try:
        meaning = c.MEANINGS[c.Result(answer.result)]
    except ValueError:
        meaning = f"result 0x{answer.result:02x}, which version 1.0 of the profile does not have"
    return f"the device refuses {command_name(answer.op)}: {meaning}"
