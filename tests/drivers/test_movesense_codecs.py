"""Movesense: commands, answers, motion payloads and their parts come back as they were sent; the rest is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.movesense import Movesense, motion, resources, wire
from ankled.drivers.movesense.wire import Code
from tests.drivers.movesense_talk import blocks, feed

f32 = st.floats(-190.0, 190.0, width=32)

vectors3 = st.lists(st.tuples(f32, f32, f32), min_size=1, max_size=18)


@pytest.mark.parametrize(
    ("code", "payload", "text"),
    [
        (Code.HELLO, b"", "0007"),
        (Code.GET, resources.ACC_INFO, "0407" + b"/Meas/Acc/Info".hex() + "00"),
        (Code.SUBSCRIBE, "/Meas/IMU6/208", "0107" + b"/Meas/IMU6/208".hex() + "00"),
        (Code.PUT_SYSTEMMODE, bytes([wire.RESTART]), "070705"),
    ],
)
def test_commands_have_the_documented_bytes(code: Code, payload: bytes | str, text: str) -> None:
    """`[code][ref][payload]`, paths ended by NUL, system mode 5 to restart."""
    assert wire.encode_command(code, 7, payload).hex() == text


@pytest.mark.parametrize(
    ("text", "status"), [("0109fb01", 507), ("010901fb", 507), ("0109c800", 200), ("0109ca00", 202), ("0109ad01", 429)]
)
def test_a_status_is_read_also_with_swapped_bytes(text: str, status: int) -> None:
    """The sample firmware's 507 has its bytes swapped; nothing else is turned round."""
    said = wire.decode_answer(bytes.fromhex(text))
    assert isinstance(said, wire.Response)
    assert said == (9, status, b"")
    assert str(status) in said.words


@given(st.integers(1, 255), st.integers(100, 599), st.binary(max_size=40))
def test_answers_come_back(ref: int, status: int, data: bytes) -> None:
    """Every status is read as it was sent."""
    assert wire.decode_answer(wire.encode_response(ref, status, data)) == (ref, status, data)


texts = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12), max_size=5)


@given(st.integers(1, 255), st.integers(1, 31), texts)
def test_hellos_come_back_and_are_no_status(ref: int, version: int, said: list[str]) -> None:
    """No version with its first letter is ever taken for a status, as HELLO has none."""
    assert wire.decode_answer(wire.encode_hello(ref, version, said)) == wire.Hello(ref, version, tuple(said))


def test_the_hello_of_the_sample_firmware_is_a_bare_text() -> None:
    """The vendor's sample says "Hello" and nothing else: no version, no names."""
    assert wire.decode_answer(b"\x01\x05Hello") == wire.Hello(5, None, ("Hello",))


@given(st.sampled_from([("acc",), ("acc", "gyr"), ("acc", "gyr", "magn")]), vectors3, st.integers(0, 2**32 - 1))
def test_motion_comes_back(arrays: tuple[str, ...], rows: list[tuple[float, float, float]], stamp_ms: int) -> None:
    """Arrays stand one after the other, acc in m/s2 as it is, gyr in deg/s, each value as a float of 32 bits."""
    acc = np.array(rows)
    gyr = acc[::-1] * 0.2 if "gyr" in arrays else None
    magn = -acc if "magn" in arrays else None
    payload = motion.encode(stamp_ms, acc, gyr, magn)
    assert len(payload) == 4 + 12 * len(arrays) * len(acc)
    said = motion.decode(motion.Stream(arrays, 104.0), payload)
    assert said.stamp_ms == stamp_ms
    assert said.acc is not None
    assert said.acc.tobytes() == acc.tobytes()
    if gyr is not None:
        assert said.gyr is not None
        assert said.gyr.flags.c_contiguous
        np.testing.assert_allclose(said.gyr, gyr, rtol=1.2e-7, atol=1e-40)
    if magn is not None:
        assert said.magn is not None
        assert said.magn.tobytes() == magn.tobytes()


def imu6(count: int, stamp_ms: int = 1000) -> bytes:
    """Return a payload of both sensors, with readings that no shift of bytes leaves plausible."""
    rng = np.random.default_rng(count)
    return motion.encode(stamp_ms, rng.normal(0.0, 5.0, (count, 3)), rng.normal(0.0, 2.0, (count, 3)))


@pytest.mark.parametrize(("count", "kinds"), [(6, [2]), (8, [2, 3]), (16, [2, 3, 4])])
def test_payloads_come_in_up_to_three_parts(count: int, kinds: list[int]) -> None:
    """150 bytes go into one notification; samples come with the last part, as if it had been one."""
    payload = imu6(count)
    packets = wire.encode_data(9, payload)
    assert [packet[0] for packet in packets] == kinds
    assert max(map(len, packets)) <= 152
    driver = Movesense.for_decoding({"resource": "/Meas/IMU6/104"})
    for packet in packets[:-1]:
        assert feed(driver, packet) == []
    (block,) = blocks(feed(driver, packets[-1]))
    said = motion.decode(motion.Stream(("acc", "gyr"), 104.0), payload)
    assert block.acc is not None
    assert said.acc is not None
    assert block.acc.tobytes() == said.acc.tobytes()


def test_a_whole_payload_in_one_notification_needs_no_parts() -> None:
    """A firmware with room for more sends all at once."""
    (block,) = blocks(feed(Movesense.for_decoding({"resource": "/Meas/IMU6/104"}), b"\x02\x09" + imu6(8)))
    assert len(block) == 8


@pytest.mark.parametrize("count", [1, 6, 8])
def test_truncated_payloads_are_refused(count: int) -> None:
    """A packet that was cut anywhere gives no samples, unless it is as long as a shorter one may be."""
    packets = wire.encode_data(9, imu6(count))
    for cut in range(len(packets[-1])):
        driver = Movesense.for_decoding({"resource": "/Meas/IMU6/104"})
        for packet in packets[:-1]:
            feed(driver, packet)
        size = sum(len(packet) - 2 for packet in packets[:-1]) + cut - 2
        if size > 4 and (size - 4) % 24 == 0:
            continue  # as long as a shorter payload: nothing in it tells
        with pytest.raises(DecodeError):
            feed(driver, packets[-1][:cut])


def test_a_continuation_of_nothing_is_refused() -> None:
    """Parts that come without the part before them are refused, and the next payload is taken."""
    driver = Movesense.for_decoding({"resource": "/Meas/IMU6/104"})
    first, second, third = wire.encode_data(9, imu6(16))
    with pytest.raises(DecodeError, match="part 2"):
        feed(driver, second)
    feed(driver, first)
    with pytest.raises(DecodeError, match="part 3"):
        feed(driver, third)
    assert len(blocks(feed(driver, b"\x02\x09" + imu6(2)))) == 1


@pytest.mark.parametrize(
    ("value", "what"), [(math.nan, "an acceleration is nan"), (1e9, "1e\\+09 m/s2"), (-math.inf, "inf m/s2")]
)
def test_readings_that_cannot_be_are_refused(value: float, what: str) -> None:
    """Bytes out of step look like enormous numbers; they never become samples."""
    acc = np.zeros((2, 3))
    acc[1, 2] = value
    with pytest.raises(DecodeError, match=what):
        motion.decode(motion.Stream(("acc", "gyr"), 104.0), motion.encode(0, acc, np.zeros((2, 3))))


def test_options_that_no_movesense_offers_are_refused() -> None:
    """Rates are those that three parts can carry; ranges cannot be set at all."""
    for rate_hz in Movesense.info.rates_hz:
        Movesense(Options(rate_hz=rate_hz))
    with pytest.raises(OptionsError, match="rate_hz is 100; movesense offers 13, 26, 52, 104, 208"):
        Movesense(Options(rate_hz=100.0))
    with pytest.raises(OptionsError, match="acc_range_g is 16; movesense offers nothing: it cannot be set"):
        Movesense(Options(acc_range_g=16.0))
    with pytest.raises(OptionsError, match="gyr_range_dps"):
        Movesense(Options(gyr_range_dps=2000.0))


def test_a_movesense_is_known_by_its_name_alone() -> None:
    """It advertises no service of its own: heart rate straps have 180D too."""
    heart_rate = "0000180d-0000-1000-8000-00805f9b34fb"
    assert Movesense.matches(Advertisement(address="", name="Movesense 174630000192", services=(heart_rate,)))
    assert not Movesense.matches(Advertisement(address="", name="Strap", services=(heart_rate,)))
    assert not Movesense.matches(Advertisement(address=""))
