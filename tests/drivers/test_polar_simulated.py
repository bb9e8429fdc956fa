"""The simulated Polar sensors on their own: how they are found, what they refuse, and to whom they send."""

from __future__ import annotations

import pytest

from ankled.drivers.driver import Advertisement
from ankled.drivers.polar import Polar, wire
from ankled.simulators.peripherals.model import AttError
from ankled.simulators.peripherals.polar import SimulatedPolar
from tests.drivers.conversation import board


def test_the_family_is_told_by_its_name() -> None:
    """Names of real devices, and of some that are none of ours; the measurement service is not advertised."""
    for model in ("verity", "h10"):
        advertising = SimulatedPolar(board(), model=model).advertising
        seen = Advertisement(address="C0:00:00:00:00:01", name=advertising.name, services=advertising.services)
        assert wire.SERVICE not in advertising.services
        assert Polar.matches(seen)
    for name in ("Polaroid", "WT901BLE68", None):
        assert not Polar.matches(Advertisement(address="C0:00:00:00:00:01", name=name))


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("01", wire.INVALID_LENGTH),
        ("6302", wire.INVALID_OPERATION),
        ("0107", wire.INVALID_TYPE),
        ("0101", wire.NOT_SUPPORTED),
        ("0109", wire.NOT_SUPPORTED),
        ("0302", wire.ALREADY),
        ("0309", wire.ALREADY),
        ("0202", wire.INVALID_PARAMETER),
        ("020200", wire.INVALID_PARAMETER),
        ("02020001", wire.INVALID_PARAMETER),
        ("0202000164000101100002010800040103", wire.INVALID_RATE),
        ("02020001340001010e0002010800040103", wire.INVALID_RESOLUTION),
        ("0202000134000101100002011000040103", wire.INVALID_RANGE),
        ("0202000134000101100002010800040101", wire.INVALID_CHANNELS),
    ],
)
def test_the_simulated_sensor_refuses_as_documented(command: str, status: int) -> None:
    """Each error answer of the protocol that a wrong command can bring about."""
    peripheral = SimulatedPolar(board())
    peripheral.connect(247, 0.0)
    peripheral.subscribe(wire.CONTROL, on=True, now_s=0.0)
    peripheral.write(wire.CONTROL, bytes.fromhex(command), 0.0)
    (out,) = peripheral.advance(0.1)
    answer = wire.decode_control(out.data)
    assert isinstance(answer, wire.Answer)
    assert (answer.operation, answer.status) == (int(command[:2], 16), status)


def test_sdk_settings_can_be_asked_for_in_either_mode() -> None:
    """Operation 4 tells what SDK mode would offer."""
    peripheral = SimulatedPolar(board())
    peripheral.connect(247, 0.0)
    peripheral.subscribe(wire.CONTROL, on=True, now_s=0.0)
    peripheral.write(wire.CONTROL, wire.command(wire.GET_SDK_SETTINGS, wire.ACC), 0.0)
    (out,) = peripheral.advance(0.1)
    answer = wire.decode_control(out.data)
    assert isinstance(answer, wire.Answer)
    assert wire.decode_settings(answer.parameters)[wire.SAMPLE_RATE] == [26, 52, 104, 208, 416]


def test_only_what_is_subscribed_is_sent_and_only_the_control_point_is_written() -> None:
    """Answers and frames are lost on who does not listen; other characteristics take nothing."""
    peripheral = SimulatedPolar(board(), model="h10")
    peripheral.connect(247, 0.0)
    start = [(wire.SAMPLE_RATE, 200), (wire.RESOLUTION, 16), (wire.RANGE, 8)]
    peripheral.write(wire.CONTROL, wire.command(wire.START, wire.ACC, start), 0.0)
    assert peripheral.advance(1.0) == []
    with pytest.raises(AttError):
        peripheral.write(wire.DATA, b"\x00", 1.0)
    with pytest.raises(AttError):
        peripheral.read(wire.DATA, 1.0)
    uuids = [one.uuid for service in peripheral.services for one in service.characteristics]
    assert [peripheral.read(uuid, 1.0) for uuid in uuids[:1]] == [wire.encode_features((0, 2))]
    assert all(peripheral.read(uuid, 1.0) for uuid in uuids if uuid != wire.DATA)
