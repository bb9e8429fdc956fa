"""Movesense: what the driver asks, and what it does when it is refused or not answered."""

from __future__ import annotations

import pytest

from ankled.drivers import messages as m
from ankled.drivers.movesense import Movesense, resources, wire
from ankled.drivers.movesense.wire import Code
from tests.drivers.movesense_talk import (
    OFFERS,
    answer,
    asked,
    events,
    feed,
    hung_up,
    opened,
    packets,
    subscribing,
)


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
        outputs = feed(driver, data)
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
        assert feed(driver, wire.encode_response(last.ref, 200)) == [m.Deadline(name="answer", after_s=5.0)]
    first, second = packets(last.ref, 5000)
    assert feed(driver, first) == []
    deadline, said, block = feed(driver, second)
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
        assert feed(driver, wire.encode_response(last.ref, 200)) == []
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
            outputs = feed(driver, wire.encode_response(last.ref, 200, body))
        last = asked(feed(driver, data))[-1]
        assert last.code == Code.SUBSCRIBE
        for packet in packets(last.ref, 5000):
            outputs = feed(driver, packet)
        (said,) = events(outputs, "settings")
        assert said["acc_range_g"] is None
        assert said["gyr_range_dps"] is None


def test_the_sample_firmware_is_asked_for_samples_only() -> None:
    """It says "Hello" and knows no GET: a request that is not answered might keep its slot."""
    driver, outputs = opened()
    outputs = feed(driver, wire.encode_hello(asked(outputs)[-1].ref, None, ("Hello",)))
    assert [one.code for one in asked(outputs)] == [Code.SUBSCRIBE]


def test_a_rate_that_the_sensor_does_not_offer_ends_it_for_good() -> None:
    """What a Movesense offers is checked before the subscription; the reason names it."""
    driver, outputs = opened(208.0)
    for _ in range(3):
        last = asked(outputs)[-1]
        path = last.path
        body = b"" if path is None else resources.encode(path, OFFERS[path])
        outputs = feed(driver, wire.encode_response(last.ref, 200, body))
    end = hung_up(feed(driver, wire.encode_response(asked(outputs)[-1].ref, 404)))
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
    outputs = feed(driver, wire.encode_response(last.ref, status, swapped=status == 507))
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
        outputs = feed(driver, wire.encode_response(last.ref, status))
        assert outputs[-1] == m.Deadline(name="again", after_s=2.0)
        assert not asked(outputs)
        assert driver.feed(m.Timeout(name="answer")) == []
        (last,) = asked(driver.feed(m.Timeout(name="again")))
        assert last.code == Code.SUBSCRIBE
    end = hung_up(feed(driver, wire.encode_response(last.ref, status)))
    assert not end.lasting
    assert end.reason.endswith("3 times")


def full() -> tuple[Movesense, wire.Command]:
    """Return a driver that has met 429 twice, and what it asks then."""
    driver, last = subscribing()
    outputs = feed(driver, wire.encode_response(last.ref, 429))
    assert outputs[-1] == m.Deadline(name="again", after_s=2.0)
    (last,) = asked(driver.feed(m.Timeout(name="again")))
    (last,) = asked(feed(driver, wire.encode_response(last.ref, 429)))
    return driver, last


def test_a_sensor_without_slots_is_restarted_once() -> None:
    """429 outlives the connection: after one pause the sensor is restarted, and the connection ended."""
    driver, last = full()
    assert last == (Code.PUT_SYSTEMMODE, last.ref, b"\x05")
    end = hung_up(feed(driver, wire.encode_response(last.ref, 202)))
    assert not end.lasting
    assert "restarted" in end.reason
    assert "429" in end.reason


@pytest.mark.parametrize("how", ["refused", "silent", "unwritten"])
def test_a_restart_that_fails_is_left_to_people(how: str) -> None:
    """Nothing else helps: the reason says what to do."""
    driver, last = full()
    if how == "refused":
        outputs = feed(driver, wire.encode_response(last.ref, 429))
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
    outputs = feed(driver, wire.encode_response(asked(outputs)[-1].ref, 429))
    assert [one.code for one in asked(outputs)] == [Code.SUBSCRIBE]


@pytest.mark.parametrize("broken", [b"\x08\x0d", b"", b"\x01\x0d\x00\x01\x02\x03"])
def test_an_answer_that_makes_no_sense_is_told_and_passed_over(broken: bytes) -> None:
    """What is offered is good to know, and no more: the next question follows."""
    driver, outputs = opened()
    outputs = answer(driver, outputs, until=Code.GET)
    outputs = feed(driver, wire.encode_response(asked(outputs)[-1].ref, 200, broken))
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
            feed(driver, wire.encode_response(last.ref, 200))
        outputs = driver.feed(m.Timeout(name="answer"))
        if left:
            end, again = asked(outputs)
            assert end == (Code.UNSUBSCRIBE, last.ref, b"")
            assert again.code == Code.SUBSCRIBE
            assert again.ref != last.ref
            assert feed(driver, packets(last.ref, 5000)[0]) == [], "data of the old one are left alone"
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
