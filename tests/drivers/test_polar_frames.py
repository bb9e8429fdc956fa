"""Frames of Polar sensors: delta coding there and back, and what is malformed."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import Polar, delta, frames, wire
from ankled.drivers.units import DEG_RAD, G_MPS2, MILLI_G_MPS2

WORDS = st.integers(-(2**15), 2**15 - 1)
SMALL = st.integers(-300, 300)


def rows(elements: st.SearchStrategy[int], most: int = 90) -> st.SearchStrategy[np.ndarray]:
    """Return samples of three whole numbers."""
    return npst.arrays(np.int64, st.tuples(st.integers(1, most), st.just(3)), elements=elements)


def one_by_one(data: bytes, bits: int) -> list[list[int]]:
    """Decode as the document describes it, bit by bit: the slow twin."""
    size = bits // 8
    samples = [[int.from_bytes(data[size * k : size * (k + 1)], "little", signed=True) for k in range(3)]]
    at = 3 * size
    while at < len(data):
        width, count = data[at], data[at + 1]
        at += 2
        stream = int.from_bytes(data[at:], "little")
        for _ in range(count):
            step = []
            for _ in range(3):
                value = stream & ((1 << width) - 1)
                stream >>= width
                step.append(value - (1 << width) if value >> (width - 1) else value)
            samples.append([a + b for a, b in zip(samples[-1], step, strict=True)])
        at += (width * count * 3 + 7) // 8
    return samples


@given(st.one_of(rows(WORDS), rows(SMALL)), st.integers(8, 400), st.integers(1, 12))
def test_delta_coding_there_and_back(values: np.ndarray, limit: int, together: int) -> None:
    """What was coded comes back exactly, within the limit, as long as it fits, and as the slow twin reads it."""
    data, count = delta.encode(values, bits=16, limit=limit, together=together)
    assert len(data) <= limit
    assert 1 <= count <= len(values)
    got = delta.decode(data, 0, channels=3, bits=16)
    assert got.tolist() == values[:count].tolist()
    assert one_by_one(data, 16) == values[:count].tolist()
    if count < len(values):  # full: no room for the head of a block and one sample of at most 18 bits an axis
        assert limit - len(data) < 2 + 7


@given(rows(st.integers(-(2**31), 2**31 - 1), 30))
def test_patterns_of_32_bits_wrap(values: np.ndarray) -> None:
    """Bit patterns further apart than 31 bits reach come back modulo 2^32."""
    data, count = delta.encode(values, bits=32, limit=10**6)
    assert count == len(values)
    got = delta.decode(data, 0, channels=3, bits=32).astype(np.int64).astype(np.int32)
    assert got.tolist() == values.tolist()


def test_widths_are_even_and_blocks_long() -> None:
    """A frame of 229 bytes holds 70 differences of 8 bits, as one that a user showed (polar-ble-sdk issue #187)."""
    steps = np.tile([[90, -100, 120], [-90, 100, -120]], (100, 1))
    data, count = delta.encode(np.cumsum(steps, axis=0), bits=16, limit=229 - frames.HEAD.size)
    assert (data[6], data[7]) == (8, 70)
    assert count == 71
    assert len(data) + frames.HEAD.size == 228


@pytest.mark.parametrize(
    ("tail", "sentence"),
    [
        ("", "the reference needs 6 bytes; there are 0"),
        ("0000000000", "the reference needs 6 bytes; there are 5"),
        ("00000000000008", "ends in its head at byte 16"),
        ("0000000000000801ffff", "1 samples of 8 bits at byte 18 need 3 bytes; 2 are left"),
        ("0000000000000001", "are 0 bits wide"),
        ("0000000000002101" + "00" * 13, "are 33 bits wide"),
    ],
)
def test_malformed_delta_frames(tail: str, sentence: str) -> None:
    """One sentence says what is wrong and where."""
    data = frames.HEAD.pack(wire.ACC, 1, frames.DELTA) + bytes.fromhex(tail)
    with pytest.raises(DecodeError, match=sentence):
        feed(data)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ((wire.ACC, 1, 0x82), "0x82 of ACC is not known; allowed: 00, 01, 02, 80 and 81"),
        ((wire.GYRO, 1, 0x01), "0x01 of GYRO is not known; allowed: 80 and 81"),
        ((wire.ACC, 1, 0x01), "7 bytes of samples; x, y, z of 16 bits are 6 bytes a sample"),
        ((0, 1, 0), "a frame of ECG, which nobody asked for"),
        ((63, 1, 0), "a frame of type 63, which nobody asked for"),
    ],
)
def test_malformed_heads(head: tuple[int, int, int], sentence: str) -> None:
    """Frame types that a measurement does not have, and measurements that nobody asked for."""
    with pytest.raises(DecodeError, match=sentence):
        feed(frames.HEAD.pack(*head) + bytes(7))


def test_an_empty_block_adds_nothing() -> None:
    """A block that announces no samples is passed over."""
    data = frames.HEAD.pack(wire.ACC, 1, frames.DELTA) + bytes.fromhex("010002000300" + "0000" + "0401" + "2103")
    assert np.round(acc_of(data) / MILLI_G_MPS2).tolist() == [[1, 2, 3], [2, 4, 6]]


def feed(data: bytes, **context: m.Value) -> m.Block:
    """Return the block that a frame gives."""
    (out,) = Polar.for_decoding(context).feed(m.Notification(characteristic=wire.DATA, data=data))
    assert isinstance(out, m.Block)
    return out


def acc_of(data: bytes, **context: m.Value) -> np.ndarray:
    """Return the specific force that a frame gives."""
    acc = feed(data, **context).acc
    assert acc is not None
    return acc


def gyr_of(data: bytes, **context: m.Value) -> np.ndarray:
    """Return the angular rate that a frame gives."""
    gyr = feed(data, **context).gyr
    assert gyr is not None
    return gyr


@pytest.mark.parametrize(("frame_type", "bits"), [(0, 8), (1, 16), (2, 24)])
@given(data=st.data())
def test_raw_frames_there_and_back(frame_type: int, bits: int, data: st.DataObject) -> None:
    """Raw samples of 8, 16 and 24 bits come back in m/s2, as many as fit."""
    half = 2 ** (bits - 1)
    values = data.draw(rows(st.integers(-half, half - 1), 40))
    stamps = np.arange(len(values)) * 20_000_000 + 10**15
    sent, count, full = frames.encode(wire.ACC, frame_type, stamps, values, 229)
    assert full == (count == 219 // (3 * bits // 8))
    got = feed(sent, rate_hz=50)
    assert got.acc is not None
    assert got.time_s is not None
    np.testing.assert_allclose(got.acc, values[:count] * MILLI_G_MPS2, rtol=1e-12)
    np.testing.assert_allclose(got.time_s, stamps[:count] / 1e9, atol=1e-9)


@given(rows(WORDS, 40), st.sampled_from([2.44e-4, 0.07, 1.0]))
def test_words_times_factor(values: np.ndarray, factor: float) -> None:
    """Type 0x80: g for ACC, deg/s for GYRO. Without a factor GYRO's is 1, as in the vendor's SDK."""
    stamps = np.arange(len(values)) + 1
    acc, _, _ = frames.encode(wire.ACC, frames.DELTA_FACTOR, stamps, values, 10**6)
    gyr, _, _ = frames.encode(wire.GYRO, frames.DELTA_FACTOR, stamps, values, 10**6)
    np.testing.assert_allclose(acc_of(acc, factor=factor), values * (factor * G_MPS2), rtol=1e-12)
    np.testing.assert_allclose(gyr_of(gyr, factor=factor), values * (factor * DEG_RAD), rtol=1e-12)
    np.testing.assert_allclose(gyr_of(gyr), values * DEG_RAD, rtol=1e-12)


@given(npst.arrays(np.float32, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-3e4, 3e4, width=32)))
def test_floats_there_and_back(values: np.ndarray) -> None:
    """Type 0x81 of GYRO brings back every float32 exactly."""
    stamps = np.arange(len(values)) + 1
    data, count, _ = frames.encode(wire.GYRO, frames.DELTA, stamps, frames.patterns(values.astype(np.float64)), 10**6)
    assert count == len(values)
    np.testing.assert_array_equal(gyr_of(data), values.astype(np.float64) * DEG_RAD)


@pytest.mark.parametrize("word", [0x7FC00000, 0x7F810000, 0xFF800001, 0x7F800000, 0xFF800000])
def test_floats_that_are_no_numbers_are_refused(word: int) -> None:
    """NaN, quiet or signalling, or infinity among angular rates is a malformed frame, not a sample."""
    data = frames.HEAD.pack(wire.GYRO, 1, frames.DELTA) + np.array([0, word, 0x3F800000], np.uint32).tobytes()
    with pytest.raises(DecodeError, match="no numbers"):
        feed(data)


@given(st.binary(max_size=260), st.sampled_from([wire.CONTROL, wire.DATA]), st.booleans())
def test_any_bytes_give_a_decode_error_at_worst(data: bytes, characteristic: str, live: bool) -> None:
    """Garbage raises nothing but DecodeError, and leaves the driver usable."""
    driver = Polar.for_decoding({"rate_hz": 52})
    if live:
        driver.start()
    with contextlib.suppress(DecodeError):
        driver.feed(m.Notification(characteristic=characteristic, data=data))
    driver.restore(driver.snapshot())
    for _, stream in driver.state.streams():
        stream.running = True
    good, _, _ = frames.encode(wire.ACC, frames.RAW, np.array([10**9]), np.array([[1, 2, 3]]), 229)
    outputs = driver.feed(m.Notification(characteristic=wire.DATA, data=good))
    assert isinstance(outputs[-1], m.Block)


@given(st.sampled_from([frames.DELTA, frames.DELTA_FACTOR, 0, 1, 2]), st.sampled_from([2, 5]), st.binary(max_size=230))
def test_any_samples_give_a_decode_error_at_worst(frame_type: int, type_: int, content: bytes) -> None:
    """Garbage behind a good head: the same."""
    driver = Polar.for_decoding({"rate_hz": 52, "factor": 0.001})
    data = frames.HEAD.pack(type_, 10**18, frame_type) + content
    try:
        outputs = driver.feed(m.Notification(characteristic=wire.DATA, data=data))
    except DecodeError:
        return
    (got,) = outputs
    assert isinstance(got, m.Block)
    for array in (got.acc, got.gyr, got.time_s):
        assert array is None or np.isfinite(array).all()


@given(rows(SMALL, 40), st.integers(0, 229))
def test_truncated_frames(values: np.ndarray, length: int) -> None:
    """A frame that was cut off is refused, or ends where one of its blocks did."""
    whole, count, _ = frames.encode(wire.ACC, frames.DELTA, np.arange(len(values)) + 1, values, 229)
    assume(length < len(whole))
    try:
        got = feed(whole[:length])
    except DecodeError:
        return
    assert len(got) < count
