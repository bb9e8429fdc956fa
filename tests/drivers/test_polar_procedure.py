"""How the Polar driver gets a sensor to stream, whatever it refuses, and leaves it at rest."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import Polar, procedure, wire
from ankled.simulators.imu import IDEAL
from ankled.simulators.peripherals.polar import SimulatedPolar
from tests.drivers.conversation import Conversation, board
from tests.drivers.polar_talk import Mute, Recorded, blocks, largest_error, talk


def test_commands_in_their_order() -> None:
    """Both subscriptions, then the features, the settings of each measurement, the starts: nothing is asked unheard."""
    conversation = talk(SimulatedPolar(board()))
    first = [output for _, output in conversation.outputs][:3]
    assert first == [
        m.Subscribe(characteristic=wire.CONTROL),
        m.Subscribe(characteristic=wire.DATA),
        m.Read(characteristic=wire.CONTROL),
    ]
    assert [data.hex() for _, data in conversation.written] == [
        "0102",
        "0105",
        "0202000134000101100002010800040103",
        "020500013400010110000201d007040103",
    ]


def test_refused_commands_are_asked_again() -> None:
    """A sensor that is not ready is asked again after a moment, and streams in the end."""
    peripheral = SimulatedPolar(board())
    peripheral.refusals = 2
    conversation = talk(peripheral)
    assert [error["status"] for error in conversation.events("error")] == [wire.INVALID_STATE] * 2
    assert blocks(conversation, "gyr")


def test_a_sensor_that_refuses_for_ever_is_left() -> None:
    """The number of tries is bounded; the reason says what was asked for and what the sensor said."""
    peripheral = SimulatedPolar(board())
    peripheral.refusals = 1000
    conversation = talk(peripheral, 30.0)
    assert conversation.hung_up == m.HangUp(reason="get settings ACC: invalid state")
    refused = [error["operation"] for error in conversation.events("error")]
    assert refused.count("get settings") == procedure.TRIES


def test_answers_fit_into_a_small_mtu_but_streams_do_not() -> None:
    """At an MTU of 23 settings come in two pieces; the start is refused, and later tries do not help."""
    conversation = talk(SimulatedPolar(board()), 30.0, mtu=23)
    offered = [one["params"] for one in conversation.events("response")]
    assert {"sample_rate_hz": [52], "resolution_bits": [16], "range": [8], "channels": [3]} in offered
    assert conversation.hung_up == m.HangUp(reason="start ACC: the MTU of the link is too small", lasting=True)


def test_an_mtu_that_grows_later_is_waited_for() -> None:
    """The exchange of the MTU may still be under way when the streams are started."""
    peripheral = SimulatedPolar(board())
    conversation = talk(peripheral, 1.5, mtu=23)
    assert conversation.events("error")
    conversation.mtu = peripheral.mtu = 247
    conversation.run(6.0)
    assert conversation.hung_up is None
    assert blocks(conversation, "acc")


def test_a_sensor_in_its_charger() -> None:
    """It refuses to start; taken out within a few seconds it streams, else it is left for now."""
    peripheral = SimulatedPolar(board())
    peripheral.in_charger = True
    assert talk(peripheral, 20.0).hung_up == m.HangUp(reason="start ACC: the device is in its charger")
    peripheral.disconnect(0.0)
    conversation = talk(peripheral, 2.0)
    peripheral.in_charger = False
    conversation.run(6.0)
    assert conversation.hung_up is None
    assert blocks(conversation, "acc")


def test_streams_that_the_sensor_ends_are_started_again() -> None:
    """An unsolicited stop is told, and both streams go on with their true times."""
    at = board("walk", errors=IDEAL)
    peripheral = SimulatedPolar(at)
    conversation = talk(peripheral, 5.0)
    had = len(blocks(conversation, "gyr"))
    peripheral.end_streams(conversation.now_s)
    conversation.run(6.0)
    assert conversation.events("status") == [{"stopped": ["ACC", "GYRO"]}]
    assert len(blocks(conversation, "gyr")) > had + 3
    assert all(block.missing == 0 for block in conversation.all(m.Block))
    assert largest_error(conversation, at, "acc") < 0.01


def test_streams_that_end_again_and_again_are_left() -> None:
    """Without a single frame in between the tries are bounded."""
    peripheral = SimulatedPolar(board())
    conversation = talk(peripheral, 0.3)
    for _ in range(procedure.TRIES):
        peripheral.end_streams(conversation.now_s)
        conversation.run(1.5)
    assert conversation.hung_up == m.HangUp(reason="the device ends its streams again and again")


def test_an_h10_that_still_streams_is_stopped_and_started() -> None:
    """A lost link leaves an H10 measuring: it says so, and frames that nobody has started are no samples."""
    at = board("walk", errors=IDEAL)
    peripheral = SimulatedPolar(at, model="h10")
    talk(peripheral, 3.0)
    peripheral.disconnect(3.0)
    assert peripheral.streaming
    conversation = Conversation(Recorded(Options(rate_hz=200.0)), peripheral, now_s=4.0)
    conversation.begin()
    conversation.run(5.0)
    assert [error["status"] for error in conversation.events("error")] == [wire.ALREADY]
    assert [data[:2].hex() for _, data in conversation.written] == ["0102", "0202", "0302", "0202"]
    assert largest_error(conversation, at, "acc") < 0.01
    assert at.rate_hz == 200.0


@pytest.mark.parametrize(
    ("model", "rate_hz", "commands"), [("verity", 104.0, ["0302", "0305", "0309"]), ("h10", 100.0, ["0302"])]
)
def test_stop_leaves_the_sensor_at_rest(model: Any, rate_hz: float, commands: list[str]) -> None:
    """Streams are stopped, then SDK mode; an H10 goes off only so. What is still on its way is taken."""
    peripheral = SimulatedPolar(board(), model=model)
    conversation = talk(peripheral, 3.0, rate_hz=rate_hz)
    before = len(conversation.written)
    conversation._take(conversation.driver.stop())
    conversation.run(20.0)
    assert [data.hex() for _, data in conversation.written[before:]] == commands
    assert not peripheral.streaming
    assert not peripheral.sdk_mode
    assert conversation.hung_up is None
    assert not conversation.events("error")


def test_sdk_mode_of_an_earlier_connection_is_switched_off_at_the_end() -> None:
    """SDK mode outlives a lost link; the next driver recognises it by what is offered."""
    peripheral = SimulatedPolar(board())
    talk(peripheral, 3.0, rate_hz=208.0)
    peripheral.disconnect(3.0)
    assert peripheral.sdk_mode
    conversation = Conversation(Polar(), peripheral, now_s=4.0)
    conversation.begin()
    conversation.run(5.0)
    (settings,) = conversation.events("settings")
    assert (settings["rate_hz"], settings["sdk_mode"]) == (52.0, True)
    conversation._take(conversation.driver.stop())
    conversation.run(0.2)
    assert not peripheral.sdk_mode


def test_sdk_mode_waits_until_nothing_streams() -> None:
    """Streams that still run refuse SDK mode: they are stopped first."""
    peripheral = SimulatedPolar(board())
    peripheral.connect(247, 0.0)
    start = [(wire.SAMPLE_RATE, 52), (wire.RESOLUTION, 16), (wire.RANGE, 8), (wire.CHANNELS, 3)]
    peripheral.write(wire.CONTROL, wire.command(wire.START, wire.ACC, start), 0.0)
    assert peripheral.streaming
    conversation = talk(peripheral, rate_hz=104.0)
    assert [error["message"] for error in conversation.events("error")] == ["start SDK_MODE: invalid state"]
    assert conversation.events("settings")[0]["rate_hz"] == 104.0
    assert blocks(conversation, "gyr")


def test_a_sensor_without_accelerometer() -> None:
    """An H9, say, has the service but not the measurement."""
    driver = Polar()
    driver.start()
    outputs = driver.feed(m.ReadResult(characteristic=wire.CONTROL, data=wire.encode_features((0, 3))))
    assert outputs[-1] == m.HangUp(reason="the device has no accelerometer", lasting=True)


def test_a_sensor_without_any_measurement() -> None:
    """Features without a bit are an answer: they are not read again and again."""
    driver = Polar()
    driver.start()
    outputs = driver.feed(m.ReadResult(characteristic=wire.CONTROL, data=wire.encode_features(())))
    assert outputs[-1] == m.HangUp(reason="the device has no measurements at all", lasting=True)
    assert not any(isinstance(output, m.Read) for output in outputs)


def test_a_sensor_that_never_answers() -> None:
    """Missing answers are asked for again, a bounded number of times."""
    peripheral = Mute(board())
    peripheral.silent = wire.CONTROL
    conversation = talk(peripheral, 60.0)
    assert conversation.hung_up == m.HangUp(reason="the device does not answer")
    assert [data.hex() for _, data in conversation.written[: procedure.TRIES]] == ["0102"] * procedure.TRIES


def test_a_sensor_that_starts_but_sends_nothing() -> None:
    """Streams without a frame are stopped and started, a bounded number of times."""
    conversation = talk(Mute(board()), 120.0)
    assert conversation.hung_up == m.HangUp(reason="the device sends no samples")
    starts = [data for _, data in conversation.written if data[:2] == wire.command(wire.START, wire.ACC)]
    assert len(starts) == procedure.TRIES


def test_a_refused_subscription_ends_the_connection() -> None:
    """Without its subscriptions nothing can be heard."""
    driver = Polar()
    driver.start()
    outputs = driver.feed(m.WriteResult(characteristic=wire.DATA, error="not permitted"))
    assert outputs[-1] == m.HangUp(reason="the device refuses a subscription: not permitted")


def test_refused_accesses_are_tried_again() -> None:
    """A failed read or write is told, tried again after a moment, and in the end given up."""
    driver = Polar()
    driver.start()
    for _ in range(2):
        outputs = driver.feed(m.ReadResult(characteristic=wire.CONTROL, error="busy"))
        assert isinstance(outputs[0], m.Event)
        assert outputs[-1] == m.Deadline(name="again", after_s=procedure.AGAIN_S)
        assert m.Read(characteristic=wire.CONTROL) in driver.feed(m.Timeout(name="again"))
    driver.feed(m.ReadResult(characteristic=wire.CONTROL, data=wire.encode_features((wire.ACC,))))
    for _ in range(procedure.TRIES - 3):
        driver.feed(m.WriteResult(characteristic=wire.CONTROL, error="busy"))
        assert m.Write(characteristic=wire.CONTROL, data=b"\x01\x02") in driver.feed(m.Timeout(name="again"))
    outputs = driver.feed(m.WriteResult(characteristic=wire.CONTROL, error="busy"))
    assert outputs[-1] == m.HangUp(reason="the device refuses an access: busy")


def _control(data: bytes) -> m.Notification:
    return m.Notification(characteristic=wire.CONTROL, data=data)


SETTINGS = wire.encode_settings([(wire.SAMPLE_RATE, [52]), (wire.RESOLUTION, [16]), (wire.RANGE, [8])])
ANSWERS = st.builds(
    lambda operation, type_, status, parameters: _control(bytes((0xF0, operation, type_, status, 0)) + parameters),
    st.integers(1, 4),
    st.sampled_from([wire.ACC, wire.GYRO, wire.SDK_MODE]),
    st.sampled_from([0, 0, 0, 0, *range(16)]),
    st.sampled_from([b"", b"\x01", SETTINGS, b"\x05\x01\x40\xda\x7f\x39"]),
)
INPUTS = st.one_of(
    ANSWERS,
    st.builds(_control, st.sampled_from([b"\x01\x02", b"\x01\x05\x02", b"\x0f\x6e\x02", b"\x0f\x05"])),
    st.builds(_control, st.binary(max_size=12)),
    st.builds(m.WriteResult, characteristic=st.just(wire.CONTROL), error=st.sampled_from([None, None, "no"])),
    st.builds(m.ReadResult, characteristic=st.just(wire.CONTROL), data=st.just(b"\x0f\x24\x02")),
    st.just(m.ReadResult(characteristic=wire.CONTROL, error="no")),
    st.just(m.Notification(characteristic=wire.DATA, data=bytes.fromhex("020100000000000000" + "01" + "000100020003"))),
)


@given(st.lists(st.one_of(INPUTS, st.sampled_from(["answer", "again", "frame"])), max_size=60), st.booleans())
def test_it_never_gets_stuck_nor_acts_after_the_end(items: list[m.DriverInput | str], right: bool) -> None:
    """Whatever a sensor says: while not all streams run a deadline is pending, and after HangUp nothing is asked.

    `right` lets the sensor answer what it was asked, now and then, so that later steps are reached.
    """
    driver = Polar()
    pending: set[str] = set()
    ended = False

    def take(outputs: list[m.DriverOutput]) -> None:
        nonlocal ended
        for out in outputs:
            assert not ended or isinstance(out, m.Event | m.Block)
            if isinstance(out, m.Deadline):
                (pending.discard if out.after_s is None else pending.add)(out.name)
            ended = ended or isinstance(out, m.HangUp)

    take(driver.start())
    for item in items:
        if isinstance(item, str):
            if item not in pending:
                continue
            pending.remove(item)
        given_item = m.Timeout(name=item) if isinstance(item, str) else item
        with contextlib.suppress(DecodeError):
            take(driver.feed(given_item))
        if right and driver.state.pending:
            take(driver.feed(_control(b"\xf0" + driver.state.pending[:2] + b"\0\0" + SETTINGS)))
        streams = driver.state.streams()
        assert ended or pending or (streams and all(stream.running for _, stream in streams))
        assert driver.snapshot()
    take(driver.stop() if not ended else [])
