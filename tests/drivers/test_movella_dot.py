"""Movella DOT: bytes of real sensors and of the vendor's document, and every layout out and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.movella_dot import MovellaDot, device, message, payload
from tests.drivers.vectors import family

G_MPS2 = 9.80665

COMMANDS = {
    "control-start_free_acceleration": device.encode_measurement(6, start=True),
    "control-start_rate_quantities_acc_gyr_": device.encode_measurement(21, start=True),
    "control-stop_rate_quantities": device.encode_measurement(21, start=False),
    "msg-getstate": message.encode(message.RECORDING, message.GET_STATE),
    "msg-stoprec": message.encode(message.RECORDING, message.STOP_RECORDING),
    "msg-reqfile": message.encode(message.RECORDING, message.REQUEST_FILE_INFO, b"\x01"),
    "msg-select": message.encode(message.RECORDING, message.SELECT_EXPORT_DATA, bytes((0, 1, 5, 6, 7, 8, 9, 10))),
    "msg-reqdata7": message.encode(message.RECORDING, message.REQUEST_FILE_DATA, b"\x07"),
    "msg-getsync": message.encode(message.SYNCHRONISATION, message.GET_SYNC_STATUS),
    "msg-startsync": message.start_sync("D4:CA:6E:F1:69:3D"),
    "msg-stopsync": message.encode(message.SYNCHRONISATION, message.STOP_SYNC),
}
ERRATA = {"msg-startrec", "msg-startrec-ack"}
"""Their checksums, as printed, break the document's own rule."""
SENT = {"control-read", "msg-getstate-ack", "msg-syncstatus-un", "msg-syncstatus-yes", "msg-stopsync-res"}
PAYLOADS = {"free-acc-1", "free-acc-2"}


def covered() -> set[str]:
    """Return the ids of the vectors that these tests use."""
    return {f"dot-{name}" for name in {*COMMANDS, *ERRATA, *SENT, *PAYLOADS}}


def short(vector: dict[str, Any]) -> str:
    """Return the id of a vector without its family."""
    return str(vector["id"]).removeprefix("dot-")


def told(characteristic: str, data: bytes, **context: m.Value) -> list[m.DriverOutput]:
    """Return what a driver makes of one value from the middle of a stream."""
    return MovellaDot.for_decoding(context).feed(m.Notification(characteristic=characteristic, data=data))


def event(characteristic: str, data: bytes, **context: m.Value) -> dict[str, Any]:
    """Return the value of the event that a driver makes of one value."""
    (output,) = (output for output in told(characteristic, data, **context) if isinstance(output, m.Event))
    return output.value


def block(outputs: list[m.DriverOutput]) -> m.Block:
    """Return the one block among outputs."""
    (found,) = (output for output in outputs if isinstance(output, m.Block))
    return found


def test_every_vector_of_the_family_is_used() -> None:
    """No vector is left out by mistake."""
    assert {vector["id"] for vector in family("dot-")} == covered()


def test_commands_are_those_of_the_document() -> None:
    """Each command has the bytes of the document, and is read back as what the document says of it."""
    vectors = {short(vector): vector for vector in family("dot-")}
    for name, data in COMMANDS.items():
        vector = vectors[name]
        assert data.hex() == vector["hex"], name
        value = event(vector["characteristic"], data)
        for key in ("mid", "id", "file", "fields", "root_mac", "checksum_ok"):
            assert value.get(key) == vector["expected"].get(key, value.get(key)), name


def test_what_the_sensor_sends_is_decoded_as_published() -> None:
    """Control state, acknowledgements and notifications, read or sent."""
    for vector in family("dot-"):
        if short(vector) in SENT:
            value = event(vector["characteristic"], bytes.fromhex(vector["hex"]))
            assert vector["expected"].items() <= value.items(), vector["id"]
            read = m.ReadResult(characteristic=vector["characteristic"], data=bytes.fromhex(vector["hex"]))
            assert MovellaDot.for_decoding({}).feed(read) == [m.Event(name="response", value=value)]


def test_wrong_checksums_of_the_document_are_refused() -> None:
    """The sentence names the right checksum; with that the message says what the document says of it."""
    for vector in family("dot-msg-startrec"):
        data = bytes.fromhex(vector["hex"])
        right = -sum(data[:-1]) % 256
        with pytest.raises(DecodeError, match=f"checksum of a message is {data[-1]:02x}; allowed is {right:02x}"):
            told(vector["characteristic"], data)
        value = event(vector["characteristic"], data[:-1] + bytes((right,)))
        assert (vector["expected"] | {"checksum_ok": True}).items() <= value.items()
    assert message.start_recording(1530613983, 1800).hex() == "010740df503b5b0807e4"
    assert event(device.MESSAGE_CONTROL, message.start_recording(1))["seconds"] is None


def test_captures_of_free_acceleration_are_decoded_as_published() -> None:
    """Without a word of the mode a short payload is free acceleration: an event, since gravity is not in it."""
    driver = MovellaDot.for_decoding({})
    for vector in family("dot-free-acc"):
        item = m.Notification(characteristic=vector["characteristic"], data=bytes.fromhex(vector["hex"]))
        (output,) = driver.feed(item)
        assert isinstance(output, m.Event)
        value = output.value
        assert value["free_acc_mps2"] == pytest.approx(vector["expected"]["free_acc_mps2"], rel=1e-6)
        for key in ("payload_mode", "timestamp_us", "padding"):
            assert value[key] == vector["expected"][key]


def sample(stamp_us: int) -> bytes:
    """Return a value of mode 21."""
    return payload.encode_rates([stamp_us % 2**32], np.array([[0.0, 0.0, G_MPS2]]), np.zeros((1, 3)))[0]


def times(stamps_us: list[int], **context: m.Value) -> tuple[list[float], list[int]]:
    """Return unwrapped times and counts of missing samples for time stamps."""
    driver = MovellaDot.for_decoding(context)
    found = [
        block(driver.feed(m.Notification(characteristic=device.MEDIUM_PAYLOAD, data=sample(us)))) for us in stamps_us
    ]
    return [one.time_s[0] for one in found if one.time_s is not None], [one.missing for one in found]


def test_the_clock_goes_on_over_its_wraps() -> None:
    """32 bits of microseconds end after 71.6 minutes, and time goes on; 2^32, not 2^32 - 1."""
    stamps = [2**32 - 16667, 2**32 - 1, 16666]
    got, missing = times(stamps, rate_hz=60.0)
    assert got == pytest.approx([4294.950629, 4294.967295, 4294.983962], abs=1e-9)
    assert missing == [0, 0, 0]
    again, _ = times([5], previous_time_s=2 * 4294.967296 - 0.01)
    assert again == pytest.approx([2 * 4294.967296 + 5e-6], abs=1e-9)


def test_a_clock_that_begins_anew_is_no_wrap() -> None:
    """A step back that is far from a wrap is given as sent, and nothing is counted as missing."""
    got, missing = times([3_000_000_000, 16667, 33334], rate_hz=60.0)
    assert got == pytest.approx([3000.0, 0.016667, 0.033334], abs=1e-9)
    assert missing == [0, 0, 0]
    back, missing = times([1_000_000, 900_000], rate_hz=60.0)
    assert back == pytest.approx([1.0, 0.9], abs=1e-9)
    assert missing == [0, 0]


@given(st.lists(st.integers(1, 8), min_size=1, max_size=20), st.integers(0, 2**32 - 1), st.sampled_from([4, 20, 60]))
def test_missing_samples_are_counted_by_the_clock(steps: list[int], begin: int, rate: int) -> None:
    """A gap in the time stamps tells how many samples are missing, also across a wrap; time never steps back."""
    stamps = np.concatenate([[0], np.cumsum(steps)]) * 1_000_000 // rate + begin
    got, missing = times(stamps.tolist(), rate_hz=rate)
    assert missing == [0, *(step - 1 for step in steps)]
    assert np.all(np.diff(got) > 0.0)
    assert got[-1] - got[0] == pytest.approx((stamps[-1] - stamps[0]) * 1e-6, abs=1e-6)


@given(st.sampled_from(sorted(MovellaDot.info.characteristics.values())), st.binary(max_size=70), st.integers(0, 28))
def test_any_bytes_give_outputs_or_a_decode_error(characteristic: str, data: bytes, mode: int) -> None:
    """Whatever comes, nothing but a DecodeError is raised, and the next sample is taken."""
    driver = MovellaDot.for_decoding({"mode": mode} if mode in payload.LAYOUTS else {})
    live = MovellaDot()
    live.state.phase = "streaming"
    for one in (driver, live):
        for item in (
            m.Notification(characteristic=characteristic, data=data),
            m.ReadResult(characteristic=characteristic, data=data),
        ):
            try:
                outputs = one.feed(item)
            except DecodeError:
                continue
            for output in outputs:
                if isinstance(output, m.Block):
                    assert all(np.isfinite(array).all() for array in (output.acc, output.gyr) if array is not None)
    assert block(live.feed(m.Notification(characteristic=device.MEDIUM_PAYLOAD, data=sample(7))))


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"mode": 17}, '"mode" is 17; allowed: 2, 3'),
        ({"mode": "21"}, "a number is needed"),
        ({"rate_hz": -1.0}, "a number of 0 or more"),
        ({"previous_time_s": float("nan")}, "a number of 0 or more"),
        ({"factor": 1}, '"factor" is not known here'),
    ],
)
def test_contexts_that_say_nothing_are_refused(context: dict[str, m.Value], words: str) -> None:
    """Modes that only the vendor's SDK unpacks, and values that cannot be."""
    with pytest.raises(DecodeError, match=words):
        MovellaDot.for_decoding(context)


def test_unknown_characteristics_are_refused() -> None:
    """The sentence names those that there are."""
    with pytest.raises(DecodeError, match="is none of device_info, device_control"):
        told(device.BATTERY_SERVICE, b"\x00")
    for data in (b"\x02\x00\x15", b"\x01\x02\x15", b"\x01\x00"):
        with pytest.raises(DecodeError, match="allowed are"):
            told(device.MEASUREMENT_CONTROL, data)


@pytest.mark.parametrize("options", [Options(rate_hz=120.0), Options(acc_range_g=8.0), Options(gyr_range_dps=1000.0)])
def test_options_that_no_device_offers_are_refused(options: Options) -> None:
    """120 Hz is for recordings inside the sensor, and the ranges are fixed."""
    with pytest.raises(OptionsError, match="movella_dot offers"):
        MovellaDot(options)


def test_both_names_tell_the_device() -> None:
    """The old and the new name; the services are not advertised."""
    for name, ours in (("Movella DOT", True), ("Xsens DOT", True), ("Movesense 174630000192", False), (None, False)):
        assert MovellaDot.matches(Advertisement(address="D4:22:CD:00:00:01", name=name)) is ours
