"""Movella DOT: the driver and the simulated sensor in conversation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.errors import DecodeError
from ankled.drivers.movella_dot import MovellaDot, device, message, payload
from ankled.simulators.imu import IDEAL
from ankled.simulators.peripherals.model import AttError
from ankled.simulators.peripherals.movella_dot import SimulatedMovellaDot
from tests.drivers.conversation import Conversation, board

START = device.encode_measurement(21, start=True)


def conversation(
    rate_hz: float | None = None, *, mtu: int = 247, clock_s: float = 12.0, skew_ppm: float = 0.0, **traits: Any
) -> Conversation:
    """Return a driver and a sensor that are about to talk."""
    sensor = SimulatedMovellaDot(board(errors=IDEAL, clock_s=clock_s, skew_ppm=skew_ppm), **traits)
    return Conversation(MovellaDot(Options(rate_hz=rate_hz)), sensor, mtu=mtu)


def begun(rate_hz: float | None = None, run_s: float = 3.0, **traits: Any) -> Conversation:
    """Return the conversation after a while."""
    talk = conversation(rate_hz, **traits)
    talk.begin()
    talk.run(run_s)
    return talk


def written(talk: Conversation, characteristic: str) -> list[bytes]:
    """Return what was written to a characteristic."""
    return [data for uuid, data in talk.written if uuid == characteristic]


@pytest.mark.parametrize("rate_hz", device.RATES_HZ)
def test_streams_at_every_rate_what_the_board_measured(rate_hz: float) -> None:
    """Rate, time stamps and samples are those of the board, to a microsecond and the precision of 32 bits."""
    talk = begun(rate_hz, run_s=1.0 + 12.0 / rate_hz, skew_ppm=40.0)
    (settings,) = talk.events("settings")
    assert settings == {"rate_hz": rate_hz, "acc_range_g": 16.0, "gyr_range_dps": 2000.0}
    assert not talk.events("error")
    outputs = [output for _, output in talk.outputs]
    first = next(at for at, output in enumerate(outputs) if isinstance(output, m.Block))
    assert m.Event(name="settings", value=settings) in outputs[:first]
    times = talk.stacked("time_s")
    assert len(times) >= 11
    device_board = talk.peripheral.board
    assert np.diff(times) == pytest.approx(np.full(len(times) - 1, 1.0 / rate_hz), abs=2e-6)
    acc, gyr = device_board._motion.at(device_board.radio_s(times))
    # The time stamp is rounded to a microsecond, in which the leg moves a little.
    assert talk.stacked("acc") == pytest.approx(acc, rel=1e-6, abs=1e-3)
    assert talk.stacked("gyr") == pytest.approx(gyr, rel=1e-6, abs=1e-3)
    assert [block.missing for block in talk.all(m.Block)] == [0] * len(times)


def test_the_rate_is_written_only_where_it_differs() -> None:
    """60 Hz is what the sensor comes with; other rates are set before the start, and read back."""
    assert written(begun(), device.DEVICE_CONTROL) == []
    talk = begun(30.0)
    assert written(talk, device.DEVICE_CONTROL) == [device.rate_control(30.0)]
    assert isinstance(talk.peripheral, SimulatedMovellaDot)
    assert talk.peripheral.control == device.Control(tag="Movella DOT", output_rate_hz=30)


def test_the_payload_is_subscribed_before_the_start() -> None:
    """What is sent before somebody listens is lost."""
    outputs = [output for _, output in begun().outputs]
    start = outputs.index(m.Write(characteristic=device.MEASUREMENT_CONTROL, data=START))
    assert outputs.index(m.Subscribe(characteristic=device.MEDIUM_PAYLOAD)) < start


def test_it_tells_who_it_is_and_its_battery() -> None:
    """Information and battery come at the start, the battery again when it changes."""
    talk = begun()
    assert talk.events("info")[0]["product_code"] == "XS-T02"
    assert talk.events("battery") == [{"level": 87.0, "charging": False}]
    talk.peripheral.board.battery_percent = 86.0
    talk.run(0.1)
    assert talk.events("battery")[-1] == {"level": 86.0, "charging": False}


def test_the_clock_wraps_in_mid_stream() -> None:
    """After 71.6 minutes the time stamps begin anew and time goes on."""
    talk = begun(clock_s=2**32 * 1e-6 - 1.0, run_s=3.0)
    times = talk.stacked("time_s")
    assert times[-1] > 2**32 * 1e-6 + 1.0
    assert np.diff(times) == pytest.approx(np.full(len(times) - 1, 1.0 / 60.0), abs=2e-6)


def test_an_overrun_is_counted_as_missing() -> None:
    """Time stamps tell how many samples are missing."""
    talk = begun()
    before = len(talk.all(m.Block))
    talk.peripheral.board.lose(7)
    talk.run(1.0)
    missing = [block.missing for block in talk.all(m.Block)][before:]
    assert sum(missing) == 7
    assert max(missing) == 7


def test_restored_in_mid_stream_it_goes_on_alike() -> None:
    """Snapshots at every moment of the way change nothing, also across a wrap of the clock."""
    plain = begun(30.0, clock_s=2**32 * 1e-6 - 1.0, run_s=3.0)
    talk = conversation(30.0, clock_s=2**32 * 1e-6 - 1.0)
    talk.begin()
    for _ in range(100):
        talk.run(0.03)
        restored = MovellaDot(talk.driver.options)
        restored.restore(talk.driver.snapshot())
        talk.driver = restored
    count = min(len(talk.stacked("time_s")), len(plain.stacked("time_s")))
    assert count > 60
    assert talk.stacked("time_s")[:count].tobytes() == plain.stacked("time_s")[:count].tobytes()


@pytest.mark.parametrize("rate_hz", [1.0, 60.0, 30.0])
@pytest.mark.parametrize("refusals", [1, 2])
def test_refused_commands_are_told_and_sent_again(refusals: int, rate_hz: float) -> None:
    """A report of an illegal command is an error event, and the command is tried again."""
    talk = conversation(rate_hz)
    talk.peripheral.refusals = refusals
    talk.begin()
    talk.run(15.0)
    assert {"message": "the device reports illegal command (3)"} in talk.events("error")
    assert talk.hung_up is None
    assert [value["rate_hz"] for value in talk.events("settings")] == [rate_hz]
    assert talk.all(m.Block)


def test_a_rate_that_is_never_taken_ends_the_connection() -> None:
    """Three tries, then the reason names what the device keeps and what is offered: trying again will not help."""
    talk = conversation(30.0)
    talk.peripheral.refusals = 1000
    talk.begin()
    talk.run(20.0)
    assert len(written(talk, device.DEVICE_CONTROL)) == 3
    assert talk.hung_up is not None
    assert talk.hung_up.lasting
    assert "keeps an output rate of 60 Hz though 30 Hz was set" in talk.hung_up.reason
    assert talk.hung_up.reason.endswith("offered are 1, 4, 10, 12, 15, 20, 30, 60")


def test_starts_that_come_to_nothing_end_the_connection() -> None:
    """Three starts without a sample: the device does not stream now."""
    talk = conversation(60.0)
    talk.peripheral.refusals = 1000
    talk.begin()
    talk.run(20.0)
    assert written(talk, device.MEASUREMENT_CONTROL).count(START) == 3
    assert talk.hung_up is not None
    assert not talk.hung_up.lasting


def test_a_link_with_small_packets_is_told() -> None:
    """The medium payload does not fit an MTU of 23: silence, and a reason that says which MTU is needed."""
    talk = conversation(mtu=23)
    talk.begin()
    talk.run(20.0)
    assert talk.hung_up is not None
    assert "ATT MTU of 43" in talk.hung_up.reason
    assert MovellaDot.info.min_mtu == 43
    assert begun(mtu=43).all(m.Block)


def test_a_synchronised_sensor_is_released_where_its_rate_must_change() -> None:
    """Its rate is fixed until the synchronisation is stopped; at the right rate it stays synchronised."""
    talk = begun(30.0, synced=True)
    stop = message.encode(message.SYNCHRONISATION, message.STOP_SYNC)
    assert written(talk, device.MESSAGE_CONTROL) == [stop]
    assert [value["result"] for value in talk.events("response") if value.get("name") == "stop sync result"] == [0]
    assert [value["rate_hz"] for value in talk.events("settings")] == [30.0]
    kept = begun(60.0, synced=True)
    assert not written(kept, device.MESSAGE_CONTROL)
    assert kept.all(m.Block)


def test_a_measurement_that_runs_already_is_stopped_first() -> None:
    """Whoever started it: the rate cannot be changed while it runs."""
    talk = conversation(20.0)
    talk.peripheral.connect(247, 0.0)
    talk.peripheral.write(device.MEASUREMENT_CONTROL, START, 0.0)
    talk.begin()
    talk.run(3.0)
    assert written(talk, device.MEASUREMENT_CONTROL) == [device.encode_measurement(21, start=False), START]
    assert [value["rate_hz"] for value in talk.events("settings")] == [20.0]
    assert not talk.events("error")


def test_settings_that_cannot_be_read_end_the_connection() -> None:
    """Three tries each with its time, whether reads fail, are garbage or are never answered."""
    control = device.DEVICE_CONTROL
    for given in (None, m.ReadResult(characteristic=control, error="timed out"), m.ReadResult(characteristic=control)):
        driver = MovellaDot()
        outputs = driver.start()
        for _ in range(6):
            if given is not None:
                try:
                    outputs += driver.feed(given)
                except DecodeError:
                    assert not given.data
            outputs += driver.feed(m.Timeout(name="answer"))
        assert outputs.count(m.Read(characteristic=control)) == 3
        assert sum(isinstance(output, m.HangUp) for output in outputs) == 1


def test_what_is_not_needed_may_fail() -> None:
    """A device without information, battery or reports is told of and goes on."""
    driver = MovellaDot()
    driver.start()
    for result in (
        m.WriteResult(characteristic=device.DEVICE_REPORT, error="not found"),
        m.ReadResult(characteristic=device.DEVICE_INFO, error="not found"),
        m.ReadResult(characteristic=device.BATTERY, error="not found"),
    ):
        (event,) = driver.feed(result)
        assert isinstance(event, m.Event)
        assert event.name == "error"
    outputs = driver.feed(
        m.ReadResult(characteristic=device.DEVICE_CONTROL, data=device.encode_control(device.Control()))
    )
    assert m.Write(characteristic=device.MEASUREMENT_CONTROL, data=START) in outputs


def test_a_late_sample_before_the_start_is_no_sample() -> None:
    """What a measurement of somebody else still sends comes before the settings, and is left out."""
    driver = MovellaDot()
    driver.start()
    data = payload.encode_rates([1], np.zeros((1, 3)), np.zeros((1, 3)))[0]
    assert driver.feed(m.Notification(characteristic=device.MEDIUM_PAYLOAD, data=data)) == []


def test_stop_ends_the_measurement() -> None:
    """After `stop` the sensor measures no more."""
    talk = begun()
    assert talk.peripheral.board.running
    talk._take(talk.driver.stop())
    talk.run(0.1)
    assert not talk.peripheral.streaming
    count = len(talk.all(m.Block))
    talk.run(1.0)
    assert len(talk.all(m.Block)) == count


def test_after_a_reset_another_connection_streams() -> None:
    """The clock begins at zero and the rate is the default: the next connection sets it anew."""
    talk = begun(20.0)
    talk.peripheral.reset(talk.now_s)
    again = Conversation(MovellaDot(Options(rate_hz=20.0)), talk.peripheral, now_s=talk.now_s)
    again.begin()
    again.run(2.0)
    assert written(again, device.DEVICE_CONTROL) == [device.rate_control(20.0)]
    assert again.stacked("time_s")[0] < 1.0


def test_the_button_is_a_status() -> None:
    """A click is told with the sensor's time of it."""
    talk = begun()
    assert isinstance(talk.peripheral, SimulatedMovellaDot)
    talk.peripheral.press(talk.now_s)
    pressed_ms = round((talk.now_s + 12.0) * 1000.0)
    talk.run(0.1)
    assert talk.events("status") == [{"code": 5, "report": "button", "clock_ms": pressed_ms}]


def test_the_sensor_keeps_its_rules() -> None:
    """Sizes are checked, masks hold, what cannot be started is reported, and messages are acknowledged."""
    sensor = SimulatedMovellaDot(board())
    sensor.connect(247, 0.0)
    sensor.subscribe(device.DEVICE_REPORT, on=True, now_s=0.0)
    for characteristic, data in ((device.DEVICE_CONTROL, bytes(31)), (device.MEASUREMENT_CONTROL, b"\x01\x01")):
        with pytest.raises(AttError):
            sensor.write(characteristic, data, 0.0)
    with pytest.raises(AttError):
        sensor.write(device.BATTERY, b"\x00", 0.0)
    with pytest.raises(AttError):
        sensor.read(device.MEDIUM_PAYLOAD, 0.0)
    change = device.Control(visit=0x04 | 0x08 | 0x20, connected_min=5, tag="left", output_rate_hz=1, filter_profile=1)
    sensor.write(device.DEVICE_CONTROL, device.encode_control(change), 0.0)
    assert sensor.control == device.Control(connected_min=5, tag="left", output_rate_hz=60, filter_profile=1)
    sensor.write(device.MEASUREMENT_CONTROL, device.encode_measurement(3, start=True), 0.0)
    sensor.write(device.MEASUREMENT_CONTROL, START, 0.0)
    sensor.write(device.MEASUREMENT_CONTROL, START, 0.0)
    reports = [device.decode_report(out.data)["code"] for out in sensor.advance(0.1)]
    assert reports == [device.ILLEGAL_COMMAND, device.BUSY]
    sensor.write(device.MESSAGE_CONTROL, message.encode(message.RECORDING, message.GET_STATE), 0.2)
    assert sensor.read(device.MESSAGE_ACKNOWLEDGE, 0.2).startswith(bytes.fromhex("0103010602f3"))
    sensor.write(device.MESSAGE_CONTROL, message.start_sync("D4:22:CD:00:A1:B2"), 0.3)
    acknowledged = message.decode(sensor.read(device.MESSAGE_ACKNOWLEDGE, 0.3))
    assert (acknowledged["result"], acknowledged["for"]) == (0, message.START_SYNC)
