"""Movesense: captured and published packets, and single packets with the path they are of."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.movesense import Movesense, resources, wire
from ankled.drivers.movesense.wire import Code
from tests.drivers.movesense_talk import feed, only_event
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


def covered() -> set[str]:
    """Return the ids of the vectors that these tests use."""
    return {*RESOURCES, *COMMANDS, *FRAMES, TOO_SHORT}


def vector(name: str) -> Vector:
    """Return a vector by its id."""
    return next(one for one in family("movesense") if one["id"] == name)


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


@pytest.mark.parametrize("word", ["0000c07f", "000080ff"])
def test_numbers_that_are_none_are_refused(word: str) -> None:
    """Not a number and infinity: JSON cannot write them, so no event may hold them."""
    with pytest.raises(DecodeError, match="average_bpm of /Meas/HR holds a number that is not finite"):
        resources.decode("/Meas/HR", bytes.fromhex(word))


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
