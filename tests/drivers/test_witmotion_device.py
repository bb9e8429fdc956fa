"""WitMotion: the driver and the simulated sensor in conversation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.witmotion import WitMotion, registers
from ankled.drivers.witmotion.rate import COMMAND, DATA
from ankled.simulators.imu import IDEAL
from ankled.simulators.peripherals.model import AttError
from ankled.simulators.peripherals.witmotion import SimulatedWitMotion
from tests.drivers.conversation import Conversation, board

ACC_STEP = 16.0 * 9.80665 / 32768.0
GYR_STEP = np.deg2rad(2000.0) / 32768.0
SET_RATE = b"\xff\xaa\x03"


def conversation(
    rate_hz: float | None = None, *, mtu: int = 247, interval_s: float = 0.03, **traits: Any
) -> Conversation:
    """Return a driver and a sensor that are about to talk."""
    sensor = SimulatedWitMotion(board(errors=IDEAL), **traits)
    return Conversation(WitMotion(Options(rate_hz=rate_hz)), sensor, mtu=mtu, interval_s=interval_s)


def begun(rate_hz: float | None = None, run_s: float = 5.0, **traits: Any) -> Conversation:
    """Return the conversation after a while."""
    talk = conversation(rate_hz, **traits)
    talk.begin()
    talk.run(run_s)
    return talk


def rates_set(talk: Conversation) -> list[bytes]:
    """Return the commands that set a rate."""
    return [data for uuid, data in talk.written if uuid == COMMAND and data.startswith(SET_RATE)]


def truth(talk: Conversation, count: int) -> tuple[Any, Any]:
    """Return what the board read at its last `count` samples."""
    device = talk.peripheral.board
    last = device._out
    return device._read(last - count, count)


@pytest.mark.parametrize("rate_hz", [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0])
def test_streams_at_every_rate_what_the_board_measured(rate_hz: float) -> None:
    """The rate is set and checked, and samples are those of the board to half a step."""
    talk = begun(rate_hz, run_s=3.0 + 10.0 / rate_hz)
    settings = talk.events("settings")
    assert [value["rate_hz"] for value in settings] == [rate_hz]
    assert settings[0]["acc_range_g"] == 16.0
    assert settings[0]["gyr_range_dps"] == 2000.0
    assert not talk.events("error")
    kinds = [type(output) for _, output in talk.outputs if isinstance(output, m.Block | m.Event)]
    assert m.Event in kinds[: kinds.index(m.Block)], "the settings come first"
    acc, gyr = talk.stacked("acc"), talk.stacked("gyr")
    true_acc, true_gyr = truth(talk, len(acc))
    assert np.max(np.abs(acc - true_acc)) <= 0.5 * ACC_STEP + 1e-9
    assert np.max(np.abs(gyr - true_gyr)) <= 0.5 * GYR_STEP + 1e-9
    streamed_s = talk.now_s - next(t for t, o in talk.outputs if isinstance(o, m.Event) and o.name == "settings")
    assert abs(len(acc) - streamed_s * rate_hz) <= 0.06 * rate_hz + 1.0


def test_the_default_rate_is_set_without_saving() -> None:
    """100 Hz by one unlock and one command; nothing is written to the sensor's flash memory."""
    talk = begun()
    written = [data for uuid, data in talk.written if uuid == COMMAND]
    assert written[:4] == [
        bytes.fromhex("ffaa270300"),
        bytes.fromhex("ffaa6988b5"),
        bytes.fromhex("ffaa030900"),
        bytes.fromhex("ffaa270300"),
    ]
    assert registers.SAVE_SETTINGS not in written
    assert talk.events("settings")[0]["checked_by"] == "register"


def test_a_sensor_that_kept_its_rate_streams_at_once() -> None:
    """After a lost link nothing is set again: the register shows the rate, and samples flow within two events."""
    talk = begun()
    talk.peripheral.disconnect(talk.now_s)
    again = Conversation(WitMotion(), talk.peripheral, now_s=talk.now_s)
    again.begin()
    again.run(0.15)
    assert again.all(m.Block)
    assert not rates_set(again)


def test_after_a_reset_the_rate_is_set_anew() -> None:
    """What was not saved is lost with the power: the next connection sets it."""
    talk = begun()
    assert isinstance(talk.peripheral, SimulatedWitMotion)
    talk.peripheral.reset(talk.now_s)
    assert talk.peripheral.rate_hz == 10.0
    again = Conversation(WitMotion(), talk.peripheral, now_s=talk.now_s)
    again.begin()
    again.run(2.0)
    assert rates_set(again) == [bytes.fromhex("ffaa030900")]
    assert again.all(m.Block)


@pytest.mark.parametrize(("firmware", "codes"), [("ble", [0x0A]), ("standard", [0x0A, 0x0B])])
def test_200_hz_is_found_by_counting_arrivals(firmware: str, codes: list[int]) -> None:
    """The documents disagree on the code: the BLE document's is tried first, the other where the rate is different."""
    talk = begun(200.0, 6.0, firmware=firmware)
    assert [data[3] for data in rates_set(talk)] == codes
    (settings,) = talk.events("settings")
    assert settings["rate_code"] == codes[-1]
    assert settings["checked_by"] == "arrivals"
    late = [block for when, block in talk.outputs if isinstance(block, m.Block) and when > 5.0]
    assert sum(map(len, late)) == pytest.approx(200.0, abs=10.0)


def test_a_rate_register_that_cannot_be_read_is_no_hindrance() -> None:
    """Without an answer the arrivals tell the rate."""
    talk = begun(100.0, 6.0, readable=False)
    (settings,) = talk.events("settings")
    assert settings["checked_by"] == "arrivals"
    assert talk.all(m.Block)


@pytest.mark.parametrize("refusals", [1, 2, 3, 4, 7])
def test_ignored_commands_are_noticed_and_sent_again(refusals: int) -> None:
    """The protocol has no refusal: a command that did nothing shows in the register, and is repeated."""
    talk = conversation()
    talk.peripheral.refusals = refusals
    talk.begin()
    talk.run(12.0)
    assert [value["rate_hz"] for value in talk.events("settings")] == [100.0]
    assert talk.hung_up is None


def test_a_sensor_that_keeps_its_rate_is_given_up() -> None:
    """After four attempts the driver hangs up and says what the sensor does; trying again soon will not help."""
    talk = conversation(100.0)
    talk.peripheral.refusals = 1000
    talk.begin()
    talk.run(60.0)
    assert len(rates_set(talk)) == 4
    assert len(talk.events("error")) == 4
    assert talk.hung_up is not None
    assert talk.hung_up.lasting
    assert re.match(r"rate_hz is 100, but 1[01] samples arrive in a second.*; lower rates are 1,", talk.hung_up.reason)
    assert not talk.all(m.Block)


def test_a_link_too_slow_for_the_rate_is_told() -> None:
    """Samples that the link cannot carry would be missing without a trace: no stream rather than a wrong one."""
    talk = conversation(200.0, mtu=23)
    talk.begin()
    sent = talk.peripheral.advance
    talk.peripheral.advance = lambda now_s: sent(now_s)[:4]  # type: ignore[method-assign]  # at most 4 packets an event
    talk.run(30.0)
    assert talk.hung_up is not None
    assert "samples arrive in a second" in talk.hung_up.reason


def test_a_refused_subscription_ends_the_connection() -> None:
    """Without notifications there is nothing to wait for; a device that never answers is let go too."""
    driver = WitMotion()
    driver.start()
    *_, hang_up = driver.feed(m.WriteResult(characteristic=DATA, error="not permitted"))
    assert isinstance(hang_up, m.HangUp)
    silent = WitMotion()
    silent.start()
    (hang_up,) = silent.feed(m.Timeout(name="step"))
    assert isinstance(hang_up, m.HangUp)


def test_a_sensor_without_data_is_given_up_for_now() -> None:
    """Nothing arrives and nothing answers: not the setting's fault, so another connection may do better."""
    driver = WitMotion()
    outputs = [*driver.start(), *driver.feed(m.WriteResult(characteristic=DATA))]
    for _ in range(40):
        outputs += driver.feed(m.Timeout(name="step"))
    hang_ups = [output for output in outputs if isinstance(output, m.HangUp)]
    assert [hang_up.lasting for hang_up in hang_ups] == [False]


def test_a_failed_command_is_told_and_overcome() -> None:
    """An ATT error of a command is an event; what to do follows from what the sensor does."""
    driver = WitMotion()
    driver.start()
    driver.feed(m.WriteResult(characteristic=DATA))
    (event,) = driver.feed(m.WriteResult(characteristic=COMMAND, error="ATT error 0x0e"))
    assert event == m.Event(name="error", value={"message": "command: ATT error 0x0e"})


@pytest.mark.parametrize("mtu", [23, 30, 64, 185, 247])
@pytest.mark.parametrize("long_frames", [False, True])
def test_no_sample_is_lost_or_torn_at_any_mtu(mtu: int, *, long_frames: bool) -> None:
    """Frames of both lengths straddle packets as the link cuts them."""
    talk = begun(100.0, 3.0, mtu=mtu, interval_s=0.0951, long_frames=long_frames)
    acc = talk.stacked("acc")
    true_acc, _ = truth(talk, len(acc))
    assert np.max(np.abs(acc - true_acc)) <= 0.5 * ACC_STEP + 1e-9
    assert not talk.events("error")
    assert all(block.time_s is None for block in talk.all(m.Block))


def test_the_battery_is_asked_for_once_a_minute() -> None:
    """Level and voltage come soon after the start and every minute, and with them the rate at which samples come."""
    talk = begun(50.0, 125.0)
    assert [value["level"] for value in talk.events("battery")] == [75.0, 75.0, 75.0]
    observed = [value["observed_rate_hz"] for value in talk.events("status")]
    assert observed == pytest.approx([50.0, 50.0], rel=0.01)
    assert talk.events("info") == [{"firmware": "4708"}]


def test_a_battery_that_is_not_told_is_unknown() -> None:
    """When a minute passes without an answer the level is null, not the last one."""
    talk = begun(50.0, 3.0)
    talk.peripheral.refusals = 1000
    talk.run(120.0)
    assert talk.events("battery")[-1] == {"level": None}


def test_an_overrun_leaves_no_trace_but_samples_go_on() -> None:
    """The frames have no number: what the sensor lost cannot be seen, and what follows is whole."""
    talk = begun(100.0, 3.0)
    before = len(talk.stacked("acc"))
    talk.peripheral.board.lose(7)
    talk.run(1.0)
    acc = talk.stacked("acc")
    assert len(acc) - before == pytest.approx(93, abs=4)
    true_acc, _ = truth(talk, 50)
    assert np.max(np.abs(acc[-50:] - true_acc)) <= 0.5 * ACC_STEP + 1e-9
    assert all(block.missing == 0 for block in talk.all(m.Block))


def test_readings_beyond_the_range_saturate() -> None:
    """2000 deg/s and 16 g are the most the frames can hold."""
    talk = begun(100.0, 2.0)
    assert np.max(np.abs(talk.stacked("gyr"))) <= np.deg2rad(2000.0)
    assert np.max(np.abs(talk.stacked("acc"))) <= 16.0 * 9.80665


def test_stop_ends_the_stream() -> None:
    """After `stop` the sensor sends no more."""
    talk = begun(100.0, 2.0)
    assert talk.peripheral.streaming
    talk._take(talk.driver.stop())
    talk.run(0.1)
    count = len(talk.all(m.Block))
    talk.run(1.0)
    assert len(talk.all(m.Block)) == count
    assert not talk.peripheral.streaming


def test_restored_in_mid_stream_it_goes_on_alike() -> None:
    """A driver restored from a snapshot during the setting of the rate comes to the same stream."""
    talk = conversation(200.0, firmware="standard")
    talk.begin()
    for _ in range(60):
        talk.run(0.1)
        restored = WitMotion(talk.driver.options)
        restored.restore(talk.driver.snapshot())
        talk.driver = restored
    assert [value["rate_code"] for value in talk.events("settings")] == [0x0B]


def test_the_sensor_keeps_its_locks_and_saves() -> None:
    """Settings need the key, saved ones outlive a reset, and only the command characteristic takes commands."""
    sensor = SimulatedWitMotion(board())
    sensor.connect(247, 0.0)
    sensor.write(COMMAND, registers.encode_command(registers.RATE, 9), 0.0)
    assert sensor.rate_hz == 10.0, "locked"
    sensor.write(COMMAND, registers.UNLOCK, 0.0)
    sensor.write(COMMAND, registers.encode_command(registers.RATE, 9), 1.0)
    sensor.write(COMMAND, b"\xff\xaa", 1.0)
    assert sensor.rate_hz == 100.0
    sensor.write(COMMAND, registers.SAVE_SETTINGS, 2.0)
    sensor.write(COMMAND, registers.encode_command(registers.RATE, 8), 20.0)
    sensor.reset(30.0)
    assert sensor.rate_hz == 100.0, "saved, and locked again after ten seconds"
    sensor.write(COMMAND, registers.UNLOCK, 31.0)
    sensor.write(COMMAND, registers.encode_command(registers.SAVE, 1), 31.0)
    assert sensor.rate_hz == 10.0, "back to the defaults"
    with pytest.raises(AttError):
        sensor.write(DATA, registers.UNLOCK, 31.0)
