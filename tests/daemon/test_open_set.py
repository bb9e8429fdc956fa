"""The open set: what it adds up to is what its repetitions say, and its size does not grow with them."""

from __future__ import annotations

from statistics import fmean, pstdev
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from ankled.daemon.pipeline import sets
from ankled.daemon.pipeline.context import Context
from ankled.daemon.pipeline.open_set import OpenSet
from ankled.daemon.settings import DeviceSettings
from ankled.kernels import trends
from tests.daemon.records import lift, stride

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ankled.daemon.records import Rep, Set

DEVICE = DeviceSettings(slug="left", side="left")
CONTEXT = Context(node="gym", session="monday", origin_ns=0)


def _walk(count: int) -> list[Rep]:
    """Return strides of a long walk: the first of a bout, turns, some without a contact time, and a slow last one."""
    random = np.random.default_rng(5)
    return [
        stride(
            "left",
            5.0 + 1.1 * index,
            first=index % 50 == 0,
            turn=index % 17 == 3,
            duration_s=1.1 + 0.02 * float(random.standard_normal()),
            contact_time_s=None if index % 50 == 0 else 0.6 + 0.01 * float(random.standard_normal()),
            rom_deg=70.0 + float(random.standard_normal()),
            mean_velocity_rad_s=1.0 if index == count - 1 else 4.0 + 0.1 * float(random.standard_normal()),
            movement="run" if index % 7 == 0 else "walk",
        )
        for index in range(count)
    ]


def _open(reps: Sequence[Rep]) -> OpenSet:
    open_set = OpenSet(number=1, of=reps[0].kind, rest_before_s=None)
    for rep in reps:
        open_set.add(rep)
    return open_set


def _closed(reps: Sequence[Rep]) -> Set:
    return sets.close(_open(reps), "rest", 9999.0, 7, DEVICE, CONTEXT)


def test_an_hour_of_walking_is_no_larger_than_a_minute() -> None:
    """Neither in memory nor in a snapshot."""
    minute, hour = (msgspec.msgpack.encode(_open(_walk(count))) for count in (70, 4000))
    assert len(hour) < len(minute) + 50
    assert len(hour) < 2000


def test_a_long_set_says_what_all_its_strides_say() -> None:
    """Means, the spread, best and last are of the whole set; trends look at the last 64."""
    walk = _walk(500)
    closed = _closed(walk)
    steady = [rep for rep in walk[:-1] if not rep.first and not rep.turn]
    velocity = [rep.mean_velocity_rad_s for rep in steady if rep.mean_velocity_rad_s is not None]
    times = [rep.duration_s for rep in walk if not rep.first and not rep.turn]
    contacts = [rep.contact_time_s for rep in walk if rep.contact_time_s is not None]
    rom = [rep.rom_deg for rep in walk if rep.rom_deg is not None]
    assert (closed.count, closed.movement) == (500, "walk")
    assert (closed.start_s, closed.end_s) == (walk[0].start_s, walk[-1].end_s)
    assert closed.contact_time_mean_s == pytest.approx(fmean(contacts))
    assert closed.rom_mean_deg == pytest.approx(fmean(rom))
    assert closed.quality == pytest.approx(fmean(rep.quality for rep in walk))
    assert closed.lateral_force_impulse_n_s == pytest.approx(2.0 * 500)
    assert closed.stride_time_cv_percent == pytest.approx(100.0 * pstdev(times) / fmean(times))
    assert closed.velocity_mean_rad_s == pytest.approx(fmean(velocity))
    assert (closed.velocity_best_rad_s, closed.velocity_last_rad_s) == (max(velocity), velocity[-1])
    assert closed.velocity_loss_percent == trends.velocity_loss_percent(velocity)
    slope, of_range = trends.theil_sen(velocity), trends.theil_sen(rom)
    assert slope is not None
    assert of_range is not None
    assert closed.velocity_trend is not None
    assert closed.rom_trend is not None
    assert (closed.velocity_trend.slope_per_rep, closed.velocity_trend.slope_low) == (slope.slope, slope.low)
    assert (closed.rom_trend.slope_per_rep, closed.rom_trend.slope_high) == (of_range.slope, of_range.high)


def test_the_last_repetition_speaks_of_velocity_and_the_last_stride_does_not() -> None:
    """Walks end slowly."""
    lifts = [lift("left", i, 4.0 * i, mean_velocity_rad_s=2.0 - 0.1 * i) for i in range(1, 6)]
    assert _closed(lifts).velocity_last_rad_s == 1.5
    strides = [stride("left", 5.0 + i, turn=False, first=False, mean_velocity_rad_s=4.0 - 0.1 * i) for i in range(1, 6)]
    assert _closed(strides).velocity_last_rad_s == 3.6


def test_an_open_set_taken_up_from_a_snapshot_goes_on_as_it_would_have() -> None:
    """Bit for bit."""
    walk = _walk(200)
    taken_up = msgspec.msgpack.decode(msgspec.msgpack.encode(_open(walk[:120])), type=OpenSet)
    for rep in walk[120:]:
        taken_up.add(rep)
    assert taken_up == _open(walk)
