"""The core over time: settings change under way, sessions end and others begin; no id is ever given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.errors import UsageError
from ankled.daemon.inputs import Config, Stop, Tick
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Live
from ankled.daemon.settings import Mount
from ankled.drivers.samples import Samples
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from tests.daemon.wearers import (
    BOOT_NS,
    SECOND,
    WALK_LIFT_WALK,
    changed,
    in_order,
    legs,
    lines,
    reps,
    run,
    session,
    sessions,
    sets,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record
    from ankled.daemon.settings import PipelineSettings

WALK = (Stand(duration_s=1.5), Gait(speed_mps=1.25, strides=9), Stand(duration_s=1.5))
LIVE = session(legs(*WALK_LIFT_WALK))


def _with(items: Sequence[Input], given: PipelineSettings, at_s: float) -> list[Input]:
    """Return the inputs with other settings from a moment on."""
    host_ns = BOOT_NS + round(at_s * SECOND)
    index = next(i for i, item in enumerate(items) if item.host_ns >= host_ns)
    return [*items[:index], Config(host_ns=host_ns, settings=given), *items[index:]]


# --- settings change ------------------------------------------------------------------------------------------------


def test_the_same_settings_again_change_nothing() -> None:
    """A reload without a change is not noticed."""
    assert lines(run(_with(LIVE, settings(), 5.0))) == lines(run(LIVE))


def test_another_mass_closes_the_set_and_keeps_the_axes() -> None:
    """A set has one mass. What the kernels have learnt is not about the mass, so nothing is missed for it."""
    before = run(LIVE)
    after = run(_with(LIVE, changed(settings(), "left", mass_kg=3.0, mass_source="request"), 6.0))
    assert in_order(after)
    assert lines(reps(after, "right")) == lines(reps(before, "right"))
    first = sets(after, "left")[0]
    assert (first.closed_by, first.known_at_s) == ("request", 6.0)
    old, new = reps(before, "left"), reps(after, "left")
    assert [(rep.start_s, rep.end_s, rep.rom_deg) for rep in new] == [(r.start_s, r.end_s, r.rom_deg) for r in old]
    for was, now in zip(old, new, strict=True):
        late = now.known_at_s > 6.0
        assert (now.mass_kg, now.mass_source) == ((3.0, "request") if late else (1.5, "configured"))
        assert was.lateral_force_rms_n is not None
        assert now.lateral_force_rms_n == pytest.approx(was.lateral_force_rms_n * (2.0 if late else 1.0))


def test_another_mount_begins_the_device_anew_and_repeats_no_id() -> None:
    """Kernels made for another mount cannot go on; their successors go on counting."""
    mount = Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))
    records = run(_with(LIVE, changed(settings(), "left", mount=mount), 6.0))
    assert in_order(records)
    late = [rep for rep in reps(records, "left") if rep.known_at_s > 6.0]
    assert late
    assert {rep.axis_source for rep in late} == {"configured"}
    assert {rep.axis_source for rep in reps(records, "left") if rep not in late} == {"walking"}


def test_a_device_that_is_gone_closes_its_set() -> None:
    """What was open of a device that the settings no longer name is published, and the others go on."""
    given = settings()
    given = msgspec.structs.replace(given, devices=given.devices[:1])
    end = [
        item
        for item in LIVE
        if not (isinstance(item, Samples) and item.device == "right" and item.host_ns >= BOOT_NS + 6 * SECOND)
    ]
    records = run(_with(end, given, 6.0))
    assert [closed.closed_by for closed in sets(records, "right")] == ["request"]
    assert lines(reps(records, "left")) == lines(reps(run(LIVE), "left"))
    with pytest.raises(UsageError, match="device right is not configured; configured: left"):
        run(_with(LIVE, given, 6.0))


def test_another_rest_holds_from_then_on_for_all_devices() -> None:
    """`set_rest_s` is no setting of a device: every set that is open closes by the new one."""
    records = run(_with(LIVE, settings(set_rest_s=2.0), 6.0))
    assert {closed.closed_by for closed in sets(records)[:4]} == {"rest"}
    for closed in sets(records)[:4]:
        assert 0.0 <= closed.known_at_s - closed.end_s - 2.0 < 0.05


# --- sessions -------------------------------------------------------------------------------------------------------


def _id(record: Record) -> str:
    return "" if isinstance(record, Live) else record.id


def _again(items: Sequence[Input], after_s: float, **changes: object) -> list[Input]:
    """Return the inputs once more, all of them later, as a session of its own."""
    shift = round(after_s * SECOND)
    later: list[Input] = []
    for item in items:
        moved = msgspec.structs.replace(item, host_ns=item.host_ns + shift)
        if isinstance(moved, Config):
            moved = msgspec.structs.replace(moved, settings=msgspec.structs.replace(moved.settings, **changes))
        later.append(moved)
    return later


def test_a_second_session_is_as_the_first() -> None:
    """After a Stop a Config begins anew: times, ids and sets count from the start again, only `seq` goes on."""
    first = run(LIVE)
    both = run([*LIVE, *_again(LIVE, 100.0, session="tuesday")])
    second = both[len(first) :]
    assert lines(both[: len(first)]) == lines(first)
    assert in_order(both)
    assert [_id(r).replace("tuesday", "monday") for r in second] == [_id(r) for r in first]
    assert [r.known_at_s for r in second] == [r.known_at_s for r in first]


def test_a_session_of_the_same_name_repeats_no_id() -> None:
    """Who names both sessions alike gets numbers that go on."""
    assert in_order(run([*LIVE, *_again(LIVE, 100.0)]))


def test_a_new_session_ends_the_one_that_runs() -> None:
    """A Config of another session is a Stop as well: totals first, then the new session."""
    half = LIVE[: len(LIVE) // 2]
    records = run([*half, *_again(LIVE, 100.0, session="tuesday")])
    assert [total.session for total in sessions(records)] == ["monday", "tuesday"]
    assert {closed.session for closed in sets(records) if closed.closed_by == "stop"} == {"monday", "tuesday"}
    assert in_order(records)


def _later(items: Sequence[Input], after_s: float) -> list[Input]:
    """Return the inputs but the settings, all of them later, by the sensors' clocks too."""
    return [
        msgspec.structs.replace(item, time_s=item.time_s + after_s)
        if isinstance(item, Samples) and item.time_s is not None
        else item
        for item in _again(items, after_s)
        if not isinstance(item, Config)
    ]


def test_between_sessions_there_are_no_records() -> None:
    """Packets that arrive after the Stop belong to no session, whatever they hold; a second Stop ends nothing."""
    core = Core()
    for item in LIVE:
        core.feed(item)
    twin = Core()
    twin.feed(LIVE[0])
    twin.restore(core.snapshot())
    for item in _later(LIVE, 60.0):
        assert core.feed(item) == twin.feed(item) == []


def test_a_session_in_which_nothing_happened_has_no_record() -> None:
    """No samples, no totals."""
    assert (
        run([Config(host_ns=0, settings=settings()), Tick(host_ns=SECOND), Stop(host_ns=2 * SECOND, reason="")]) == []
    )


def test_a_device_that_only_stands_still_has_no_record() -> None:
    """Samples without a stride or a repetition give neither sets nor totals."""
    items = session(legs(Stand(duration_s=4.0)))
    assert run(items) == []
