"""Faults while the link is up: late, lost and doubled packets, an overrun memory, a low battery, refusals."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from tests.live.account import play

if TYPE_CHECKING:
    from pathlib import Path

DRIVERS = ("movesense", "movella_dot", "witmotion", "polar", "metamotion", "openankle")
RATES_HZ = {"movesense": 104.0, "movella_dot": 60.0, "witmotion": 100.0, "polar": 52.0, "openankle": 100.0}
every = pytest.mark.parametrize("driver", DRIVERS)


@pytest.mark.parametrize(
    ("driver", "interval_s"),
    [("movesense", 1.0), ("movella_dot", 2.5), ("witmotion", 1.0), ("polar", 2.5), ("metamotion", 1.0)],
)
def test_bursts_lose_nothing(driver: str, interval_s: float, tmp_path: Path) -> None:
    """Connection events seconds apart: everything comes, late and at once, and keeps its place in time."""
    played = play(f"left={driver}", f"10 bursts left 5 {interval_s}", 25.0, tmp_path)
    device = played.devices["left"]
    assert [there for _, there in played.online()] == [False, True, False]
    assert (device.counts["gaps"], device.counts["missing"], device.counts["backwards"]) == (0, 0, 0)
    assert device.unheard_outside((0.0, 0.6), (22.0, inf)) == 0


@pytest.mark.parametrize("driver", RATES_HZ)
def test_lost_packets_are_missing_by_the_sample(driver: str, tmp_path: Path) -> None:
    """What never came is what the state calls missing, and what lies in the gaps that are told: neither more nor less.

    Where samples are only counted, the loss shows in the arrivals, which tell it to a sample a time.
    """
    share = 0.4 if driver == "polar" else 0.05
    played = play(f"left={driver}", f"8 lost_packets left 10 {share}", 27.0, tmp_path)
    device = played.devices["left"]
    gaps_s = [detail["gap_s"] for _, what, detail in played.events() if what == "interrupted"]
    lost = device.unheard_s[(device.unheard_s > 5.0) & (device.unheard_s < 21.0)]
    assert len(lost) > 10
    assert device.unheard_outside((0.0, 0.6), (5.0, 21.0), (24.0, inf)) == 0
    told = device.counts["missing"] + sum(round(gap_s * RATES_HZ[driver]) - 1 for gap_s in gaps_s)
    slack = 0 if driver in {"movella_dot", "openankle", "movesense"} else 2 + len(gaps_s)
    assert abs(told - len(lost)) <= slack
    assert played.states()[-1][1]["missing"] == device.counts["missing"]
    errors = [detail["message"] for _, what, detail in played.events() if what == "sensor_error"]
    assert len(errors) == len(set(errors)), "a bad link does not tell the same with each packet"


@every
def test_doubled_packets_count_once(driver: str, tmp_path: Path) -> None:
    """Also where nothing in a packet tells: the pipeline takes each sample once, and its time stays where it was."""
    share = 1.0 if driver == "polar" else 0.3
    played = play(f"left={driver}", f"6 duplicates left 6 {share}", 16.0, tmp_path)
    device = played.devices["left"]
    twice = played.run.live.service.queue.statistics.passed
    assert twice > 100 or driver == "polar"
    assert (device.counts["gaps"], device.counts["missing"]) == (0, 0)
    assert device.unheard_outside((0.0, 0.6), (13.0, inf)) == 0
    if driver in {"witmotion", "metamotion", "movesense"}:
        assert (device.counts["repeated"], device.counts["backwards"]) == (0, 0)


@every
def test_an_overrun_is_a_gap_of_its_length(driver: str, tmp_path: Path) -> None:
    """Five samples that the sensor lost are filled in and counted; sixty end what is under way, with an event."""
    played = play(f"left={driver}", "6 overrun left 5; 9 overrun left 60", 18.0, tmp_path)
    device = played.devices["left"]
    ((_, _, detail),) = [one for one in played.events() if one[1] == "interrupted"]
    rate_hz = RATES_HZ.get(driver, 100.0)
    assert detail["gap_s"] == pytest.approx(61.0 / rate_hz, abs=1.5 / rate_hz)
    at_the_edge = 1 if driver in {"metamotion", "polar"} else 0  # where streams come apart: no force for a rate there
    assert device.counts["missing"] == pytest.approx(5, abs=at_the_edge)
    inside_s = device.unheard_s[(device.unheard_s > 1.0) & (device.unheard_s < 15.0)]
    assert len(inside_s) <= at_the_edge


@pytest.mark.parametrize("driver", [one for one in DRIVERS if one != "witmotion"])
def test_a_low_battery_shows_in_the_state(driver: str, tmp_path: Path) -> None:
    """Within two seconds. A WitMotion does not tell by itself: it is asked once a minute."""
    played = play(f"left={driver}", "4 low_battery left 9", 7.0, tmp_path)
    levels = [(time_s, state["battery_percent"]) for time_s, state in played.states()]
    low_s = next(time_s for time_s, level in levels if level is not None and level < 15.0)
    assert low_s < 6.0
    assert max(level for time_s, level in levels if level is not None and time_s < 4.0) > 70.0


@every
def test_refused_commands_are_tried_again(driver: str, tmp_path: Path) -> None:
    """Two refusals are got over; six end a link or two. It is online with its samples, never by its answers."""
    played = play(f"left={driver}", "0 refusals left 2; 9 refusals left 6; 9.1 link_loss left", 25.0, tmp_path)
    assert played.after(0.0, online=True) < 6.0
    assert played.after(9.2, online=True) < 12.0
    errors = [detail["message"] for _, what, detail in played.events() if what == "sensor_error"]
    assert errors or driver == "witmotion", "it has no word for a refusal"
    arrived_s = played.devices["left"].arrived_s
    for begin_s, there in played.online():
        assert not there or abs(arrived_s - begin_s).min() < 1e-6
    assert [there for _, there in played.online()] == [False, True, False, True, False]
    assert played.states()[-1][1]["last_error"] is None
