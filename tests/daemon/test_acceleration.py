"""A device with an accelerometer alone: what its records say and leave open, sets, gaps, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from ankled.daemon.errors import UsageError
from ankled.daemon.inputs import Config
from ankled.drivers.samples import Samples
from benchmarks.datasets import ipol
from tests.daemon.bare import LEFT, LIVE, WORN, alone, check, plain
from tests.daemon.wearers import (
    BOOT_NS,
    SECOND,
    Recording,
    changed,
    events,
    in_order,
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
    from pathlib import Path


# --- records --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["left", "right"])
def test_strides_are_told_and_nothing_that_needs_a_gyroscope(side: str) -> None:
    """Times, cadence and counts of every stride; no other number, and no repetition."""
    found = reps(run(LIVE), side)
    check(found)
    assert [rep.first for rep in found].count(True) == 2
    assert 20 <= len(found) <= 21  # eight walked, twelve run; the start of a run may look like one more
    assert sum(not rep.retroactive for rep in found) >= 16


def test_walking_and_running_are_told_by_cadence() -> None:
    """140 steps a minute part them, and the first of a bout goes with the one behind it."""
    found = reps(run(LIVE), "left")
    assert [rep.movement for rep in found][:8] == ["walk"] * 8
    assert {rep.movement for rep in found[8:]} == {"run"}
    assert [closed.movement for closed in sets(run(LIVE), "left")] == ["walk", "run"]


def test_contacts_are_those_of_the_whole_sensor() -> None:
    """With its gyroscope the same leg lands at the same times, to a few hundredths of a second."""
    whole, bare = (reps(run(items), "left") for items in (session(WORN), LIVE))
    walked = [rep.end_s for rep in whole if rep.kind == "stride" and rep.end_s < 13.0]
    np.testing.assert_allclose([rep.end_s for rep in bare][: len(walked)], walked, rtol=0, atol=0.06)
    assert len(walked) == 8


@pytest.mark.parametrize("name", ["1-1", "4-4", "9-4"])
def test_strides_of_people_walking(data_folder: Path, name: str) -> None:
    """Real walks, one of them with lost packets: the same definitions hold, on both feet."""
    walk = ipol.load_walk(name)
    for side, foot in walk.feet.items():
        given = changed(settings(), side, rate_hz=100.0)
        found = reps(alone(Recording(foot.data.time_s, foot.data.acc, foot.data.gyr), given, side))
        check(found)
        assert len(found) > 8


def test_a_session_keeps_all_its_promises() -> None:
    """Ids are unique, `seq` has no hole, sets count their strides, both legs make pairs and the totals agree."""
    records = run(LIVE)
    assert in_order(records)
    assert lines(records) == lines(run(LIVE))
    for closed in sets(records):
        inside = [rep for rep in reps(records, closed.device) if rep.set == closed.set]
        assert [rep.index for rep in inside] == list(range(1, closed.count + 1))
        assert (closed.of, closed.rom_mean_deg, closed.velocity_loss_percent) == ("stride", None, None)
        assert closed.cadence_mean_per_min is not None
    assert len(pairs(records)) > 15
    assert all((pair.rom, pair.force, pair.double_support_s) == (None, None, None) for pair in pairs(records))
    assert any(pair.step_time_left_s and pair.step_time_right_s and pair.time for pair in pairs(records))
    (total,) = sessions(records)
    assert (total.strides, total.reps) == (len(reps(records)), 0)


def test_a_leg_without_a_gyroscope_pairs_with_one_that_has_it() -> None:
    """The sensors of a pair need not be alike."""
    records = run(plain(session(WORN), "right"))
    assert in_order(records)
    assert {rep.device for rep in reps(records) if "accelerometer_only" in rep.quality_reasons} == {"right"}
    assert len([pair for pair in pairs(records) if pair.of == "stride"]) > 15


# --- sets, gaps, settings -------------------------------------------------------------------------------------------


def test_rest_closes_a_set() -> None:
    """Six seconds after its last stride, as the settings say, by the sensor's samples alone."""
    records = alone(LEFT)
    walked, ran = sets(records)
    for closed in (walked, ran):
        assert closed.closed_by == "rest"
        assert 0.0 <= closed.known_at_s - closed.end_s - 6.0 < 0.05
    assert ran.rest_before_s == pytest.approx(ran.start_s - walked.end_s)


def test_silence_and_the_end_close_a_set_too() -> None:
    """A device that has gone quiet is closed by a tick, one that still walks by the end."""
    walking = LEFT.until(9.0)
    assert [closed.closed_by for closed in sets(alone(walking))] == ["stop"]
    quiet = [item for item in LIVE if not isinstance(item, Samples) or item.host_ns < BOOT_NS + 9 * SECOND]
    for device in ("left", "right"):
        (closed,) = sets(run(quiet), device)
        assert closed.closed_by == "rest"
        assert 15.0 <= closed.known_at_s <= 16.5


def test_a_gap_interrupts_the_bout_and_the_set_goes_on() -> None:
    """The gap is an event of its own length; no stride spans it; what comes after belongs to the same set."""
    records = alone(LEFT.without(5.02, 5.6))
    (gap,) = events(records)
    assert gap.event == "interrupted"
    assert gap.detail == {"gap_s": pytest.approx(0.6, abs=0.021)}
    assert gap.known_at_s == pytest.approx(5.6)
    walked = [rep for rep in reps(records) if rep.end_s < 13.0]
    check(walked)
    assert not any(rep.start_s < 5.3 < rep.end_s for rep in walked)
    assert [rep.first for rep in walked].count(True) == 2
    assert {rep.set for rep in walked} == {1}


def test_a_short_loss_is_bridged_and_counted() -> None:
    """Up to 150 ms are interpolated: no event, the same strides, and `missing` says how many samples were made up."""
    lossy = alone(LEFT.without(5.02, 5.12))
    assert not events(lossy)
    assert len(reps(lossy)) == len(reps(alone(LEFT)))
    assert sum(rep.missing for rep in reps(lossy)) == 5


def test_clipped_samples_are_counted() -> None:
    """The full scale that the sensor says it has is where its readings end."""
    given = changed(settings(), "left", acc_range_mps2=20.0)
    clipped = Recording(LEFT.time_s, np.clip(LEFT.acc, -20.0, 20.0), LEFT.gyr)
    found = reps(alone(clipped, given))
    assert any(rep.clipped and "clipped" in rep.quality_reasons for rep in found)
    assert sum(rep.clipped for rep in reps(alone(LEFT))) == 0


def test_where_repetitions_are_sought_no_strides_are_told() -> None:
    """An accelerometer alone finds no repetitions, so there is nothing to tell."""
    assert alone(LEFT, changed(settings(), "left", movement="reps")) == []
    assert lines(reps(alone(LEFT, changed(settings(), "left", movement="gait")))) == lines(reps(alone(LEFT)))


def test_another_mass_closes_the_set_and_another_rate_begins_anew() -> None:
    """What the kernels have learnt holds under another mass, and not at another rate."""
    mass = changed(settings(), "left", mass_kg=3.0, mass_source="request")
    rate = changed(settings(), "left", rate_hz=51.0)
    for other, again in ((mass, 0), (rate, 1)):
        index = next(i for i, item in enumerate(LIVE) if item.host_ns >= BOOT_NS + 6 * SECOND)
        items = [*LIVE[:index], Config(host_ns=BOOT_NS + 6 * SECOND, settings=other), *LIVE[index:]]
        records = run(items)
        assert in_order(records)
        assert sets(records, "left")[0].closed_by == "request"
        late = [rep for rep in reps(records, "left") if 6.0 < rep.known_at_s < 13.0]
        assert [rep.first for rep in late].count(True) == again
        assert {rep.mass_kg for rep in late} == {other.devices[0].mass_kg}


def test_another_rest_holds_from_then_on() -> None:
    """`set_rest_s` is no setting of a device."""
    index = next(i for i, item in enumerate(LIVE) if item.host_ns >= BOOT_NS + 6 * SECOND)
    change = Config(host_ns=BOOT_NS + 6 * SECOND, settings=settings(set_rest_s=3.0))
    for closed in sets(run([*LIVE[:index], change, *LIVE[index:]])):
        assert 0.0 <= closed.known_at_s - closed.end_s - 3.0 < 0.05


def test_samples_need_time_and_rate() -> None:
    """What the kernels cannot do without is said by the device's name."""
    (packet, *_) = plain(packets("left", LEFT))
    assert isinstance(packet, Samples)
    untimed = msgspec.structs.replace(packet, time_s=None)
    with pytest.raises(UsageError, match="device left: samples need a time each"):
        run([Config(host_ns=BOOT_NS, settings=settings()), untimed])
    with pytest.raises(UsageError, match="device left: rate_hz is not known"):
        run([Config(host_ns=BOOT_NS, settings=changed(settings(), "left", rate_hz=None)), packet])
