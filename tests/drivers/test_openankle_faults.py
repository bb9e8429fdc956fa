"""The OpenAnkle driver and a device that refuses, is silent, lacks something or breaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle.driver import TRIES
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import BATTERY_LEVEL, AttError, Outgoing
from ankled.simulators.peripherals.openankle import IN_PROGRESS, NOT_CONFIGURED, SimulatedOpenAnkle
from tests.drivers.conversation import board
from tests.drivers.openankle_talk import ONE_OF_EACH, device_of, messages, talk_with

if TYPE_CHECKING:
    from ankled.drivers.openankle.wire import Capabilities


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


class Silent(SimulatedOpenAnkle):
    """A device that says that it streams, and does not."""

    def _packets(self, now_s: float) -> list[tuple[float, Outgoing]]:  # noqa: ARG002  (in the form of the one it stands for)
        return []


def test_a_start_that_brings_no_samples() -> None:
    """Success and then nothing is tried again, and at last given up."""
    talk = talk_with(Silent(board()))
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
