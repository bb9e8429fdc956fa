"""A device with an accelerometer alone as a stream: cuts, snapshots, counts, a gyroscope that comes or goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from ankled.daemon.inputs import Config, State
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Rep, Set
from tests.daemon.bare import LEFT, LIVE, WORN, alone, plain
from tests.daemon.wearers import BOOT_NS, SECOND, in_order, lines, packets, reps, run, session, sets, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record


# --- a gyroscope comes or goes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [True, False], ids=["goes", "comes"])
def test_where_the_gyroscope_comes_or_goes_the_other_pipeline_takes_over(lost: bool) -> None:
    """A sensor that comes back without its gyroscope, or with it: the set is closed, numbers and times go on."""
    at_ns = BOOT_NS + 6 * SECOND
    items: list[Input] = []
    for item in session(WORN):
        items += plain([item]) if (item.host_ns >= at_ns) == lost else [item]
    records = run(items)
    assert in_order(records)
    for device in ("left", "right"):
        first = sets(records, device)[0]
        assert first.closed_by == "request"
        before = [rep for rep in reps(records, device) if rep.known_at_s < 6.0]
        after = [rep for rep in reps(records, device) if rep.known_at_s > 6.0]
        assert before
        assert after
        assert {"accelerometer_only" in rep.quality_reasons for rep in before} == {not lost}
        assert {"accelerometer_only" in rep.quality_reasons for rep in after} == {lost}


# --- causality, snapshots -------------------------------------------------------------------------------------------


def test_a_record_depends_on_nothing_after_known_at() -> None:
    """Cut anywhere: every record known by then is there, the same, whatever follows the cut."""
    recording = LEFT.without(5.02, 5.6)
    whole = alone(recording)
    for cut_s in sorted({record.known_at_s for record in whole} | set(np.linspace(2.0, 30.0, 15))):
        known = [record for record in whole if record.known_at_s <= cut_s]
        assert lines(alone(recording.until(cut_s))[: len(known)]) == lines(known), cut_s


@limits(max_examples=15)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_packets_of_any_size_give_the_same_records(sizes: list[int]) -> None:
    """How the radio cuts the stream is of no account."""

    def told(records: Iterable[Record]) -> list[bytes]:
        return lines(record for record in records if isinstance(record, Rep | Set) and record.device == "left")

    only = {"left": LEFT}
    assert told(run(plain(session(only, sizes=sizes)))) == told(run(plain(session(only))))


@limits(max_examples=15)
@given(st.integers(1, len(LIVE) - 1))
def test_a_snapshot_goes_on_the_same(at: int) -> None:
    """A capture that begins anywhere replays to the same bytes, each device in the pipeline it was in."""
    items = plain(session(WORN), "right")
    core, records = Core(), []
    for item in items[:at]:
        records += core.feed(item)
    again = Core()
    again.feed(items[0])
    again.feed(State(host_ns=items[at].host_ns, version=Core.version, data=core.snapshot()))
    assert again.snapshot() == core.snapshot()
    for item in items[at:]:
        records += again.feed(item)
    assert lines(records) == lines(run(items))


def test_counts_are_those_of_the_samples() -> None:
    """What was lost, doubled or broken is counted as for any other device."""
    core = Core()
    core.feed(Config(host_ns=BOOT_NS, settings=settings()))
    lossy = LEFT.without(5.02, 5.12)
    acc = lossy.acc.copy()
    acc[100] = np.nan
    for item in plain(packets("left", lossy._replace(acc=acc))):
        core.feed(item)
    counts = core.devices["left"].counts
    assert counts == {"gaps": 0, "missing": 6, "repeated": 0, "backwards": 0, "not_finite": 1, "clipped": 0}
