"""Spells of quiet standing: found and ended, measured as the definition says, none where nobody stands."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ankled.kernels import chain, results, standing
from ankled.simulators.imu import PRESETS
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.simulation import simulate
from tests.kernels import chains
from tests.kernels.chains import Stream
from tests.kernels.twins import standing_twin

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.simulators.simulation import LegRecording
    from tests.kernels.chains import Array, Rows

NEVER = (
    "walk", "walk_slow", "run", "squat", "knee_extension", "straight_leg_raise", "hip_abduction", "hamstring_curl",
    "leg_raise", "jump", "fidget",
)  # fmt: skip
MEASURES = (
    "jerk_m2ps5", "dist_mps2", "rms_mps2", "path_mps2", "range_mps2", "mv_mps", "mf_hz", "area_m2ps5", "power_m2ps4",
    "f50_hz", "f95_hz", "cf_hz", "fd",
)  # fmt: skip
ALIGNED: dict[str, Any] = {"left": (0.0, 1.0, 0.0), "up": (0.0, 0.0, 1.0)}


def spells(rows: Rows) -> Rows:
    """Return the spells of standing among rows."""
    return rows[rows["kind"] == results.STANDING]


def stream_of(leg: LegRecording, rate_hz: float = 100.0) -> Stream:
    """Return what the sensor of a leg delivers."""
    return Stream(leg.time_s, np.ascontiguousarray(leg.acc), np.ascontiguousarray(leg.gyr), rate_hz)


def lying(seconds: float, times: float, rate_hz: float = 100.0) -> Stream:
    """Return a sensor on a table, `times` as noisy as a consumer one, with its bias."""
    rng = np.random.default_rng(3)
    n = round(seconds * rate_hz)
    errors = PRESETS["consumer"]
    band = np.sqrt(0.5 * rate_hz)
    acc = np.array([1.0, 2.0, 9.4]) + times * errors.acc_noise_mps2 * band * rng.standard_normal((n, 3))
    gyr = np.array([0.008, -0.006, 0.004]) + times * errors.gyr_noise_rad_s * band * rng.standard_normal((n, 3))
    return Stream(np.arange(n) / rate_hz, acc, gyr, rate_hz)


BALANCE = chains.simulated("balance")


@pytest.mark.parametrize(("side", "begin_s", "end_s"), [("left", 3.2, 33.2), ("right", 36.9, 66.9)])
def test_balance_on_one_leg_is_found(side: str, begin_s: float, end_s: float) -> None:
    """The leg that stands has a spell of 30 s, after three that do not count; the leg held up meanwhile has none."""
    found = spells(chains.rows_of(chains.simulated("balance", side), **ALIGNED))
    whole = found[found["end_s"] - found["start_s"] > 25.0]
    assert len(whole) == 1
    assert whole["start_s"][0] == pytest.approx(begin_s, abs=0.3)
    assert whole["end_s"][0] == pytest.approx(end_s, abs=0.3)
    held = (1.5, 34.5) if side == "right" else (38.9, 71.5)
    assert not np.any((found["start_s"] < held[1]) & (found["end_s"] > held[0] + 0.5))


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 104.0, 400.0])
def test_the_rate_does_not_matter(rate_hz: float) -> None:
    """The same wearer at another rate has the same spells, with the same measures."""
    found = spells(chains.rows_of(chains.simulated("stand", rate_hz=rate_hz, imu="ideal"), **ALIGNED))
    reference = spells(chains.rows_of(chains.simulated("stand", imu="ideal"), **ALIGNED))
    assert len(found) == len(reference) == 2
    for name in ("dist_mps2", "rms_mps2", "range_mps2", "path_mps2", "jerk_m2ps5", "f50_hz"):
        assert found[name][0] == pytest.approx(reference[name][0], rel=0.03), name


def test_equals_twin() -> None:
    """The measures of a spell are those of the definition, from the samples of that spell."""
    found = spells(chains.rows_of(BALANCE, **ALIGNED))[0]
    first, last = np.searchsorted(BALANCE.time_s, [found["start_s"] - 0.005, found["end_s"] + 0.005])
    known = np.searchsorted(BALANCE.time_s, found["known_s"] + 0.005)
    begin = first - 150
    twin = standing_twin.sway(BALANCE.acc[begin:known], 100.0, first - begin, last - begin, np.array([0.0, 1.0, 0.0]))
    for name, value in twin.items():
        assert found[name] == pytest.approx(value, rel=1e-6), name


def test_a_spell_is_known_soon_after_its_end() -> None:
    """Within 0.3 s, be it ended by a movement or by its length; it is 5 to 30 s long, and no two overlap."""
    for side, scenario in itertools.product(("left", "right"), ("balance", "walk_balance", "stand")):
        found = spells(chains.rows_of(chains.simulated(scenario, side)))
        assert len(found) >= 2
        late = found["known_s"] - found["end_s"]
        assert np.all((late >= 0.0) & (late <= 0.3))
        length = found["end_s"] - found["start_s"]
        assert np.all((length >= 4.98) & (length <= 30.0))
        assert np.all(found["start_s"][1:] >= found["end_s"][:-1])


def test_a_movement_ends_a_spell() -> None:
    """A walk that begins ends it before the first stride does; the next one begins after the walk and settles."""
    stand, walk = chains.simulated("stand").cut(0, 1800), chains.simulated("walk")
    end_s = walk.time_s[-1]
    whole = chains.join(stand, walk.delayed(18.0), chains.simulated("stand").delayed(18.0 + end_s + 0.01))
    rows = chains.rows_of(whole)
    found, strides = spells(rows), chains.strides(rows)
    assert len(found) == 3
    assert found["end_s"][0] < strides["start_s"].min()
    assert found["start_s"][1] >= strides["end_s"].max() + standing.Params().settle_s - 0.5


@pytest.mark.parametrize("scenario", NEVER)
@pytest.mark.parametrize("known", [True, False], ids=["mount known", "mount unknown"])
def test_none_where_the_wearer_moves(scenario: str, known: bool) -> None:
    """Strides, exercises, the rests within their sets, jumps and fidgeting are no quiet standing."""
    for side in ("left", "right"):
        assert len(spells(chains.rows_of(chains.simulated(scenario, side), **(ALIGNED if known else {})))) == 0


@pytest.mark.parametrize("times", [0.0, 1.0, 4.0, 15.0, 60.0])
@pytest.mark.parametrize("known", [True, False], ids=["mount known", "mount unknown"])
def test_none_on_a_table(times: float, known: bool) -> None:
    """A sensor that lies still has noise, of whatever size, and no sway."""
    up = tuple(np.array([1.0, 2.0, 9.4]) / np.linalg.norm([1.0, 2.0, 9.4]))
    mount: dict[str, Any] = {"left": (1.0, 0.0, 0.0), "up": up} if known else {}
    assert len(spells(chains.rows_of(lying(120.0, times), **mount))) == 0


def test_none_on_a_floor_that_shakes() -> None:
    """Steps of others shake a weight on the floor: its accelerometer moves, but it does not tilt."""
    floor = lying(60.0, 1.0)
    shaken = 0.3 * np.sin(2.0 * np.pi * np.array([1.1, 0.7, 2.3]) * floor.time_s[:, None])
    assert len(spells(chains.rows_of(floor._replace(acc=floor.acc + shaken)))) == 0


def test_a_weight_taken_from_the_table_is_none() -> None:
    """The hand that comes for it tilts it in the last moment of its stillness, and in that alone."""
    table = lying(40.0, 1.0)
    tilt = np.where(table.time_s > 39.3, 0.05 * (table.time_s - 39.3), 0.0)
    acc, gyr = table.acc.copy(), table.gyr.copy()
    acc[:, 0] -= 9.4 * tilt
    gyr[:, 1] += np.gradient(tilt, 0.01)
    assert len(spells(chains.rows_of(table._replace(acc=acc, gyr=gyr)))) == 0


def test_none_on_a_leg_that_lies() -> None:
    """With the axes known a leg that is not upright does not stand, however it sways."""
    for up, count in (((0.0, 0.0, 1.0), 2), ((1.0, 0.0, 0.0), 0)):
        assert len(spells(chains.rows_of(chains.simulated("stand"), left=(0.0, 1.0, 0.0), up=up))) == count


def test_rests_of_an_exercise_are_none() -> None:
    """After three repetitions and no stride the wearer may sit or lie, so a rest gives nothing; a walk mends it."""
    lifts, rest = chains.simulated("leg_raise"), chains.simulated("stand")
    walk = chains.simulated("walk")
    times = np.cumsum([0.0, *(part.time_s[-1] + 0.01 for part in (lifts, rest, walk))])
    parts = [part.delayed(t) for part, t in zip((lifts, rest, walk, rest), times, strict=True)]
    rows = chains.rows_of(chains.join(*parts))
    assert len(chains.reps(rows)) >= 8
    found = spells(rows)
    assert len(found) == 2
    assert np.all(found["start_s"] > times[3])


def test_directions_need_the_axes() -> None:
    """AP and ML are told apart only where the leg's axes are known; every other measure is the same without."""
    known, unknown = spells(chains.rows_of(BALANCE, **ALIGNED)), spells(chains.rows_of(BALANCE))
    assert len(known) == len(unknown) > 0
    assert np.all(known["rms_ap_mps2"] > known["rms_ml_mps2"])
    assert np.isnan(unknown["rms_ap_mps2"]).all()
    assert np.isnan(unknown["rms_ml_mps2"]).all()
    for name in MEASURES:
        np.testing.assert_allclose(known[name], unknown[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_any_rotation_of_the_sensor_gives_the_same(seed: int) -> None:
    """How the sensor sits in its pocket does not alter a measure."""
    turned = spells(chains.rows_of(BALANCE.turned(Rotation.random(rng=np.random.default_rng(seed)))))
    straight = spells(chains.rows_of(BALANCE))
    np.testing.assert_allclose(turned["start_s"], straight["start_s"])
    for name in MEASURES:
        np.testing.assert_allclose(turned[name], straight[name], rtol=1e-6, err_msg=name)


def test_a_gap_interrupts() -> None:
    """What was seen before a gap counts if it is long enough; nothing reaches over it, and it settles anew."""
    kept = (BALANCE.time_s < 15.0) | (BALANCE.time_s >= 15.5)
    broken = Stream(BALANCE.time_s[kept], BALANCE.acc[kept], BALANCE.gyr[kept], 100.0)
    found = spells(chains.rows_of(broken, **ALIGNED))
    assert found["end_s"][0] == pytest.approx(14.99)
    assert found["known_s"][0] == pytest.approx(15.5)
    assert found["start_s"][1] == pytest.approx(18.5, abs=0.02)


@settings(max_examples=15)
@given(st.lists(st.integers(0, len(BALANCE.time_s)), max_size=8))
def test_cut_saved_and_restored_it_is_the_same(cuts: list[int]) -> None:
    """Any cut, with the chain saved and restored at each: the same bits."""
    whole = chains.rows_of(BALANCE)
    work = chain.Chain(100.0)
    pieces: list[Rows] = []
    for a, b in itertools.pairwise([0, *sorted(cuts), len(BALANCE.time_s)]):
        pieces += chains.feed(work, BALANCE.cut(a, b))
        state, ring = work.state.tobytes(), work.ring.tobytes()
        work = chain.Chain(100.0)
        work.state[:] = np.frombuffer(state, chain.STATE)
        work.ring.reshape(-1)[:] = np.frombuffer(ring)
        work.scratch[:] = np.nan
    pieces.append(chains.finish(work))
    assert np.concatenate(pieces).tobytes() == whole.tobytes()


@pytest.mark.parametrize("cut", [1500, 3330, 3500, 7000])
def test_causal(cut: int) -> None:
    """What was known before a cut is the same whatever follows."""
    whole = chains.rows_of(BALANCE)
    noise = np.random.default_rng(cut).normal(0.0, 5.0, (len(BALANCE.time_s) - cut, 3))
    other = chains.join(BALANCE.cut(0, cut), Stream(BALANCE.time_s[cut:], noise, noise, 100.0))
    before = whole[whole["known_s"] < BALANCE.time_s[cut]]
    assert chains.rows_of(other)[: len(before)].tobytes() == before.tobytes()


def test_sets_and_rests_are_what_they_were() -> None:
    """A spell of standing opens no set and prolongs no rest."""
    lifts, rest = chains.simulated("leg_raise"), chains.simulated("stand")
    walk = chains.simulated("walk")
    first, second = walk.time_s[-1] + 0.01, walk.time_s[-1] + rest.time_s[-1] + 0.02
    rows = chains.rows_of(chains.join(walk, rest.delayed(first), lifts.delayed(second)))
    assert len(spells(rows)) >= 1
    rests = rows[rows["kind"] == results.REST]
    assert len(rests) == 1
    assert rests["known_s"][0] == pytest.approx(chains.strides(rows)["end_s"].max() + 10.0, abs=0.05)


def test_real_legs_that_lie_or_sit_have_none(data_folder: Path) -> None:
    """Rests of half a minute between the sets of real exercises, lying and sitting."""
    for path in sorted((data_folder / "leg_raises_pt").glob("s*_e*.npz")):
        with np.load(path) as file:
            six: Array = file["u2_test"].astype(float)
        acc, gyr = np.ascontiguousarray(six[:, :3]), np.ascontiguousarray(six[:, 3:])
        assert len(spells(chains.rows_of(Stream(np.arange(len(six)) / 25.0, acc, gyr, 25.0)))) == 0, path.name


def test_the_mount_found_by_walking_tells_directions() -> None:
    """After a walk the axes are known, and the sway of each direction is that of the sensor mounted straight."""
    straight = simulate("walk_balance", imu="ideal", with_truth=False).legs["left"]
    askew = simulate("walk_balance", imu="ideal", mount=MOUNTS["oblique"], with_truth=False).legs["left"]
    expected = spells(chains.rows_of(stream_of(straight), **ALIGNED))
    found = spells(chains.rows_of(stream_of(askew)))
    assert len(found) == len(expected) > 0
    for name in ("rms_ap_mps2", "rms_ml_mps2"):
        np.testing.assert_allclose(found[name], expected[name], rtol=0.04, err_msg=name)
