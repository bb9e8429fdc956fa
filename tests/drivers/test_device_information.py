"""The device information service, the strings of which come with and without a NUL; and the current time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import device_information as di
from ankled.drivers import messages as m
from ankled.drivers.device_information import CURRENT_TIME, STRINGS, SYSTEM_ID, CurrentTime, DeviceInformation
from ankled.drivers.errors import DecodeError
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.footpod import SimulatedFootpod
from ankled.simulators.peripherals.standard import InformationPart
from tests.drivers.conversation import Conversation, board
from tests.drivers.vectors import family

TIMES = ("sig-cts", "sig-cts-eod", "sig-cts-unknown")


def covered() -> set[str]:
    """Return the ids of the packet vectors that the tests of this file use."""
    return set(TIMES)


def _read(uuid: str, data: bytes) -> dict[str, m.Value]:
    """Return the value of the one event that a read gives."""
    (event,) = DeviceInformation.for_decoding({}).feed(m.ReadResult(characteristic=uuid, data=data))
    assert isinstance(event, m.Event)
    assert event.name == "info"
    return event.value


# --- strings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "uuid"), STRINGS.items())
def test_a_string_of_each_kind(key: str, uuid: str) -> None:
    """By its name, without the NUL that some devices send, and without what may stand behind it."""
    for data in (b"N.A. \xc2\xb5", b"N.A. \xc2\xb5\0", b"N.A. \xc2\xb5\0\0\xff"):
        assert _read(uuid, data) == {key: "N.A. µ"}


def test_the_numbers_of_the_strings() -> None:
    """As the Bluetooth SIG assigned them."""
    assert {key: uuid[4:8] for key, uuid in STRINGS.items()} == {
        "manufacturer": "2a29",
        "model": "2a24",
        "serial": "2a25",
        "firmware": "2a26",
        "hardware": "2a27",
        "software": "2a28",
    }


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=100), st.booleans())
def test_a_text_there_and_back(text: str, terminated: bool) -> None:
    """Any text without a NUL."""
    assert di.decode_text(di.encode_text(text, terminated=terminated)) == text


def test_a_text_in_another_code() -> None:
    """Latin-1 is not guessed at."""
    with pytest.raises(DecodeError, match=r"^the text 4db56d is not UTF-8, from byte 1 on$"):
        _read(STRINGS["model"], b"M\xb5m")
    with pytest.raises(DecodeError, match=r"^the text (b5){16}\.\.\. \(512 bytes\) is not UTF-8, from byte 0 on$"):
        _read(STRINGS["model"], b"\xb5" * 512)


def test_a_text_that_no_attribute_holds() -> None:
    """512 bytes are the most."""
    with pytest.raises(DecodeError, match=r"^the text has 513 bytes"):
        di.encode_text("x" * 512, terminated=True)


def test_the_system_id() -> None:
    """Written as an EUI-64: 24 bits of the company, then 40 of its own; sent the other way round."""
    sent = bytes.fromhex("8967452301efcdab")
    assert _read(SYSTEM_ID, sent) == {"system_id": "ab:cd:ef:01:23:45:67:89"}
    assert di.encode_system_id("ab:cd:ef:01:23:45:67:89") == sent
    for size in (*range(8), 9):
        with pytest.raises(DecodeError, match=r"^a system id has 8 bytes"):
            _read(SYSTEM_ID, (sent + b"\0")[:size])


# --- current time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TIMES)
def test_times_of_others(name: str) -> None:
    """Date, weekday, fractions and reason; a day that is not known is null."""
    vector: dict[str, Any] = next(one for one in family("sig-cts") if one["id"] == name)
    value = _read(vector["characteristic"], bytes.fromhex(vector["hex"]))
    assert value == value | vector["expected"]


_MOMENTS = st.datetimes(dt.datetime(1582, 1, 1), dt.datetime(9999, 12, 31))  # noqa: DTZ001  (local time)


@given(_MOMENTS, st.none() | st.integers(1, 7), st.integers(0, 255), st.integers(0, 15))
def test_a_time_there_and_back(moment: dt.datetime, weekday: int | None, fractions: int, reason: int) -> None:
    """Whole seconds, and every part of a shorter packet is refused."""
    text = moment.replace(microsecond=0).isoformat()
    now = CurrentTime(datetime=text, day_of_week=weekday, fractions256=fractions, adjust_reason=reason)
    data = di.encode_current_time(now)
    assert di.decode_current_time(data) == now
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            di.decode_current_time(data[:size])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("e9070d0f0e1e2d032101", "month of the current time is 13"),
        ("e907021d0e1e2d032101", "day of the current time is 29"),
        ("e907010f181e2d032101", "hour of the current time is 24"),
        ("e907010f0e3c2d032101", "minute of the current time is 60"),
        ("e907010f0e1e3c032101", "second of the current time is 60"),
        ("e907010f0e1e2d082101", "day of the week of the current time is 8"),
        ("2d06010f0e1e2d032101", "year of the current time is 1581"),
    ],
)
def test_times_that_there_are_not(text: str, wrong: str) -> None:
    """The sentence names the part; 29 February is there in leap years alone."""
    with pytest.raises(DecodeError, match=wrong):
        _read(CURRENT_TIME, bytes.fromhex(text))


def test_leap_days() -> None:
    """Of 2024 and 2000, and of a year that is not known; not of 1900."""
    for year in (2024, 2000, 0):
        di.decode_current_time(year.to_bytes(2, "little") + bytes([2, 29, 0, 0, 0, 0, 0, 0]))
    with pytest.raises(DecodeError, match="allowed are 1 to 28"):
        di.decode_current_time((1900).to_bytes(2, "little") + bytes([2, 29, 0, 0, 0, 0, 0, 0]))


def test_a_day_that_is_not_known() -> None:
    """It is encoded as zeros."""
    now = CurrentTime(datetime=None, day_of_week=None, fractions256=0, adjust_reason=0)
    assert di.encode_current_time(now) == bytes(10)
    assert di.decode_current_time(bytes(10)) == now


# --- the connection -------------------------------------------------------------------------------------------------


@given(st.binary(max_size=24), st.sampled_from([*STRINGS.values(), SYSTEM_ID, CURRENT_TIME, sig(0x2A19)]))
def test_any_bytes(data: bytes, uuid: str) -> None:
    """They are decoded or refused; what is not ours is left alone."""
    try:
        outputs = DeviceInformation().feed(m.ReadResult(characteristic=uuid, data=data))
    except DecodeError:
        return
    assert [type(output) for output in outputs] == [m.Event] * (uuid != sig(0x2A19))


def test_what_a_device_does_not_have() -> None:
    """Every value is optional."""
    assert DeviceInformation().feed(m.ReadResult(characteristic=SYSTEM_ID, error="no such characteristic")) == []


def test_a_simulated_device_says_what_it_is() -> None:
    """What it has comes as one event each, its strings freed of their NUL; what it lacks is passed over."""
    talk = Conversation(DeviceInformation(), SimulatedFootpod(board("stand")))
    talk.begin()
    talk.run(0.1)
    said = talk.events("info")
    assert sorted(key for event in said for key in event) == [
        "firmware",
        "manufacturer",
        "model",
        "serial",
    ]
    assert {"model": "Simulated footpod"} in said


def test_the_part_for_simulated_devices() -> None:
    """Its table holds what it was given, and nothing else."""
    part = InformationPart(system_id="ab:cd:ef:01:23:45:67:89", model="X")
    assert [one.uuid for one in part.service.characteristics] == [STRINGS["model"], SYSTEM_ID]
    assert (part.read(STRINGS["model"]), part.read(STRINGS["serial"])) == (b"X", None)
