"""Packets of the MetaMotion: the vendor's own test vectors, commands, round trips, and what is refused."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import commands, packets, wire
from ankled.drivers.metamotion.driver import MetaMotion
from ankled.drivers.units import DEG_RAD, G_MPS2
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


def decode(context: dict[str, Any], *values: bytes) -> list[m.DriverOutput]:
    """Return what `ankled decode metamotion data ...` would be made of."""
    driver = MetaMotion.for_decoding(context)
    return [output for data in values for output in driver.feed(m.Notification(characteristic=wire.DATA, data=data))]


def block(outputs: list[m.DriverOutput]) -> m.Block:
    """Return the one block."""
    (found,) = [output for output in outputs if isinstance(output, m.Block)]
    return found


def event(outputs: list[m.DriverOutput]) -> m.Event:
    """Return the one event."""
    (found,) = [output for output in outputs if isinstance(output, m.Event)]
    return found


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


@given(first=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(1, 2000), min_size=1, max_size=8))
def test_ticks_wrap(first: int, steps: list[int]) -> None:
    """A tick that wraps goes on growing by its own step; each processor counts for itself."""
    ticks = np.cumsum([first, *steps])
    values = [
        packets.encode_accounted(packets.Accounted(processor, int(tick) % 2**32, bytes(6)))
        for tick in ticks
        for processor in (0, 7)
    ]
    blocks = [one for one in decode({}, *values) if isinstance(one, m.Block)]
    for mine in (blocks[::2], blocks[1::2]):
        times = np.concatenate([one.time_s for one in mine if one.time_s is not None])
        np.testing.assert_allclose(times, ticks * wire.TICK_S, rtol=1e-12)


def test_restarted_clock_is_no_wrap() -> None:
    """A tick that falls back from anywhere but the modulus is given as sent: the board was restarted."""
    values = [packets.encode_accounted(packets.Accounted(0, tick, bytes(6))) for tick in (1_000_000, 3)]
    last = [one for one in decode({}, *values) if isinstance(one, m.Block)][-1]
    assert last.time_s is not None
    assert last.time_s[0] == 3 * wire.TICK_S


def test_counts_show_what_is_missing() -> None:
    """In counts a gap is a number of lost packets, over the wrap too; a count that falls back tells nothing."""
    counts = (2**32 - 2, 2**32 - 1, 2, 3, 1)
    values = [packets.encode_accounted(packets.Accounted(0, count, bytes(6))) for count in counts]
    missing = [one.missing for one in decode({"mode": "count"}, *values) if isinstance(one, m.Block)]
    assert missing == [0, 0, 2, 0, 0]


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


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "2 bytes or more; this one has 0"),
        ("03", "2 bytes or more; this one has 1"),
        ("0e80", "module 0x0e is not known; allowed are 01 02"),
        ("031c00", "20 bytes here, this one 3"),
        ("0304" + "00" * 7, "8 bytes here, this one 9"),
        ("038001", "2 bytes, or 4 and more; this one has 3"),
        ("118c63", "5 bytes, this one 3"),
        ("118c650000", "charge is 101; allowed are 0 to 100"),
        ("118b01", "9 bytes, this one 3"),
        ("0b8400", "7 bytes or more, this one 3"),
        ("0903000000", "13 or 19 bytes here, this one 5"),
        ("090300" + "00" * 22, "13 or 19 bytes here, this one 25"),
        ("038328", "4 bytes or more, this one 3"),
        ("03832f03", "rate code 0x2f and range code 0x03; known are 0x26, 0x27, 0x28, 0x29 and 0x03, 0x05, 0x08, 0x0c"),
        ("190500", "a packet of corrected_gyro has 15 bytes, this one 3"),
        ("1909" + "0000c07f" * 3, "not finite"),
    ],
)
def test_malformed_packets(text: str, sentence: str) -> None:
    """Each malformed packet is refused with one sentence that says what is allowed."""
    with pytest.raises(DecodeError, match=sentence):
        decode({}, bytes.fromhex(text))


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"rate_hz": 100}, '"rate_hz" is not known here; allowed: chip, range_g'),
        ({"chip": "bmi088"}, "allowed: bmi160, bmi270"),
        ({"range_g": 3}, '"range_g" is 3; allowed: 2, 4, 8, 16'),
        ({"range_dps": "500"}, "a number is needed"),
        ({"mode": "ticks"}, "allowed: time, count"),
        ({"range_g": 4, "lsb_per_g": 4096}, '"lsb_per_g" is 4096; range_g 4 allows 8192 alone'),
        ({"lsb_per_dps": 16}, '"lsb_per_dps" is 16; allowed: 16.4, 32.8, 65.6, 131.2, 262.4'),
    ],
)
def test_contexts_that_do_not_fit(context: dict[str, Any], sentence: str) -> None:
    """A context that no device could have is refused."""
    with pytest.raises(DecodeError, match=sentence):
        MetaMotion.for_decoding(context)


def test_steps_tell_the_range() -> None:
    """Steps per g or degree per second do instead of a range."""
    assert MetaMotion.for_decoding({"lsb_per_g": 2048}).state.told.range_g == 16.0
    assert MetaMotion.for_decoding({"lsb_per_dps": 65.6}).state.told.range_dps == 500.0


def test_commands_are_not_decoded() -> None:
    """The characteristic that is written sends nothing."""
    driver = MetaMotion.for_decoding({})
    with pytest.raises(DecodeError, match="allowed is the characteristic data"):
        driver.feed(m.Notification(characteristic=wire.COMMAND, data=b"\x03\x04"))


@given(data=st.binary(max_size=24), module=st.sampled_from([None, *wire.MODULES]))
def test_garbage_gives_decode_errors_and_nothing_else(data: bytes, module: int | None) -> None:
    """Any bytes are decoded or refused; none break the driver."""
    if module is not None:
        data = bytes([module]) + data
    driver = MetaMotion.for_decoding({})
    for _ in range(2):
        with suppress(DecodeError):
            outputs = driver.feed(m.Notification(characteristic=wire.DATA, data=data))
            assert outputs
            assert all(isinstance(output, m.Block | m.Event) for output in outputs)


@given(
    sensor=st.sampled_from(wire.SENSORS),
    data=st.data(),
    numbers=st.lists(st.floats(-1.2, 1.2), min_size=9, max_size=9),
)
def test_samples_round_trip(sensor: wire.Sensor, data: st.DataObject, numbers: list[float]) -> None:
    """What is encoded comes back within half a step, and at the end of the range where it is beyond."""
    full = data.draw(st.sampled_from(sorted(sensor.ranges)))
    step = packets.scale(sensor, full)
    unit = G_MPS2 if sensor.stream == "acc" else DEG_RAD
    values = np.array(numbers).reshape(3, 3) * full * unit
    packet = packets.encode_samples(bytes([sensor.module, sensor.packed]), values, step)
    assert len(packet) == 20
    key = "range_g" if sensor.stream == "acc" else "range_dps"
    found = block(decode({"chip": sensor.chip, key: full}, packet))
    got = found.acc if sensor.stream == "acc" else found.gyr
    assert got is not None
    assert got.flags.c_contiguous
    held = np.clip(values, -32768 * step, 32767 * step)
    np.testing.assert_allclose(got, held, atol=step * 0.5001, rtol=0)


@given(
    module=st.sampled_from(sorted(wire.MODULES)),
    kind=st.none() | st.tuples(st.integers(0, 255), st.integers(0, 255)),
    extra=st.binary(max_size=8),
)
def test_modules_round_trip(module: int, kind: tuple[int, int] | None, extra: bytes) -> None:
    """What a module says of itself comes back, whatever stands behind it."""
    one = packets.Module(module, *(kind or (None, None)))
    assert packets.decode_module(packets.encode_module(one, extra)) == one
    assert one.present == (kind is not None)


@given(percent=st.integers(0, 100), millivolt=st.integers(0, 65535))
def test_battery_round_trip(percent: int, millivolt: int) -> None:
    """Charge and voltage come back."""
    state = packets.Battery(percent, millivolt)
    assert packets.decode_battery(packets.encode_battery(state)) == state


@given(processor=st.integers(0, 255), number=st.integers(0, 2**32 - 1), both=st.booleans())
def test_accounted_round_trip(processor: int, number: int, both: bool) -> None:
    """Processor, number and payload come back, and a packet fits the smallest link."""
    one = packets.Accounted(processor, number, bytes(range(12 if both else 6)))
    packet = packets.encode_accounted(one)
    assert len(packet) <= 20
    assert packets.decode_accounted(packet) == one


@given(sensor=st.sampled_from(wire.SENSORS), data=st.data())
def test_configuration_round_trip(sensor: wire.Sensor, data: st.DataObject) -> None:
    """Every rate and range comes back."""
    rate = data.draw(st.sampled_from(sorted(sensor.rates)))
    full = data.draw(st.sampled_from(sorted(sensor.ranges)))
    assert commands.parse_config(sensor, commands.config(sensor, rate, full)) == (rate, full)
