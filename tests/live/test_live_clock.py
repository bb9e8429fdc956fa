"""The clocks of the host do what they like: the wall clock is set, the host sleeps; no result is disturbed by that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.records import Live as Moment
from ankled.daemon.records import Rep, Session, to_json
from tests.live.account import play
from tests.live.runs import NS, UTC_NS, LoopClock, run
from tests.live.test_live_identity import dressed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.runs import Run

HOUR_NS = 3600 * NS
YEAR_NS = 365 * 24 * HOUR_NS
LAST = 30.0
SLEEPS_S = 20.0
STEPS = {
    "an hour on": (12.0, HOUR_NS),
    "an hour back": (12.0, -HOUR_NS),
    "a year on by mistake, and back": (12.0, YEAR_NS, 20.0, -YEAR_NS),
    "from 1970 to today": (0.0, -UTC_NS, 15.0, UTC_NS),
}


class SetClock(LoopClock):
    """A wall clock that is set, and a host that sleeps: the time of the event loop stands still meanwhile."""

    def __init__(self) -> None:
        self.stepped_ns = self.slept_ns = 0

    def now_ns(self) -> int:
        """Return the host's time."""
        return super().now_ns() + self.slept_ns

    def utc_ns(self) -> int:
        """Return the wall clock."""
        return super().utc_ns() + self.slept_ns + self.stepped_ns


def walked(*steps: float) -> tuple[Run, list[dict[str, Any]]]:
    """Have somebody walk while the wall clock is set at some times, by so much; return the results without UTC."""
    world = dressed("left=openankle", "right=movesense", ideal=True)
    clock = SetClock()

    async def meanwhile(_run: Run) -> None:
        for at_s, by_ns in zip(steps[::2], steps[1::2], strict=True):
            await asyncio.sleep(at_s - asyncio.get_running_loop().time())
            clock.stepped_ns += int(by_ns)
        await asyncio.Event().wait()

    result = run(world, LAST, clock=clock, meanwhile=meanwhile)
    records = [msgspec.json.decode(to_json(one)) for _, one in result.kept.records if not isinstance(one, Moment)]
    return result, records


def without_dates(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return records without what a wall clock is for: the date of each, and the name of the session."""
    return [
        {
            name: value.split("/", 1)[-1] if name == "id" else value
            for name, value in one.items()
            if name != "session" and not name.endswith("_utc")
        }
        for one in records
    ]


def dates(records: list[dict[str, Any]]) -> list[object]:
    """Return the dates in records."""
    return [value for one in records for name, value in one.items() if name.endswith("_utc")]


@pytest.fixture(scope="module")
def undisturbed() -> list[dict[str, Any]]:
    """Return the results of a run whose clock nobody sets."""
    return walked()[1]


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_setting_the_wall_clock_disturbs_no_result(steps: tuple[float, ...], undisturbed: list[dict[str, Any]]) -> None:
    """Times, numbers and all figures are those of a run whose clock nobody set; only dates follow it, at once."""
    _, records = walked(*steps)
    assert without_dates(records) == without_dates(undisturbed)
    assert len({one["session"] for one in records}) == 1, "the session goes on under its name"
    assert dates(records) != dates(undisturbed)
    assert len(dates(records)) == len(dates(undisturbed)) > 0


@pytest.mark.parametrize(("hours", "goes_on"), [(0.2, True), (10.0, False)])
def test_a_host_that_slept_drops_dead_links_and_goes_on(hours: float, goes_on: bool, tmp_path: Path) -> None:
    """Links are gone after it, though nobody says so: silence tells within seconds. A long sleep ends the session."""
    clock = SetClock()

    async def sleep(result: Run) -> None:
        await asyncio.sleep(SLEEPS_S)
        clock.slept_ns += round(hours * HOUR_NS)
        for _ in range(10):
            await asyncio.sleep(1.0)
            assert result.live.supervisor.heartbeat_s < 10.0, "the watchdog does not fire for it"
        await asyncio.Event().wait()

    script = f"{SLEEPS_S} zombie left 20"
    played = play(
        "left=openankle", script, 50.0, tmp_path, numbered=False, scenario="walk", clock=clock, meanwhile=sleep
    )
    assert played.after(SLEEPS_S, online=False) < 5.0
    assert played.after(SLEEPS_S + 20.0, online=True) < 10.0, "and it is found again when it is there again"
    named = {one.session for _, one in played.run.kept.records if isinstance(one, Rep)}
    assert len(named) == 1, "nothing is computed from before and after as if it were one"
    ended = [one.session for _, one in played.run.kept.records if isinstance(one, Session)]
    assert set(ended) == named
    assert (played.run.live.service.settings.session in named) is goes_on
