"""The battery service, on any device that has it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import battery
from ankled.drivers import messages as m
from ankled.drivers.battery import LEVEL, STATUS, Battery, BatteryStatus
from ankled.drivers.errors import DecodeError
from ankled.simulators.peripherals.footpod import SimulatedFootpod
from tests.drivers.conversation import Conversation, board
from tests.drivers.vectors import family

LEVELS = ("sig-bat-0", "sig-bat-50", "sig-bat-100")
STATUS_VECTOR = "sig-batstatus-min"
SHORT = ("sig-batstatus-unknown", "sig-batstatus-discharging", "sig-batstatus-charging")
"""The power state of these is cut to its lower byte, which no device may send."""


def covered() -> set[str]:
    """Return the ids of the packet vectors that the tests of this file use."""
    return {*LEVELS, STATUS_VECTOR, *SHORT}


def _vector(name: str) -> dict[str, Any]:
    return next(one for one in family("sig-bat") if one["id"] == name)


def _packet(name: str) -> m.Notification:
    vector = _vector(name)
    return m.Notification(characteristic=vector["characteristic"], data=bytes.fromhex(vector["hex"]))


# --- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEVELS)
def test_levels(name: str) -> None:
    """Percent, by notification as by reading."""
    packet = _packet(name)
    said = [m.Event(name="battery", value={"level": _vector(name)["expected"]["percent"]})]
    driver = Battery.for_decoding({})
    assert driver.feed(packet) == said
    assert driver.feed(m.ReadResult(characteristic=packet.characteristic, data=packet.data)) == said


@pytest.mark.parametrize("level", range(101, 256))
def test_levels_that_there_are_not(level: int) -> None:
    """Above 100 % nothing is believed."""
    with pytest.raises(DecodeError, match=rf"^the battery level is {level}; allowed are 0 to 100 percent$"):
        Battery().feed(m.Notification(characteristic=LEVEL, data=bytes([level])))


@given(st.integers(0, 100))
def test_a_level_there_and_back(percent: int) -> None:
    """One byte; more or less is no level."""
    data = battery.encode_level(percent)
    assert battery.decode_level(data) == percent
    for wrong in (b"", data + b"\0"):
        with pytest.raises(DecodeError):
            battery.decode_level(wrong)


def test_the_shortest_status() -> None:
    """Flags and power state; nothing is made up for what it does not say."""
    (event,) = Battery().feed(_packet(STATUS_VECTOR))
    assert isinstance(event, m.Event)
    assert event.name == "status"
    assert event.value["battery_present"] is _vector(STATUS_VECTOR)["expected"]["battery_present"]
    assert event.value["level_percent"] is None
    assert event.value["charge_state"] == "unknown"


@pytest.mark.parametrize("name", SHORT)
def test_a_power_state_cut_in_half(name: str) -> None:
    """It is refused, as the service has two bytes there; with the missing one it says what was meant."""
    packet = _packet(name)
    with pytest.raises(DecodeError, match=r"has 2 bytes; its flags 0x00 promise 3$"):
        Battery().feed(packet)
    whole = battery.decode_status(packet.data + b"\0")
    assert whole.charge_state.upper() == _vector(name)["expected"]["charge_state"]


_POWERS: tuple[battery.Power, ...] = ("no", "yes", "unknown")
_POWER = st.sampled_from(_POWERS)


@st.composite
def _statuses(draw: st.DrawFn) -> BatteryStatus:
    more = draw(st.none() | st.tuples(_POWER, st.booleans()))
    return BatteryStatus(
        battery_present=draw(st.booleans()),
        charge_state=draw(st.sampled_from(["unknown", "charging", "discharging_active", "discharging_inactive"])),
        charge_level=draw(st.sampled_from(["unknown", "good", "low", "critical"])),
        wired_power=draw(_POWER),
        wireless_power=draw(_POWER),
        charging_type=draw(st.sampled_from(["unknown", "constant_current", "constant_voltage", "trickle", "float"])),
        charging_faults=tuple(
            name for name in ("battery", "external_power", "other") if draw(st.booleans(), label=name)
        ),
        identifier=draw(st.none() | st.integers(0, 65535)),
        level_percent=draw(st.none() | st.integers(0, 100)),
        service_required=more[0] if more else None,
        battery_fault=more[1] if more else None,
    )


@given(_statuses())
def test_a_status_there_and_back(status: BatteryStatus) -> None:
    """Every field; a shorter packet is refused, and a level in it is an event of its own."""
    data = battery.encode_status(status)
    assert battery.decode_status(data) == status
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            battery.decode_status(data[:size])
    names = [event.name for event in Battery().feed(m.Notification(characteristic=STATUS, data=data))]  # type: ignore[union-attr]  # the driver gives events only
    assert names == ["status"] + ["battery"] * (status.level_percent is not None)


@given(st.binary(max_size=10), st.sampled_from([LEVEL, STATUS]))
def test_any_bytes(data: bytes, uuid: str) -> None:
    """They are decoded or refused."""
    try:
        outputs = Battery().feed(m.Notification(characteristic=uuid, data=data))
    except DecodeError:
        return
    assert all(isinstance(output, m.Event) for output in outputs)
    assert len(data) in {1, 3, 4, 5, 6, 7, 8, 9, 10}


# --- the connection -------------------------------------------------------------------------------------------------


def test_a_status_that_is_not_there() -> None:
    """It is optional: neither an error nor another try."""
    driver = Battery()
    assert driver.feed(m.ReadResult(characteristic=STATUS, error="no such characteristic")) == []
    assert driver.feed(m.WriteResult(characteristic=STATUS, error="no such characteristic")) == []


def test_a_level_without_notifications_is_read_again() -> None:
    """Notifying is optional too: then it is read every five minutes."""
    driver = Battery()
    again = m.Deadline(name="read_again", after_s=battery.READ_AGAIN_S)
    assert driver.feed(m.WriteResult(characteristic=LEVEL, error="not supported")) == [again]
    for _ in range(3):
        assert driver.feed(m.Timeout(name="read_again")) == [m.Read(characteristic=LEVEL), again]


def test_a_level_that_cannot_be_read() -> None:
    """It is said, tried three times, and then left alone, for the samples' sake; a value in between begins anew."""
    driver = Battery()
    failed = m.ReadResult(characteristic=LEVEL, error="insufficient encryption")
    after = []
    for item in (failed, m.ReadResult(characteristic=LEVEL, data=b"\x50"), failed, failed, failed):
        other = Battery()
        other.restore(driver.snapshot())
        outputs = driver.feed(item)
        assert other.feed(item) == outputs
        after += [output.after_s for output in outputs if isinstance(output, m.Deadline)]
    assert after == [battery.READ_AGAIN_S] * 3 + [None]


def test_the_battery_of_a_simulated_device() -> None:
    """Its level is known at once, and again when it falls by a percent: not in between."""
    pod = SimulatedFootpod(board("stand", battery_percent=80.0))
    talk = Conversation(Battery(), pod)
    talk.begin()
    talk.run(1.0)
    assert {event["level"] for event in talk.events("battery")} == {80}
    before = len(talk.events("battery"))
    pod.board.battery_percent = 79.8
    talk.run(1.0)
    pod.board.battery_percent = 79.2
    talk.run(1.0)
    assert [event["level"] for event in talk.events("battery")[before:]] == [79]
    assert talk.hung_up is None
