"""WitMotion: bytes of real sensors and of the documents, and frames found in any cut of the stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.witmotion import WitMotion, frames, registers
from ankled.drivers.witmotion.rate import COMMAND, DATA
from tests.drivers.vectors import family
from tests.drivers.witmotion_talk import blocks, fed, values

G_MPS2 = 9.80665
ACC_STEP = 16.0 * G_MPS2 / 32768.0
GYR_STEP = np.deg2rad(2000.0) / 32768.0

COMMANDS = {
    "rate_100_Hz": registers.encode_command(registers.RATE, registers.RATE_CODES[100.0][0]),
    "rate_200_Hz_BLE_5_0_doc_": registers.encode_command(registers.RATE, registers.RATE_CODES[200.0][0]),
    "rate_10_Hz_default_": registers.encode_command(registers.RATE, registers.RATE_CODES[10.0][0]),
    "save": registers.SAVE_SETTINGS,
    "unlock": registers.UNLOCK,
    "read_magnetic_field": registers.read_command(registers.MAGNETIC),
    "read_temperature": registers.read_command(registers.TEMPERATURE),
    "read_version": registers.read_command(registers.VERSION),
    "read_time_YYMM_": registers.read_command(registers.TIME),
}
DATA_IDS = {
    *(f"wit-61-{name}" for name in ("syn1", "syn2", "split", "two-frames", "resync", "trunc")),
    *(f"wit-61-vib-{number}" for number in (1, 2, 3, 5, 6)),
}
REPLY_IDS = {"wit-71-skip", "wit-71-mag"}


def covered() -> set[str]:
    """Return the ids of the vectors that these tests use."""
    return DATA_IDS | REPLY_IDS | {f"wit-cmd-{name}" for name in COMMANDS}


def samples(outputs: list[m.DriverOutput]) -> np.ndarray[Any, Any]:
    """Return acc and gyr (n, 6) of all blocks."""
    rows = [
        np.hstack((block.acc, block.gyr))
        for block in blocks(outputs)
        if block.acc is not None and block.gyr is not None
    ]
    return np.concatenate([np.zeros((0, 6)), *rows])


def test_every_vector_of_the_family_is_used() -> None:
    """No vector is left out by mistake."""
    assert {vector["id"] for vector in family("wit-")} == covered()


def test_data_frames_are_decoded_as_published() -> None:
    """Counts become m/s2, rad/s and degrees; halves of a frame are joined, garbage before one is skipped."""
    for vector in family("wit-61"):
        expected, data = vector["expected"], bytes.fromhex(vector["hex"])
        if expected.get("imu", ...) is None:
            assert fed(data) == [], "a frame that is cut off waits for its end"
            continue
        data += bytes(-len(data) % 20) if "vib" in vector["id"] else b""
        cut = expected.get("split_at", len(data))
        outputs = fed(data[:cut], data[cut:]) if cut < len(data) else fed(data)
        frames_expected = expected.get("frames", [expected])
        acc = np.array([frame["acc_g"] for frame in frames_expected]) * G_MPS2
        gyr = np.deg2rad([frame["gyro_dps"] for frame in frames_expected])
        assert samples(outputs) == pytest.approx(np.hstack((acc, gyr)), abs=1e-12), vector["id"]
        angles = [angle for value in values(outputs, "status") for angle in value["angles_deg"]]
        for frame, angle in zip(frames_expected, angles, strict=True):
            assert angle[0] == pytest.approx(frame["angle_deg"][0] if "angle_deg" in frame else frame["roll_deg"])
            assert angle == pytest.approx(frame.get("angle_deg", angle))
        assert all(block.time_s is None for block in blocks(outputs)), "the frames carry no time"


def test_register_replies_are_events() -> None:
    """A reply between the data frames is no sample; known registers have their names."""
    for vector in family("wit-71"):
        outputs = fed(bytes.fromhex(vector["hex"]))
        assert not blocks(outputs)
        (told,) = values(outputs, "response")
        assert told["start_register"] == vector["expected"].get("start_register", 0)
        assert told.get("mag_raw") == vector["expected"].get("mag_raw")


def test_commands_are_those_of_the_documents() -> None:
    """Every command has the bytes that the vendor prints, and is read back from them."""
    for vector in family("wit-cmd"):
        data = bytes.fromhex(vector["hex"])
        assert COMMANDS[vector["id"].removeprefix("wit-cmd-")] == data
        assert registers.encode_command(*registers.decode_command(data)) == data


counts = st.lists(st.tuples(*[st.integers(-32768, 32767)] * 9), min_size=1, max_size=8)


def framed(rows: list[tuple[int, ...]]) -> tuple[bytes, np.ndarray[Any, Any]]:
    """Return frames that hold these counts, and acc and gyr (n, 6)."""
    raw = np.array(rows, dtype=np.float64)
    acc, gyr = raw[:, :3] * ACC_STEP, raw[:, 3:6] * GYR_STEP
    return frames.encode_imu(acc, gyr, raw[:, 6:] * (180.0 / 32768.0)), np.hstack((acc, gyr))


@given(counts)
def test_what_is_encoded_is_decoded(rows: list[tuple[int, ...]]) -> None:
    """Counts survive the way out and back exactly, several frames in one notification."""
    data, expected = framed(rows)
    assert len(data) == 20 * len(rows)
    (block,) = blocks(fed(data))
    assert block.acc is not None
    assert block.gyr is not None
    assert block.acc.flags.c_contiguous
    assert block.gyr.flags.c_contiguous
    assert samples(fed(data)) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.floats(-400.0, 400.0), min_size=6, max_size=6))
def test_values_are_rounded_and_saturate(row: list[float]) -> None:
    """Within the range the error is half a step, beyond it the largest count is sent."""
    acc, gyr = np.array([row[:3]]), np.array([row[3:]]) / 10.0
    got = samples(fed(frames.encode_imu(acc, gyr)))
    limits = np.array([32768.0 * ACC_STEP] * 3 + [32768.0 * GYR_STEP] * 3)
    steps = limits / 32768.0
    wanted = np.clip(np.hstack((acc, gyr)), -limits, limits - steps)
    assert np.all(np.abs(got - wanted) <= 0.5 * steps + 1e-9)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[bytes, np.ndarray[Any, Any], list[bytes]]:
    """Return a stream of short or long frames with replies between them, its samples, and it cut anyhow."""
    long_frames = draw(st.booleans())
    # Small counts: a header inside a frame is another test's business.
    rows = draw(st.lists(st.tuples(*[st.integers(-4000, 4000)] * 9), min_size=1, max_size=8))
    data, expected = framed(rows)
    stream = b""
    for at in range(0, len(data), 20):
        stream += data[at : at + 20] + (frames.encode_clock(draw(st.floats(0.0, 1e7))) if long_frames else b"")
        if draw(st.integers(0, 3)) == 0:
            stream += registers.encode_reply(registers.TEMPERATURE, (2500,))
    ends = sorted(draw(st.sets(st.integers(1, len(stream)), max_size=6)) | {len(stream)})
    return stream, expected, [stream[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@given(cuts())
def test_frames_are_found_however_notifications_cut_them(
    cut: tuple[bytes, np.ndarray[Any, Any], list[bytes]],
) -> None:
    """Frames of 20 or 28 bytes may begin in one notification and end in another: none is lost, none is invented."""
    stream, expected, packets = cut
    outputs = fed(*packets)
    assert samples(outputs) == pytest.approx(expected, abs=1e-9)
    assert len(values(outputs, "response")) == stream.count(registers.encode_reply(registers.TEMPERATURE, (2500,)))
    assert not values(outputs, "error")


def test_a_header_inside_a_frame_is_data() -> None:
    """On the grid of frames `55 61` and `55 71` among the data are acceleration like any other."""
    data, expected = framed([(0x6155, 0x7155, 1, 2, 0x6155, 3, 0x7155, 0, 0)] * 3)
    assert samples(fed(data[:33], data[33:])) == pytest.approx(expected, abs=1e-9)


def test_half_a_frame_without_its_end_is_given_up() -> None:
    """When the notification with the second half is lost, the next frame is not mistaken for it, and is told of."""
    data, expected = framed([(i, i + 1, i + 2, i + 3, i + 4, i + 5, 6, 7, 8) for i in range(1, 400, 100)])
    outputs = fed(data[:30], data[40:])
    assert samples(outputs) == pytest.approx(expected[[0, 2, 3]], abs=1e-9)
    assert [block.missing for block in blocks(outputs)] == [0, 1]
    assert values(outputs, "error")[0]["skipped_bytes"] == 10


def test_garbage_between_frames_is_left_out_and_told() -> None:
    """Bytes that belong to no frame cost no frame."""
    data, expected = framed([(1, 2, 3, 4, 5, 6, 7, 8, 9)] * 2)
    outputs = fed(data[:20] + b"\xfe\xfe\xfe" + data[20:])
    assert samples(outputs) == pytest.approx(expected, abs=1e-9)
    assert values(outputs, "error")[0]["skipped_bytes"] == 3


def test_a_notification_without_any_frame_is_refused() -> None:
    """Garbage alone is one sentence that says what a frame begins with; the next notification is decoded."""
    driver = WitMotion.for_decoding({})
    with pytest.raises(DecodeError, match="12 bytes belong to no frame; a frame begins with 55 61 or 55 71"):
        driver.feed(m.Notification(characteristic=DATA, data=b"\xfe" * 12))
    data, expected = framed([(1, 2, 3, 4, 5, 6, 7, 8, 9)])
    assert samples(driver.feed(m.Notification(characteristic=DATA, data=data))) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.one_of(st.binary(max_size=60), counts.map(lambda rows: framed(rows)[0][:-3])), max_size=8))
def test_any_bytes_give_samples_in_range_or_a_decode_error(packets: list[bytes]) -> None:
    """Whatever comes, nothing but a DecodeError is raised, what waits stays short, and the driver goes on."""
    driver = WitMotion.for_decoding({})
    for data in packets:
        try:
            got = samples(driver.feed(m.Notification(characteristic=DATA, data=data)))
        except DecodeError:
            continue
        assert np.all(np.abs(got[:, :3]) <= 16.0 * G_MPS2)
        assert len(driver.state.rest) < 28
    good, expected = framed([(1, 2, 3, 4, 5, 6, 7, 8, 9)] * 4)
    got = samples(driver.feed(m.Notification(characteristic=DATA, data=good)))
    assert got[-1] == pytest.approx(expected[-1], abs=1e-9)


@given(cuts(), st.integers(0, 6))
def test_a_snapshot_in_mid_frame_goes_on_alike(
    cut: tuple[bytes, np.ndarray[Any, Any], list[bytes]], after: int
) -> None:
    """A driver restored from a snapshot gives what the first would have given."""
    first, second = WitMotion.for_decoding({}), WitMotion.for_decoding({})
    packets = cut[2]
    for data in packets[:after]:
        first.feed(m.Notification(characteristic=DATA, data=data))
    second.restore(first.snapshot())
    for data in packets[after:]:
        one = first.feed(m.Notification(characteristic=DATA, data=data))
        two = second.feed(m.Notification(characteristic=DATA, data=data))
        assert samples(one).tobytes() == samples(two).tobytes()
        assert values(one, "response") == values(two, "response")


def test_other_characteristics_and_contexts_are_refused() -> None:
    """Only `data` sends; there is nothing to know about a packet beforehand."""
    driver = WitMotion.for_decoding({})
    with pytest.raises(DecodeError, match="sends nothing"):
        driver.feed(m.Notification(characteristic=COMMAND, data=b"\x55"))
    with pytest.raises(DecodeError, match='"factor" is not known here'):
        WitMotion.for_decoding({"factor": 1})
    for command in (b"\xff\xaa\x03\x09", b"\xff\xab\x03\x09\x00", b""):
        with pytest.raises(DecodeError, match="no command"):
            registers.decode_command(command)
    for reply in (b"\x55\x71\x03", bytes(20)):
        with pytest.raises(DecodeError, match="no register reply"):
            registers.decode_reply(reply)


@pytest.mark.parametrize("options", [Options(rate_hz=60.0), Options(acc_range_g=8.0), Options(gyr_range_dps=500.0)])
def test_options_that_no_device_offers_are_refused(options: Options) -> None:
    """The sentence names what is offered; the ranges are fixed."""
    with pytest.raises(OptionsError, match="witmotion offers"):
        WitMotion(options)


def test_names_tell_the_device() -> None:
    """The name alone tells the family: the service is not advertised. Vibration sensors have other frames."""
    for name, ours in (("WT901BLE68", True), ("BWT901BLE5.0", True), ("WTVB01-BT50", False), ("Movella DOT", False)):
        assert WitMotion.matches(Advertisement(address="C0:00:00:00:00:01", name=name)) is ours
