"""Messages of the Polar control point: answers in pieces, what is malformed, refusals, and the context of `decode`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import Polar, wire


def said(data: bytes) -> m.Event:
    """Return the only output of a message of the control point."""
    (out,) = Polar.for_decoding({}).feed(m.Notification(characteristic=wire.CONTROL, data=data))
    assert isinstance(out, m.Event)
    return out


@given(
    st.dictionaries(st.sampled_from([0, 1, 2, 4]), st.lists(st.integers(0, 255), max_size=9)),
    st.integers(6, 60),
    st.integers(1, 3),
)
def test_answers_in_pieces(settings: dict[int, list[float]], size: int, operation: int) -> None:
    """However small the MTU cuts an answer, its settings come out whole, once, at the last piece."""
    parameters = wire.encode_settings(settings.items())
    pieces = wire.encode_answer(wire.Answer(operation, wire.GYRO, wire.OK, parameters=parameters), size)
    assert all(len(piece) <= size for piece in pieces)
    driver = Polar.for_decoding({})
    outputs = [driver.feed(m.Notification(characteristic=wire.CONTROL, data=piece)) for piece in pieces]
    assert not any(outputs[:-1])
    (out,) = outputs[-1]
    assert isinstance(out, m.Event)
    assert out.value["params"] == wire.named(settings)


def test_an_answer_without_end_is_refused() -> None:
    """A device that always announces more does not fill the memory."""
    driver = Polar.for_decoding({})
    piece = m.Notification(characteristic=wire.CONTROL, data=bytes.fromhex("f001020001") + bytes(200))
    for _ in range(5):
        assert driver.feed(piece) == []
    with pytest.raises(DecodeError, match="beyond 1024 bytes"):
        driver.feed(piece)
    assert driver.state.partial == b""


@pytest.mark.parametrize(
    ("hexadecimal", "sentence"),
    [
        ("", "says nothing"),
        ("0f", "end after their mark"),
        ("01", "none is named"),
        ("f00201", "at least 4 bytes, this one 3"),
        ("77", "0x77 is no message"),
        ("f001020000090100", "setting 9 at byte 0"),
        ("f0010200000002", "sample_rate_hz at byte 0 needs 6 bytes; the settings end after 2"),
        ("f002020000050100000000", "the factor is 0"),
        ("f0020200000501000080ff", "the factor is -inf"),
        ("f0020200000501ffffffff", "the factor is nan"),
    ],
)
def test_malformed_messages_of_the_control_point(hexadecimal: str, sentence: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(DecodeError, match=sentence):
        said(bytes.fromhex(hexadecimal))


def test_refusals_and_stops_are_told() -> None:
    """A status is told in words and as its number; a stop names what has stopped. Both have no other effect here."""
    refused = said(bytes.fromhex("f002020a"))
    assert refused.name == "error"
    assert refused.value["status"] == wire.INVALID_MTU
    assert refused.value["message"] == "start ACC: the MTU of the link is too small"
    assert said(bytes.fromhex("f0020263")).value["message"] == "start ACC: status 99"
    stopped = said(bytes.fromhex("010205"))
    assert (stopped.name, stopped.value) == ("status", {"stopped": ["ACC", "GYRO"]})


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"range_g": 8}, '"range_g" is not known'),
        ({"rate_hz": 0}, "1 to 10000"),
        ({"rate_hz": "52"}, "a number is needed"),
        ({"factor": -1}, "the factor is -1"),
        ({"previous_time_s": -1}, "0 to 1e"),
        ({"channels": 3, "resolution_bits": 33}, "1 to 32"),
    ],
)
def test_context_that_does_not_fit(context: dict[str, m.Value], sentence: str) -> None:
    """A mistake in the context of `decode` is one sentence."""
    with pytest.raises(DecodeError, match=sentence):
        Polar.for_decoding(context)
