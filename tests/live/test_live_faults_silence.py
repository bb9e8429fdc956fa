"""Sensors that are not heard, or hang: what is said of them within how long, and what becomes of their samples."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.live.backoff import TABLE, Trouble
from ankled.daemon.live.options import Limits
from tests.live.account import Played, play

if TYPE_CHECKING:
    from pathlib import Path

# Two makes that differ in everything: packets of 80 ms with samples that are counted by the sensor, and compressed
# frames of up to 2.7 s for each of two streams, so that a few intervals are many seconds.
INTERVAL_S = {"openankle": 0.09, "polar": 2.8}
STARTS_S = {"openankle": 0.3, "polar": 3.3}
AGAIN_S = 1.0
SUPERVISION_S = 2.0
SILENT_S = Limits().silent_s
both = pytest.mark.parametrize("driver", INTERVAL_S)


def said(played: Played) -> list[str]:
    """Return what happened to the device."""
    return [what for _, what, _ in played.events()]


@both
def test_a_moment_out_of_range_goes_unnoticed(driver: str, tmp_path: Path) -> None:
    """The link outlives it, and what the sensor has kept meanwhile comes late: no sample is lost, none is moved."""
    played = play(f"left={driver}", "12 out_of_range left 1.5", 30.0, tmp_path)
    device = played.devices["left"]
    assert [there for _, there in played.online()] == [False, True, False]
    assert said(played) == ["connected", "disconnected"]
    assert (device.counts["gaps"], device.counts["missing"]) == (0, 0)
    assert device.unheard_outside((0.0, 0.3), (30.0 - INTERVAL_S[driver], inf)) == 0


@both
def test_out_of_range_for_longer_than_the_link_lives(driver: str, tmp_path: Path) -> None:
    """Offline with the link; nobody is asked for who is not there; back by itself as soon as it is heard again."""
    played = play(f"left={driver}", "12 out_of_range left 14", 38.0, tmp_path)
    device = played.devices["left"]
    assert played.after(12.0, online=False) < SUPERVISION_S + 0.1
    assert played.after(26.0, online=True) < AGAIN_S + STARTS_S[driver]
    assert said(played) == ["connected", "disconnected", "connected", "interrupted", "disconnected"]
    away = [(state["link"], state["last_error"]) for time_s, state in played.states() if 15.0 < time_s < 26.0]
    assert set(away) <= {("waiting", "the connection was lost")}
    assert played.states()[-1][1]["reconnects"] == 1
    heard_until_s = 12.0 - INTERVAL_S[driver]
    back_s = 26.0 + played.after(26.0, online=True)
    assert device.unheard_outside((0.0, 0.3), (heard_until_s, back_s), (38.0 - INTERVAL_S[driver], inf)) == 0


@both
def test_switched_off_for_minutes(driver: str, tmp_path: Path) -> None:
    """The clock of the sensor begins anew, ours does not: the gap is as long as it was, and the session goes on."""
    played = play(f"left={driver}", "12 absent left 300", 324.0, tmp_path)
    device = played.devices["left"]
    assert played.after(12.0, online=False) < SUPERVISION_S + 0.1
    assert played.after(312.0, online=True) < AGAIN_S + STARTS_S[driver]
    assert [there for _, there in played.online()] == [False, True, False, True, False]
    ((_, _, detail),) = [one for one in played.events() if one[1] == "interrupted"]
    assert detail["gap_s"] == pytest.approx(300.0, abs=INTERVAL_S[driver] + AGAIN_S)
    assert device.counts["backwards"] == 0
    assert (played.states()[-1][1]["reconnects"], played.states()[-1][1]["last_error"]) == (1, None)


@both
def test_a_sensor_that_hangs_for_a_while_keeps_its_link(driver: str, tmp_path: Path) -> None:
    """A second or two are nothing; after three intervals it is offline; what its memory held comes when it goes on."""
    briefly_s = {"openankle": 2.0, "polar": 1.0}[driver]
    played = play(f"left={driver}", f"35 zombie left {briefly_s}; 45 zombie left 7", 70.0, tmp_path)
    device = played.devices["left"]
    patience_s = max(SILENT_S, 3.0 * INTERVAL_S[driver])
    assert not [time_s for time_s, there in played.online() if 1.0 < time_s < 47.0 and not there]
    assert played.after(45.0, online=False) < patience_s
    assert played.after(52.0, online=True) < 0.1
    assert said(played) == ["connected", "disconnected"]
    silent = [state["link"] for time_s, state in played.states() if 45.0 < time_s < 52.0]
    assert silent[-1] == "silent"
    assert (device.counts["gaps"], device.counts["missing"]) == (0, 0)
    assert device.unheard_outside((0.0, 0.3), (70.0 - INTERVAL_S[driver], inf)) == 0


def test_a_sensor_that_hangs_for_long_is_dropped_and_made_anew(tmp_path: Path) -> None:
    """Silent, asked, no answer: the link is dropped and tried again, with reasons, until the sensor is well.

    It is back when a try that began while it hung has run into its deadline, and the next has had its turn.
    """
    played = play("left=openankle", "12 zombie left 30", 80.0, tmp_path)
    limits = Limits()
    assert played.after(12.0, online=False) < SILENT_S + INTERVAL_S["openankle"]
    ((down_s, _, detail),) = [one for one in played.events() if one[1] == "disconnected" and one[0] < 79.0]
    assert down_s - 12.0 < SILENT_S + limits.request_s + 0.2
    assert "no answer to a read" in detail["reason"]
    again_s = limits.connect_s + 2.0 * TABLE[Trouble.NO_ANSWER].first_s * 4.0
    assert played.after(42.0, online=True) < again_s
    errors = {state["last_error"] for time_s, state in played.states() if down_s < time_s < 60.0}
    assert any(one is not None and "connecting to" in one for one in errors)
    assert played.states()[-1][1]["last_error"] is None
    assert played.devices["left"].unheard_outside((0.0, 0.3), (12.0 - 0.1, 80.0 - again_s), (79.9, inf)) == 0
