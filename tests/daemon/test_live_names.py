"""Names of sessions: no two runs and no two sessions of a run ever have the same, so that no id is given twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.live.names import SessionNames

NOON_NS = 1_794_830_400 * 10**9
STEPS = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=40)


def test_a_session_bears_its_moment() -> None:
    """The usual name is the moment in UTC."""
    assert SessionNames().next(NOON_NS) == "20261116T120000Z"
    assert SessionNames("20261116T115959Z", 7).next(NOON_NS) == "20261116T120000Z"


def test_a_restart_within_a_second_is_told_apart() -> None:
    """A moment that an earlier run has named a session by gets the number of the run."""
    names = SessionNames("20261116T120000Z", 7)
    assert [names.next(NOON_NS), names.next(NOON_NS + 1)] == ["20261116T120000Z-7", "20261116T120000Z-7-2"]
    assert names.next(NOON_NS + 10**9) == "20261116T120001Z"


def test_a_clock_without_a_battery_repeats_no_name() -> None:
    """A machine whose clock begins in 1970 at every start names its sessions differently each time."""
    told = {SessionNames("20261116T120000Z", run).next(5 * 10**9) for run in range(2, 9)}
    assert len(told) == 7
    assert min(told) == "19700101T000005Z-2"


@given(STEPS)
def test_no_name_is_given_twice(steps: list[tuple[int, bool]]) -> None:
    """However the wall clock steps and whenever the daemon is started anew."""
    names, run, latest, utc_ns = SessionNames(), 1, "", NOON_NS
    told: list[str] = []
    for seconds, restarted in steps:
        utc_ns += seconds * 10**9
        if restarted:
            run += 1
            names = SessionNames(latest, run)
        told.append(names.next(utc_ns))
        latest = max(latest, told[-1][:16])
    assert len(set(told)) == len(told)
