"""The Polar driver and simulated Polar sensors in conversation: the samples and their times."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.errors import OptionsError
from ankled.drivers.polar import Polar
from ankled.drivers.units import DEG_RAD, MILLI_G_MPS2
from ankled.simulators.imu import IDEAL
from ankled.simulators.peripherals.polar import SimulatedPolar
from tests.drivers.conversation import Conversation, board
from tests.drivers.polar_talk import Lossy, Recorded, blocks, largest_error, talk


@pytest.mark.parametrize("form", ["factor", "converted", "float"])
@pytest.mark.parametrize("rate_hz", [26.0, 52.0, 104.0, 208.0, 416.0])
def test_verity_streams_what_it_measures(rate_hz: float, form: Any) -> None:
    """At each rate, in each form of frames: times on the sensor's clock, samples within the resolution of the range."""
    at = board("walk", errors=IDEAL, skew_ppm=150.0)
    conversation = talk(SimulatedPolar(at, form=form), rate_hz=rate_hz)
    assert conversation.hung_up is None
    assert not conversation.events("error")
    range_g = 8.0 if rate_hz == 52.0 else 16.0
    (settings,) = conversation.events("settings")
    assert settings == {
        "rate_hz": rate_hz,
        "acc_range_g": range_g,
        "gyr_range_dps": 2000.0,
        "sdk_mode": rate_hz != 52.0,
        "streams": ["acc", "gyr"],
    }
    milli_g = 0.0305 * range_g
    assert largest_error(conversation, at, "acc") <= (0.5 * milli_g + 0.5 * (form != "factor") + 1e-6) * MILLI_G_MPS2
    assert largest_error(conversation, at, "gyr") <= (0.5 * 0.07 + 1e-4) * DEG_RAD
    for what in ("acc", "gyr"):
        parts = blocks(conversation, what)
        time_s = np.concatenate([block.time_s for block in parts if block.time_s is not None])
        np.testing.assert_allclose(np.diff(time_s), 1.0 / rate_hz, rtol=1e-5)
        assert time_s[0] < 12.5
        assert sum(block.missing for block in parts) == 0
        assert len(time_s) > 0.5 * 8.0 * rate_hz


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 200.0])
def test_h10_streams_its_accelerometer(rate_hz: float) -> None:
    """Raw frames of 36 samples in mG; no gyroscope, so no range of one and no blocks of one."""
    at = board("walk", errors=IDEAL)
    conversation = talk(SimulatedPolar(at, model="h10"), rate_hz=rate_hz, acc_range_g=8.0)
    (settings,) = conversation.events("settings")
    assert settings.pop("streams") == ["acc"]
    assert settings == {"rate_hz": rate_hz, "acc_range_g": 8.0, "gyr_range_dps": None, "sdk_mode": False}
    assert {len(block) for block in blocks(conversation, "acc")} == {36}
    assert not blocks(conversation, "gyr")
    assert largest_error(conversation, at, "acc") <= (0.5 * 0.244 + 0.5 + 1e-6) * MILLI_G_MPS2


def test_settings_come_before_samples() -> None:
    """Whoever takes the samples knows their rate first."""
    kinds = [
        type(output).__name__ if isinstance(output, m.Block) else output.name
        for _, output in talk(SimulatedPolar(board())).outputs
        if isinstance(output, m.Block | m.Event)
    ]
    assert kinds.index("settings") < kinds.index("Block")


def test_ranges_saturate_as_the_sensor_does() -> None:
    """At 2 g a running ankle leaves the range: the words end there."""
    conversation = talk(SimulatedPolar(board("run", errors=IDEAL)), acc_range_g=2.0, gyr_range_dps=250.0)
    (settings,) = conversation.events("settings")
    assert (settings["acc_range_g"], settings["gyr_range_dps"], settings["sdk_mode"]) == (2.0, 250.0, True)
    acc, gyr = conversation.stacked("acc"), conversation.stacked("gyr")
    assert np.abs(acc).max() == pytest.approx(2.0 * 9.80665, rel=2e-3)
    assert np.abs(gyr).max() == pytest.approx(32768 * 250 * 35e-6 * DEG_RAD, rel=1e-4)


def test_longest_gap_holds_at_rest() -> None:
    """A still sensor fills its frames slowest: what the driver says of its longest gap is true then."""
    conversation = talk(SimulatedPolar(board("stand")), 30.0)
    arrivals = [at_s for at_s, output in conversation.outputs if isinstance(output, m.Block)]
    gap_s = float(np.diff(arrivals).max())
    assert 2.0 < gap_s < Polar.info.longest_gap_s
    at_26 = talk(SimulatedPolar(board("stand")), 40.0, rate_hz=26.0)
    slower = [at_s for at_s, output in at_26.outputs if isinstance(output, m.Block)]
    assert Polar.info.longest_gap_s < np.diff(slower).max() < Polar.info.at(26.0).longest_gap_s
    at_208 = talk(SimulatedPolar(board("stand")), 20.0, rate_hz=208.0)
    faster = [at_s for at_s, output in at_208.outputs if isinstance(output, m.Block)]
    assert np.diff(faster).max() < 0.3 * gap_s


@pytest.mark.parametrize("model", ["verity", "h10"])
def test_frames_lost_on_the_way_are_counted(model: Any) -> None:
    """What is lost is missing, in its own stream only, and no sample is moved to fill the gap."""
    at = board("walk", errors=IDEAL)
    peripheral = Lossy(at, model=model)
    peripheral.lose = (6, 7, 11)
    conversation = talk(peripheral, 16.0)
    for what in ("acc", "gyr") if model == "verity" else ("acc",):
        parts = blocks(conversation, what)
        assert largest_error(conversation, at, what) < 0.01
        for before, after in itertools.pairwise(parts):
            assert before.time_s is not None
            assert after.time_s is not None
            rate_hz = at.rate_hz
            assert after.missing == round((after.time_s[0] - before.time_s[-1]) * rate_hz) - 1
        assert sum(block.missing for block in parts) > 15


def test_samples_lost_in_the_sensor_are_counted() -> None:
    """An overrun ends a frame early and is missing from both streams."""
    at = board("walk", errors=IDEAL)
    conversation = talk(SimulatedPolar(at), 5.0)
    at.lose(40)
    conversation.run(6.0)
    for what in ("acc", "gyr"):
        assert sum(block.missing for block in blocks(conversation, what)) == 40
        assert largest_error(conversation, at, what) < 0.01


def test_a_reset_begins_the_clock_anew() -> None:
    """After a loss of power the clock starts over; a new connection takes it as it is."""
    at = board("walk", errors=IDEAL, clock_s=5000.0)
    peripheral = SimulatedPolar(at)
    talk(peripheral, 4.0, rate_hz=208.0)
    peripheral.reset(4.0)
    assert not peripheral.sdk_mode
    conversation = Conversation(Polar(), peripheral, now_s=5.0)
    conversation.begin()
    conversation.run(4.0)
    assert largest_error(conversation, at, "gyr") < 0.01
    assert conversation.stacked("time_s").max() < 10.0


@pytest.mark.parametrize("cut", [3, 9, 14, 25])
def test_going_on_from_a_snapshot(cut: int) -> None:
    """A driver that was saved and taken up again, anywhere, gives what the other one gives."""
    conversation = talk(SimulatedPolar(board(), form="factor"), 10.0, rate_hz=104.0)
    assert isinstance(conversation.driver, Recorded)
    fed = conversation.driver.fed
    one = Polar(Options(rate_hz=104.0))
    one.start()
    for item in fed[:cut]:
        one.feed(item)
    other = Polar(Options(rate_hz=104.0))
    other.restore(one.snapshot())
    assert other.state == one.state
    given, taken = ([out for item in fed[cut:] for out in driver.feed(item)] for driver in (one, other))
    assert len(given) == len(taken) > 10
    for left, right in zip(given, taken, strict=True):
        if isinstance(left, m.Block):
            assert isinstance(right, m.Block)
            assert left.missing == right.missing
            for what in ("acc", "gyr", "time_s"):
                a, b = getattr(left, what), getattr(right, what)
                assert (a is None and b is None) or a.tobytes() == b.tobytes()
        else:
            assert left == right


def test_blocks_are_float64_in_c_order() -> None:
    """As kernels need them."""
    for block in talk(SimulatedPolar(board(), form="float"), 5.0).all(m.Block):
        for array in (block.acc, block.gyr, block.time_s):
            assert array is None or (array.dtype == np.float64 and array.flags.c_contiguous and array.flags.aligned)


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        ("verity", {"rate_hz": 100.0}, "rate_hz is 100; this device offers 26, 52, 104, 208, 416"),
        ("h10", {"rate_hz": 52.0}, "rate_hz is 52; this device offers 25, 50, 100, 200"),
        ("h10", {"acc_range_g": 16.0}, "acc_range_g is 16; this device offers 2, 4, 8"),
        ("h10", {"gyr_range_dps": 500.0}, "gyr_range_dps is 500; this device offers nothing: it cannot be set"),
    ],
)
def test_what_this_model_does_not_offer(model: Any, options: dict[str, float], reason: str) -> None:
    """What the family has but not this sensor ends the connection for good, with what there is instead."""
    conversation = talk(SimulatedPolar(board(), model=model), options=Options(**options))
    assert conversation.hung_up == m.HangUp(reason=reason, lasting=True)
    assert not conversation.peripheral.streaming
    assert not conversation.events("error")


def test_what_no_model_offers() -> None:
    """What no sensor of the family has is refused before there is a connection."""
    for options in (Options(rate_hz=60.0), Options(acc_range_g=3.0), Options(gyr_range_dps=2001.0)):
        with pytest.raises(OptionsError):
            Polar(options)
