"""Alerts on real recordings and on scenarios: silent on the healthy, told where there is a reason."""

import pytest

from benchmarks.datasets import everything
from benchmarks.suites import alerts

REASONS = tuple(name for name in alerts.EXPECTED if name != "slip")


@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize("kind", [everything.WALK, everything.FEET, everything.RAISES])
def test_healthy_recordings_raise_no_alert(kind: str) -> None:
    """Pins silence: on no walk of anybody, and on no exercise but for the range of sets that were done low."""
    names = [name for name in everything.names() if name.startswith(kind)]
    assert names
    assert not {score.name: score.others for score in map(alerts.measure, names) if score.others}


@pytest.mark.usefixtures("data_folder")
def test_low_sets_of_a_named_exercise_are_told() -> None:
    """Pins detection on real people: all low sets but that of one session, whose low set has the widest range."""
    names = [name for name in everything.names() if name.startswith(everything.RAISES)]
    silent = [score.name for score in map(alerts.measure, names) if not score.after]
    assert silent == ["leg raises s1_e5"]


@pytest.mark.parametrize("name", REASONS)
def test_scenarios_with_a_reason_are_told_and_nothing_else(name: str) -> None:
    """Pins detection over seeds, with the mount known and found: each leg is told once, within ten repetitions."""
    score = alerts.measure(f"{everything.SCENARIO}{name}")
    assert len(score.after) == score.due > 0
    assert max(score.after) <= 10
    assert not score.others


@pytest.mark.parametrize("name", ["walk_slow", "walk_turn", "run", "squat", "reference", "stand"])
def test_scenarios_without_a_reason_are_silent(name: str) -> None:
    """Pins silence over seeds: turns, runs and rest are no reason."""
    score = alerts.measure(f"{everything.SCENARIO}{name}")
    assert not score.others
    assert not score.tired
