"""Packets of the MetaMotion there and back, wraps, and what is refused."""

from __future__ import annotations

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
from tests.drivers.metamotion_talk import block, decode


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
