"""The MetaMotion's state machine when answers are wrong, late or missing, and when it is taken up again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.metamotion import wire
from ankled.drivers.metamotion.driver import MetaMotion
from tests.drivers.metamotion_talk import (
    ACC_IS,
    ACC_SET,
    GYR_IS,
    GYR_SET,
    begun,
    hung_up,
    packet,
    say,
    streaming,
    written,
)


def test_answers_that_never_come() -> None:
    """Each deadline begins anew; the third ends it, restarts the board and drops the link, not for good."""
    driver = begun()
    for _ in range(2):
        outputs = driver.feed(m.Timeout(name="answer"))
        assert written(outputs)[-2:] == ["0380", "1380"]
        assert not any(isinstance(output, m.Subscribe) for output in outputs)
        assert m.Event(name="error", value={"message": "the board does not say which sensors it has"}) in outputs
    outputs = driver.feed(m.Timeout(name="answer"))
    end = hung_up(outputs)
    assert not end.lasting
    assert end.reason == "the board does not say which sensors it has, after 3 attempts"
    assert written(outputs) == ["fe01"]
    assert outputs[-1] is end


def test_settings_that_are_never_read_back() -> None:
    """The same for the answers to the configuration; a late answer to an earlier question is no harm."""
    driver = begun(ACC_IS, GYR_IS, ACC_SET)
    outputs = driver.feed(m.Timeout(name="answer"))
    assert m.Event(name="error", value={"message": "the board does not say how its sensors are set"}) in outputs
    assert say(driver, GYR_SET) == []
    assert say(driver, ACC_IS) == []
    assert written(say(driver, GYR_IS))
    assert say(driver, ACC_SET) == []
    assert written(say(driver, GYR_SET))
    assert driver.state.phase == "streaming"


def test_settings_that_are_not_taken() -> None:
    """What is read back differs: three attempts, then the reason says what it stays at."""
    driver = begun()
    for _ in range(2):
        outputs = say(driver, ACC_IS, GYR_IS, "03832803")
        assert any(isinstance(output, m.Event) and output.name == "error" for output in outputs)
        assert driver.state.phase == "discovering"
    outputs = say(driver, ACC_IS, GYR_IS, "03832803")
    assert hung_up(outputs).reason == (
        "the accelerometer stays at 100 Hz and 2 g; asked for were 100 Hz and 16 g, after 3 attempts"
    )


def test_codes_that_are_none_wait_for_the_deadline() -> None:
    """A configuration that cannot be read is malformed; the deadline then asks again."""
    driver = begun(ACC_IS, GYR_IS)
    with pytest.raises(DecodeError, match="rate code 0x2f"):
        say(driver, "03832f0c")
    assert driver.state.phase == "configuring"


def test_samples_that_never_come() -> None:
    """A sensor that is silent from the start leads to another attempt, with the reason."""
    driver = streaming()
    say(driver, packet("acc", 1))
    outputs = driver.feed(m.Timeout(name="data"))
    assert m.Event(name="error", value={"message": "no samples come from the gyroscope"}) in outputs
    assert driver.state.phase == "discovering"
    say(driver, ACC_IS, GYR_IS, ACC_SET, GYR_SET)
    outputs = driver.feed(m.Timeout(name="data"))
    message = "no samples come from the accelerometer and the gyroscope"
    assert m.Event(name="error", value={"message": message}) in outputs
    say(driver, ACC_IS, GYR_IS, ACC_SET, GYR_SET)
    assert not hung_up(driver.feed(m.Timeout(name="data"))).lasting


def test_sensor_that_falls_silent() -> None:
    """One sensor goes on alone for two seconds: the link is dropped, the next connection sets up anew."""
    driver = streaming()
    say(driver, packet("acc", 1), packet("gyr", 1))
    outputs = say(driver, *[packet("acc", 1)] * 66)
    assert len([output for output in outputs if isinstance(output, m.Block)]) == 66
    assert not any(isinstance(output, m.HangUp) for output in outputs)
    outputs = say(driver, packet("acc", 1), packet("acc", 1))
    assert hung_up(outputs).reason == "the gyroscope has fallen silent while the other sensor goes on"


def test_refused_writes() -> None:
    """A refused command is an event; a refused subscription is asked for again with the next attempt."""
    driver = MetaMotion()
    driver.start()
    said = driver.feed(m.WriteResult(characteristic=wire.DATA, error="ATT error 0x0e"))
    assert said == [m.Event(name="error", value={"message": "the subscription was refused: ATT error 0x0e"})]
    said = driver.feed(m.WriteResult(characteristic=wire.COMMAND, error="ATT error 0x03"))
    assert said == [m.Event(name="error", value={"message": "a command was refused: ATT error 0x03"})]
    assert m.Subscribe(characteristic=wire.DATA) in driver.feed(m.Timeout(name="answer"))
    assert driver.feed(m.WriteResult(characteristic=wire.COMMAND)) == []
    assert driver.feed(m.WriteResult(characteristic="00002a19-0000-1000-8000-00805f9b34fb", error="no")) == []


# What may come in, from the first answers to garbage.
inputs = st.one_of(
    st.sampled_from([ACC_IS, GYR_IS, ACC_SET, GYR_SET, "0380", "1380", "03800400", "118c633410"]),
    st.sampled_from([packet("acc", 1), packet("gyr", 2), packet("acc", 3, "bmi270"), packet("gyr", 4, "bmi270")]),
    st.sampled_from(["answer", "data", "battery"]),
    st.binary(max_size=22).map(bytes.hex),
)


def _fed(driver: MetaMotion, what: str) -> list[object]:
    """Feed a deadline's name or a value; return what follows in a form that can be compared."""
    try:
        timeout = what in ("answer", "data", "battery")
        outputs = driver.feed(m.Timeout(name=what)) if timeout else say(driver, what)
    except DecodeError as error:
        return [str(error)]
    return [
        (one.missing, *(None if part is None else part.tobytes() for part in (one.acc, one.gyr)))
        if isinstance(one, m.Block)
        else one
        for one in outputs
    ]


@given(before=st.lists(inputs, max_size=40), after=st.lists(inputs, max_size=40), streams=st.booleans())
def test_taken_up_again_at_any_moment(before: list[str], after: list[str], streams: bool) -> None:
    """Whatever comes gives outputs or a DecodeError; a snapshot goes on as if nothing had been between."""
    whole = streaming() if streams else begun()
    for what in before:
        _fed(whole, what)
    again = MetaMotion()
    again.restore(whole.snapshot())
    assert [_fed(again, what) for what in after] == [_fed(whole, what) for what in after]
    assert again.snapshot() == whole.snapshot()
