"""The MetaMotion's state machine by itself: commands, boards, samples."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.metamotion import wire
from ankled.drivers.metamotion.driver import MetaMotion
from tests.drivers.metamotion_talk import (
    ACC_IS,
    ACC_SET,
    GYR_IS,
    begun,
    hung_up,
    packet,
    say,
    streaming,
    written,
)


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
        m.Event(
            name="settings",
            value={"rate_hz": 200.0, "acc_range_g": 16.0, "gyr_range_dps": 2000.0, "streams": ["acc", "gyr"]},
        )
    ]
    before = driver.snapshot()
    ended = driver.stop()
    assert driver.snapshot() == before
    assert written(ended) == configured[6:10] + configured[:4]
    assert ended[-1] == m.Subscribe(characteristic=wire.DATA, on=False)


def test_stop_before_anything_is_known() -> None:
    """Stopped at once, there is nothing to let rest."""
    assert begun().stop() == [m.Subscribe(characteristic=wire.DATA, on=False)]


def test_board_without_gyroscope() -> None:
    """The module is absent: acceleration alone, each packet at once."""
    driver = begun(ACC_IS)
    assert written(say(driver, "1380"))[-1] == "0383"
    outputs = say(driver, ACC_SET)
    (settings,) = [output for output in outputs if isinstance(output, m.Event)]
    assert settings.value == {"rate_hz": 100.0, "acc_range_g": 16.0, "gyr_range_dps": None, "streams": ["acc"]}
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
