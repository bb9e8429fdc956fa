"""Landings and the strides they make: even ones do, hurried, late and turned ones do not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ankled.kernels import landings, shocks

UPRIGHT = (0.0, 0.0, 9.8)
RATE_HZ = 100.0


def leaning(degrees: float) -> tuple[float, float, float]:
    """Return the mean specific force of a leg at rest that leans so far."""
    angle = np.deg2rad(degrees)
    return (9.8 * float(np.sin(angle)), 0.0, 9.8 * float(np.cos(angle)))


class Leg:
    """Lands at given times; `found` are the strides so far as (start_s, end_s, first, late)."""

    def __init__(self) -> None:
        self.state = landings.init(landings.Params(), RATE_HZ)
        self.found: list[tuple[float, float, int, int]] = []

    def land(self, *times_s: float, up: tuple[float, float, float] = UPRIGHT, rested: bool = True) -> Leg:
        """Land, each time after half a second of swing."""
        for time_s in times_s:
            s: Any = self.state[0]
            shock = np.zeros(1, shocks.SHOCK)
            shock["place"], shock["time_s"], shock["peak_mps2"] = time_s * RATE_HZ, time_s, 30.0
            onset = np.zeros(1, landings.ONSET)
            onset["time_s"] = time_s - 0.5
            s["found_n"] = 0
            landings.land(s, shock[0], onset[0], -np.inf, rested, np.array(up))
            for one in s["found"][: int(s["found_n"])]:
                times = (float(one["start_s"]), float(one["end_s"]))
                self.found.append((*(round(t, 6) for t in times), int(one["first"]), int(one["late"])))  # type: ignore[arg-type]  # two of them
        return self


FIRST_THREE = [(0.5, 1.0, 1, 1), (1.0, 2.0, 0, 1), (2.0, 3.0, 0, 0)]


def test_three_make_a_bout() -> None:
    """Two may be anything; the third makes strides of all, the first from the onset of its swing; then each is one."""
    leg = Leg().land(1.0, 2.0)
    assert leg.found == []
    assert leg.land(3.0).found == FIRST_THREE
    assert leg.land(4.1).found == [*FIRST_THREE, (3.0, 4.1, 0, 0)]


def test_a_landing_too_soon_is_none() -> None:
    """A second shock of the same step, or one in mid-stride, is left out, and the stride is as if it had not been."""
    assert Leg().land(1.0, 1.2, 2.0, 2.5, 3.0, 3.55, 4.0).found == [*FIRST_THREE, (3.0, 4.0, 0, 0)]


def test_a_pause_begins_a_new_bout() -> None:
    """After a stride much longer than those before the next three have to prove themselves again."""
    leg = Leg().land(1.0, 2.0, 3.0, 4.8, 5.8)
    assert leg.found == FIRST_THREE
    assert leg.land(6.8).found == [*FIRST_THREE, (4.3, 4.8, 1, 1), (4.8, 5.8, 0, 1), (5.8, 6.8, 0, 0)]


def test_what_came_before_may_not_belong() -> None:
    """A foot put down hastily before the walk does not hold it up: the uneven landing is dropped, not the later."""
    assert Leg().land(0.5, 1.0, 2.0, 3.0).found == FIRST_THREE


def test_landings_far_apart_make_nothing() -> None:
    """However many: a leg that lands every three seconds does not walk."""
    assert Leg().land(*np.arange(1.0, 60.0, 3.0)).found == []


def test_a_leg_that_comes_to_rest_in_two_ways_does_not_walk() -> None:
    """Raised and held, put down, raised and held: as even as steps, and no stride."""
    leg = Leg()
    for time_s in range(1, 40):
        leg.land(float(time_s), up=leaning(40.0 if time_s % 2 else 0.0))
    assert leg.found == []
    leg = Leg()
    for time_s in range(1, 4):
        leg.land(float(time_s), up=leaning(12.0 if time_s % 2 else 0.0))
    assert leg.found == FIRST_THREE


def test_how_it_stands_is_compared_only_where_it_rested() -> None:
    """In running there is no rest to compare."""
    leg = Leg()
    for time_s in range(1, 4):
        leg.land(float(time_s), up=leaning(40.0 if time_s % 2 else 0.0), rested=False)
    assert leg.found == FIRST_THREE


def test_a_first_stride_does_not_begin_before_the_last_has_ended() -> None:
    """Strides of one leg never overlap, also where the leg was restless all the time."""
    leg = Leg().land(1.0, 2.0, 3.0)
    landings.end_bout(leg.state[0])
    leg.land(3.4, 4.4, 5.4)
    assert leg.found[3] == (3.0, 3.4, 1, 1)
