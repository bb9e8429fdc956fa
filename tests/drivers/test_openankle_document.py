"""docs/openankle.md is right: its tables are those of the code, its test vectors come out as it says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle.packets import decode_beat, encode_beat, encode_packet
from ankled.simulators.peripherals.openankle import SimulatedOpenAnkle
from tests.drivers.conversation import board
from tests.drivers.openankle_talk import streaming

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openankle.md"


@cache
def sections() -> dict[str, list[list[str]]]:
    """Return the cells of all table rows by the heading they stand under, without the lines below the heads."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("|") and not line.startswith("|---"):
            found.setdefault(heading, []).append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return found


def vectors(heading: str) -> list[Any]:
    """Return the test vectors of one kind as parameters: bytes, and what they mean."""
    rows = sections()[f"Vectors: {heading}"]
    assert rows[0][1] == "meaning"
    return [pytest.param(bytes.fromhex(row[0]), json.loads(row[1]), id=row[0]) for row in rows[1:]]


def said(characteristic: str, data: bytes, *names: str) -> dict[str, Any]:
    """Return the values of the named events that a characteristic's value brings, as one."""
    values: dict[str, Any] = {}
    for output in OpenAnkle.for_decoding({}).feed(m.Notification(characteristic=characteristic, data=data)):
        if isinstance(output, m.Event) and output.name in names:
            values |= output.value
    return values


def form_of(means: dict[str, Any]) -> wire.Format:
    """Return the format that a meaning names."""
    return wire.Format(float(means["rate_hz"]), float(means["acc_range_g"]), float(means["gyr_range_dps"]))


@pytest.mark.parametrize(("data", "means"), vectors("capabilities"))
def test_capabilities_vectors(data: bytes, means: dict[str, Any]) -> None:
    """Capabilities decode to what the document says, and encode to its bytes."""
    assert said(wire.CAPABILITIES, data, "info") == means
    assert wire.encode_capabilities(wire.decode_capabilities(data)) == data


@pytest.mark.parametrize(("data", "means"), vectors("commands"))
def test_command_vectors(data: bytes, means: dict[str, Any]) -> None:
    """Commands decode to what the document says, and encode to its bytes."""
    command = c.decode_command(data)
    assert c.op_of(command).name.lower() == means["command"]
    expected: c.Command
    match means["command"]:
        case "configure":
            expected = c.Configure(form_of(means), means["latency_ms"])
        case "set_weight":
            expected = c.SetWeight(means["mass_g"], means["side"])
        case "identify":
            expected = c.Identify(means["duration_s"])
        case "start":
            expected = c.Start()
        case _:
            expected = c.Stop()
    assert command == expected
    assert c.encode_command(command, means["tag"]) == data


@pytest.mark.parametrize(("data", "means"), vectors("answers"))
def test_answer_vectors(data: bytes, means: dict[str, Any]) -> None:
    """Answers decode to what the document says, and encode to its bytes."""
    assert said(wire.CONTROL, data, "response") == means
    assert c.encode_response(c.decode_response(data)) == data


@pytest.mark.parametrize(("data", "means"), vectors("status"))
def test_status_vectors(data: bytes, means: dict[str, Any]) -> None:
    """A status decodes to what the document says, and encodes to its bytes."""
    status = wire.decode_status(data)
    assert (status.form.acc_range_g, status.form.gyr_range_dps) == (means["acc_range_g"], means["gyr_range_dps"])
    assert status.samples_per_packet == means["samples_per_packet"]
    assert round(1e9 / status.period_ns, 3) == means["rate_hz"]
    told = said(wire.STATUS, data, "status", "info")
    assert told == {key: value for key, value in means.items() if key in told}
    assert told.keys() >= {"mass_kg", "side", "boot", "lost", "state", "overrun", "imu_fault", "low_battery"}
    assert wire.encode_status(status) == data


@pytest.mark.parametrize(("data", "means"), vectors("packets"))
def test_packet_vectors(data: bytes, means: dict[str, Any]) -> None:
    """Words are worth range / 32768; the head is what the document says; the packet encodes to its bytes."""
    outputs = OpenAnkle.for_decoding({}).feed(m.Notification(characteristic=wire.DATA, data=data))
    settings, block = outputs
    form = form_of(means)
    assert settings == m.Event(
        name="settings",
        value={"rate_hz": form.rate_hz, "acc_range_g": form.acc_range_g, "gyr_range_dps": form.gyr_range_dps},
    )
    assert isinstance(block, m.Block)
    assert block.acc is not None
    assert block.gyr is not None
    assert block.time_s is not None
    words = np.array(means["words"], dtype="<i2")
    np.testing.assert_allclose(block.acc, words[:, :3] * form.acc_range_g / 32768 * 9.80665, rtol=1e-12)
    np.testing.assert_allclose(block.gyr, np.deg2rad(words[:, 3:] * form.gyr_range_dps / 32768), rtol=1e-12)
    times = means["time_us"] * 1e-6 + np.arange(len(words)) / form.rate_hz
    np.testing.assert_allclose(block.time_s, times, rtol=0, atol=1e-9)
    again = encode_packet(means["number"], wire.encode_format(form), means["boot"], means["time_us"], words)
    assert again == data


def test_stream_vectors() -> None:
    """Loss, the wrap of the clock and a restart, in the order of the document."""
    driver = OpenAnkle.for_decoding({})
    rows = vectors("a stream")
    assert len(rows) > 5
    for row in rows:
        head, means = row.values
        outputs = driver.feed(m.Notification(characteristic=wire.DATA, data=head + bytes(24)))
        (block,) = [output for output in outputs if isinstance(output, m.Block)]
        assert block.time_s is not None
        assert block.missing == means["missing"]
        assert block.time_s[0] == pytest.approx(means["time_s"], abs=1e-9)


@pytest.mark.parametrize(("data", "means"), vectors("beats"))
def test_beat_vectors(data: bytes, means: dict[str, Any]) -> None:
    """A beat decodes to what the document says, encodes to its bytes, and without a stream is told as sent."""
    assert decode_beat(data) == (means["time_us"], means["boot"])
    assert encode_beat(means["time_us"], means["boot"]) == data
    alone = OpenAnkle.for_decoding({}).feed(m.Notification(characteristic=wire.CLOCK, data=data))
    assert alone == [m.Beat(time_s=means["time_us"] / 1e6)]


def test_vectors_of_beats_in_a_stream() -> None:
    """Beats are on the scale of the samples' times, over the wrap and a restart, or ignored, as the document says."""
    driver = streaming()
    rows = vectors("beats in a stream")
    assert len(rows) > 10
    for row in rows:
        data, means = row.values
        beat = "clock_s" in means
        uuid, value = (wire.CLOCK, data) if beat else (wire.DATA, data + bytes(24))
        outputs = driver.feed(m.Notification(characteristic=uuid, data=value))
        if beat:
            told = [output.time_s for output in outputs if isinstance(output, m.Beat)]
            assert told == ([] if means["clock_s"] is None else [pytest.approx(means["clock_s"], abs=1e-9)]), row
            continue
        (block,) = [output for output in outputs if isinstance(output, m.Block)]
        assert block.time_s is not None
        assert block.missing == means["missing"]
        assert block.time_s[0] == pytest.approx(means["time_s"], abs=1e-9)


def test_conversation_vectors() -> None:
    """A device answers each command of the document's conversation as it says."""
    device = SimulatedOpenAnkle(board())
    device.connect(104, 0.0)
    device.subscribe(wire.CONTROL, on=True, now_s=0.0)
    rows = sections()["Vectors: a conversation"][1:]
    assert len(rows) > 10
    for row in rows:
        device.write(wire.CONTROL, bytes.fromhex(row[0]), 1.0)
        (answer,) = device.advance(1.0)
        assert answer.data == bytes.fromhex(row[1]), row
        device.subscribe(wire.DATA, on=True, now_s=1.0)


def test_uuids_are_those_of_the_code() -> None:
    """Each characteristic stands in the document with the driver's UUID and the simulated device's properties."""
    rows = {row[0]: row for row in sections()["Services"]}
    assert rows["OpenAnkle"][1] == wire.SERVICE
    ours = SimulatedOpenAnkle(board()).services[0]
    there = {one.uuid: set(one.properties) for one in ours.characteristics}
    assert len(there) == len(OpenAnkle.info.characteristics)
    for name, uuid in OpenAnkle.info.characteristics.items():
        assert rows[name][1] == uuid
        assert {word for word in there[uuid] if word in rows[name][2]} == there[uuid]


def test_codes_are_those_of_the_code() -> None:
    """Format codes, commands and results stand in the document with the numbers that the code has."""
    rates, accs, gyrs = (row[2:] for row in sections()["The format byte"][1:4])
    for cells, known in ((rates, wire.RATES_HZ), (accs, wire.ACC_RANGES_G), (gyrs, wire.GYR_RANGES_DPS)):
        assert tuple(float(cell) for cell in cells if cell) == known
    rows = sections()["Control"]
    ops = {int(row[0], 16): row[1].lower().replace(" ", "_") for row in rows if row[0][:2] == "0x" and len(row) == 5}
    results = {int(row[0], 16): row[1] for row in rows if row[0][:2] == "0x" and len(row) == 3}
    assert ops == {op.value: op.name.lower() for op in c.Op}
    assert results == {result.value: result.name.lower() for result in c.Result}


def test_packet_sizes_are_those_of_the_document() -> None:
    """The table of MTUs is what the device does: how many samples fit, and which rates Start refuses."""
    rows = sections()["Packet size"][1:]
    for mtu, room in ((int(row[0]), int(row[1])) for row in rows):
        for rate_hz in wire.RATES_HZ:
            device = SimulatedOpenAnkle(board())
            device.connect(mtu, 0.0)
            device.subscribe(wire.CONTROL, on=True, now_s=0.0)
            device.subscribe(wire.DATA, on=True, now_s=0.0)
            device.write(wire.CONTROL, c.encode_command(c.Configure(wire.Format(rate_hz, 16.0, 2000.0), 255), 1), 0.0)
            device.advance(0.0)
            device.write(wire.CONTROL, c.encode_command(c.Start(), 2), 0.0)
            answer = c.decode_response(device.advance(0.0)[0].data)
            if rate_hz > 100.0 * room:
                assert answer.result == c.Result.MTU_TOO_SMALL
            else:
                assert answer.started is not None
                assert answer.started.samples_per_packet == min(room, int(0.255 * rate_hz))
