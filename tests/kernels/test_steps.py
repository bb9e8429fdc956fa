"""Steps that hardly swing the leg: found where a bout goes on in them, and nothing that is none beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ankled.kernels import results
from tests.kernels import chains, footwork
from tests.kernels.footwork import Footwork
from tests.kernels.test_gait import PARAMS, detect, equals_twin, known

SIDES = ["left", "right"]
TURNING: dict[str, Any] = {"turn_deg": 50.0, "length_m": 0.25, "lift_m": 0.03, "impact_mm": 1.0}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("count", [1, 4])
def test_turning_steps_go_on_with_the_bout(side: str, count: int) -> None:
    """No swing rate tells them, yet each is found within 60 ms of its landing, part of the bout, its turn measured."""
    work = Footwork(count, **TURNING)
    leg, stream = footwork.after_a_walk(work, side)
    rows = chains.history(stream)
    axes = known(leg.mount.left, leg.mount.up, 0.0)
    landed = np.array(work.done_s[side])
    turning = rows[:, 0] > landed[0] - work.move_s
    assert footwork.swing_rate(rows, leg.mount.left)[turning].max() < PARAMS.threshold_rad_s
    found, _ = detect(rows, 100.0, axes)
    late = [one for one in found if one["contact"] / 100.0 > landed[0] - 0.3]
    np.testing.assert_allclose([one["contact"] / 100.0 for one in late], landed, atol=0.06)
    for one in late:
        assert one["previous_contact"] > 0.0
        assert abs(one["heading_deg"]) == pytest.approx(50.0, abs=10.0)
        assert one["swing_rate_rad_s"] == one["push_rate_rad_s"] == 0.0
        assert (one["known"] - one["contact"]) / 100.0 < 0.3
    equals_twin(rows, 100.0, axes)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(Footwork(4, turn_deg=60.0, length_m=0.03), id="pivots"),
        pytest.param(Footwork(2, turn_deg=170.0, length_m=0.2, impact_mm=1.0), id="pivots half round"),
        pytest.param(Footwork(6, length_m=0.05, lift_m=0.02, impact_mm=0.6, to_and_fro=True), id="shuffles"),
        pytest.param(Footwork(6, turn_deg=20.0, lift_m=0.04, impact_mm=1.0, to_and_fro=True), id="fidgets"),
        pytest.param(Footwork(4, lift_m=0.06, impact_mm=1.5), id="marches on the spot"),
    ],
)
def test_what_goes_nowhere_is_no_step(work: Footwork, side: str) -> None:
    """Right behind a walk, at its rhythm: eight strides and not one more, nor a repetition."""
    _, stream = footwork.after_a_walk(work, side)
    rows = chains.rows_of(stream)
    walked = chains.strides(rows)
    assert len(walked) == 8
    assert walked["end_s"].max() < work.done_s[side][0] - work.move_s


@pytest.mark.parametrize("side", SIDES)
def test_steps_that_turn_are_told_by_the_whole_chain(side: str) -> None:
    """With nothing known about the mount: all strides of walk and turn, in one bout, and no repetition."""
    work = Footwork(4, **TURNING)
    _, stream = footwork.after_a_walk(work, side)
    rows = chains.rows_of(stream)
    assert set(rows["kind"]) == {results.AXES, results.STRIDE}
    walked = chains.strides(rows)
    assert len(walked) == 12
    assert walked["first"].sum() == 1
    assert np.all(np.abs(walked["heading_deg"][-4:]) > 20.0)


def test_a_motion_out_of_rhythm_is_no_step() -> None:
    """The same steps two seconds after the walk has ended begin nothing by themselves."""
    work = Footwork(4, lead_s=-2.0, **TURNING)
    _, stream = footwork.after_a_walk(work, "left")
    assert len(chains.strides(chains.rows_of(stream))) == 8
