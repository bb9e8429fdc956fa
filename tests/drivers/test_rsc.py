"""Footpods: measurements to cadence and speed, and what becomes of a subscription."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers import rsc
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.rsc import FEATURE, LOCATION, MEASUREMENT, RunningSpeedCadence
from ankled.simulators.peripherals.model import BATTERY_LEVEL
from tests.drivers.vectors import family

MEASUREMENTS = ("sig-rsc-polar", "sig-rsc-polar-min", "sig-rsc-sigpy-stride")
TRUNCATED = "sig-rsc-trunc"
FEATURES = "sig-rsc-feature-all"


def covered() -> set[str]:
    """Return the ids of the packet vectors that the tests of this file use."""
    return {*MEASUREMENTS, TRUNCATED, FEATURES}


def _vector(name: str) -> dict[str, Any]:
    return next(one for one in family("sig-rsc") if one["id"] == name)


def _packet(name: str) -> m.Notification:
    vector = _vector(name)
    return m.Notification(characteristic=vector["characteristic"], data=bytes.fromhex(vector["hex"]))


def _event(driver: RunningSpeedCadence, item: m.DriverInput) -> m.Event:
    (event,) = driver.feed(item)
    assert isinstance(event, m.Event)
    return event


# --- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_measurements_of_others(name: str) -> None:
    """What two other implementations expect of their own test packets; null where the flags announce nothing."""
    expected = _vector(name)["expected"]
    event = _event(RunningSpeedCadence.for_decoding({}), _packet(name))
    assert event.name == "cadence"
    speed_mps = expected["speed_mps"] if "speed_mps" in expected else expected["speed_raw"] / 256
    stride_m = expected.get("stride_m", expected["stride_raw"] / 100 if "stride_raw" in expected else None)
    assert event.value == {
        "cadence_per_min": expected["cadence"],
        "speed_mps": speed_mps,
        "stride_length_m": stride_m,
        "distance_m": expected["distance_raw"] / 10 if "distance_raw" in expected else None,
        "running": expected["running"],
    }


def test_a_measurement_that_lacks_what_its_flags_promise() -> None:
    """It is refused, and the next one is taken."""
    driver = RunningSpeedCadence()
    with pytest.raises(DecodeError, match=r"has 4 bytes; its flags 0x01 promise 6$"):
        driver.feed(_packet(TRUNCATED))
    assert _event(driver, _packet(MEASUREMENTS[0])).name == "cadence"


def test_features() -> None:
    """All five, by name, when read."""
    packet = _packet(FEATURES)
    event = _event(RunningSpeedCadence(), m.ReadResult(characteristic=packet.characteristic, data=packet.data))
    assert (event.name, event.value) == ("info", {"features": dict.fromkeys(rsc.FEATURES, True)})
    assert set(_vector(FEATURES)["expected"].values()) == {True}


@given(st.binary(max_size=12), st.sampled_from([MEASUREMENT, FEATURE, LOCATION, BATTERY_LEVEL]), st.booleans())
def test_any_bytes(data: bytes, uuid: str, read: bool) -> None:
    """They are decoded or refused, and the driver lives on."""
    driver = RunningSpeedCadence()
    kind = m.ReadResult if read else m.Notification
    try:
        outputs = driver.feed(kind(characteristic=uuid, data=data))
    except DecodeError:
        outputs = []
    assert all(isinstance(output, m.Event) for output in outputs)
    assert _event(driver, m.Notification(characteristic=MEASUREMENT, data=bytes(4))).name == "cadence"


_MEASURED = st.builds(
    rsc.Measurement,
    cadence_per_min=st.integers(0, 255),
    speed_mps=st.floats(0.0, 255.9),
    stride_length_m=st.none() | st.floats(0.0, 655.3),
    distance_m=st.none() | st.floats(0.0, 4e8),
    running=st.booleans(),
)


@given(_MEASURED)
def test_a_measurement_there_and_back(said: rsc.Measurement) -> None:
    """Within half a step of each field; and no shorter packet is taken for the same."""
    data = rsc.encode_measurement(said)
    back = rsc.decode_measurement(data)
    assert (back.cadence_per_min, back.running) == (said.cadence_per_min, said.running)
    assert back.speed_mps == pytest.approx(said.speed_mps, abs=0.5 / 256)
    for key, step in (("stride_length_m", 0.01), ("distance_m", 0.1)):
        value = getattr(said, key)
        assert getattr(back, key) == (None if value is None else pytest.approx(value, abs=0.5001 * step))
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            rsc.decode_measurement(data[:size])


def test_what_is_too_large_for_a_field() -> None:
    """Speed, cadence and stride are cut off at their range; the distance begins anew, as a counter does."""
    data = rsc.encode_measurement(
        rsc.Measurement(cadence_per_min=300, speed_mps=300.0, stride_length_m=700.0, distance_m=2**32 / 10 + 5.0)
    )
    assert data.hex() == "03ffffffffff32000000"


@pytest.mark.parametrize(("code", "location"), [(0, "other"), (1, "top of shoe"), (16, "chain ring"), (17, "other")])
def test_where_the_pod_sits(code: int, location: str) -> None:
    """By the list of the service; what it does not know is some other place."""
    event = _event(RunningSpeedCadence(), m.ReadResult(characteristic=LOCATION, data=bytes([code])))
    assert event.value == {"sensor_location": location}
    assert code > 16 or rsc.encode_location(location) == bytes([code])


@given(st.sets(st.sampled_from(rsc.FEATURES)))
def test_features_there_and_back(names: set[str]) -> None:
    """Each has a bit of its own."""
    features = {name: name in names for name in rsc.FEATURES}
    assert rsc.decode_feature(rsc.encode_feature(features)) == features


# --- the connection -------------------------------------------------------------------------------------------------


def test_recognised_by_its_service_alone() -> None:
    """A pod may be called anything."""
    assert RunningSpeedCadence.matches(Advertisement(address="C0:01", services=(rsc.SERVICE,)))
    assert not RunningSpeedCadence.matches(Advertisement(address="C0:01", name="Footpod"))


def test_nothing_can_be_set() -> None:
    """A rate asked for is refused in a sentence."""
    with pytest.raises(OptionsError, match=r"^rate_hz is 2; rsc offers nothing: it cannot be set$"):
        RunningSpeedCadence(Options(rate_hz=2.0))


def test_a_pod_that_cannot_tell_running_from_walking() -> None:
    """Its flag means nothing, so `running` is null, also after a snapshot."""
    driver = RunningSpeedCadence()
    walking = {name: name != "walk_run" for name in rsc.FEATURES}
    driver.feed(m.ReadResult(characteristic=FEATURE, data=rsc.encode_feature(walking)))
    other = RunningSpeedCadence()
    other.restore(driver.snapshot())
    for one in (driver, other):
        assert _event(one, _packet(MEASUREMENTS[0])).value["running"] is None


def test_what_cannot_be_read_does_no_harm() -> None:
    """The location is optional, and a pod without features still measures."""
    driver = RunningSpeedCadence()
    for uuid in (FEATURE, LOCATION):
        assert driver.feed(m.ReadResult(characteristic=uuid, error="not there")) == []


def test_a_refused_subscription() -> None:
    """Three tries, each said; then the connection is of no use."""
    driver = RunningSpeedCadence()
    outputs = driver.start()
    for _ in range(2):
        assert m.Subscribe(characteristic=MEASUREMENT) in outputs
        said, again = driver.feed(m.WriteResult(characteristic=MEASUREMENT, error="insufficient authentication"))
        assert isinstance(said, m.Event)
        assert str(said.value["message"]).endswith(": insufficient authentication")
        assert again == m.Deadline(name="subscribed", after_s=1.0)
        outputs = driver.feed(m.Timeout(name="subscribed"))
    _, last = driver.feed(m.WriteResult(characteristic=MEASUREMENT, error="insufficient authentication"))
    assert isinstance(last, m.HangUp)


def test_a_subscription_that_is_never_answered() -> None:
    """Three tries by the deadline, then the connection is dropped."""
    driver = RunningSpeedCadence()
    driver.start()
    for _ in range(2):
        subscribe, deadline = driver.feed(m.Timeout(name="subscribed"))
        assert subscribe == m.Subscribe(characteristic=MEASUREMENT)
        assert isinstance(deadline, m.Deadline)
    (last,) = driver.feed(m.Timeout(name="subscribed"))
    assert isinstance(last, m.HangUp)
