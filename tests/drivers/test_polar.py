"""Polar packets from the vendor's documents, its SDK's tests and real devices; commands and answers, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import Polar, delta, wire
from ankled.drivers.polar.timeline import Timeline
from ankled.drivers.units import DEG_RAD, MILLI_G_MPS2
from tests.drivers.vectors import Vector, family

FEATURES = ("polar-cp-features-verity", "polar-cp-features-h10")
COMMANDS = {
    "polar-cp-get-acc": wire.command(wire.GET_SETTINGS, wire.ACC),
    "polar-cp-get-sdkmode-acc": wire.command(wire.GET_SDK_SETTINGS, wire.ACC),
    "polar-cp-start-acc-h10": wire.command(
        wire.START, wire.ACC, [(wire.RANGE, 8), (wire.SAMPLE_RATE, 200), (wire.RESOLUTION, 16)]
    ),
    "polar-cp-start-acc-verity": wire.command(
        wire.START, wire.ACC, [(wire.SAMPLE_RATE, 52), (wire.RESOLUTION, 16), (wire.RANGE, 8), (wire.CHANNELS, 3)]
    ),
    "polar-cp-stop-acc": wire.command(wire.STOP, wire.ACC),
    "polar-cp-sdkmode-start": wire.command(wire.START, wire.SDK_MODE),
    "polar-cp-sdkmode-stop": wire.command(wire.STOP, wire.SDK_MODE),
}
ANSWERS = (
    "polar-cp-get-acc-rsp-h10",
    "polar-cp-start-acc-rsp-h10",
    "polar-cp-start-acc-rsp-verity",
    "polar-cp-start-acc-rsp-verity-nofactor",
    "polar-cp-stop-acc-rsp",
    "polar-cp-sdkmode-start-rsp",
    "polar-cp-ppg-settings",
)
SETTINGS = ("polar-settings-tlv-gyro", "polar-settings-tlv-milliunit")
BARE = (
    "polar-delta-test_parseDeltaFrameAllSamples_withResolution32_realVector1",
    "polar-delta-test_parseDeltaFrameAllSamples_withResolution32",
)
TIMES = ("polar-timestamps-freq10", "polar-timestamps-prev1")
FRAMES = (
    "polar-acc-raw-t1",
    "polar-acc-delta-t1",
    "polar-gyr-delta-t1-f1.0",
    "polar-acc-raw-h10-docprefix",
    "polar-acc-delta-verity-docprefix",
    "polar-acc-delta81-verity-capture-head",
)

NAMES = {
    "SAMPLE_RATE": "sample_rate_hz",
    "RESOLUTION": "resolution_bits",
    "RANGE": "range",
    "RANGE_MILLIUNIT": "range_milliunit",
    "CHANNELS": "channels",
    "FACTOR": "factor",
}


def covered() -> set[str]:
    """Return the vectors that these tests use."""
    return {*FEATURES, *COMMANDS, *ANSWERS, *SETTINGS, *BARE, *TIMES, *FRAMES}


def vector(name: str) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of a vector and what is expected of them."""
    found: Vector = next(one for one in family("polar") if one["id"] == name)
    return bytes.fromhex(found["hex"]), found["expected"]


def decoded(characteristic: str, data: bytes, **context: m.Value) -> list[m.DriverOutput]:
    """Return what a driver makes of one packet in the middle of a stream."""
    return Polar.for_decoding(context).feed(m.Notification(characteristic=characteristic, data=data))


def block(data: bytes, **context: m.Value) -> m.Block:
    """Return the only output of a frame."""
    (out,) = decoded(wire.DATA, data, **context)
    assert isinstance(out, m.Block)
    return out


def event(data: bytes) -> m.Event:
    """Return the only output of a message of the control point."""
    (out,) = decoded(wire.CONTROL, data)
    assert isinstance(out, m.Event)
    return out


def test_every_vector_of_the_family_is_used() -> None:
    """A vector that is added is not forgotten."""
    assert {one["id"] for one in family("polar")} == covered()


@pytest.mark.parametrize("name", FEATURES)
def test_features(name: str) -> None:
    """The bits of the features are the numbers of the measurement types; written back they are the same bytes."""
    data, expected = vector(name)
    said = event(data)
    assert said.name == "info"
    assert said.value == {"features": expected["features"]}
    features = wire.decode_control(data)
    assert isinstance(features, wire.Features)
    assert wire.encode_features(features.types) == data


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(name: str) -> None:
    """Commands are the bytes of the document; settings keep the order in which they are given."""
    assert COMMANDS[name] == vector(name)[0]


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name: str) -> None:
    """Answers tell operation, measurement and settings by name; written back they are the same bytes."""
    data, expected = vector(name)
    said = event(data)
    value = said.value
    assert said.name == "response"
    assert (value["op"], value["type"], value["status"]) == (expected["op"], expected["type"], expected["error"])
    assert value["more"] is expected.get("more", False)
    params = {NAMES[key]: one for key, one in expected.items() if key in NAMES and one is not None}
    assert value["params"] == {key: one if isinstance(one, list) else [one] for key, one in params.items()}
    answer = wire.decode_control(data)
    assert isinstance(answer, wire.Answer)
    assert wire.encode_answer(answer, 100) == [data]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name: str) -> None:
    """Settings of two and of four bytes; the milli-unit is signed."""
    data, expected = vector(name)
    settings = wire.decode_settings(data)
    assert wire.named(settings) == {NAMES[key]: values for key, values in expected.items()}
    assert wire.encode_settings(settings.items()) == data


@pytest.mark.parametrize("name", BARE)
def test_delta_coding_of_32_bits(name: str) -> None:
    """The vendor's own tests: number, first and last samples; sums wrap at 32 bits."""
    data, expected = vector(name)
    samples = delta.decode(data, 0, channels=3, bits=32)
    assert len(samples) == expected["n_samples"]
    assert samples[:3].tolist() == expected["samples_head_int32"]
    wrapped = (samples.astype(np.int64) + 2**31) % 2**32 - 2**31
    assert wrapped[-1].tolist() == expected["samples_last_int32"]
    (out,) = decoded(wire.DATA, data, channels=3, resolution_bits=32)
    assert isinstance(out, m.Event)
    assert out.value["count"] == expected["n_samples"]
    assert out.value["samples"] == wrapped.tolist()


@pytest.mark.parametrize("name", TIMES)
def test_time_rule(name: str) -> None:
    """The vendor's own tests: first frame by the rate, later frames by the time since the frame before."""
    _, expected = vector(name)
    line = Timeline()
    line.begin(expected["rate"])
    line.previous_ns = expected["prev"] or None
    time_s, missing = line.take(expected["ts"], expected["n"], 0)
    assert np.round(time_s * 1e9).tolist() == expected["out"]
    assert missing == 0


def test_raw_frame() -> None:
    """36 samples of 16 bits in mG, the last at the time of the frame, one period of the rate apart."""
    data, expected = vector("polar-acc-raw-t1")
    got = block(data, factor=1.0, rate_hz=52, previous_time_s=0)
    assert got.acc is not None
    assert got.gyr is None
    assert len(got) == expected["n_samples"]
    np.testing.assert_allclose(got.acc / MILLI_G_MPS2, expected["samples_all"], atol=1e-9)
    assert got.time_s is not None
    assert got.time_s[-1] == expected["timestamp_ns_last_sample"] / 1e9
    np.testing.assert_allclose(np.diff(got.time_s), 1.0 / 52.0, atol=1e-12)


def test_raw_frame_of_the_document() -> None:
    """The document's figure decodes 45 FF as -184, an erratum: it is -187. Its time keeps what float64 can hold."""
    data, expected = vector("polar-acc-raw-h10-docprefix")
    got = block(data)
    assert got.acc is not None
    assert got.time_s is not None
    np.testing.assert_allclose(got.acc / MILLI_G_MPS2, expected["samples"], atol=1e-9)
    assert got.time_s[-1] == pytest.approx(expected["timestamp_ns_last_sample"] / 1e9, abs=2e-7)


def test_delta_frame_in_milli_g() -> None:
    """Type 0x81 of ACC: mG times the factor; the SDK rounds the times to whole ns, we do not."""
    data, expected = vector("polar-acc-delta-t1")
    got = block(data, factor=1.0, previous_time_s=100e-9)
    assert got.acc is not None
    assert got.time_s is not None
    np.testing.assert_allclose(got.acc / MILLI_G_MPS2, expected["samples"], atol=1e-9)
    np.testing.assert_allclose(got.time_s * 1e9, [100.5, 101.0], atol=1e-6)
    assert np.abs(got.time_s * 1e9 - expected["timestamps_ns"]).max() <= 0.5 + 1e-6


def test_delta_frame_of_floats() -> None:
    """Type 0x81 of GYRO: differences of the bit patterns of float32."""
    data, expected = vector("polar-gyr-delta-t1-f1.0")
    got = block(data, factor=1.0, previous_time_s=100e-9)
    assert got.acc is None
    assert got.gyr is not None
    assert got.time_s is not None
    np.testing.assert_allclose(got.gyr / DEG_RAD, expected["samples"], rtol=1e-12)
    assert got.time_s[-1] == expected["timestamp_ns_last_sample"] / 1e9


def test_delta_frame_with_factor() -> None:
    """Type 0x80 of ACC: words times the factor are g. The figure ends in mid-block: refused. Cut to size it fits."""
    data, expected = vector("polar-acc-delta-verity-docprefix")
    factor = 0.000243999995291
    with pytest.raises(DecodeError, match="29 samples of 8 bits at byte 18 need 87 bytes; 17 are left"):
        block(data, factor=factor)
    whole = bytes((*data[:17], 2, *data[18:24]))
    got = block(whole, factor=factor)
    assert got.acc is not None
    rows = [expected["reference"], expected["sample1"], expected["sample2"]]
    np.testing.assert_allclose(got.acc, np.array(rows) * factor * 9.80665, rtol=1e-12)
    with pytest.raises(DecodeError, match="needs the factor"):
        block(whole)


def test_head_of_a_real_delta_frame() -> None:
    """A Verity Sense of newer firmware: 59 differences of 6 bits, of which the vector holds none: refused."""
    data, expected = vector("polar-acc-delta81-verity-capture-head")
    with pytest.raises(DecodeError, match="59 samples of 6 bits"):
        block(data)
    assert (data[16], data[17]) == (expected["delta_bits"], expected["delta_count"])
    got = block(data[:16])
    assert got.acc is not None
    np.testing.assert_allclose(got.acc / MILLI_G_MPS2, [expected["reference_mg"]], atol=1e-9)


def test_factor_of_a_start_answer_counts_for_its_measurement() -> None:
    """An answer in front of a frame brings the factor; that of ACC is not that of GYRO."""
    driver = Polar.for_decoding({})
    driver.feed(m.Notification(characteristic=wire.CONTROL, data=vector("polar-cp-start-acc-rsp-verity")[0]))
    assert driver.state.acc.factor == pytest.approx(2.44e-4)
    assert driver.state.gyr.factor is None
