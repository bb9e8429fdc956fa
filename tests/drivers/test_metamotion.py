"""Packets and commands of the MetaMotion: the vendor's own test vectors, and more that its SDK says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import commands, wire
from ankled.drivers.units import DEG_RAD, G_MPS2
from tests.drivers.metamotion_talk import block, decode, event
from tests.drivers.vectors import Vector, family, ids

ACC_160, GYR_160, ACC_270, GYR_270 = wire.SENSORS

# What the SDK's tests call a command, and how it is made here.
COMMANDS = {
    "metawear-battery-read": commands.READ_BATTERY,
    "metawear-battery-read-silent": commands.read(wire.SETTINGS, wire.BATTERY, silent=True),
    "metawear-conn-params": commands.connection(750.0, 1000.0, 128, 16384.0),
    "metawear-cmd-acc_50Hz_2g_BMI160_": commands.config(ACC_160, 50.0, 2.0),
    "metawear-cmd-acc_200Hz_8g": commands.config(ACC_160, 200.0, 8.0),
    "metawear-cmd-acc_100Hz_16g_BMI270_": commands.config(ACC_270, 100.0, 16.0),
    "metawear-cmd-acc_data_interrupt_enable": commands.interrupt(wire.ACCELEROMETER, on=True),
    "metawear-cmd-acc_data_interrupt_disable": commands.interrupt(wire.ACCELEROMETER, on=False),
    "metawear-cmd-acc_subscribe": commands.notify(wire.ACCELEROMETER, ACC_160.single, on=True),
    "metawear-cmd-acc_unsubscribe": commands.notify(wire.ACCELEROMETER, ACC_160.single, on=False),
    "metawear-cmd-acc_packed_subscribe_BMI160_": commands.notify(wire.ACCELEROMETER, ACC_160.packed, on=True),
    "metawear-cmd-acc_packed_subscribe_BMI270_": commands.notify(wire.ACCELEROMETER, ACC_270.packed, on=True),
    "metawear-cmd-acc_power_on": commands.power(wire.ACCELEROMETER, on=True),
    "metawear-cmd-acc_power_off": commands.power(wire.ACCELEROMETER, on=False),
    "metawear-cmd-gyro_data_interrupt_enable": commands.interrupt(wire.GYROSCOPE, on=True),
    "metawear-cmd-gyro_packed_subscribe_BMI160_": commands.notify(wire.GYROSCOPE, GYR_160.packed, on=True),
    "metawear-cmd-gyro_power_on": commands.power(wire.GYROSCOPE, on=True),
    "metawear-cmd-gyro_power_off": commands.power(wire.GYROSCOPE, on=False),
}
PACKETS = [
    "metawear-acc-4g",
    "metawear-acc-4g-bmi270",
    "metawear-acc-packed-8g-031c",
    "metawear-acc-packed-8g-0305",
    "metawear-gyro-500",
    "metawear-gyro-packed-1000",
    "metawear-fusion-corr-gyro",
    "metawear-fusion-corr-mag",
    "metawear-fusion-euler",
    "metawear-battery",
    "metawear-mac",
    "metawear-module-acc-bmi160",
    "metawear-module-acc-bmi270",
    "metawear-module-gyro-bmi270",
    "metawear-module-absent",
    "metawear-accounter-count",
]
SEQUENCE = "metawear-accounter-seq"


def covered() -> set[str]:
    """Return the ids of the vectors that are used here."""
    return {*COMMANDS, *PACKETS, SEQUENCE}


def vector(name: str) -> Vector:
    """Return the vector of this id."""
    return next(one for one in family(name) if one["id"] == name)


def told(outputs: list[m.DriverOutput]) -> dict[str, Any]:
    """Return what a packet says in the terms of the vectors."""
    if any(isinstance(output, m.Block) for output in outputs):
        found = block(outputs)
        said: dict[str, Any] = {}
        for module, key, values, unit in (("acc", "g", found.acc, G_MPS2), ("gyro", "dps", found.gyr, DEG_RAD)):
            if values is not None:
                rows = (values / unit).tolist()
                one = len(rows) == 1
                said |= {"module": module if one else f"{module} packed", key if one else f"samples_{key}": rows}
                said |= {key: rows[0]} if one else {}
        for output in outputs:
            if isinstance(output, m.Event):
                said |= output.value
        return said
    value = event(outputs).value
    names = {"level": "charge_pct", "voltage_mv": "voltage_mv"}
    return {names.get(key, key.removesuffix("_deg")): one for key, one in value.items()}


def test_every_vector_of_the_family_is_used() -> None:
    """Nothing the vendor tests is left out."""
    if not ids():
        pytest.skip("ANKLED_VECTORS names no file of packet vectors")
    assert covered() == {one["id"] for one in family("metawear-")}


@pytest.mark.parametrize("name", PACKETS)
def test_packets_of_the_vendor(name: str) -> None:
    """Samples, modules, battery, address, fused values and counts are what the SDK's tests say."""
    one = vector(name)
    chip = "bmi270" if "BMI270" in one["sensor"] else "bmi160"
    modes: dict[str, Any] = {"mode": "count"} if name == "metawear-accounter-count" else {}
    for more in ({}, {"chip": chip}):
        said = told(decode({**one["context"], **modes, **more}, bytes.fromhex(one["hex"])))
        for key, value in one["expected"].items():
            if isinstance(value, bool | int | str):
                assert said[key] == value, key
            else:
                np.testing.assert_allclose(said[key], value, atol=6e-4, err_msg=key)


def test_time_of_accounters_of_the_vendor() -> None:
    """Six single packets of an accounter: time steps and the acceleration at the range after power-on."""
    one = vector(SEQUENCE)
    size = one["expected"]["split_at"]
    data = bytes.fromhex(one["hex"])
    outputs = decode(one["context"], *(data[at : at + size] for at in range(0, len(data), size)))
    blocks = [output for output in outputs if isinstance(output, m.Block)]
    times = np.concatenate([found.time_s for found in blocks if found.time_s is not None])
    offsets = np.diff(np.rint(times * 1e3)).tolist()
    assert offsets == one["expected"]["epoch_offsets_ms"]
    assert blocks[0].acc is not None
    np.testing.assert_allclose(blocks[0].acc / G_MPS2, [[0.0118, 0.573, -0.795]], atol=6e-4)


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_of_the_vendor(name: str) -> None:
    """The commands are the SDK's, byte for byte."""
    assert COMMANDS[name] == bytes.fromhex(vector(name)["hex"])


def test_commands_of_the_sdk_that_are_no_vectors() -> None:
    """More commands of the SDK's tests: tear-down, both gyroscopes, reset of the board, the accounters."""
    assert [one.hex() for one in commands.TEAR_DOWN[:3]] == ["0908", "0a05", "0b0a"]
    assert [one.hex() for one in commands.TEAR_DOWN[3:]] == ["190100", "1903007f"]
    assert commands.config(GYR_160, 50.0, 125.0).hex() == "13032704"
    assert commands.config(GYR_160, 200.0, 2000.0).hex() == "13032900"
    assert commands.config(GYR_270, 100.0, 250.0).hex() == "13032803"
    assert commands.config(ACC_270, 25.0, 8.0).hex() == "0303a602"
    assert commands.interrupt(wire.GYROSCOPE, on=False).hex() == "13020001"
    assert commands.notify(wire.GYROSCOPE, GYR_160.single, on=True).hex() == "130501"
    assert commands.notify(wire.GYROSCOPE, GYR_270.packed, on=True).hex() == "130501"
    assert commands.RESET.hex() == "fe01"
    assert commands.accounter(wire.ACCELEROMETER, 0x04, 6).hex() == "09020304ffa0113103"
    assert commands.accounter(wire.ACCELEROMETER, 0x04, 6, count=True).hex() == "09020304ffa0113003"


def test_register_that_means_two_things() -> None:
    """13 05 is one sample of a BMI160 and three of a BMI270: the chip decides, without it the length."""
    single, packed = bytes.fromhex("13053e43ff7f0080"), bytes.fromhex("1305") + bytes(18)
    assert len(block(decode({"chip": "bmi160"}, single))) == 1
    assert len(block(decode({"chip": "bmi270"}, packed))) == 3
    assert len(block(decode({}, single))) == 1
    assert len(block(decode({}, packed))) == 3
    with pytest.raises(DecodeError, match="8 bytes here, this one 20"):
        decode({"chip": "bmi160"}, packed)
    with pytest.raises(DecodeError, match="20 bytes here, this one 8"):
        decode({"chip": "bmi270"}, single)


def test_ranges_after_power_on() -> None:
    """Without a range the chip's own one holds: 2 g of the BMI160, 8 g of the BMI270, 2000 degrees per second."""
    one = (16384).to_bytes(2, "little") * 3
    for chip, g in (("bmi160", 1.0), ("bmi270", 4.0)):
        acc = block(decode({"chip": chip}, b"\x03\x04" + one)).acc
        assert acc is not None
        np.testing.assert_allclose(acc, g * G_MPS2)
    gyr = block(decode({}, b"\x13\x07" + one * 3)).gyr
    assert gyr is not None
    np.testing.assert_allclose(gyr, math.radians(16384 / 16.4))


def test_fused_accounter_holds_both_sensors() -> None:
    """The SDK's test of a fuser behind an accounter: acceleration and rotation of one moment, with its count."""
    data = bytes.fromhex("0903031e020000f40d3c3999110180d691d367")
    outputs = decode({"mode": "count"}, data)
    both = block(outputs)
    assert both.acc is not None
    assert both.gyr is not None
    alone = [block(decode({}, bytes.fromhex(one))) for one in ("0304f40d3c399911", "13050180d691d367")]
    np.testing.assert_array_equal(both.acc, alone[0].acc)
    np.testing.assert_array_equal(both.gyr, alone[1].gyr)
    assert event(outputs).value["count"] == 542


def test_other_answers() -> None:
    """Configuration, time of the board, and anything else that a known module says."""
    assert event(decode({}, bytes.fromhex("0383a803"))).value == {
        "op": "config",
        "module": "accelerometer",
        "rate_hz": 100.0,
        "range_g": 16.0,
    }
    assert event(decode({}, bytes.fromhex("13832803"))).value["range_dps"] == 250.0
    assert event(decode({}, bytes.fromhex("0383280c"))).value["range_g"] == 16.0
    time = event(decode({}, bytes.fromhex("0b841504000005"))).value
    assert (time["tick"], time["reset_id"]) == (1045, 5)
    assert time["time_s"] == 1045 * 48 / 32768
    other = event(decode({}, bytes.fromhex("111101"))).value
    assert other == {"op": "other", "module": "settings", "register": 0x11, "data": "01"}
