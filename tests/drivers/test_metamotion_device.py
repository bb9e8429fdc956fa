"""The MetaMotion's driver and its simulated device talk: rates, both chips, what is left behind, what gets lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.metamotion import commands, packets, wire
from ankled.drivers.units import G_MPS2
from ankled.simulators.peripherals.board import Board
from ankled.simulators.peripherals.motion import stage
from ankled.simulators.scenarios import find
from tests.drivers.metamotion_talk import Watched

if TYPE_CHECKING:
    from ankled.drivers.metamotion.wire import Axis3, Chip

ACC = wire.ACCELEROMETER


@pytest.mark.parametrize("chip", ["bmi160", "bmi270"])
@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 200.0])
def test_streams_at_each_rate(chip: Chip, rate_hz: float) -> None:
    """Each sample is what the board measured within resolution, none is left out, and both are in step."""
    watched = Watched(Options(rate_hz=rate_hz), chip=chip)
    watched.talk.begin()
    watched.talk.run(4.0)
    (settings,) = watched.talk.events("settings")
    assert settings == {
        "rate_hz": rate_hz,
        "acc_range_g": 16.0,
        "gyr_range_dps": 2000.0,
        "streams": ["acc", "gyr"],
    }
    acc, gyr = watched.places("acc"), watched.places("gyr")
    for places in (acc, gyr):
        assert len(places) * 3 > (4.0 - 0.5) * rate_hz
        assert set(np.diff(places)) == {3}
    assert abs(len(acc) - len(gyr)) <= 1
    assert 0 <= gyr[0] - acc[0] <= 2
    assert watched.talk.events("battery") == [{"level": 87, "voltage_mv": 4044}]
    assert watched.talk.events("error") == []
    assert set(watched.missing("acc") + watched.missing("gyr")) == {0}
    assert watched.device.connection.hex() == "06000c0000005802"


def test_motion_is_that_of_the_leg() -> None:
    """The samples stand for the leg's motion at the times the board took them, errors of the sensor aside."""
    shared, motions = stage(find("walk"))
    shared.begins_s = 0.0
    motion = motions["left"]
    watched = Watched(on=Board(motion, skew_ppm=200.0))
    watched.talk.begin()
    watched.talk.run(3.0)
    times = watched.device.board.radio_s(np.concatenate([one.time_s for one in watched.taken]))
    acc, gyr = motion.at(times)
    for stream, truth, near in (("acc", acc, 1.5), ("gyr", gyr, 0.2)):
        got = watched.talk.stacked(stream)
        at = watched.place(stream, got)  # type: ignore[arg-type]  # both are streams
        assert np.abs(got - truth[at : at + len(got)]).max() < near
    assert np.abs(acc).max() > 12.0


def test_smaller_ranges_are_set() -> None:
    """Ranges reach the device and the samples; beyond them both stay at the end of the int16."""
    watched = Watched(Options(acc_range_g=2.0, gyr_range_dps=125.0))
    watched.talk.begin()
    watched.talk.run(2.0)
    assert watched.device.sensors["acc"].full == 2.0
    assert watched.device.sensors["gyr"].full == 125.0
    assert set(np.diff(watched.places("acc"))) == {3}
    assert max(np.abs(one.gyr).max() for one in watched.taken) > 10.0
    np.testing.assert_allclose(np.abs(watched.talk.stacked("gyr")).max(), np.deg2rad(125.0), rtol=2e-3)
    np.testing.assert_allclose(np.abs(watched.talk.stacked("acc")).max(), 2.0 * G_MPS2, rtol=1e-4)


def test_without_gyroscope() -> None:
    """Acceleration alone, from the first packet on."""
    watched = Watched(gyroscope=False)
    watched.talk.begin()
    watched.talk.run(2.0)
    assert watched.talk.events("info") == [
        {"chip": "bmi160", "gyroscope": False, "acc_revision": 2, "gyr_revision": None}
    ]
    assert watched.talk.events("settings")[0]["gyr_range_dps"] is None
    assert watched.places("acc")[0] == 0
    assert all(one.gyr is None for one in watched.talk.all(m.Block))


def test_old_firmware() -> None:
    """A firmware without packed samples ends the connection for good."""
    watched = Watched(revisions=(0, 1))
    watched.talk.begin()
    watched.talk.run(1.0)
    assert watched.talk.hung_up is not None
    assert watched.talk.hung_up.lasting


@pytest.mark.parametrize("chip", ["bmi160", "bmi270"])
def test_what_an_earlier_connection_left(chip: Chip) -> None:
    """Another program left single samples at 200 Hz and an accounter: none of it gets through, all of it ends."""
    watched = Watched(chip=chip)
    device = watched.device
    acc = device.sensors["acc"].wire
    device.connect(23, 0.0)
    left = [
        commands.config(acc, 200.0, 2.0),
        commands.notify(ACC, acc.single, on=True),
        commands.accounter(ACC, acc.single, packets.SAMPLE),
        bytes([wire.PROCESSOR, wire.PROCESSOR_NOTIFY_ENABLE, 0, 1]),
        bytes([wire.PROCESSOR, wire.PROCESSOR_NOTIFY, 1]),
        commands.interrupt(ACC, on=True),
        commands.power(ACC, on=True),
    ]
    for command in left:
        device.write(wire.COMMAND, command, 0.0)
    device.disconnect(0.5)
    assert device.streaming
    device.connect(23, 1.0)
    device.subscribe(wire.DATA, on=True, now_s=1.0)
    sent = {one.data[:2] for one in device.advance(1.2)}
    assert sent == {bytes([ACC, acc.single]), bytes([wire.PROCESSOR, wire.PROCESSOR_NOTIFY])}
    device.disconnect(1.3)
    watched.taken.clear()

    talk = watched.connected(1.5)
    talk.begin()
    talk.run(1.0)
    assert talk.events("error") == []
    assert device.sensors["acc"].rate_hz == 100.0
    assert device.sensors["acc"].told == {acc.packed}
    assert {one.data[:2] for one in device.advance(talk.now_s + 0.5)} == {
        bytes([sensor.wire.module, sensor.wire.packed]) for sensor in device.sensors.values()
    }


def test_goes_on_without_a_link_and_rests_when_told() -> None:
    """A lost link leaves it measuring; a wanted end lets it rest; both are taken up again."""
    watched = Watched()
    watched.talk.begin()
    watched.talk.run(1.0)
    watched.device.disconnect(watched.talk.now_s)
    streams = [watched.device.streaming]
    talk = watched.connected(watched.talk.now_s + 5.0)
    talk.begin()
    talk.run(1.0)
    assert talk.events("error") == []
    assert len(talk.all(m.Block)) > 50
    talk._take(talk.driver.stop())
    talk.run(0.1)
    streams.append(watched.device.streaming)
    assert streams == [True, False]
    assert watched.device.subscribed == set()
    again = watched.connected(talk.now_s)
    again.begin()
    again.run(1.0)
    assert len(again.all(m.Block)) > 50


def test_restart_of_the_board() -> None:
    """After a loss of power everything is set anew by the next connection."""
    watched = Watched(Options(rate_hz=50.0))
    watched.talk.begin()
    watched.talk.run(1.0)
    watched.device.reset(watched.talk.now_s)
    assert not watched.device.connected
    assert watched.device.sensors["acc"].rate_hz == 100.0
    talk = watched.connected(watched.talk.now_s)
    talk.begin()
    talk.run(1.0)
    assert talk.events("settings")[0]["rate_hz"] == 50.0
    assert len(talk.all(m.Block)) > 20


@pytest.mark.parametrize("refused", range(1, 20))
def test_commands_that_have_no_effect(refused: int) -> None:
    """Commands in a row come to nothing, up to the two questions of the third attempt: samples come."""
    watched = Watched()
    watched.device.refusals = refused
    watched.talk.begin()
    watched.talk.run(9.5)
    assert watched.talk.hung_up is None
    assert watched.device.refusals == 0
    assert set(np.diff(watched.places("acc", last=20))) == {3}
    assert set(np.diff(watched.places("gyr", last=20))) == {3}


@pytest.mark.parametrize("at", range(31))
def test_any_one_command_that_has_no_effect(at: int) -> None:
    """Whichever command of the set-up comes to nothing: samples at the right rate and range come in the end."""
    watched = Watched(Options(rate_hz=200.0))
    write = watched.device.write
    number = 0

    def once(characteristic: str, data: bytes, now_s: float) -> None:
        nonlocal number
        watched.device.refusals = int(number == at)
        number += 1
        write(characteristic, data, now_s)

    watched.device.write = once  # type: ignore[method-assign]  # the device that misses one command
    watched.talk.begin()
    watched.talk.run(4.5)
    assert watched.talk.hung_up is None
    assert watched.device.board.rate_hz == 200.0
    assert set(np.diff(watched.places("acc", last=30))) == {3}
    assert set(np.diff(watched.places("gyr", last=30))) == {3}


def test_device_that_never_answers() -> None:
    """Three attempts, then the link is dropped."""
    watched = Watched()
    watched.device.refusals = 1000
    watched.talk.begin()
    watched.talk.run(20.0)
    assert watched.talk.hung_up is not None
    assert not watched.talk.hung_up.lasting
    assert watched.talk.hung_up.reason.endswith("after 3 attempts")
    assert len(watched.talk.events("error")) == 3
    assert watched.talk.written[-1] == (wire.COMMAND, commands.RESET)


@settings(max_examples=25)
@given(
    drops=st.lists(st.tuples(st.sampled_from(["acc", "gyr"]), st.integers(1, 3)), min_size=1, max_size=5),
)
def test_packets_lost_by_one_sensor_are_reported(drops: list[tuple[Axis3, int]]) -> None:
    """Packets that one sensor loses by itself are reported where they are missing, three samples each."""
    watched = Watched()
    watched.talk.begin()
    watched.talk.run(0.6)
    lost = {"acc": 0, "gyr": 0}
    for stream, count in drops:
        watched.device.sensors[stream].drop = count
        lost[stream] += 3 * count
        watched.talk.run(0.6)
    for stream in ("acc", "gyr"):
        places = watched.places(stream)
        missing = watched.missing(stream)
        assert (np.diff(places) - 3).tolist() == missing[1:]
        assert sum(missing) == lost[stream]


def test_overrun_of_both_cannot_be_seen() -> None:
    """What the FIFO loses is lost to both sensors: nothing in the packets tells, and nothing is claimed."""
    watched = Watched()
    watched.talk.begin()
    watched.talk.run(1.0)
    watched.device.board.lose(30)
    watched.talk.run(1.0)
    assert sum(one.lost for one in watched.taken) == 30
    assert set(watched.missing("acc") + watched.missing("gyr")) == {0}
