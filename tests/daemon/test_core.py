"""The core: sessions begin and end, settings change under way, ids and numbers stay in order, time becomes UTC."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.inputs import ClockAnchor, Command, Config, Dropped, Link, Notification, Stop, Tick
from ankled.daemon.pipeline import Core
from ankled.daemon.pipeline.context import Context
from ankled.daemon.records import Event, Rep, Set
from ankled.drivers.messages import HangUp
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from tests.daemon.wearers import (
    BOOT_NS,
    SECOND,
    UTC_NS,
    WALK_LIFT_WALK,
    changed,
    events,
    in_order,
    legs,
    lines,
    packets,
    pairs,
    reps,
    run,
    session,
    sessions,
    sets,
    settings,
)

if TYPE_CHECKING:
    from ankled.daemon.inputs import Input
    from ankled.drivers.messages import Action

WALK = (Stand(duration_s=1.5), Gait(speed_mps=1.25, strides=9), Stand(duration_s=1.5))
LIVE = session(legs(*WALK_LIFT_WALK))


def test_ids_are_unique_and_sequences_have_no_holes() -> None:
    """Every record has an id of its own, and `history` can ask for what comes after a `seq`."""
    records = run(LIVE)
    assert len(records) > 30
    assert in_order(records)


def test_ids_name_session_owner_kind_and_count() -> None:
    """An id says whose it is; no part of it is random."""
    walked = run(LIVE)
    assert [rep.id for rep in reps(walked, "left")][:2] == ["monday/left/stride/1", "monday/left/stride/2"]
    assert next(closed.id for closed in sets(walked, "right")) == "monday/right/set/1"
    assert pairs(walked)[0].id == "monday/kim/pair/1"
    assert sessions(walked)[0].id == "monday/kim/session/1"
    assert events(walked)[0].id == "monday/left/event/1"
    assert lines(walked) == lines(run(LIVE))


def test_indices_count_within_a_set_and_sets_within_a_session() -> None:
    """`index` begins at 1 in each set, `set` goes up by one, and a set counts its repetitions."""
    records = run(LIVE)
    for device in ("left", "right"):
        of_set = {closed.set: closed for closed in sets(records, device)}
        assert sorted(of_set) == list(range(1, len(of_set) + 1))
        for number, closed in of_set.items():
            inside = [rep for rep in reps(records, device) if rep.set == number]
            assert [rep.index for rep in inside] == list(range(1, closed.count + 1))
            assert {rep.kind for rep in inside} == {closed.of}


def test_totals_are_those_of_the_records() -> None:
    """The session's record counts what was published before it, and nothing is known after it."""
    records = run(LIVE)
    (total,) = sessions(records)
    assert records[-1] == total
    assert total.strides == sum(rep.kind == "stride" for rep in reps(records))
    assert total.reps == sum(rep.kind == "rep" for rep in reps(records))
    assert (total.sets, total.pairs) == (len(sets(records)), len(pairs(records)))
    assert total.devices == ["left", "right"]
    assert total.start_s == min(rep.start_s for rep in reps(records))
    assert total.known_at_s == total.end_s == max(record.known_at_s for record in records)


def test_a_device_tells_in_the_order_it_knows() -> None:
    """`known_at_s` never runs back within a device, and is never before what it tells of has ended."""
    records = run(LIVE)
    for device in ("left", "right"):
        known = [r.known_at_s for r in records if isinstance(r, Rep | Set | Event) and r.device == device]
        assert all(a <= b for a, b in pairwise(known))
    assert all(r.known_at_s >= r.end_s for r in records if not isinstance(r, Event) and hasattr(r, "end_s"))


# --- inputs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [Tick(host_ns=0), Stop(host_ns=0, reason="")], ids=["tick", "stop"])
def test_settings_come_first(item: Input) -> None:
    """Nothing can be fed before a Config."""
    with pytest.raises(RecordingError, match="does not begin with its settings"):
        Core().feed(item)


def test_packets_of_no_link_alter_nothing() -> None:
    """Inputs that were still on their way when their link ended give no record."""
    core = Core()
    core.feed(Config(host_ns=0, settings=settings()))
    late = Notification(host_ns=0, device="left", epoch=1, characteristic="c", data=b"")
    assert core.feed(late) == []


def test_inputs_that_were_lost_are_told() -> None:
    """A queue that ran over shows in the results: so many inputs of this device."""
    core = Core()
    core.feed(Config(host_ns=0, settings=settings()))
    (told,) = core.feed(Dropped(host_ns=0, device="left", count=3))
    assert isinstance(told, Event)
    assert (told.event, told.device, told.detail) == ("inputs_lost", "left", {"count": 3})


def test_a_driver_that_nobody_knows_ends_the_link() -> None:
    """A link under a driver that this version does not have is refused with a sentence, on the link and in a record."""
    acted: list[tuple[str, int, Action]] = []
    core = Core(act=lambda slug, epoch, action: acted.append((slug, epoch, action)))
    core.feed(Config(host_ns=0, settings=settings()))
    link = Link(host_ns=0, device="left", epoch=1, up=True, address="a", name="n", driver="nobodys")
    told = [record for record in core.feed(link) if isinstance(record, Event)]
    assert [event.event for event in told] == ["connected", "sensor_error"]
    assert "nobodys" in str(told[1].detail["message"])
    ((slug, epoch, hang_up),) = acted
    assert (slug, epoch) == ("left", 1)
    assert isinstance(hang_up, HangUp)
    assert hang_up.lasting


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (Command(host_ns=0, name="dance", device=None, arguments={}), "command dance is not known"),
    ],
    ids=["command"],
)
def test_what_nobody_understands_is_a_sentence(item: Input, told: str) -> None:
    """An input that the core cannot take is refused by name."""
    core = Core()
    core.feed(Config(host_ns=0, settings=settings()))
    with pytest.raises(UsageError, match=told):
        core.feed(item)


def test_a_rate_must_be_known() -> None:
    """A device without a rate is refused with the key that gives it one."""
    given = changed(settings(), "left", rate_hz=None)
    (packet, *_) = packets("left", legs(*WALK)["left"])
    core = Core()
    core.feed(Config(host_ns=BOOT_NS, settings=given))
    with pytest.raises(UsageError, match="device left: rate_hz is not known"):
        core.feed(packet)


# --- time -----------------------------------------------------------------------------------------------------------


def test_utc_comes_with_the_anchor_and_a_later_one_holds_for_later_records() -> None:
    """UTC = anchor + host time; the second anchor, a quarter of a second off, moves no record made before it."""
    records = reps(run(LIVE))
    early = [rep for rep in records if rep.known_at_s < 10.0]
    late = [rep for rep in records if rep.known_at_s > 10.1]
    assert early
    assert late
    for some, off_us in ((early, 0), (late, 250_000)):
        for rep in some:
            micros = (UTC_NS + round(rep.end_s * 1e9)) // 1000 + off_us
            assert (
                rep.end_utc == f"2023-11-14T22:{13 + (20 + micros // 10**6 - UTC_NS // 10**9) // 60:02d}:"
                f"{(20 + micros // 10**6 - UTC_NS // 10**9) % 60:02d}.{micros % 10**6:06d}Z"
            )


def test_without_an_anchor_there_is_no_utc_and_nothing_else_changes() -> None:
    """All of a record but its UTC comes from session time."""
    plain = run([item for item in LIVE if not isinstance(item, ClockAnchor)])
    assert all(rep.start_utc is None and rep.end_utc is None for rep in reps(plain))
    assert all(closed.start_utc is None and closed.end_utc is None for closed in sets(plain))
    told = [msgspec.structs.replace(rep, start_utc=None, end_utc=None) for rep in reps(run(LIVE))]
    assert lines(told) == lines(reps(plain))


@pytest.mark.parametrize(
    ("utc_ns", "time_s", "shown"),
    [
        (0, 0.0, "1970-01-01T00:00:00.000000Z"),
        (0, 1e-6, "1970-01-01T00:00:00.000001Z"),
        (951_782_400 * SECOND, 0.9999999, "2000-02-29T00:00:00.999999Z"),
        (0, -0.5, "1969-12-31T23:59:59.500000Z"),
        (-62_135_596_800 * SECOND, 0.0, "0001-01-01T00:00:00.000000Z"),
        (1 << 62, 1e12, None),
        (-1 << 67, 0.0, None),
    ],
)
def test_utc_as_it_is_written(utc_ns: int, time_s: float, shown: str | None) -> None:
    """RFC 3339 with microseconds, rounded down; null for a date that no calendar has."""
    context = Context(node="n", session="s", origin_ns=7, anchor_host_ns=7, anchor_utc_ns=utc_ns)
    assert context.utc(time_s) == shown


def test_session_time_counts_from_the_origin() -> None:
    """With `origin_ns` the settings say where time counts from; without, the first Config does."""
    core = Core()
    core.feed(Config(host_ns=123, settings=settings(origin_ns=23)))
    assert core.snapshot() != Core().snapshot()
    assert Context(node="", session="", origin_ns=23).seconds(23 + 5 * SECOND // 2) == 2.5
