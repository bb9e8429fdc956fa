"""Movesense: what the driver asks, and what it does when it is refused, not answered, or given rubbish."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.errors import DecodeError
from ankled.drivers.movesense import Movesense, motion, resources, wire
from ankled.drivers.movesense.wire import Code

RATES: dict[str, Any] = {"SampleRates": [13, 26, 52, 104], "Ranges": [2, 4, 8, 16]}
OFFERS: dict[str, dict[str, Any]] = {
    resources.ACC_INFO: RATES,
    resources.GYRO_INFO: RATES | {"Ranges": [125, 2000]},
    resources.IMU_CONFIG: {"AccRange": 8, "GyroRange": 2000, "MagnRange": 400},
}


def notify(driver: Movesense, data: bytes) -> list[m.DriverOutput]:
    """Feed a notification of the device."""
    return driver.feed(m.Notification(characteristic=wire.DATA, data=data))


def asked(outputs: list[m.DriverOutput]) -> list[wire.Command]:
    """Return the commands that go out."""
    return [wire.decode_command(one.data) for one in outputs if isinstance(one, m.Write)]


def hung_up(outputs: list[m.DriverOutput]) -> m.HangUp:
    """Return the end, which must be there."""
    (end,) = (one for one in outputs if isinstance(one, m.HangUp))
    return end


def events(outputs: list[m.DriverOutput], name: str) -> list[dict[str, m.Value]]:
    """Return the values of events."""
    return [one.value for one in outputs if isinstance(one, m.Event) and one.name == name]


def opened(rate_hz: float | None = None) -> tuple[Movesense, list[m.DriverOutput]]:
    """Return a driver whose notifications are on, and what it did then."""
    driver = Movesense(Options(rate_hz=rate_hz))
    assert driver.start()[0] == m.Subscribe(characteristic=wire.DATA)
    return driver, driver.feed(m.WriteResult(characteristic=wire.DATA))


def answer(driver: Movesense, outputs: list[m.DriverOutput], *, until: Code = Code.SUBSCRIBE) -> list[m.DriverOutput]:
    """Answer as a sensor does that offers everything, up to a request, and return what goes out with that."""
    while (last := asked(outputs)[-1]).code != until:
        data = wire.encode_hello(last.ref, 2, ("0001", "Flash"))
        if last.code == Code.GET:
            path = last.path or ""
            data = wire.encode_response(last.ref, 200, resources.encode(path, OFFERS[path]))
        outputs = notify(driver, data)
    return outputs


def subscribing(rate_hz: float | None = None) -> tuple[Movesense, wire.Command]:
    """Return a driver that has just asked for its subscription, and that request."""
    driver, outputs = opened(rate_hz)
    return driver, asked(answer(driver, outputs))[-1]


def packets(ref: int, stamp_ms: int, count: int = 8) -> list[bytes]:
    """Return the notifications of one payload."""
    rng = np.random.default_rng(stamp_ms)
    acc, gyr = rng.normal(0.0, 5.0, (count, 3)), rng.normal(0.0, 2.0, (count, 3))
    return wire.encode_data(ref, motion.encode(stamp_ms, acc, gyr))


def stamps(number: int) -> list[int]:
    """Return the stamps of payloads of 8 samples at 104 Hz."""
    return [int(5000.4 + 1000.0 * index * 8 / 104.0) for index in range(number)]


def streaming() -> tuple[Movesense, int]:
    """Return a driver with a granted subscription, and its ref."""
    driver, last = subscribing()
    notify(driver, wire.encode_response(last.ref, 200))
    return driver, last.ref


def told(outputs: list[m.DriverOutput]) -> list[object]:
    """Return outputs in a form that can be compared."""
    return [
        (one.missing, *(None if a is None else a.tobytes() for a in (one.acc, one.gyr, one.time_s)))
        if isinstance(one, m.Block)
        else one
        for one in outputs
    ]


def test_it_asks_one_thing_after_the_other() -> None:
    """HELLO, what is offered, what is set, then the subscription; one request at a time, each with a ref of its own."""
    driver, outputs = opened()
    requests = []
    while True:
        (request,) = asked(outputs)
        requests.append(request)
        if request.code == Code.SUBSCRIBE:
            break
        data = wire.encode_hello(request.ref, 2, ("0001", "Flash", "AA", "app", "2.3.1"))
        if (path := request.path) is not None:
            data = wire.encode_response(request.ref, 200, resources.encode(path, OFFERS[path]))
        outputs = notify(driver, data)
        if request.code == Code.HELLO:
            (info,) = events(outputs, "info")
            assert info["serial"] == "0001"
            assert info["app_version"] == "2.3.1"
            assert info["ranges_settable"] is False
    assert [(one.code, one.path) for one in requests] == [
        (Code.HELLO, None),
        (Code.GET, "/Meas/Acc/Info"),
        (Code.GET, "/Meas/Gyro/Info"),
        (Code.GET, "/Meas/IMU/Config"),
        (Code.SUBSCRIBE, "/Meas/IMU6/104"),
    ]
    assert len({one.ref for one in requests}) == len(requests)
    assert 0 not in {one.ref for one in requests}


@pytest.mark.parametrize("granted", [True, False])
def test_samples_begin_with_the_settings(granted: bool) -> None:
    """Also when the SUBSCRIBE was never answered: the first samples are the answer, and its deadline is taken back."""
    driver, last = subscribing()
    if granted:
        assert notify(driver, wire.encode_response(last.ref, 200)) == [m.Deadline(name="answer", after_s=5.0)]
    first, second = packets(last.ref, 5000)
    assert notify(driver, first) == []
    deadline, said, block = notify(driver, second)
    assert deadline == m.Deadline(name="answer", after_s=None)
    assert said == m.Event(
        name="settings",
        value={
            "rate_hz": 104.0,
            "acc_range_g": 8.0,
            "gyr_range_dps": 2000.0,
            "acc_ranges_g": [2.0, 4.0, 8.0, 16.0],
            "gyr_ranges_dps": [125.0, 2000.0],
        },
    )
    assert isinstance(block, m.Block)
    assert len(block) == 8
    if not granted:
        assert notify(driver, wire.encode_response(last.ref, 200)) == []
    assert driver.feed(m.Timeout(name="answer")) == []
    assert driver.stop() == [
        m.Write(characteristic=wire.COMMAND, data=bytes([2, last.ref])),
        m.Subscribe(characteristic=wire.DATA, on=False),
    ]


def test_ranges_that_the_sensor_does_not_say_are_not_made_up() -> None:
    """Without an answer, or with one that contradicts what is offered, the ranges are None."""
    for data in (
        wire.encode_response(4, 404),
        wire.encode_response(4, 200, b"\x07\x01\x00\x90\x01"),
        b"\x01\x04\xc8\x00\x08",
    ):
        driver, outputs = opened()
        for _ in range(3):
            last = asked(outputs)[-1]
            path = last.path
            body = b"" if path is None else resources.encode(path, OFFERS[path])
            outputs = notify(driver, wire.encode_response(last.ref, 200, body))
        last = asked(notify(driver, data))[-1]
        assert last.code == Code.SUBSCRIBE
        for packet in packets(last.ref, 5000):
            outputs = notify(driver, packet)
        (said,) = events(outputs, "settings")
        assert said["acc_range_g"] is None
        assert said["gyr_range_dps"] is None


def test_the_sample_firmware_is_asked_for_samples_only() -> None:
    """It says "Hello" and knows no GET: a request that is not answered might keep its slot."""
    driver, outputs = opened()
    outputs = notify(driver, wire.encode_hello(asked(outputs)[-1].ref, None, ("Hello",)))
    assert [one.code for one in asked(outputs)] == [Code.SUBSCRIBE]


def test_a_rate_that_the_sensor_does_not_offer_ends_it_for_good() -> None:
    """What a Movesense offers is checked before the subscription; the reason names it."""
    driver, outputs = opened(208.0)
    for _ in range(3):
        last = asked(outputs)[-1]
        path = last.path
        body = b"" if path is None else resources.encode(path, OFFERS[path])
        outputs = notify(driver, wire.encode_response(last.ref, 200, body))
    end = hung_up(notify(driver, wire.encode_response(asked(outputs)[-1].ref, 404)))
    assert end.lasting
    assert end.reason == "rate_hz is 208; this Movesense offers 13, 26, 52, 104"


@pytest.mark.parametrize(
    ("status", "lasting", "what"),
    [
        (501, True, "not implemented (501)"),
        (404, True, "not found (404)"),
        (400, True, "bad request (400)"),
        (507, False, "no free subscription (507); subscriptions become free"),
    ],
)
def test_refusals_that_end_it(status: int, lasting: bool, what: str) -> None:
    """What will not change ends the connection for good; a full table is emptied by the end of the link."""
    driver, last = subscribing()
    outputs = notify(driver, wire.encode_response(last.ref, status, swapped=status == 507))
    end = hung_up(outputs)
    assert end.lasting is lasting
    assert what in end.reason
    assert "SUBSCRIBE /Meas/IMU6/104" in end.reason
    (said,) = events(outputs, "error")
    assert said["status"] == status


@pytest.mark.parametrize("status", [503, 409, 500])
def test_refusals_that_may_pass_are_tried_again(status: int) -> None:
    """After a pause, three times in all."""
    driver, last = subscribing()
    for _ in range(2):
        outputs = notify(driver, wire.encode_response(last.ref, status))
        assert outputs[-1] == m.Deadline(name="again", after_s=2.0)
        assert not asked(outputs)
        assert driver.feed(m.Timeout(name="answer")) == []
        (last,) = asked(driver.feed(m.Timeout(name="again")))
        assert last.code == Code.SUBSCRIBE
    end = hung_up(notify(driver, wire.encode_response(last.ref, status)))
    assert not end.lasting
    assert end.reason.endswith("3 times")


def full() -> tuple[Movesense, wire.Command]:
    """Return a driver that has met 429 twice, and what it asks then."""
    driver, last = subscribing()
    outputs = notify(driver, wire.encode_response(last.ref, 429))
    assert outputs[-1] == m.Deadline(name="again", after_s=2.0)
    (last,) = asked(driver.feed(m.Timeout(name="again")))
    (last,) = asked(notify(driver, wire.encode_response(last.ref, 429)))
    return driver, last


def test_a_sensor_without_slots_is_restarted_once() -> None:
    """429 outlives the connection: after one pause the sensor is restarted, and the connection ended."""
    driver, last = full()
    assert last == (Code.PUT_SYSTEMMODE, last.ref, b"\x05")
    end = hung_up(notify(driver, wire.encode_response(last.ref, 202)))
    assert not end.lasting
    assert "restarted" in end.reason
    assert "429" in end.reason


@pytest.mark.parametrize("how", ["refused", "silent", "unwritten"])
def test_a_restart_that_fails_is_left_to_people(how: str) -> None:
    """Nothing else helps: the reason says what to do."""
    driver, last = full()
    if how == "refused":
        outputs = notify(driver, wire.encode_response(last.ref, 429))
    elif how == "silent":
        outputs = driver.feed(m.Timeout(name="answer"))
    else:
        outputs = driver.feed(m.WriteResult(characteristic=wire.COMMAND, error="no link"))
    end = hung_up(outputs)
    assert end.lasting
    assert "battery" in end.reason


def test_429_to_a_question_ends_the_questions() -> None:
    """What is optional is not asked of a sensor that is short of slots."""
    driver, outputs = opened()
    outputs = answer(driver, outputs, until=Code.GET)
    outputs = notify(driver, wire.encode_response(asked(outputs)[-1].ref, 429))
    assert [one.code for one in asked(outputs)] == [Code.SUBSCRIBE]


@pytest.mark.parametrize("broken", [b"\x08\x0d", b"", b"\x01\x0d\x00\x01\x02\x03"])
def test_an_answer_that_makes_no_sense_is_told_and_passed_over(broken: bytes) -> None:
    """What is offered is good to know, and no more: the next question follows."""
    driver, outputs = opened()
    outputs = answer(driver, outputs, until=Code.GET)
    outputs = notify(driver, wire.encode_response(asked(outputs)[-1].ref, 200, broken))
    assert "/Meas/Acc/Info" in str(events(outputs, "error")[0]["message"])
    assert asked(outputs)[-1].path == "/Meas/Gyro/Info"


def test_silence_after_a_question_ends_the_questions() -> None:
    """No GET is made after one that was not answered: it may have cost a slot for good."""
    driver, outputs = opened()
    answer(driver, outputs, until=Code.GET)
    outputs = driver.feed(m.Timeout(name="answer"))
    assert "GET /Meas/Acc/Info was not answered within 3 s" in str(events(outputs, "error"))
    assert [one.code for one in asked(outputs)] == [Code.SUBSCRIBE]


def test_silence_after_hello_is_tried_again_and_then_ends_it() -> None:
    """A link that carries commands and no answers is of no use."""
    driver, _ = opened()
    for _ in range(2):
        (last,) = asked(driver.feed(m.Timeout(name="answer")))
        assert last.code == Code.HELLO
    assert hung_up(driver.feed(m.Timeout(name="answer"))).reason == "HELLO was not answered within 3 s, 3 times"


@pytest.mark.parametrize("granted", [True, False])
def test_a_subscription_without_samples_is_made_anew(granted: bool) -> None:
    """The old one is ended first, so that none is doubled; never more than two requests wait; then it is given up."""
    driver, last = subscribing()
    for left in (2, 1, 0):
        if granted:
            notify(driver, wire.encode_response(last.ref, 200))
        outputs = driver.feed(m.Timeout(name="answer"))
        if left:
            end, again = asked(outputs)
            assert end == (Code.UNSUBSCRIBE, last.ref, b"")
            assert again.code == Code.SUBSCRIBE
            assert again.ref != last.ref
            assert notify(driver, packets(last.ref, 5000)[0]) == [], "data of the old one are left alone"
            last = again
    assert not hung_up(outputs).lasting


def test_a_link_that_refuses_is_dropped() -> None:
    """Notifications that cannot be switched on, or commands that cannot be written, end it with the reason."""
    driver = Movesense()
    driver.start()
    assert (
        "not permitted" in hung_up(driver.feed(m.WriteResult(characteristic=wire.DATA, error="not permitted"))).reason
    )
    driver = Movesense()
    driver.start()
    assert "within 3 s" in hung_up(driver.feed(m.Timeout(name="answer"))).reason
    driver, _ = opened()
    for _ in range(2):
        outputs = driver.feed(m.WriteResult(characteristic=wire.COMMAND, error="no link"))
        assert events(outputs, "error")
    assert hung_up(driver.feed(m.WriteResult(characteristic=wire.COMMAND, error="no link")))


def test_a_lost_part_costs_its_payload_and_no_more() -> None:
    """The loss is told, counted by the stamps, and the next payload is whole."""
    driver, ref = streaming()
    blocks: list[m.Block] = []
    errors = []
    for index, stamp_ms in enumerate(stamps(6)):
        for kind, packet in enumerate(packets(ref, stamp_ms)):
            if (index, kind) == (3, 1):
                continue
            outputs = notify(driver, packet)
            blocks += [one for one in outputs if isinstance(one, m.Block)]
            errors += events(outputs, "error")
    assert [one.missing for one in blocks] == [0, 0, 0, 8, 0]
    assert [str(one["message"]) for one in errors] == ["of a payload only the first 150 bytes came; it is lost"]


def test_a_lost_first_part_costs_its_payload_and_no_more() -> None:
    """The second part alone is refused, and the next payload is whole."""
    driver, ref = streaming()
    missing = []
    for index, stamp_ms in enumerate(stamps(6)):
        first, second = packets(ref, stamp_ms)
        if index == 3:
            with pytest.raises(DecodeError, match="part 2"):
                notify(driver, second)
            continue
        notify(driver, first)
        missing += [one.missing for one in notify(driver, second) if isinstance(one, m.Block)]
    assert missing == [0, 0, 0, 8, 0]


def test_what_nobody_asked_for_is_refused() -> None:
    """Data of an unknown subscription, answers to no request, values of other characteristics."""
    driver, _ = opened()
    for early in (0, 77):
        with pytest.raises(DecodeError, match=f"subscription {early}; there is only none yet"):
            notify(driver, packets(early, 5000)[0])
    driver, ref = streaming()
    for data, what in (
        (packets(77, 5000)[0], "subscription 77"),
        (wire.encode_response(78, 200), "request 78"),
        (wire.encode_response(0, 503), "request 0"),
        (b"\x01\x05\x00\x00", "neither a status"),
        (b"\x02", "shorter than its header"),
    ):
        with pytest.raises(DecodeError, match=what):
            notify(driver, data)
    with pytest.raises(DecodeError, match="brings nothing"):
        driver.feed(m.ReadResult(characteristic="2a19", data=b"\x50"))
    assert notify(driver, wire.encode_response(ref - 1, 503)) == [], "an answer that is late"
    (unknown,) = events(notify(driver, b"\x63\x04\x01\x02"), "error")
    assert unknown["code"] == 99


def test_a_snapshot_goes_on_the_same() -> None:
    """Taken after any packet, also between two parts and before the first answer, bit for bit."""
    driver, outputs = opened()
    said: list[bytes] = []
    while (last := asked(outputs)[-1]).code != Code.SUBSCRIBE:
        path = last.path
        body = b"" if path is None else resources.encode(path, OFFERS[path])
        said.append(wire.encode_response(last.ref, 200, body))
        outputs = notify(driver, said[-1])
    said.append(wire.encode_response(last.ref, 200))
    said += [packet for stamp_ms in stamps(5) for packet in packets(last.ref, stamp_ms)]

    whole, _ = opened()
    wanted = [told(notify(whole, data)) for data in said]
    for cut in range(len(said)):
        before, _ = opened()
        got = [told(notify(before, data)) for data in said[:cut]]
        after = Movesense()
        after.restore(before.snapshot())
        got += [told(notify(after, data)) for data in said[cut:]]
        assert got == wanted


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=160), max_size=12), st.booleans())
def test_rubbish_is_refused_and_nothing_else(rubbish: list[bytes], headed: bool) -> None:
    """Any bytes raise DecodeError or give events; the stream goes on behind them."""
    driver, ref = streaming()
    for data in rubbish:
        try:
            outputs = notify(driver, bytes([2 + len(data) % 3, ref]) + data if headed else data)
        except DecodeError:
            continue
        assert all(isinstance(one, m.Event | m.Block | m.Deadline) for one in outputs)
    blocks = [one for packet in packets(ref, 2**31) for one in notify(driver, packet) if isinstance(one, m.Block)]
    assert len(blocks) == 1


Step = st.one_of(
    st.builds(wire.encode_response, st.integers(1, 12), st.sampled_from([200, 404, 429, 503])),
    st.builds(lambda ref: wire.encode_hello(ref, 2, ("1",)), st.integers(1, 12)),
    st.builds(lambda ref, at: packets(ref, at)[0], st.integers(1, 12), st.integers(0, 10**6)),
    st.sampled_from(["answer", "again", "", "nonsense"]),
)


@given(st.lists(Step, max_size=40))
def test_whatever_the_sensor_says_the_dialogue_ends(script: list[bytes | str]) -> None:
    """No answer, in any order, makes the driver ask for ever, or have more than two requests wait at a time."""
    driver, outputs = opened()
    requests = len(asked(outputs))
    for item in script:
        try:
            if isinstance(item, bytes):
                outputs = notify(driver, item)
            elif item:
                outputs = driver.feed(m.Timeout(name=item))
            else:
                outputs = driver.feed(m.WriteResult(characteristic=wire.COMMAND, error="busy"))
        except DecodeError:
            continue
        assert len(asked(outputs)) <= 2
        requests += len(asked(outputs))
        if any(isinstance(one, m.HangUp) for one in outputs):
            break
    assert requests <= 16
