"""The OpenAnkle driver talks with its simulated device: streams, losses, restarts, the weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle.packets import scale_of
from ankled.simulators.imu import IDEAL
from ankled.simulators.peripherals.openankle import SimulatedOpenAnkle
from tests.drivers.conversation import Conversation, board
from tests.drivers.openankle_talk import ONE_OF_EACH, device_of, indices, messages, talk_with

if TYPE_CHECKING:
    from ankled.simulators.peripherals.model import Outgoing


@pytest.mark.parametrize("rate_hz", wire.RATES_HZ)
@pytest.mark.parametrize(("ratio", "error"), [(1.0, 0.0), (1.04, 0.02), (1.19, -0.03)])
def test_streams_at_each_rate(rate_hz: float, ratio: float, error: float) -> None:
    """Every sample arrives once, as measured and on time, whatever rate the motion sensor really has."""
    device = SimulatedOpenAnkle(board(skew_ppm=60.0, clock_s=4290.0), odr_ratio=ratio, odr_error=error)
    talk = talk_with(device, Options(rate_hz=rate_hz))
    talk.run(8.0)
    assert talk.hung_up is None
    assert messages(talk) == []
    (settings,) = talk.events("settings")
    assert settings["rate_hz"] == pytest.approx(rate_hz * ratio, abs=1e-3)
    times = talk.stacked("time_s")
    assert len(times) > 7.5 * rate_hz * ratio * (1.0 + error)
    assert sum(block.missing for block in talk.all(m.Block)) == 0
    assert np.all(np.diff(times) > 0.0)
    truth = device.board._times(np.arange(len(times)))
    np.testing.assert_allclose(times[20:], truth[20:], rtol=0, atol=1.5e-6)
    np.testing.assert_allclose(times[:20], truth[:20], rtol=0, atol=3e-3)


@pytest.mark.parametrize("acc_range_g", wire.ACC_RANGES_G)
def test_samples_are_what_the_board_measured(acc_range_g: float) -> None:
    """Within half a step of the range, and saturated at its end, at the time that the stamps say."""
    ours = board(errors=IDEAL, skew_ppm=-40.0, begins_s=0.5)
    gyr_range_dps = 125.0 * acc_range_g
    talk = talk_with(SimulatedOpenAnkle(ours), Options(acc_range_g=acc_range_g, gyr_range_dps=gyr_range_dps))
    talk.run(6.0)
    scale = scale_of(wire.Format(100.0, acc_range_g, gyr_range_dps))
    acc, gyr = ours._motion.at(ours.radio_s(ours._times(np.arange(len(talk.stacked("time_s"))))))
    clipped = 0
    for what, true, step in (("acc", acc, scale.acc_mps2), ("gyr", gyr, scale.gyr_rad_s)):
        bounded = np.clip(true, -32768 * step, 32767 * step)
        clipped += int(np.sum(bounded != true))
        np.testing.assert_allclose(talk.stacked(what), bounded, rtol=0, atol=0.51 * step)
    assert (clipped > 0) == (acc_range_g < 8.0)


@pytest.mark.parametrize(("mtu", "count"), [(23, 1), (40, 2), (104, 7), (185, 8), (517, 8)])
def test_packets_are_as_long_as_mtu_and_latency_allow(mtu: int, count: int) -> None:
    """At 100 Hz a packet holds what fits the MTU, and no more than 80 ms."""
    talk = talk_with(SimulatedOpenAnkle(board()), mtu=mtu)
    talk.run(3.0)
    assert {len(block) for block in talk.all(m.Block)} == {count}


def test_the_procedure_in_its_order() -> None:
    """Capabilities and status are read first; Configure, the subscription, Start, the clock; settings, then samples."""
    device = SimulatedOpenAnkle(board(), mass_g=1814, side="left")
    talk = talk_with(device)
    talk.run(2.0)
    form = wire.Format(100.0, 16.0, 2000.0)
    assert [data for _, data in talk.written] == [
        c.encode_command(c.Configure(form, 80), 1),
        c.encode_command(c.Start(), 2),
    ]
    order = [one for _, one in talk.outputs if isinstance(one, m.Read | m.Subscribe | m.Write)]
    assert [one.characteristic for one in order] == [
        wire.CAPABILITIES,
        wire.CONTROL,
        wire.STATUS,
        wire.STATUS,
        wire.CONTROL,
        wire.DATA,
        wire.CONTROL,
        wire.CLOCK,
    ]
    told: dict[str, m.Value] = {}
    for value in talk.events("info"):
        told |= value
    assert told["mass_kg"] == 1.814
    assert told["side"] == "left"
    assert told["protocol_version"] == "1.0"
    assert told["firmware_version"] == "1.0.0"
    assert [value["state"] for value in talk.events("status")] == ["idle", "streaming"]
    said = [one for _, one in talk.outputs if isinstance(one, m.Event | m.Block)]
    first = next(index for index, one in enumerate(said) if isinstance(one, m.Block))
    assert any(isinstance(one, m.Event) and one.name == "settings" for one in said[:first])


def test_stop_ends_the_stream() -> None:
    """What the driver asks for before a wanted disconnect makes the device rest; nothing is sent any more."""
    talk = talk_with(SimulatedOpenAnkle(board()))
    talk.run(2.0)
    talk._take(talk.driver.stop())
    talk.run(1.0)
    assert not device_of(talk).streaming
    blocks = len(talk.all(m.Block))
    talk.run(5.0)
    assert len(talk.all(m.Block)) == blocks
    assert talk.hung_up is None
    assert OpenAnkle().stop() == []


def test_the_most_useful_of_what_there_is() -> None:
    """Without options the driver takes what a device has, also where that is little."""
    talk = talk_with(SimulatedOpenAnkle(board(), can=ONE_OF_EACH))
    talk.run(3.0)
    assert talk.events("settings") == [{"rate_hz": 50.0, "acc_range_g": 4.0, "gyr_range_dps": 500.0}]
    assert {len(block) for block in talk.all(m.Block)} == {1}


@pytest.mark.parametrize("lost", [1, 37, 1000, 30_000])
def test_an_overrun_is_counted_exactly(lost: int) -> None:
    """Samples that the board had to drop are missing, to the last one, and times stay those of the board."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device)
    talk.interval_s = 0.03 if lost < 5000 else 1.0
    talk.run(3.0)
    device.board.lose(lost)
    talk.run(3.0 + lost / 100.0)
    assert sum(block.missing for block in talk.all(m.Block)) == lost
    times = talk.stacked("time_s")
    np.testing.assert_allclose(times, device.board._times(indices(talk)), rtol=0, atol=2e-6)
    assert talk.events("status")[-1]["overrun"] is True
    assert talk.events("status")[-1]["lost"] == lost
    assert messages(talk) == []


class Leaky(SimulatedOpenAnkle):
    """Loses whole packets on the way, at random."""

    def __init__(self) -> None:
        super().__init__(board(clock_s=4292.0))
        self.rng = np.random.default_rng(3)
        self.dropped = 0

    def advance(self, now_s: float) -> list[Outgoing]:
        """Drop one packet in three, once data flows."""
        kept = []
        for out in super().advance(now_s):
            if out.characteristic == wire.DATA and self.rng.random() < 0.33:
                self.dropped += (len(out.data) - 8) // 12
            else:
                kept.append(out)
        return kept


def test_packets_lost_on_the_way_are_counted_exactly() -> None:
    """One packet in three is lost, over the wrap of clock: the count is right and so is each time."""
    device = Leaky()
    talk = talk_with(device)
    talk.run(20.0)
    blocks = talk.all(m.Block)
    missing = sum(block.missing for block in blocks)
    assert 300 < missing <= device.dropped <= missing + 100  # the last ones may not have shown yet
    assert len(talk.stacked("time_s")) + device.dropped == pytest.approx(1990, abs=20)
    times = talk.stacked("time_s")
    np.testing.assert_allclose(times[10:], device.board._times(indices(talk))[10:], rtol=0, atol=2e-6)


def test_a_reset_loses_the_link_and_keeps_the_weight() -> None:
    """After a reset the next connection finds another boot, the same mass and side, and a clock from zero."""
    device = SimulatedOpenAnkle(board(clock_s=900.0), mass_g=2000, side="right")
    first = talk_with(device)
    first.run(2.0)
    device.reset(first.now_s)
    assert not device.connected
    again = Conversation(OpenAnkle(), device, now_s=first.now_s + 3.0)
    again.begin()
    again.run(2.0)
    boots = [talk.events("status")[0]["boot"] for talk in (first, again)]
    assert boots == [1, 2]
    assert [value for value in again.events("info") if "side" in value] == [{"mass_kg": 2.0, "side": "right"}]
    assert first.stacked("time_s")[0] > 900.0
    assert again.stacked("time_s")[0] < 5.0


def test_a_restart_behind_the_radio_is_survived() -> None:
    """A board that restarts and keeps the link is started again, with the settings that were asked for."""
    device = SimulatedOpenAnkle(board(clock_s=900.0))
    talk = talk_with(device, Options(rate_hz=200.0, acc_range_g=8.0))
    talk.run(2.0)
    device.restart(talk.now_s)
    talk.run(5.0)
    assert talk.hung_up is None
    assert device.streaming
    assert "the device restarted" in messages(talk)
    assert "the device stopped by itself" in messages(talk)
    times = talk.stacked("time_s")
    assert np.sum(np.diff(times) < 0.0) == 1
    assert times[-1] < 10.0
    assert {value["rate_hz"] for value in talk.events("settings")} == {200.0}
    assert sum(block.missing for block in talk.all(m.Block)) == 0


def test_a_restart_that_streams_on_is_followed() -> None:
    """A board that restarts and goes on by itself: no sample is called missing, the new clock's times are given."""
    device = SimulatedOpenAnkle(board(clock_s=900.0))
    talk = talk_with(device)
    talk.run(2.0)
    device.restart(talk.now_s, resume=True)
    talk.run(3.0)
    assert messages(talk) == ["the device restarted"]
    assert len([data for _, data in talk.written if data[0] == c.Op.START]) == 1
    times = talk.stacked("time_s")
    assert np.sum(np.diff(times) < 0.0) == 1
    assert sum(block.missing for block in talk.all(m.Block)) == 0


def test_a_rate_that_is_not_as_said() -> None:
    """A firmware that names a wrong period is told so, once; the times are right all the same."""
    device = SimulatedOpenAnkle(board(), odr_error=0.15)
    talk = talk_with(device)
    talk.run(10.0)
    (error,) = talk.events("error")
    assert error == {
        "message": "the device samples at another rate than it says",
        "rate_hz": 100.0,
        "measured_hz": 115.0,
    }
    times = talk.stacked("time_s")
    np.testing.assert_allclose(times[20:], device.board._times(np.arange(len(times)))[20:], rtol=0, atol=2e-6)


def test_mass_and_side_are_set_in_mid_stream() -> None:
    """The device is told, stores it, and says so; a disconnect and a reset do not undo it."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device)
    talk.run(2.0)
    assert isinstance(talk.driver, OpenAnkle)
    talk._take(talk.driver.set_weight(1.8144, "left"))
    talk.run(1.0)
    assert (device.mass_g, device.side) == (1814, "left")
    assert talk.events("info")[-1] == {"mass_kg": 1.814, "side": "left"}
    assert talk.events("response")[-1]["result"] == "success"
    talk._take(talk.driver.set_weight(None, "unknown"))
    talk.run(1.0)
    assert talk.events("info")[-1] == {"mass_kg": None, "side": "unknown"}
    talk._take(talk.driver.identify(5))
    talk.run(0.1)
    assert device.identify_until_s == pytest.approx(talk.now_s + 5.0, abs=0.2)
    assert device.streaming
    assert messages(talk) == []


def test_a_device_that_streams_already_is_stopped_first() -> None:
    """Whoever left it streaming: the driver begins from a known state."""
    device = SimulatedOpenAnkle(board())
    first = talk_with(device)
    first.run(1.0)
    second = Conversation(OpenAnkle(Options(rate_hz=50.0)), device, now_s=first.now_s)
    second.begin()
    second.run(2.0)
    assert [data[0] for _, data in second.written] == [c.Op.STOP, c.Op.CONFIGURE, c.Op.START]
    assert second.events("settings")[-1]["rate_hz"] == 50.0
    assert second.hung_up is None


def test_turning_notifications_off_ends_the_stream() -> None:
    """As the profile says; and after a disconnect the settings are the default again."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device, Options(rate_hz=400.0))
    talk.run(1.0)
    device.subscribe(wire.DATA, on=False, now_s=talk.now_s)
    assert not device.streaming
    device.disconnect(talk.now_s)
    device.connect(247, talk.now_s)
    status = wire.decode_status(device.read(wire.STATUS, talk.now_s))
    assert status.form == wire.Format(100.0, 16.0, 2000.0)
    assert status.activity == "idle"
