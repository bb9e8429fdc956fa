"""Movesense: frames, resources, motion payloads and their parts, against captured packets and against themselves."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.movesense import Movesense, motion, resources, wire
from ankled.drivers.movesense.wire import Code
from tests.drivers.vectors import Vector, family

# Captured payloads of resources; the context of each names its path.
RESOURCES = (
    "movesense-acc-info",
    "movesense-gyro-info",
    "movesense-magn-info",
    "movesense-temp",
    "movesense-hr",
    "movesense-ecg-mv",
    "movesense-ecg-info",
    "movesense-time-detailed",
    "movesense-ecg-config",
    "movesense-temp-info",
    "movesense-hr-info",
)
COMMANDS = (
    "movesense-hello",
    "movesense-subscribe-ecg",
    "movesense-get-temp",
    "movesense-unsubscribe",
    "movesense-subscribe-imu6-104",
)
FRAMES = (
    "movesense-rsp-200",
    "movesense-rsp-404",
    "movesense-hello-rsp",
    "movesense-data",
    "movesense-data-part2",
    "movesense-unknown-code",
)
TOO_SHORT = "movesense-too-short"

# Layouts of which the tests have no capture: the vendor's API files, and what a public project has noted of captures.
DOCUMENTED: dict[str, tuple[str, dict[str, Any]]] = {
    "/Meas/IMU/Info": (
        "020d003400" + "020208" + "027d00d007" + "018813",
        {"SampleRates": [13, 52], "AccRanges": [2, 8], "GyroRanges": [125, 2000], "MagnRanges": [5000]},
    ),
    "/Meas/IMU/Config": ("08d0078813", {"AccRange": 8, "GyroRange": 2000, "MagnRange": 5000}),
    "/Meas/Acc/Config": ("10", {"GRange": 16}),
    "/Meas/Gyro/Config": ("d0070000", {"DPSRange": 2000}),
    "/Meas/ECG/200": ("a921000063510000f8ffffff", {"timestamp_ms": 8617, "samples_counts": [20835, -8]}),
}

f32 = st.floats(-190.0, 190.0, width=32)
vectors3 = st.lists(st.tuples(f32, f32, f32), min_size=1, max_size=18)


def covered() -> set[str]:
    """Return the ids of the vectors that these tests use."""
    return {*RESOURCES, *COMMANDS, *FRAMES, TOO_SHORT}


def vector(name: str) -> Vector:
    """Return a vector by its id."""
    return next(one for one in family("movesense") if one["id"] == name)


def feed(driver: Movesense, data: bytes, characteristic: str = wire.DATA) -> list[m.DriverOutput]:
    """Feed a notification."""
    return driver.feed(m.Notification(characteristic=characteristic, data=data))


def only_event(outputs: list[m.DriverOutput]) -> m.Event:
    """Return the event that is all there is."""
    (event,) = outputs
    assert isinstance(event, m.Event)
    return event


def blocks(outputs: list[m.DriverOutput]) -> list[m.Block]:
    """Return the blocks."""
    return [one for one in outputs if isinstance(one, m.Block)]


def agree(value: Any, expected: Any) -> bool:
    """Compare numbers as closely as a published text gives them."""
    if isinstance(expected, float):
        return math.isclose(value, expected, rel_tol=5e-6)
    if isinstance(expected, list):
        return len(value) == len(expected) and all(itertools.starmap(agree, zip(value, expected, strict=True)))
    return bool(value == expected)


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("form", ["bare", "unprefixed", "data", "answer"])
def test_a_captured_payload_says_what_was_published(name: str, form: str) -> None:
    """A payload alone, a data notification and an answer to a GET of a resource hold the same values."""
    one = vector(name)
    context = one["context"] if form == "bare" else {"resource": one["context"]["resource"]}
    head = {"data": "0263", "answer": "0163c800"}.get(form, "")
    event = only_event(feed(Movesense.for_decoding(context), bytes.fromhex(head + one["hex"])))
    assert event.name == ("response" if form == "answer" else "info")
    value = dict(event.value)
    if "samples_uV" in value:
        samples = value.pop("samples_uV")
        assert isinstance(samples, list)
        value |= {"samples_uV_head": samples[:1], "n": len(samples)}
    for key, expected in one["expected"].items():
        assert agree(value[key], expected), key


@pytest.mark.parametrize("name", RESOURCES)
def test_a_captured_payload_is_encoded_to_the_same_bytes(name: str) -> None:
    """The encoder is the inverse of the decoder, on what a real sensor sent."""
    one = vector(name)
    path, payload = one["context"]["resource"], bytes.fromhex(one["hex"])
    assert resources.encode(path, resources.decode(path, payload)) == payload


@pytest.mark.parametrize("path", DOCUMENTED)
def test_layouts_without_a_capture_follow_the_documents(path: str) -> None:
    """Fields stand in the order and the width of the vendor's API files."""
    text, values = DOCUMENTED[path]
    assert resources.decode(path, bytes.fromhex(text)) == values
    assert resources.encode(path.lower(), values) == bytes.fromhex(text)


@pytest.mark.parametrize("path", ["/Meas/Acc/Info", "/Meas/Temp", "/Meas/IMU/Config", "/Meas/IMU/Info"])
def test_resources_of_another_length_are_refused(path: str) -> None:
    """A layout takes every byte, or it is the wrong one."""
    texts = {"/Meas/Acc/Info": "020d0034000204" + "08", "/Meas/Temp": "8e61020033c39543"}
    payload = bytes.fromhex(texts.get(path) or DOCUMENTED[path][0])
    resources.decode(path, payload)
    for wrong in [payload[:end] for end in range(len(payload))] + [payload + b"\0"]:
        with pytest.raises(DecodeError, match=path):
            resources.decode(path, wrong)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_as_published(name: str) -> None:
    """Commands have the published bytes, and are read back for whoever looks at single packets."""
    one = vector(name)
    expected = one["expected"]
    data = bytes.fromhex(one["hex"])
    assert wire.encode_command(Code[expected["cmd"]], expected["ref"], expected.get("path", b"")) == data
    event = only_event(feed(Movesense.for_decoding(one["context"]), data, one["characteristic"]))
    assert event.name == "status"
    assert expected.items() <= event.value.items()


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_as_published(name: str) -> None:
    """Answers, data, continuations and unknown frames are told apart without any context."""
    one = vector(name)
    event = only_event(feed(Movesense.for_decoding(one["context"]), bytes.fromhex(one["hex"])))
    assert event.name == ("error" if one["expected"].get("kind") == "unknown" else "response")
    assert one["expected"].items() <= event.value.items()


def test_less_than_a_header_is_refused() -> None:
    """A notification has at least its type and its ref."""
    with pytest.raises(DecodeError, match="shorter than its header of 2 bytes"):
        feed(Movesense.for_decoding({}), bytes.fromhex(vector(TOO_SHORT)["hex"]))


def test_every_vector_of_the_family_is_used() -> None:
    """No captured packet is left aside."""
    assert {one["id"] for one in family("movesense")} == covered()


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


@pytest.mark.parametrize(
    ("path", "arrays"),
    [
        ("/Meas/Acc/13", ("acc",)),
        ("/Meas/Gyro/26", ("gyr",)),
        ("/Meas/IMU6/104", ("acc", "gyr")),
        ("/Meas/IMU6m/52", ("acc", "magn")),
        ("/Meas/IMU9/52", ("acc", "gyr", "magn")),
    ],
)
def test_single_packets_of_every_motion_stream_are_decoded(path: str, arrays: tuple[str, ...]) -> None:
    """With the path as context, four samples of any stream become one block; the magnetic field is left out."""
    rows = np.arange(12.0).reshape(4, 3) + 0.5
    given_ = [rows + 10.0 * index for index, _ in enumerate(arrays)]
    payload = (7000).to_bytes(4, "little") + b"".join(one.astype("<f4").tobytes() for one in given_)
    rate_hz = float(path.rpartition("/")[2])
    for data in (b"\x02\x63" + payload, payload):
        outputs = feed(Movesense.for_decoding({"resource": path}), data)
        settings, block = outputs
        assert isinstance(settings, m.Event)
        assert settings.value == {"rate_hz": rate_hz, "acc_range_g": None, "gyr_range_dps": None}
        assert isinstance(block, m.Block)
        assert block.missing == 0
        assert block.time_s is not None
        np.testing.assert_allclose(block.time_s, 7.0 + np.arange(4) / rate_hz, rtol=1e-12)
        assert (block.acc is None) == ("acc" not in arrays)
        assert (block.gyr is None) == ("gyr" not in arrays)
        if block.acc is not None:
            assert (block.acc == given_[0]).all()
        if block.gyr is not None:
            np.testing.assert_allclose(block.gyr, np.deg2rad(given_[arrays.index("gyr")]), rtol=1e-12)


def test_a_magnetic_field_alone_is_told_as_an_event() -> None:
    """There are no samples in it for a block."""
    payload = (5).to_bytes(4, "little") + np.array([1.0, 2.0, 3.0], "<f4").tobytes()
    _, event = feed(Movesense.for_decoding({"resource": "/Meas/Magn/13"}), b"\x02\x01" + payload)
    assert isinstance(event, m.Event)
    assert event.value == {"timestamp_ms": 5, "magn_uT": [[1.0, 2.0, 3.0]]}


def test_the_energy_level_is_told_as_the_battery() -> None:
    """GET /System/Energy/Level answers one byte in percent; more than 100 is refused."""
    driver = Movesense.for_decoding({"resource": resources.ENERGY})
    for data in ("0101c80057", "020157", "57"):
        assert only_event(feed(driver, bytes.fromhex(data))) == m.Event(name="battery", value={"level": 87})
    with pytest.raises(DecodeError, match="energy level is 101"):
        feed(driver, bytes.fromhex("0101c80065"))


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


@pytest.mark.parametrize(
    ("context", "what"),
    [
        ({"resource": "/Meas/Nothing/104"}, "/Meas/Nothing/104"),
        ({"resource": 104}, "resource"),
        ({"chip": "BMI270"}, "chip"),
    ],
)
def test_a_context_that_does_not_fit_is_refused(context: dict[str, Any], what: str) -> None:
    """The sentence names the key and the value."""
    with pytest.raises(DecodeError, match=what):
        Movesense.for_decoding(context)


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
