"""Movesense: a stream with losses, interruptions and rubbish in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.movesense import Movesense, resources, wire
from ankled.drivers.movesense.wire import Code
from tests.drivers.movesense_talk import (
    OFFERS,
    asked,
    events,
    feed,
    opened,
    packets,
    streaming,
)


def stamps(number: int) -> list[int]:
    """Return the stamps of payloads of 8 samples at 104 Hz."""
    return [int(5000.4 + 1000.0 * index * 8 / 104.0) for index in range(number)]


def told(outputs: list[m.DriverOutput]) -> list[object]:
    """Return outputs in a form that can be compared."""
    return [
        (one.missing, *(None if a is None else a.tobytes() for a in (one.acc, one.gyr, one.time_s)))
        if isinstance(one, m.Block)
        else one
        for one in outputs
    ]


def test_a_lost_part_costs_its_payload_and_no_more() -> None:
    """The loss is told, counted by the stamps, and the next payload is whole."""
    driver, ref = streaming()
    blocks: list[m.Block] = []
    errors = []
    for index, stamp_ms in enumerate(stamps(6)):
        for kind, packet in enumerate(packets(ref, stamp_ms)):
            if (index, kind) == (3, 1):
                continue
            outputs = feed(driver, packet)
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
                feed(driver, second)
            continue
        feed(driver, first)
        missing += [one.missing for one in feed(driver, second) if isinstance(one, m.Block)]
    assert missing == [0, 0, 0, 8, 0]


def test_what_nobody_asked_for_is_refused() -> None:
    """Data of an unknown subscription, answers to no request, values of other characteristics."""
    driver, _ = opened()
    for early in (0, 77):
        with pytest.raises(DecodeError, match=f"subscription {early}; there is only none yet"):
            feed(driver, packets(early, 5000)[0])
    driver, ref = streaming()
    for data, what in (
        (packets(77, 5000)[0], "subscription 77"),
        (wire.encode_response(78, 200), "request 78"),
        (wire.encode_response(0, 503), "request 0"),
        (b"\x01\x05\x00\x00", "neither a status"),
        (b"\x02", "shorter than its header"),
    ):
        with pytest.raises(DecodeError, match=what):
            feed(driver, data)
    with pytest.raises(DecodeError, match="brings nothing"):
        driver.feed(m.ReadResult(characteristic="2a19", data=b"\x50"))
    assert feed(driver, wire.encode_response(ref - 1, 503)) == [], "an answer that is late"
    (unknown,) = events(feed(driver, b"\x63\x04\x01\x02"), "error")
    assert unknown["code"] == 99


def test_a_snapshot_goes_on_the_same() -> None:
    """Taken after any packet, also between two parts and before the first answer, bit for bit."""
    driver, outputs = opened()
    said: list[bytes] = []
    while (last := asked(outputs)[-1]).code != Code.SUBSCRIBE:
        path = last.path
        body = b"" if path is None else resources.encode(path, OFFERS[path])
        said.append(wire.encode_response(last.ref, 200, body))
        outputs = feed(driver, said[-1])
    said.append(wire.encode_response(last.ref, 200))
    said += [packet for stamp_ms in stamps(5) for packet in packets(last.ref, stamp_ms)]

    whole, _ = opened()
    wanted = [told(feed(whole, data)) for data in said]
    for cut in range(len(said)):
        before, _ = opened()
        got = [told(feed(before, data)) for data in said[:cut]]
        after = Movesense()
        after.restore(before.snapshot())
        got += [told(feed(after, data)) for data in said[cut:]]
        assert got == wanted


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=160), max_size=12), st.booleans())
def test_rubbish_is_refused_and_nothing_else(rubbish: list[bytes], headed: bool) -> None:
    """Any bytes raise DecodeError or give events; the stream goes on behind them."""
    driver, ref = streaming()
    for data in rubbish:
        try:
            outputs = feed(driver, bytes([2 + len(data) % 3, ref]) + data if headed else data)
        except DecodeError:
            continue
        assert all(isinstance(one, m.Event | m.Block | m.Deadline) for one in outputs)
    blocks = [one for packet in packets(ref, 2**31) for one in feed(driver, packet) if isinstance(one, m.Block)]
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
                outputs = feed(driver, item)
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
