"""What a session adds up to, against truth: no error where there is none, and the size of those that are made."""

from typing import TypeAlias

import msgspec
import numpy as np
import pytest

from ankled.daemon.records import Pair, Record, Rep, Session, Set
from ankled.simulators.truth import Repetition
from benchmarks.running import simulated
from benchmarks.scoring.fields import score_leg
from benchmarks.scoring.totals import QUANTITIES, score
from benchmarks.suites.fields import CLASSES, FIELDS, KNOWN
from tests.accuracy.perfect import NAMES, make_rep

Walk: TypeAlias = tuple[dict[str, list[Repetition]], list[Record]]


@pytest.fixture(scope="module")
def walk() -> Walk:
    """Return truth and records of a walk with the mount known."""
    return simulated("walk", mount_known=True, imu="ideal")


def test_steps_and_symmetry_have_no_error_where_the_records_are_true(walk: Walk) -> None:
    """Pins the truth of pairs: strides that say what is true, joined as they were, have none of these errors."""
    truth, records = walk
    found = {side: [r for r in records if isinstance(r, Rep) and r.device == side] for side in truth}
    true_of = {ours.id: true for side in truth for true, ours in zip(truth[side], found[side], strict=True)}
    perfect: list[Record] = []
    for record in records:
        if isinstance(record, Rep):
            fields = {k: v for k, v in msgspec.to_builtins(true_of[record.id]).items() if k in NAMES}
            perfect.append(make_rep(**fields | {"device": record.device, "id": record.id, "side": record.side}))
        elif isinstance(record, Pair):
            left, right = true_of[record.left], true_of[record.right]
            values = {
                name: None
                if (old := getattr(record, name)) is None or getattr(left, field) is None
                else msgspec.structs.replace(
                    old,
                    index_percent=200.0
                    * (abs(getattr(right, field)) - abs(getattr(left, field)))
                    / (abs(getattr(right, field)) + abs(getattr(left, field))),
                )
                for name, field in QUANTITIES.items()
            }
            perfect.append(msgspec.structs.replace(record, **values))
    errors = score(truth, perfect)
    for name in QUANTITIES:
        assert np.allclose(errors[f"index_{name}"], 0.0, atol=1e-9)
    for name in ("walk_contact_time_s", "walk_stride_length_m", "walk_stride_speed_mps", "walk_duty_factor"):
        assert np.allclose(errors[name], 0.0)


def test_errors_have_the_unit_of_their_quantity(walk: Walk) -> None:
    """Pins milliseconds for steps, counts for sets and percentage points for the share of the load."""
    truth, records = walk
    before = score(truth, records)
    moved: list[Record] = []
    for record in records:
        if isinstance(record, Pair) and record.step_time_left_s is not None:
            moved.append(msgspec.structs.replace(record, step_time_left_s=record.step_time_left_s + 0.1))
        elif isinstance(record, Set):
            moved.append(msgspec.structs.replace(record, count=record.count + 2))
        elif isinstance(record, Session) and record.load_left_percent is not None:
            moved.append(msgspec.structs.replace(record, load_left_percent=record.load_left_percent + 3.0))
        else:
            moved.append(record)
    after = score(truth, moved)
    changes = np.subtract(after["step_time"], before["step_time"])
    assert set(np.round(changes, 6)) == {0.0, 100.0}
    assert np.allclose(np.subtract(after["set_count"], before["set_count"]), 2.0)
    assert np.allclose(np.subtract(after["load_share"], before["load_share"]), 3.0)


def test_a_peak_with_a_rival_is_compared_with_the_nearer(walk: Walk) -> None:
    """Pins that either of two equals is right, that a clear peak of the wrong sign is not, and what a shock is."""
    truth = [
        msgspec.structs.replace(rep, lateral_force_peak_n=5.0, lateral_force_rival_n=rival, lateral_force_impact_n=8.0)
        for rep, rival in zip(walk[0]["left"], [-4.8] * 10 + [-2.0] * 30, strict=False)
    ]
    known = [{k: v for k, v in msgspec.to_builtins(rep).items() if k in NAMES} for rep in truth]
    wrong = {"lateral_force_peak_n": -5.0, "lateral_force_impact_n": -8.0}
    score_of = score_leg(truth, [make_rep(**fields | wrong) for fields in known], "left")
    errors = score_of.errors["lateral_force_peak_n"]
    assert np.allclose(errors[:10], 100.0 * -0.2 / 5.0)
    assert np.allclose(errors[10:], -200.0)
    assert len(score_of.errors["lateral_force_peak_time_s"]) == len(truth) - 10
    assert np.allclose(score_of.errors["lateral_force_impact_n"], 0.0)


def test_the_table_names_the_worst_scenario_and_bars_every_size() -> None:
    """Pins what the table of fields says: a bar for each size, the count, and the scenario that is worst."""
    section = KNOWN.summarise([KNOWN.measure("walk_slow"), KNOWN.measure("knee_extension")])
    figures = {figure.key: figure for figure in section.figures}
    assert figures["walking_rom_deg_median"].at_most == 2.0
    assert "walk_slow" in figures["walking_rom_deg_median"].anchor
    assert figures["exercises_rom_deg_n"].value == 20
    assert figures["walking_rom_deg_n"].value == 30
    assert not any(key.startswith("running") for key in figures)
    assert figures["walking_toe_off_s_median"].at_most is None
    assert {key.split("_")[0] for key in figures} <= set(CLASSES)
    assert len(FIELDS) == len(set(FIELDS))
