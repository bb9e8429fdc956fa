"""Movesense: the driver talks with the simulated device, and gets what its board has measured."""

from __future__ import annotations

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.movesense import Movesense, resources, wire
from ankled.drivers.movesense.wire import Code
from ankled.drivers.units import DEG_RAD, G_MPS2
from ankled.simulators.imu import IDEAL
from ankled.simulators.peripherals.model import AttError
from ankled.simulators.peripherals.movesense import SimulatedMovesense, quantised
from tests.drivers.conversation import Conversation, board


def talk(
    rate_hz: float | None = None, *, mtu: int = 247, skew_ppm: float = 0.0, clock_s: float = 12.0, **traits: object
) -> Conversation:
    """Return a conversation that has begun, over a board without errors."""
    device = SimulatedMovesense(board(errors=IDEAL, skew_ppm=skew_ppm, clock_s=clock_s), **traits)  # type: ignore[arg-type]  # named as the device names them
    conversation = Conversation(Movesense(Options(rate_hz=rate_hz)), device, mtu=mtu)
    conversation.begin()
    return conversation


def device_of(conversation: Conversation) -> SimulatedMovesense:
    """Return the device of a conversation."""
    assert isinstance(conversation.peripheral, SimulatedMovesense)
    return conversation.peripheral


def missing(conversation: Conversation) -> int:
    """Return how many samples are said to be missing."""
    return sum(block.missing for block in conversation.all(m.Block))


@pytest.mark.parametrize("rate_hz", Movesense.info.rates_hz)
@pytest.mark.parametrize("chip", [0.0, 0.03])
def test_samples_are_what_the_board_measured(rate_hz: float, chip: float) -> None:
    """At every rate and however far the chip is off it, as finely as the words resolve, and at the right time."""
    conversation = talk(rate_hz, skew_ppm=40.0, chip=chip)
    conversation.run(8.0)
    assert conversation.hung_up is None
    assert conversation.events("error") == []
    assert missing(conversation) == 0
    measured = conversation.peripheral.board
    time_s = conversation.stacked("time_s")
    assert len(time_s) == pytest.approx(8.0 * rate_hz * (1.0 + chip), abs=0.6 * rate_hz)
    true_s = measured._times(np.arange(len(time_s)))
    late_s = (time_s - true_s)[2 * int(rate_hz) :]
    assert (late_s > -0.001).all(), "stamps are rounded down to a millisecond"
    assert (late_s < 0.0002).all()
    assert np.ptp(late_s) < 0.0006

    acc, gyr = measured._motion.at(measured.radio_s(true_s))
    acc_step, gyr_step = 8.0 * G_MPS2 / 32768, 0.07 * DEG_RAD
    acc = np.clip(acc, -32768 * acc_step, 32767 * acc_step)
    assert np.abs(conversation.stacked("acc") - acc).max() <= 0.501 * acc_step
    assert np.abs(conversation.stacked("gyr") - gyr).max() <= 0.501 * gyr_step


def test_the_readings_are_words_of_16_bits() -> None:
    """A step of 8 g / 32768 and of 70 mdps, saturating at their ends."""
    conversation = talk()
    conversation.run(2.0)
    steps = conversation.stacked("acc") / (8.0 * G_MPS2 / 32768)
    np.testing.assert_allclose(steps, np.rint(steps), atol=0.01)
    words = quantised(np.array([[-9.0, 0.3, 9.0]]), 8.0 / 32768)
    assert words.tolist() == [[-8.0, round(0.3 * 4096) / 4096, 8.0 * 32767 / 32768]]


def test_settings_say_what_the_sensor_has_set() -> None:
    """The ranges are those of the device, before the first samples."""
    conversation = talk(acc_range_g=16, gyr_range_dps=1000)
    conversation.run(1.0)
    kinds = [
        type(output)
        for _, output in conversation.outputs
        if isinstance(output, m.Block) or "rate_hz" in getattr(output, "value", {})
    ]
    assert kinds[0] is m.Event
    assert kinds.count(m.Event) == 1
    (said,) = conversation.events("settings")
    assert (said["rate_hz"], said["acc_range_g"], said["gyr_range_dps"]) == (104.0, 16.0, 1000.0)
    assert said["acc_ranges_g"] == [2.0, 4.0, 8.0, 16.0]
    (info,) = conversation.events("info")
    assert info["serial"] == "174630000192"


def test_the_sample_firmware_streams_too() -> None:
    """Without an answer to GET or SUBSCRIBE; what is not known is None."""
    conversation = talk(plain=True)
    conversation.run(2.0)
    assert len(conversation.stacked("acc")) > 150
    assert [Code(data[0]) for _, data in conversation.written] == [Code.HELLO, Code.SUBSCRIBE]
    (said,) = conversation.events("settings")
    assert said["acc_range_g"] is None


def test_the_clock_may_wrap() -> None:
    """49.7 days after its start the stamps begin at 0 again; times go on."""
    conversation = talk(clock_s=2**32 / 1000.0 - 2.0)
    conversation.run(5.0)
    time_s = conversation.stacked("time_s")
    assert time_s[-1] > 2**32 / 1000.0
    assert np.diff(time_s).min() > 0.0
    assert np.diff(time_s).max() < 0.012
    assert missing(conversation) == 0


@pytest.mark.parametrize("lost", [1, 8, 37])
def test_an_overrun_in_the_sensor_is_counted(lost: int) -> None:
    """By the stamps alone, to the sample."""
    conversation = talk()
    conversation.run(4.0)
    conversation.peripheral.board.lose(lost)
    conversation.run(4.0)
    assert missing(conversation) == lost


def test_a_second_connection_subscribes_anew() -> None:
    """Subscriptions vanish with the link; the clock goes on."""
    conversation = talk()
    conversation.run(2.0)
    device = device_of(conversation)
    device.disconnect(conversation.now_s)
    assert not device.streaming
    assert device.advance(conversation.now_s + 1.0) == []
    again = Conversation(Movesense(), device, now_s=conversation.now_s + 5.0)
    again.begin()
    again.run(2.0)
    assert again.stacked("time_s")[0] > conversation.stacked("time_s")[-1] + 5.0
    assert missing(again) == 0


def test_a_restarted_clock_is_given_as_sent() -> None:
    """A device that lost power and whose link the host has not seen end yet sends nothing unasked; then from zero."""
    conversation = talk()
    conversation.run(1.0)
    device = device_of(conversation)
    device.reset(conversation.now_s)
    again = Conversation(Movesense(), device, now_s=conversation.now_s)
    again.begin()
    again.run(1.0)
    assert 0.0 < again.stacked("time_s")[0] < 1.0
    assert conversation.stacked("time_s")[0] > 12.0


def test_refused_commands_are_tried_again() -> None:
    """Three refusals: HELLO is repeated, and the samples come all the same."""
    conversation = talk()
    device = device_of(conversation)
    device.refusals = 2
    conversation.run(4.0)
    assert conversation.hung_up is None
    assert len(conversation.events("error")) == 2
    assert len(conversation.stacked("acc")) > 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("/Meas/IMU6/100", 501), ("/Meas/IMU9/104", 404), ("/Meas/Temp", 404), ("/Meas/IMU6/208", 503)],
)
def test_the_device_refuses_what_it_does_not_have(path: str, status: int) -> None:
    """Rates of its list, resources of its board, one rate at a time."""
    conversation = talk()
    conversation.run(1.0)
    device = device_of(conversation)
    device.write(wire.COMMAND, wire.encode_command(Code.SUBSCRIBE, 200, path), conversation.now_s)
    first = device.advance(conversation.now_s)[0]
    assert wire.decode_answer(first.data) == (200, status, b"")


@pytest.mark.parametrize("plain", [False, True])
def test_a_fifth_subscription_finds_no_slot(plain: bool) -> None:
    """507, with its bytes swapped by the sample firmware."""
    device = SimulatedMovesense(board(), plain=plain)
    device.connect(247, 0.0)
    device.subscribe(wire.DATA, on=True, now_s=0.0)
    for ref in range(1, 6):
        device.write(wire.COMMAND, wire.encode_command(Code.SUBSCRIBE, ref, "/Meas/Acc/52"), 0.0)
    answers = [out.data for out in device.advance(0.0)]
    assert answers[-1].hex() == ("010501fb" if plain else "0105fb01")
    assert len(answers) == (1 if plain else 5)
    data = [out.data for out in device.advance(0.2)]
    assert {one[1] for one in data} == {1, 2, 3, 4}
    assert {len(one) for one in data} == {2 + 4 + 4 * 12}


def test_a_sensor_without_slots_is_restarted_and_works_again() -> None:
    """Requests that are never answered use it up; that outlives the link, until the driver has restarted it."""
    device = SimulatedMovesense(board(clock_s=100.0))
    device.connect(247, 0.0)
    while device.slots:
        device.write(wire.COMMAND, wire.encode_command(Code.GET, 1, "/Info"), 0.0)
    device.disconnect(0.1)
    conversation = Conversation(Movesense(), device)
    conversation.begin()
    conversation.run(6.0)
    assert conversation.hung_up is not None
    assert not conversation.hung_up.lasting
    device.advance(conversation.now_s)
    assert device.restarts == 1
    assert not device.connected
    again = Conversation(Movesense(), device, now_s=conversation.now_s + 1.0)
    again.begin()
    again.run(2.0)
    assert len(again.stacked("acc")) > 100
    assert again.stacked("time_s")[0] < 3.0, "its clock began anew"


def test_a_sleeping_sensor_is_left_after_three_subscriptions() -> None:
    """It accepts and sends nothing; each subscription is ended before the next."""
    conversation = talk()
    device_of(conversation).asleep = True
    conversation.run(30.0)
    assert conversation.hung_up is not None
    assert not conversation.hung_up.lasting
    assert "no samples" in conversation.hung_up.reason
    codes = [data[0] for _, data in conversation.written]
    assert codes.count(Code.SUBSCRIBE) == 3
    assert codes.count(Code.UNSUBSCRIBE) == 2


def test_packets_that_a_small_link_cannot_carry_are_lost() -> None:
    """Below the driver's least MTU answers come and samples do not; the connection ends by itself."""
    conversation = talk(mtu=Movesense.info.min_mtu - 1)
    conversation.run(30.0)
    assert conversation.hung_up is not None
    assert conversation.all(m.Block) == []
    enough = talk(mtu=Movesense.info.min_mtu)
    enough.run(2.0)
    assert len(enough.stacked("acc")) > 100


def test_stopping_ends_the_subscription() -> None:
    """The sensor's chip rests before the link is dropped."""
    conversation = talk()
    conversation.run(1.0)
    device = device_of(conversation)
    assert device.streaming
    for action in conversation.driver.stop():
        if isinstance(action, m.Write):
            device.write(action.characteristic, action.data, conversation.now_s)
    assert not device.streaming


def test_the_device_looks_like_the_real_one() -> None:
    """Its name is what tells it; its own service is on it and not advertised; the battery is the standard service."""
    device = SimulatedMovesense(board(battery_percent=61.0))
    seen = device.advertising
    assert wire.SERVICE not in seen.services
    assert Movesense.matches(Advertisement(address="C0:00:00:00:00:01", name=seen.name, services=seen.services))
    table = {one.uuid: {c.uuid: c.properties for c in one.characteristics} for one in device.services}
    assert table[wire.SERVICE] == {wire.COMMAND: ("write",), wire.DATA: ("notify",)}
    level = "00002a19-0000-1000-8000-00805f9b34fb"
    assert any(level in characteristics for characteristics in table.values())
    device.connect(247, 0.0)
    assert device.read(level, 0.0) == bytes([61])
    for uuid, error in ((wire.DATA, AttError.WRITE_NOT_PERMITTED), (level, AttError.WRITE_NOT_PERMITTED)):
        with pytest.raises(AttError) as raised:
            device.write(uuid, b"\x00\x01", 0.0)
        assert raised.value.code == error
    device.subscribe(wire.DATA, on=True, now_s=0.0)
    for data in (b"", b"\x00", b"\xff\x01", b"\x04\x01\xff\x00"):
        device.write(wire.COMMAND, data, 0.0)
    assert device.advance(0.0) == [], "what is no command is not answered"
    device.write(wire.COMMAND, wire.encode_command(Code.GET, 9, resources.ENERGY), 0.0)
    assert [out.data for out in device.advance(0.0)] == [bytes.fromhex("0109c8003d")]
