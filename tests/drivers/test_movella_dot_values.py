"""Movella DOT: what it tells of itself, its settings, reports and messages, out and back."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.movella_dot import MovellaDot, device, message


def told(characteristic: str, data: bytes) -> list[m.DriverOutput]:
    """Return what a driver makes of one value from the middle of a stream."""
    return MovellaDot.for_decoding({}).feed(m.Notification(characteristic=characteristic, data=data))


def event(characteristic: str, data: bytes) -> dict[str, Any]:
    """Return the value of the event that a driver makes of one value."""
    (output,) = (output for output in told(characteristic, data) if isinstance(output, m.Event))
    return output.value


controls = st.builds(
    device.Control,
    visit=st.integers(0, 63),
    identify=st.integers(0, 1),
    power_options=st.integers(0, 3),
    idle_min=st.integers(0, 30),
    idle_s=st.integers(0, 60),
    connected_min=st.integers(0, 30),
    connected_s=st.integers(0, 60),
    tag=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=16),
    output_rate_hz=st.sampled_from([1, 4, 10, 12, 15, 20, 30, 60, 120]),
    filter_profile=st.integers(0, 1),
)


@given(controls)
def test_device_control_goes_out_and_back(control: device.Control) -> None:
    """32 bytes with the rate at 24 and the filter at 26."""
    data = device.encode_control(control)
    assert len(data) == 32
    assert struct.unpack_from("<HB", data, 24) == (control.output_rate_hz, control.filter_profile)
    assert data[8 : 8 + data[7]] == control.tag.encode()
    assert device.decode_control(data) == control
    for wrong in (data[:-1], data + b"\0"):
        with pytest.raises(DecodeError, match="allowed are 32"):
            device.decode_control(wrong)


@pytest.mark.parametrize("rate_hz", device.RATES_HZ)
def test_the_rate_is_set_and_nothing_else(rate_hz: float) -> None:
    """Only bit 4 of the mask is set, so that tag, time-outs and filter stay as they are."""
    data = device.rate_control(rate_hz)
    assert data[0] == 0x10
    assert int.from_bytes(data[24:26], "little") == rate_hz


def test_device_information_goes_out_and_back() -> None:
    """34 bytes: address, firmware, build time, serial number and product code."""
    data = device.encode_info("D4:CA:6E:F1:69:3D", (2, 1, 3), 0x123456789ABCDEF0, "XS-T02")
    assert len(data) == 34
    value = event(device.DEVICE_INFO, data)
    assert value["address"] == "D4:CA:6E:F1:69:3D"
    assert (value["firmware"], value["serial"], value["product_code"]) == ("2.1.3", "123456789ABCDEF0", "XS-T02")
    with pytest.raises(DecodeError, match="device info has 33 bytes; allowed are 34"):
        told(device.DEVICE_INFO, data[:-1])


@pytest.mark.parametrize(("percent", "level"), [(0, 0.0), (87, 87.0), (100, 100.0), (255, None)])
def test_battery_is_its_own_characteristic(percent: int, level: float | None) -> None:
    """Level in percent and whether it charges; more than 100 is no level."""
    assert event(device.BATTERY, bytes((percent, 1))) == {"level": level, "charging": True}
    assert event(device.BATTERY, device.encode_battery(50.0)) == {"level": 50.0, "charging": False}
    with pytest.raises(DecodeError, match="battery has 1 bytes; allowed are 2"):
        told(device.BATTERY, b"\x50")


def test_reports_are_told_in_words() -> None:
    """Power off, power saving and the button with its time are statuses; busy and illegal command are errors."""
    for code, words in ((0, "success"), (1, "power off"), (4, "power saving")):
        assert event(device.DEVICE_REPORT, device.encode_report(code)) == {"code": code, "report": words}
    assert event(device.DEVICE_REPORT, device.encode_report(5, 123456))["clock_ms"] == 123456
    long = b"\x05\x08" + (2**40).to_bytes(8, "little") + bytes(26)
    assert event(device.DEVICE_REPORT, long)["clock_ms"] == 2**40
    for code, words in ((2, "busy"), (3, "illegal command")):
        (output,) = told(device.DEVICE_REPORT, device.encode_report(code))
        assert output == m.Event(name="error", value={"message": f"the device reports {words} ({code})"})
    for wrong in (b"", bytes(37), b"\x09", b"\x05\x03abc", b"\x05\x08abcd", b"\x05"):
        with pytest.raises(DecodeError, match="allowed are"):
            told(device.DEVICE_REPORT, wrong)


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=156), st.integers(0, 5))
def test_messages_go_out_and_back(mid: int, identifier: int, data: bytes, zeros: int) -> None:
    """All bytes of a message add up to a multiple of 256; zeros may follow, a changed byte is noticed."""
    packet = message.encode(mid, identifier, data)
    assert sum(packet) % 256 == 0
    assert message.split(packet + bytes(zeros)) == (mid, identifier, data)
    assert message.decode(packet)["id"] == identifier
    with pytest.raises(DecodeError):
        message.split(packet[:2] + bytes((packet[2] ^ 1,)) + packet[3:])
    with pytest.raises(DecodeError):
        message.split(packet[:-1])
    with pytest.raises(DecodeError, match="allowed are zeros"):
        message.split(packet + b"\x01")
