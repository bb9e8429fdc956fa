"""The OpenAnkle driver talks with its simulated device: streams, refusals, faults, restarts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle.driver import TRIES
from ankled.drivers.openankle.packets import scale_of
from ankled.drivers.uuids import sig
from ankled.simulators.imu import IDEAL
from ankled.simulators.peripherals.model import BATTERY_LEVEL, AttError, Outgoing
from ankled.simulators.peripherals.openankle import IN_PROGRESS, NOT_CONFIGURED, SimulatedOpenAnkle
from tests.drivers.conversation import Conversation, board

if TYPE_CHECKING:
    from ankled.drivers.openankle.wire import Capabilities

ONE_OF_EACH = wire.Capabilities(
    rates_hz=(50.0,),
    acc_ranges_g=(4.0,),
    gyr_ranges_dps=(500.0,),
    weight_settable=False,
    weight_kept=False,
    identifies=False,
    max_samples=1,
)


def talk_with(device: SimulatedOpenAnkle, options: Options | None = None, *, mtu: int = 247) -> Conversation:
    """Return a conversation that has begun."""
    talk = Conversation(OpenAnkle(options), device, mtu=mtu)
    talk.begin()
    return talk


def device_of(talk: Conversation) -> SimulatedOpenAnkle:
    """Return the device of a conversation."""
    assert isinstance(talk.peripheral, SimulatedOpenAnkle)
    return talk.peripheral


def indices(talk: Conversation) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the number of each sample of one run, those that are missing counted."""
    blocks = talk.all(m.Block)
    lost = np.repeat(np.cumsum([block.missing for block in blocks]), [len(block) for block in blocks])
    return np.asarray(lost + np.arange(len(lost)), dtype=np.int64)


def messages(talk: Conversation) -> list[m.Value]:
    """Return the sentences of all errors."""
    return [value["message"] for value in talk.events("error")]


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
    assert (clipped > 0) == (acc_range_g == 2.0)


@pytest.mark.parametrize(("mtu", "count"), [(23, 1), (40, 2), (104, 7), (185, 8), (517, 8)])
def test_packets_are_as_long_as_mtu_and_latency_allow(mtu: int, count: int) -> None:
    """At 100 Hz a packet holds what fits the MTU, and no more than 80 ms."""
    talk = talk_with(SimulatedOpenAnkle(board()), mtu=mtu)
    talk.run(3.0)
    assert {len(block) for block in talk.all(m.Block)} == {count}


def test_the_procedure_in_its_order() -> None:
    """Capabilities and status are read first; then Configure, the subscription, Start; then settings and samples."""
    device = SimulatedOpenAnkle(board(), mass_g=1814, side="left")
    talk = talk_with(device)
    talk.run(2.0)
    form = wire.Format(100.0, 16.0, 2000.0)
    assert [data for _, data in talk.written] == [
        c.encode_command(c.Configure(form, 80), 1),
        c.encode_command(c.Start(), 2),
    ]
    actions = [one for one in talk.all(m.Read) + talk.all(m.Subscribe) + talk.all(m.Write)]
    order = [one for _, one in talk.outputs if one in actions]
    assert [getattr(one, "characteristic", "") for one in order] == [
        wire.CAPABILITIES,
        wire.CONTROL,
        wire.STATUS,
        wire.STATUS,
        wire.CONTROL,
        wire.DATA,
        wire.CONTROL,
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


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (Options(rate_hz=200.0), "rate_hz is 200; this device offers 50"),
        (Options(acc_range_g=16.0), "acc_range_g is 16; this device offers 4"),
        (Options(gyr_range_dps=2000.0), "gyr_range_dps is 2000; this device offers 500"),
    ],
)
def test_options_that_this_device_lacks(options: Options, reason: str) -> None:
    """The driver hangs up for good, and says what there is; nothing was asked of the device."""
    talk = talk_with(SimulatedOpenAnkle(board(), can=ONE_OF_EACH), options)
    talk.run(1.0)
    assert talk.hung_up == m.HangUp(reason=reason, lasting=True)
    assert talk.written == []


def test_another_major_version_is_not_spoken_to() -> None:
    """A device of a later major version is left alone."""
    talk = talk_with(SimulatedOpenAnkle(board(), can=wire.Capabilities(major=2)))
    talk.run(1.0)
    assert talk.hung_up is not None
    assert talk.hung_up.lasting
    assert "version 2" in talk.hung_up.reason
    assert talk.written == []


@pytest.mark.parametrize("refusals", [1, 2, TRIES])
def test_a_busy_device_is_asked_again(refusals: int) -> None:
    """A few refusals delay the stream; each is told."""
    device = SimulatedOpenAnkle(board())
    device.refusals = refusals
    talk = talk_with(device)
    talk.run(8.0)
    assert talk.hung_up is None
    assert device.streaming
    assert [one["result"] for one in talk.events("response")].count("busy") == refusals
    assert len([one for one in messages(talk) if "it is busy" in str(one)]) == refusals


def test_a_device_that_stays_busy_is_dropped() -> None:
    """After as many tries as there are, the connection is of no use; later it may be."""
    device = SimulatedOpenAnkle(board())
    device.refusals = 100
    talk = talk_with(device)
    talk.run(20.0)
    assert talk.hung_up is not None
    assert not talk.hung_up.lasting
    assert "busy" in talk.hung_up.reason


@dataclass
class Stubborn:
    """What a device below does wrong: commands it refuses, by number of the result; those it does not answer."""

    refuses: dict[int, int] = field(default_factory=dict)
    mute: set[int] = field(default_factory=set)


class StubbornDevice(SimulatedOpenAnkle):
    """A device that refuses or does not answer some commands."""

    def __init__(self, traits: Stubborn, can: Capabilities | None = None) -> None:
        super().__init__(board(), can=can)
        self.traits = traits

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Do wrong, or as the others."""
        if data[0] in self.traits.mute:
            return
        if (result := self.traits.refuses.get(data[0])) is not None:
            self._answers.append(c.encode_response(c.Response(op=data[0], tag=data[1], result=result)))
            return
        super().write(characteristic, data, now_s)


@pytest.mark.parametrize("op", [c.Op.CONFIGURE, c.Op.START])
@pytest.mark.parametrize("result", [*[one.value for one in c.Result if one], 0x77])
def test_each_refusal_ends_in_a_reason(op: c.Op, result: int) -> None:
    """Whatever result a device refuses with, for ever: bounded tries, each told, and the reason names the command."""
    talk = talk_with(StubbornDevice(Stubborn(refuses={op: result})))
    talk.run(30.0)
    assert talk.hung_up is not None
    assert f"refuses {op.name.lower()}" in talk.hung_up.reason
    hopeless = result in {1, 2, 3, 9}
    assert talk.hung_up.lasting == (hopeless or result == c.Result.MTU_TOO_SMALL)
    assert sum(data[0] == op for _, data in talk.written) == (1 if hopeless else TRIES + 1)
    assert not talk.all(m.Block)


@pytest.mark.parametrize("op", [c.Op.CONFIGURE, c.Op.START])
def test_silence_ends_in_a_reason(op: c.Op) -> None:
    """A command that is never answered is repeated with a new tag, and then the connection is dropped."""
    device = StubbornDevice(Stubborn(mute={op}))
    talk = talk_with(device)
    talk.run(40.0)
    assert talk.hung_up == m.HangUp(reason="the device does not answer", lasting=False)
    tags = [data[1] for _, data in talk.written if data[0] == op]
    assert len(set(tags)) == len(tags) == TRIES + 1


def test_silence_that_ends_is_forgiven() -> None:
    """A device that answers at the third time streams."""
    device = StubbornDevice(Stubborn(mute={c.Op.START}))
    talk = talk_with(device)
    talk.run(6.0)
    device.traits.mute.clear()
    talk.run(6.0)
    assert device.streaming
    assert talk.all(m.Block)
    assert talk.hung_up is None


def test_a_start_that_brings_no_samples() -> None:
    """Success and then nothing is tried again, and at last given up."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device)
    device._packets = lambda _now: []  # type: ignore[method-assign]  # the fault that is tested
    talk.run(40.0)
    assert talk.hung_up == m.HangUp(reason="the device was started and sends nothing", lasting=False)


@pytest.mark.parametrize(("rate_hz", "mtu", "streams"), [(200.0, 34, False), (200.0, 35, True), (400.0, 23, False)])
def test_rates_that_an_mtu_cannot_carry(rate_hz: float, mtu: int, *, streams: bool) -> None:
    """A device refuses; the driver tries a few times, for the MTU may still grow, and then hangs up for good."""
    talk = talk_with(SimulatedOpenAnkle(board()), Options(rate_hz=rate_hz), mtu=mtu)
    talk.run(12.0)
    assert bool(talk.all(m.Block)) == streams
    assert (talk.hung_up is None) == streams
    assert streams or (talk.hung_up is not None and talk.hung_up.lasting)


def test_an_mtu_that_grows_in_time() -> None:
    """The exchange of the MTU may come after the first commands: the next try succeeds."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device, Options(rate_hz=400.0), mtu=23)
    talk.run(1.0)
    device.connect(247, talk.now_s)
    talk.mtu = 247
    talk.run(4.0)
    assert talk.hung_up is None
    assert talk.all(m.Block)


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


def test_a_motion_sensor_that_fails_and_comes_back() -> None:
    """The fault is told; the driver tries again until the sensor works."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device)
    talk.run(2.0)
    device.fail(talk.now_s)
    talk.run(2.5)
    assert "the device says that its motion sensor does not work" in messages(talk)
    assert talk.events("status")[-1]["imu_fault"] is True
    before = len(talk.all(m.Block))
    device.imu_fault = False
    talk.run(3.0)
    assert talk.hung_up is None
    assert len(talk.all(m.Block)) > before


def test_a_motion_sensor_that_stays_broken() -> None:
    """The connection is dropped after bounded tries, and the reason is the device's."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device)
    talk.run(2.0)
    device.fail(talk.now_s)
    talk.run(20.0)
    assert talk.hung_up is not None
    assert talk.hung_up.reason == "the device refuses start: its motion sensor does not work"


def test_a_battery_that_runs_down() -> None:
    """A low battery is told while the stream goes on; an empty one refuses to start."""
    ours = board(battery_percent=11.0)
    talk = talk_with(SimulatedOpenAnkle(ours))
    talk.run(1.0)
    ours.battery_percent = 9.0
    talk.run(1.0)
    assert [value["low_battery"] for value in talk.events("status")] == [False, False, True]
    assert device_of(talk).streaming
    assert device_of(talk).read(BATTERY_LEVEL, talk.now_s) == b"\x09"
    empty = talk_with(SimulatedOpenAnkle(board(battery_percent=1.0)))
    empty.run(1.0)
    assert empty.hung_up is not None
    assert empty.hung_up.lasting
    assert "battery" in empty.hung_up.reason


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
    np.testing.assert_allclose(times[10:], device.board._times(np.arange(len(times)))[10:], rtol=0, atol=2e-6)


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


def test_a_command_that_is_refused_in_mid_stream() -> None:
    """A device that cannot keep a weight says so; the stream goes on, and the next command is possible."""
    talk = talk_with(SimulatedOpenAnkle(board(), can=ONE_OF_EACH))
    talk.run(2.0)
    assert isinstance(talk.driver, OpenAnkle)
    talk._take(talk.driver.set_weight(1.0, "left"))
    talk.run(1.0)
    assert messages(talk) == ["the device refuses set_weight: it does not know this command"]
    talk._take(talk.driver.identify(1))
    talk.run(1.0)
    assert device_of(talk).streaming
    assert talk.hung_up is None


class ReadOnlyStatus(SimulatedOpenAnkle):
    """A device whose status cannot be subscribed to, as the profile allows."""

    def advance(self, now_s: float) -> list[Outgoing]:
        """Send no status."""
        self.subscribed.discard(wire.STATUS)
        return super().advance(now_s)


def test_a_status_that_is_only_read() -> None:
    """The subscription fails and is not missed; after a change of the weight the status is read."""
    device = ReadOnlyStatus(board())
    talk = talk_with(device)
    talk._take(talk.driver.feed(m.WriteResult(characteristic=wire.STATUS, error="not permitted")))
    talk.run(2.0)
    assert isinstance(talk.driver, OpenAnkle)
    talk._take(talk.driver.set_weight(1.5, "right"))
    talk.run(1.0)
    assert talk.events("info")[-1] == {"mass_kg": 1.5, "side": "right"}
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


def test_att_errors_where_no_answer_is_possible() -> None:
    """Too short, not subscribed, a second command before the answer, another characteristic."""
    device = SimulatedOpenAnkle(board())
    device.connect(247, 0.0)
    start = c.encode_command(c.Start(), 1)
    for characteristic, data, code in (
        (wire.CONTROL, b"\x02", AttError.INVALID_LENGTH),
        (wire.CONTROL, start, NOT_CONFIGURED),
        (wire.DATA, start, AttError.WRITE_NOT_PERMITTED),
    ):
        with pytest.raises(AttError) as refused:
            device.write(characteristic, data, 0.0)
        assert refused.value.code == code
    device.subscribe(wire.CONTROL, on=True, now_s=0.0)
    device.write(wire.CONTROL, start, 0.0)
    with pytest.raises(AttError) as refused:
        device.write(wire.CONTROL, start, 0.0)
    assert refused.value.code == IN_PROGRESS
    with pytest.raises(AttError):
        device.read(wire.CONTROL, 0.0)
    assert device.read(sig(0x2A26), 0.0) == b"1.0.0"


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
