"""The beats of OpenAnkle: when a device tells its clock, what the driver makes of it, and what it is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle import wire
from ankled.drivers.openankle.driver import SILENT_BEATS, TRIES
from ankled.simulators.peripherals.openankle import BEAT_S, SimulatedOpenAnkle
from tests.drivers.conversation import board
from tests.drivers.openankle_talk import (
    messages,
    only_block,
    packet,
    streaming,
    talk_with,
)
from tests.drivers.test_openankle_document import DOCUMENT

if TYPE_CHECKING:
    from ankled.simulators.peripherals.model import Outgoing
    from tests.drivers.conversation import Conversation


def beats(talk: Conversation) -> list[tuple[float, float]]:
    """Return when each beat arrived, and what it says."""
    return [(now_s, one.time_s) for now_s, one in talk.outputs if isinstance(one, m.Beat)]


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 400.0])
@pytest.mark.parametrize("clock_s", [12.0, 4293.0])
def test_beats_are_the_boards_clock(rate_hz: float, clock_s: float) -> None:
    """Each tells what the board's clock showed, on the samples' scale and over a wrap, at most an event before."""
    device = SimulatedOpenAnkle(board(skew_ppm=60.0, clock_s=clock_s))
    talk = talk_with(device, Options(rate_hz=rate_hz))
    talk.run(20.0)
    told = beats(talk)
    assert len(told) == pytest.approx(19.8 / BEAT_S, abs=2)
    begun_s = device.board._begun_clock_s
    numbers = np.rint([(time_s - begun_s) / BEAT_S for _, time_s in told])
    assert np.all(np.diff(numbers) == 1)
    np.testing.assert_allclose([time_s for _, time_s in told], begun_s + numbers * BEAT_S, rtol=0, atol=1e-6)
    waits = np.array([now_s for now_s, _ in told]) - device.board.radio_s(np.array([time_s for _, time_s in told]))
    assert waits.min() > -1e-6
    assert waits.max() < talk.interval_s + 1e-6


class Late(SimulatedOpenAnkle):
    """A device whose motion sensor takes a while to begin."""

    late_s = 0.0

    def _sample(self, now_s: float) -> None:
        super()._sample(now_s + self.late_s)


@pytest.mark.parametrize("late_s", [0.001, 0.0035, 0.0062, 0.0089])
def test_beats_tell_what_packets_cannot(late_s: float) -> None:
    """At 100 Hz and 30 ms packets wait one of three times, the shortest of them any; of 40 beats one waits 2 ms."""
    device = Late(board())
    device.late_s = late_s
    talk = talk_with(device)
    talk.run(19.5)
    sent = [
        (now_s, one.time_s[-1]) for now_s, one in talk.outputs if isinstance(one, m.Block) and one.time_s is not None
    ]
    waits = [now_s - float(device.board.radio_s(time_s)) for now_s, time_s in sent]
    assert len(np.unique(np.round(waits, 4))) == 3
    assert min(waits) == pytest.approx(0.01 - late_s, abs=1e-4)
    told = beats(talk)[:40]
    assert len(told) == 40
    assert min(now_s - float(device.board.radio_s(np.array(time_s))) for now_s, time_s in told) <= 0.002 + 1e-6


def test_the_beats_are_in_step_with_no_interval() -> None:
    """As the document says of its 458 ms: of 40, one waits less than 5 ms at any interval, for clocks 100 ppm apart."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"in steps of {1000.0 * BEAT_S:g} ms" in text
    assert f"do beat_us += {1e6 * BEAT_S:.0f};" in text
    left_ms = {}
    for interval_ms in 1.25 * np.arange(6, 41):
        for skew in (-1e-4, -3e-5, 0.0, 3e-5, 1e-4):
            places = np.sort(1000.0 * BEAT_S * (1.0 + skew) * np.arange(40) % interval_ms)
            left_ms[interval_ms, skew] = np.diff([*places, places[0] + interval_ms]).max()
    assert max(left_ms.values()) < 5.0
    assert max(left for (interval_ms, _), left in left_ms.items() if interval_ms == 15.0) < 1.1
    assert max(left for (interval_ms, _), left in left_ms.items() if interval_ms == 30.0) < 2.1


def test_packets_and_beats_come_in_the_order_of_their_times() -> None:
    """No beat overtakes a packet that was full before it, also where several come at one connection event."""
    talk = talk_with(SimulatedOpenAnkle(board(), can=wire.Capabilities(max_samples=2)))
    talk.interval_s = 0.4
    talk.run(30.0)
    ends = []
    for _, one in talk.outputs:
        if isinstance(one, m.Beat):
            ends.append(one.time_s)
        elif isinstance(one, m.Block) and one.time_s is not None:
            ends.append(float(one.time_s[-1]))
    assert len(beats(talk)) > 50
    assert np.diff(ends).min() > -1e-6


def test_what_piled_up_is_left_out() -> None:
    """After a pause of the radio there is one beat and not one for each that was due."""
    talk = talk_with(SimulatedOpenAnkle(board()))
    talk.run(5.0)
    before = len(beats(talk))
    talk.interval_s = 3.0
    talk.run(3.0)
    assert len(beats(talk)) == before + 1


def test_no_beats_without_samples() -> None:
    """A sensor that stops, silently, stops the beats; after Stop there are none, and turning them off ends them."""
    device = SimulatedOpenAnkle(board())
    talk = talk_with(device)
    talk.run(3.0)
    device.board.lose(1000)
    talk.run(0.5)
    before = len(beats(talk))
    talk.run(8.0)
    assert len(beats(talk)) == before
    talk.run(4.0)
    assert len(beats(talk)) > before
    device.subscribe(wire.CLOCK, on=False, now_s=talk.now_s)
    before = len(beats(talk))
    talk.run(2.0)
    device.subscribe(wire.CLOCK, on=True, now_s=talk.now_s)
    talk._take(talk.driver.stop())
    talk.run(2.0)
    assert len(beats(talk)) == before
    assert messages(talk) == []


def test_a_device_without_the_clock_is_not_asked_for_it() -> None:
    """Feature bit 3 says whether there is the characteristic; without it all else is the same."""
    device = SimulatedOpenAnkle(board(), can=wire.Capabilities(tells_clock=False))
    talk = talk_with(device)
    talk.run(3.0)
    assert wire.CLOCK not in {one.uuid for service in device.services for one in service.characteristics}
    assert wire.CLOCK not in {one.characteristic for one in talk.all(m.Subscribe)}
    assert beats(talk) == []
    assert talk.all(m.Block)


def test_a_clock_that_cannot_be_subscribed_to() -> None:
    """A device that says it tells its clock and refuses is told so; samples flow all the same."""
    driver = streaming()
    (said,) = driver.feed(m.WriteResult(characteristic=wire.CLOCK, error="not permitted"))
    assert isinstance(said, m.Event)
    assert said.name == "error"
    assert said.value["message"] == "the device says that it tells its clock, and does not: not permitted"
    assert driver.state.step == "streaming"
    assert only_block(driver.feed(packet(0, 0))).missing == 0


def test_a_restart_that_streams_on_brings_beats_of_the_new_clock() -> None:
    """No beat mixes the two clocks."""
    device = SimulatedOpenAnkle(board(clock_s=900.0))
    talk = talk_with(device)
    talk.run(3.0)
    device.restart(talk.now_s, resume=True)
    talk.run(3.0)
    times = [time_s for _, time_s in beats(talk)]
    assert np.sum(np.diff(times) < 0.0) == 1
    for now_s, time_s in beats(talk):
        true_s = now_s + 900.0 if time_s > 800.0 else device.board.clock_s(now_s)
        assert 0.0 <= true_s - time_s < talk.interval_s + 1e-6
    assert times[0] > 900.0
    assert times[-1] < 4.0


class Stuck(SimulatedOpenAnkle):
    """A device whose samples stop at some time while it goes on telling its clock, against the profile."""

    stuck = False

    def _packets(self, now_s: float) -> list[tuple[float, Outgoing]]:
        packets = super()._packets(now_s)
        return [] if self.stuck else packets

    def _beat(self, now_s: float) -> list[tuple[float, Outgoing]]:
        self._flows = True
        return super()._beat(now_s)


def test_beats_do_not_hide_that_samples_stay_away() -> None:
    """Such a device is started again after a few beats, with a reason, and given up if that does not help."""
    device = Stuck(board())
    talk = talk_with(device)
    talk.run(3.0)
    device.stuck = True
    talk.run(SILENT_BEATS * BEAT_S + 2.0)
    assert messages(talk) == ["the device tells its clock and sends no samples"]
    device.stuck = False
    talk.run(3.0)
    blocks = len(talk.all(m.Block))
    talk.run(1.0)
    assert len(talk.all(m.Block)) > blocks
    assert sum(data[0] == c.Op.START for _, data in talk.written) == 2
    device.stuck = True
    talk.run(40.0)
    assert talk.hung_up == m.HangUp(reason="the device was started and sends nothing", lasting=False)
    assert len(messages(talk)) == TRIES + 1
