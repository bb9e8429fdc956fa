"""The truth: the reference case, its agreement with the definitions, and with itself."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from ankled.daemon.records import Rep
from ankled.simulators.scenarios import find
from ankled.simulators.simulation import LegRecording, simulate
from ankled.simulators.truth import Repetition, low_pass
from ankled.simulators.wearer import Style


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_reference_case(side: str) -> None:
    """4.0 lb on a 26 inch stride: 9.34 N inward at mid-swing, 5.25 N outward on either side, on both legs."""
    simulation = simulate("reference", imu="ideal")
    leg = simulation.legs[side]  # type: ignore[index]  # parametrised by name
    assert leg.mass_kg == 1.814
    assert len(leg.truth) == 10
    outward = 1.0 if side == "left" else -1.0
    time_s = np.arange(0.0, simulation.duration_s, 0.002)
    exact = leg.limb.at(time_s)
    force = outward * leg.mass_kg * low_pass(exact.linear_acceleration_mps2[:, 1], 20.0, 500.0)
    for rep in leg.truth:
        assert rep.toe_off_s is not None
        assert rep.lateral_force_peak_n == pytest.approx(-9.34, rel=0.002)
        assert rep.lateral_force_peak_time_s == pytest.approx(rep.toe_off_s + 0.2, abs=0.002)
        assert rep.stride_length_m == 0.660
        assert rep.swing_time_s == pytest.approx(0.40)
        early = force[(time_s > rep.toe_off_s) & (time_s < rep.toe_off_s + 0.2)]
        late = force[(time_s > rep.toe_off_s + 0.2) & (time_s < rep.end_s)]
        assert [early.max(), late.max()] == pytest.approx([5.25, 5.25], rel=0.002)


def test_the_low_pass_is_butterworth_forward_and_backward() -> None:
    """The spectrum-domain filter of the truth agrees with SciPy, 3 dB down in two passes."""
    rng = np.random.default_rng(0)
    noise = sosfiltfilt(butter(3, 60.0, fs=2000.0, output="sos"), rng.standard_normal(8000))
    ours = low_pass(noise, 20.0, 2000.0)
    oracle = sosfiltfilt(butter(2, 20.0 / (np.sqrt(2.0) - 1.0) ** 0.25, fs=2000.0, output="sos"), noise)
    assert np.abs(ours - oracle)[500:-500].max() < 0.01 * np.abs(oracle).max()


def test_fields_are_those_of_the_record() -> None:
    """Every field of the truth but the two onsets at 30 % and the two rivals is a field of `ankled.rep/1`."""
    own = {"onset30_s", "offset30_s", "lateral_force_rival_n", "lateral_force_impact_rival_n"}
    assert set(Repetition.__struct_fields__) - set(Rep.__struct_fields__) == own


@pytest.mark.parametrize("name", ["walk", "walk_slow", "walk_fast", "run", "run_fast"])
def test_strides_follow_from_their_events(name: str) -> None:
    """Strides join on to one another, and their times, lengths and speeds are those of the scenario."""
    scenario = find(name)
    gait = scenario.activities[1]
    for leg in simulate(scenario).legs.values():
        assert [rep.first for rep in leg.truth] == [True] + [False] * (len(leg.truth) - 1)
        assert leg.truth[0].contact_time_s is None
        assert leg.truth[0].cadence_per_min is None
        for before, rep in zip(leg.truth, leg.truth[1:], strict=False):
            assert rep.start_s == before.end_s == before.initial_contact_s
            assert rep.contact_time_s is not None
            assert rep.swing_time_s is not None
            assert rep.contact_time_s + rep.swing_time_s == pytest.approx(rep.duration_s)
            assert rep.cadence_per_min == pytest.approx(120.0 / rep.duration_s)
        middle = leg.truth[3:-2]
        speed = np.mean([rep.stride_speed_mps for rep in middle])
        assert speed == pytest.approx(gait.speed_mps, rel=0.03)  # type: ignore[union-attr]  # a gait
        measured = [np.diff(leg.limb.at(np.array([r.start_s, r.end_s])).position_m[:, 0])[0] for r in middle]
        assert measured == pytest.approx([rep.stride_length_m for rep in middle], abs=0.06)


@pytest.mark.parametrize("placement", ["shank", "foot"])
@pytest.mark.parametrize("name", ["walk", "walk_slow", "walk_fast", "run", "run_fast", "reference"])
def test_the_swing_rate_has_its_minima_near_the_events(name: str, placement: str) -> None:
    """The minima around the swing stand 29 ms before toe-off and 11 ms after contact, 55 and 20 ms on a foot."""
    if name == "reference" and placement == "foot":
        return
    scenario = msgspec.structs.replace(find(name), style=Style(placement=placement))  # type: ignore[arg-type]  # literal
    early, late = (0.055, 0.020) if placement == "foot" else (0.029, 0.011)
    slack = 0.010 if name.startswith("run") else 0.002
    leg = simulate(scenario, imu="ideal").legs["right"]
    for rep in leg.truth:
        assert rep.toe_off_s is not None
        time_s = np.arange(rep.toe_off_s - 0.2, rep.end_s + 0.2, 5e-4)
        swing = -leg.limb.at(time_s).angular_rate_rad_s[:, 1]
        inside = (time_s > rep.toe_off_s) & (time_s < rep.end_s)
        top = int(np.flatnonzero(inside)[np.argmax(swing[inside])])
        assert time_s[_descend(swing, top, 1)] == pytest.approx(rep.end_s + late, abs=slack)
        assert time_s[_descend(swing, top, -1)] == pytest.approx(rep.toe_off_s - early, abs=slack)


def _descend(swing: np.ndarray, top: int, way: int) -> int:
    """Return the first minimum after the zero crossing that follows `top`, going `way`."""
    row = top
    while swing[row] > 0.0 or swing[row + way] <= swing[row]:
        row += way
    return row


def test_a_u_turn_is_marked() -> None:
    """The strides of a U-turn are marked, the straight ones are not, and the walker ends up facing back."""
    leg = simulate("walk_turn").legs["left"]
    turns = [rep.turn for rep in leg.truth]
    assert 3 <= sum(bool(turn) for turn in turns) <= len(turns) // 2
    assert turns[:6] == [False] * 6
    assert turns[8] is True


def test_repetitions_of_an_exercise() -> None:
    """Times, range and phases of a set of knee extensions are those planned, within the jitter."""
    for leg in simulate("knee_extension").legs.values():
        assert [rep.index for rep in leg.truth] == list(range(10))
        assert leg.truth[0].cadence_per_min is None
        for rep in leg.truth:
            assert rep.kind == "rep"
            assert rep.rom_deg == pytest.approx(80.0, abs=10.0)
            assert rep.onset30_s is not None
            assert rep.offset30_s is not None
            assert rep.peak_s is not None
            assert rep.start_s < rep.onset30_s < rep.peak_s < rep.offset30_s < rep.end_s
            assert rep.concentric_s == pytest.approx(1.0, abs=0.1)
            assert rep.hold_s == pytest.approx(0.8, abs=0.08)
            assert rep.eccentric_s == pytest.approx(1.2, abs=0.12)
            assert rep.mean_velocity_rad_s == pytest.approx(np.deg2rad(rep.rom_deg) / rep.concentric_s, rel=0.08)


def test_abduction_is_frontal() -> None:
    """In side-lying abduction the movement axis is the antero-posterior one, and the range is about it."""
    for leg in simulate("hip_abduction").legs.values():
        assert {rep.plane for rep in leg.truth} == {"frontal"}
        assert [rep.rom_deg for rep in leg.truth] == pytest.approx([35.0] * 10, abs=5.0)


def _mean(leg: LegRecording, field: str, rows: slice = slice(None)) -> float:
    """Return the mean of one field of the truth."""
    return float(np.mean([getattr(rep, field) for rep in leg.truth[rows]]))


def test_the_wearer_tires() -> None:
    """Fatigue lowers speed and range over the set by what the scenario says."""
    leg = simulate("fatigue").legs["left"]
    velocity = _mean(leg, "mean_velocity_rad_s", slice(-3, None)) / _mean(leg, "mean_velocity_rad_s", slice(3))
    assert velocity == pytest.approx((0.96 * 0.985) ** 12, rel=0.06)
    rom = _mean(leg, "rom_deg", slice(-3, None)) / _mean(leg, "rom_deg", slice(3))
    assert rom == pytest.approx(0.985**12, rel=0.05)


def test_the_legs_differ() -> None:
    """Asymmetry makes the right leg smaller and slower by what the scenario says."""
    legs = simulate("asymmetry").legs
    assert _mean(legs["right"], "rom_deg") / _mean(legs["left"], "rom_deg") == pytest.approx(0.8, rel=0.04)
    assert _mean(legs["right"], "duration_s") / _mean(legs["left"], "duration_s") == pytest.approx(1.1, rel=0.03)


def test_a_disturbance_shows_as_sway() -> None:
    """From the disturbed repetition on, sway is several times what it was before."""
    for leg in simulate("lateral_disturbance").legs.values():
        for field in ("sway_rms_mps2", "sway_range_deg", "lateral_force_rms_n"):
            assert _mean(leg, field, slice(7, None)) > 3.0 * _mean(leg, field, slice(7))


@pytest.mark.parametrize("name", ["walk", "squat", "hip_abduction", "straight_leg_raise", "jump"])
def test_mirrored_legs_have_the_same_outward_force(name: str) -> None:
    """Without spread between repetitions both legs do the same, and so have the same signed outward force."""
    scenario = msgspec.structs.replace(find(name), style=Style(jitter=0.0))
    left, right = simulate(scenario).legs.values()
    for a, b in zip(left.truth[2:-2], right.truth[2:-2], strict=True):
        assert a.lateral_force_peak_n == pytest.approx(b.lateral_force_peak_n, rel=1e-3)
        assert a.sway_rms_mps2 == pytest.approx(b.sway_rms_mps2, rel=1e-3, abs=1e-4)
        assert a.rom_deg == pytest.approx(b.rom_deg, rel=1e-3)


def test_the_axis_of_a_repetition_is_the_principal_axis_of_its_rate() -> None:
    """No axis fixed to the leg carries more of the turning; it lies within a few degrees of the joint's own."""
    leg = simulate("knee_extension", imu="ideal").legs["left"]
    for rep in leg.truth:
        rate = leg.limb.at(np.arange(rep.start_s, rep.end_s, 0.002)).angular_rate_rad_s
        powers, axes = np.linalg.eigh(rate.T @ rate)
        assert powers[2] > 100.0 * powers[1]
        assert rep.plane_angle_deg == pytest.approx(np.degrees(np.arccos(abs(axes[1, 2]))), abs=0.05)
        assert rep.plane_angle_deg < 3.0


def test_the_rival_of_a_peak_has_the_other_sign() -> None:
    """The rival is the largest force of the other sign, never larger than the peak: in the reference case 5.25 N."""
    for rep in simulate("reference", imu="ideal").legs["left"].truth:
        assert rep.lateral_force_rival_n == pytest.approx(5.25, rel=0.002)
    for rep in simulate("walk", imu="ideal").legs["right"].truth:
        assert rep.lateral_force_impact_n is not None
        assert rep.lateral_force_impact_rival_n is not None
        assert rep.lateral_force_impact_n * rep.lateral_force_impact_rival_n <= 0.0
        assert abs(rep.lateral_force_impact_rival_n) <= abs(rep.lateral_force_impact_n)
