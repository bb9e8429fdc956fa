"""The codecs of OpenAnkle: round trips, and refusals of what is malformed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle.packets import (
    decode_beat,
    decode_packet,
    encode_beat,
    encode_packet,
    encode_words,
    scale_of,
)

FORMS = st.sampled_from(list(wire.FORMATS.values()))
U8 = st.integers(0, 255)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
PERIODS = st.integers(1_500_000, 25_000_000)
SIDES: st.SearchStrategy[wire.Side] = st.sampled_from(["left", "right", "unknown"])
MASSES = st.none() | st.integers(1, 50_000)


def covered() -> set[str]:
    """Return the ids of published vectors used here: none, the vectors of this profile stand in its document."""
    return set()


def some(values: tuple[float, ...]) -> st.SearchStrategy[tuple[float, ...]]:
    """Return any choice of at least one value, in their order."""
    return st.sets(st.sampled_from(values), min_size=1).map(lambda chosen: tuple(sorted(chosen)))


CAPABILITIES = st.builds(
    wire.Capabilities,
    minor=U8,
    firmware=st.tuples(U8, U8, U8),
    rates_hz=some(wire.RATES_HZ),
    acc_ranges_g=some(wire.ACC_RANGES_G),
    gyr_ranges_dps=some(wire.GYR_RANGES_DPS),
    weight_settable=st.booleans(),
    weight_kept=st.booleans(),
    identifies=st.booleans(),
    tells_clock=st.booleans(),
    max_samples=st.integers(1, 20),
)
STATUSES = st.builds(
    wire.Status,
    activity=st.sampled_from(["idle", "streaming"]),
    overrun=st.booleans(),
    imu_fault=st.booleans(),
    low_battery=st.booleans(),
    form=FORMS,
    samples_per_packet=st.integers(0, 20),
    boot=U16,
    lost=U16,
    period_ns=PERIODS,
    mass_g=MASSES,
    side=SIDES,
)
COMMANDS: st.SearchStrategy[c.Command] = st.one_of(
    st.builds(c.Configure, FORMS, U8),
    st.just(c.Start()),
    st.just(c.Stop()),
    st.builds(c.SetWeight, MASSES, SIDES),
    st.builds(c.Identify, U8),
)
STARTED = st.builds(c.Started, form=FORMS, samples_per_packet=st.integers(1, 20), period_ns=PERIODS)
ANSWERS = st.one_of(
    st.builds(c.Response, op=st.integers(0, 0x7F), tag=U8, result=st.sampled_from([1, 2, 4, 5, 6, 7, 8, 9, 10, 200])),
    st.builds(c.Response, op=st.integers(0, 0x7F), tag=U8, result=st.just(3), offset=U8),
    st.builds(c.Response, op=st.just(2), tag=U8, result=st.just(0), started=STARTED),
)


@given(CAPABILITIES)
def test_capabilities_round_trip(can: wire.Capabilities) -> None:
    """Capabilities come back as they were; bytes that a later version appends do not matter."""
    data = wire.encode_capabilities(can)
    assert wire.decode_capabilities(data) == can == wire.decode_capabilities(data + b"\x55\xaa")


@given(STATUSES)
def test_status_round_trip(status: wire.Status) -> None:
    """A status comes back as it was; bytes that a later version appends do not matter."""
    data = wire.encode_status(status)
    assert wire.decode_status(data) == status == wire.decode_status(data + b"\x55")


@given(COMMANDS, U8)
def test_command_round_trip(command: c.Command, tag: int) -> None:
    """Commands come back as they were, with their tag in the second byte; one byte more is refused."""
    data = c.encode_command(command, tag)
    assert c.decode_command(data) == command
    assert data[1] == tag
    with pytest.raises(c.CommandError) as refused:
        c.decode_command(data + b"\0")
    assert refused.value.result == c.Result.WRONG_LENGTH


@given(ANSWERS)
def test_answer_round_trip(answer: c.Response) -> None:
    """Answers come back as they were, also of commands and with results of later versions."""
    assert c.decode_response(c.encode_response(answer)) == answer


@given(st.binary(min_size=2, max_size=8))
def test_any_command_is_obeyed_or_refused(data: bytes) -> None:
    """A device makes of any bytes a command that encodes to them again, or a refusal with a result of the profile."""
    refusal = None
    try:
        command = c.decode_command(data)
    except c.CommandError as error:
        refusal = error
    if refusal is None:
        assert c.encode_command(command, data[1]) == data
        return
    assert refusal.result in {c.Result.UNKNOWN_COMMAND, c.Result.WRONG_LENGTH, c.Result.NOT_OFFERED}
    assert (refusal.offset is not None) == (refusal.result == c.Result.NOT_OFFERED)


@given(FORMS, st.integers(1, 20), U16, U8, U32, st.integers(0, 2**32 - 1))
def test_packet_round_trip(form: wire.Format, count: int, first: int, boot: int, time_us: int, seed: int) -> None:
    """Samples come back within half a step where the range holds them, and at full scale where it does not."""
    rng = np.random.default_rng(seed)
    scale = scale_of(form)
    acc, gyr = (rng.uniform(-40000.0, 40000.0, (count, 3)) * one for one in scale)
    packet = decode_packet(encode_packet(first, wire.encode_format(form), boot, time_us, encode_words(form, acc, gyr)))
    assert (packet.first, packet.boot, packet.time_us) == (first, boot, time_us)
    assert wire.decode_format(packet.form) == form
    for back, sent, step in ((packet.acc, acc, scale.acc_mps2), (packet.gyr, gyr, scale.gyr_rad_s)):
        assert back.flags.c_contiguous
        np.testing.assert_allclose(back, np.clip(sent, -32768 * step, 32767 * step), rtol=0, atol=0.5001 * step)


@given(U32, U8)
def test_beat_round_trip(time_us: int, boot: int) -> None:
    """What the clock showed comes back; what is wider than its field is cut to it."""
    assert decode_beat(encode_beat(time_us, boot)) == (time_us, boot)
    assert encode_beat(time_us + (1 << 32), boot + 0x100) == encode_beat(time_us, boot)


@pytest.mark.parametrize(
    ("characteristic", "data", "says"),
    [
        (wire.DATA, "", "this one has 0"),
        (wire.DATA, "00004d0700000000", "1 to 20 samples"),
        (wire.DATA, "00004d0700000000" + 11 * "00", "this one has 19"),
        (wire.DATA, "00004d0700000000" + 21 * 12 * "00", "this one has 260"),
        (wire.DATA, "0000cd0700000000" + 12 * "00", "format 0xcd"),
        (wire.DATA, "00005d0700000000" + 12 * "00", "gyroscope code 0 to 4"),
        (wire.CLOCK, "", "has 5 bytes, this one 0"),
        (wire.CLOCK, "1042b700", "has 5 bytes, this one 4"),
        (wire.CLOCK, "1042b7000700", "has 5 bytes, this one 6"),
        (wire.CONTROL, "8101", "at least 3 bytes"),
        (wire.CONTROL, "010100", "0x80"),
        (wire.CONTROL, "8201004d08809698", "at least 9"),
        (wire.CONTROL, "8201004d0800000000", "period is 0 ns"),
        (wire.STATUS, "00004d0007000000809698001607", "at least 15"),
        (wire.STATUS, "02004d000700000080969800160701", "state 2"),
        (wire.STATUS, "00004d00070000008096980051c301", "50001 g"),
        (wire.STATUS, "00004d000700000080969800160703", "side is 3"),
        (wire.STATUS, "00004d0007000000ffffff0f160701", "allowed are 1500000 to 25000000"),
        (wire.CAPABILITIES, "0100010402", "at least 10"),
        (wire.CAPABILITIES, "0100010402f00f1f0714", "no rate of 50, 100, 200, 400"),
        (wire.CAPABILITIES, "01000104020f00000714", "no accelerometer range"),
        (wire.CAPABILITIES, "01000104020f0f1f0715", "21 samples"),
    ],
)
def test_malformed_values_are_refused_in_a_sentence(characteristic: str, data: str, says: str) -> None:
    """Each malformed value raises a DecodeError that names what is wrong, and the driver goes on."""
    driver = OpenAnkle.for_decoding({})
    with pytest.raises(DecodeError, match=says) as error:
        driver.feed(m.Notification(characteristic=characteristic, data=bytes.fromhex(data)))
    assert "\n" not in str(error.value)
    good = encode_packet(0, 0x4D, 1, 0, np.zeros((1, 6), "<i2"))
    assert driver.feed(m.Notification(characteristic=wire.DATA, data=good))
