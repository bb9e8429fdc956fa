"""The MetaMotion's state machine by itself: every answer that is wrong, late or missing, and taking it up again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.metamotion import wire
from ankled.drivers.metamotion.driver import MetaMotion

if TYPE_CHECKING:
    from collections.abc import Iterable

ACC_IS, GYR_IS = "03800101", "13800001"
ACC_SET, GYR_SET = "0383280c", "13832800"
"""The BMI160 at 100 Hz, 16 g, 2000 degrees per second, which nobody has to ask for."""


def say(driver: MetaMotion, *values: str) -> list[m.DriverOutput]:
    """Let the device send these values, in hexadecimal digits."""
    return [
        output
        for value in values
        for output in driver.feed(m.Notification(characteristic=wire.DATA, data=bytes.fromhex(value)))
    ]


def begun(*values: str, options: Options | None = None) -> MetaMotion:
    """Return a driver that has started, subscribed and heard these values."""
    driver = MetaMotion(options)
    driver.start()
    driver.feed(m.WriteResult(characteristic=wire.DATA))
    say(driver, *values)
    return driver


def streaming() -> MetaMotion:
    """Return a driver that waits for samples of a BMI160."""
    driver = begun(ACC_IS, GYR_IS, ACC_SET, GYR_SET)
    assert driver.state.phase == "streaming"
    return driver


def written(outputs: Iterable[m.DriverOutput]) -> list[str]:
    """Return what is written."""
    return [output.data.hex() for output in outputs if isinstance(output, m.Write)]


def hung_up(outputs: Iterable[m.DriverOutput]) -> m.HangUp:
    """Return the one HangUp."""
    (found,) = [output for output in outputs if isinstance(output, m.HangUp)]
    return found


def packet(stream: str, number: int, chip: str = "bmi160") -> str:
    """Return a packed packet whose samples are `number`, in hexadecimal digits."""
    sensor = next(one for one in wire.SENSORS if (one.chip, one.stream) == (chip, stream))
    return bytes([sensor.module, sensor.packed]).hex() + np.full(9, number, "<i2").tobytes().hex()


def test_start_takes_away_what_was_left_and_asks() -> None:
    """Subscription first, then the tear-down, then both modules, then a deadline."""
    outputs = MetaMotion().start()
    assert outputs[0] == m.Subscribe(characteristic=wire.DATA)
    assert written(outputs) == ["0908", "0a05", "0b0a", "190100", "1903007f", "0380", "1380"]
    assert isinstance(outputs[-1], m.Deadline)


@pytest.mark.parametrize(
    ("said", "configured", "run"),
    [
        (
            (ACC_IS, GYR_IS),
            [
                *("030100", "03020001", "031c00", "030400", "0303290c", "0383"),
                *("130100", "13020001", "130700", "130500", "13032900", "1383"),
            ],
            ["031c01", "03020100", "030101", "130701", "13020100", "130101"],
        ),
        (
            ("03800400", "13800100"),
            [
                *("030100", "03020001", "030500", "030400", "0303a903", "0383"),
                *("130100", "13020001", "130500", "130400", "13032900", "1383"),
            ],
            ["030501", "03020100", "030101", "130501", "13020100", "130101"],
        ),
    ],
    ids=["bmi160", "bmi270"],
)
def test_commands_of_each_chip(said: tuple[str, ...], configured: list[str], run: list[str]) -> None:
    """At 200 Hz: let rest, configure, read back; subscribe, let through, power on; and all of it back at the end."""
    driver = begun(options=Options(rate_hz=200.0))
    assert written(say(driver, *said)) == configured
    back = [bytes.fromhex(one) for one in configured if one[2:4] == "03" and len(one) == 8]
    outputs = say(driver, *(bytes([one[0], 0x83, *one[2:]]).hex() for one in back))
    assert written(outputs) == ["110906000c0000005802", *run, "118c"]
    settings = [output for output in outputs if isinstance(output, m.Event)]
    assert settings == [
        m.Event(name="settings", value={"rate_hz": 200.0, "acc_range_g": 16.0, "gyr_range_dps": 2000.0})
    ]
    ended = driver.stop()
    assert written(ended) == configured[6:10] + configured[:4]
    assert ended[-1] == m.Subscribe(characteristic=wire.DATA, on=False)
    assert say(driver, packet("acc", 1)) == []
    assert driver.feed(m.Timeout(name="battery")) == []


def test_stop_before_anything_is_known() -> None:
    """Stopped at once, there is nothing to let rest."""
    outputs = begun().stop()
    assert written(outputs) == []
    assert {output.after_s for output in outputs if isinstance(output, m.Deadline)} == {None}


def test_board_without_gyroscope() -> None:
    """The module is absent: acceleration alone, each packet at once."""
    driver = begun(ACC_IS)
    assert written(say(driver, "1380"))[-1] == "0383"
    outputs = say(driver, ACC_SET)
    (settings,) = [output for output in outputs if isinstance(output, m.Event)]
    assert settings.value == {"rate_hz": 100.0, "acc_range_g": 16.0, "gyr_range_dps": None}
    assert not any(one.startswith("13") for one in written(outputs))
    blocks = say(driver, packet("acc", 2048))
    assert isinstance(blocks[0], m.Block)
    assert blocks[0].gyr is None
    assert blocks[0].acc is not None
    np.testing.assert_allclose(blocks[0].acc, 9.80665)
    assert say(driver, packet("gyr", 1)) == []
    assert driver.feed(m.Timeout(name="data")) == []


@pytest.mark.parametrize(
    ("said", "options", "reason"),
    [
        (("0380", "1380"), Options(), "the board has no accelerometer"),
        (("0380", GYR_IS), Options(), "the board has no accelerometer"),
        (("03800301", GYR_IS), Options(), r"implementation 3; known are 1 \(bmi160\) and 4 \(bmi270\)"),
        ((ACC_IS, "13800500"), Options(), r"implementation 5; known are 0 \(bmi160\) and 1 \(bmi270\)"),
        (("03800100", GYR_IS), Options(), "accelerometer module is of revision 0; packed samples need 1 or later"),
        ((ACC_IS, "13800000"), Options(), "gyroscope module is of revision 0; packed samples need 1 or later"),
        ((ACC_IS, "1380"), Options(gyr_range_dps=500.0), "no gyroscope; it offers acceleration alone"),
    ],
)
def test_boards_that_will_not_do(said: tuple[str, ...], options: Options, reason: str) -> None:
    """What another attempt cannot mend ends the connection for good, and restarts nothing."""
    driver = begun(options=options)
    outputs = say(driver, *said)
    end = hung_up(outputs)
    assert end.lasting
    assert written(outputs) == []
    assert re.search(reason, end.reason)


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


def test_battery_is_asked_again_and_again() -> None:
    """The battery is read at once and by a deadline; no answer is no harm."""
    driver = streaming()
    for _ in range(5):
        outputs = driver.feed(m.Timeout(name="battery"))
        assert written(outputs) == ["118c"]
        assert isinstance(outputs[-1], m.Deadline)
    assert say(driver, "118c633410") == [m.Event(name="battery", value={"level": 99, "voltage_mv": 4148})]


def test_what_nobody_asked_for_is_ignored() -> None:
    """Single samples, fused values, accounters, other modules, other characteristics, unknown modules: nothing."""
    driver = streaming()
    others = ["030416c494a22ad0", "13053e43ff7f0080", "19057a569142b46260c27334044400"]
    others += ["090300a6330d00c100b12419cd", "0380", "03830000", "010100", "0e0e"]
    assert say(driver, *others) == []
    assert driver.feed(m.Notification(characteristic=wire.COMMAND, data=b"\x03")) == []
    assert driver.feed(m.ReadResult(characteristic=wire.DATA, data=b"\x03")) == []
    assert say(begun(), packet("acc", 1), "118c633410", ACC_SET) == []


def test_lost_packet_is_reported() -> None:
    """One gyroscope packet is lost among others: three samples are missing right before the next."""
    driver = streaming()
    order = [("acc", 0), ("gyr", 0), ("acc", 1), ("acc", 2), ("gyr", 2), ("acc", 3), ("gyr", 3)]
    blocks = [one for one in say(driver, *(packet(*one) for one in order)) if isinstance(one, m.Block)]
    assert [one.missing for one in blocks] == [0, 0, 0, 0, 3, 0, 0]
    assert [one.acc is None for one in blocks] == [False, True, False, False, True, False, True]
    assert all(one.time_s is None and len(one) == 3 for one in blocks)


def test_malformed_samples_count_as_lost() -> None:
    """A packet that was cut is refused, and the balance then shows that it is missing."""
    driver = streaming()
    say(driver, packet("acc", 0), packet("gyr", 0))
    with pytest.raises(DecodeError, match="20 bytes here, this one 19"):
        say(driver, packet("acc", 1)[:-2])
    blocks = say(driver, *(packet(*one) for one in (("gyr", 1), ("acc", 2), ("gyr", 2))))
    assert [one.missing for one in blocks if isinstance(one, m.Block)] == [0, 3, 0]


def test_ranges_scale_the_samples() -> None:
    """The range that was asked for is the one that samples are read by."""
    driver = begun(ACC_IS, GYR_IS, "03832803", "13832804", options=Options(acc_range_g=2.0, gyr_range_dps=125.0))
    acc, gyr = say(driver, packet("acc", 16384), packet("gyr", 2624))
    assert isinstance(acc, m.Block)
    assert isinstance(gyr, m.Block)
    assert acc.acc is not None
    assert gyr.gyr is not None
    np.testing.assert_allclose(acc.acc, 9.80665)
    np.testing.assert_allclose(gyr.gyr, np.deg2rad(10.0))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options(rate_hz=104.0), "rate_hz is 104; metamotion offers 25, 50, 100, 200"),
        (Options(acc_range_g=32.0), "acc_range_g is 32; metamotion offers 2, 4, 8, 16"),
        (Options(gyr_range_dps=245.0), "gyr_range_dps is 245; metamotion offers 125, 250, 500, 1000, 2000"),
    ],
)
def test_options_that_nobody_offers(options: Options, sentence: str) -> None:
    """What neither chip offers is refused before anything is sent."""
    with pytest.raises(OptionsError, match=sentence):
        MetaMotion(options)


def test_advertisements() -> None:
    """It is known by its name, or by its service where the user has given it another name."""
    address = "E8:C9:8F:52:7B:07"
    assert MetaMotion.matches(Advertisement(address=address, name="MetaWear"))
    assert MetaMotion.matches(Advertisement(address=address, name="left ankle", services=(wire.SERVICE,)))
    assert not MetaMotion.matches(Advertisement(address=address, name="Movesense 1234"))


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
