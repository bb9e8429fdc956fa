"""orientation_broad: inclination beside the authors' C++ filter, and linear acceleration, against optics."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from vqf import VQF

from benchmarks.datasets import broad
from benchmarks.report import Figure, Section
from benchmarks.running import orientation
from benchmarks.scoring.orientation import LOWPASS_HZ, acceleration_rms_mps2, inclination_rmse_deg

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = broad.NAME
tasks = broad.trial_names

NOTES = (
    (
        "Inclination: root mean square of 2 acos sqrt(e_w^2 + e_z^2), e = q inv(q_ref), over samples marked as "
        "movement that the optics saw. vqf: the package's VQF without magnetometer, default settings, on the same "
        "samples."
    ),
    (
        "Acceleration: root mean square of ours minus the second derivative of optical position, both low-passed "
        f"at {LOWPASS_HZ:g} Hz, with the optical heading; the arm from the optical origin to the sensor is fitted."
    ),
)


@dataclass(frozen=True, slots=True)
class TrialScore:
    """Errors of one trial against optics."""

    name: str
    ours_deg: float
    rival_deg: float
    acceleration_mps2: float
    optical_mps2: float


def measure(task: str) -> TrialScore:
    """Run both filters over one trial."""
    trial = broad.load_trial(task)
    ours = orientation(trial.acc, trial.gyr, trial.rate_hz)
    rival = VQF(1.0 / trial.rate_hz).updateBatch(trial.gyr, trial.acc)["quat6D"]
    error, optical = acceleration_rms_mps2(ours, trial)
    return TrialScore(task, inclination_rmse_deg(ours, trial), inclination_rmse_deg(rival, trial), error, optical)


def summarise(scores: Sequence[TrialScore]) -> Section:
    """Return the table over all trials measured."""
    figures: list[Figure] = []
    for score in scores:
        number, label = score.name.split("_")[0], score.name.replace("_", " ")
        figures += [
            Figure(
                key=f"{number}_deg",
                label=f"{label}: inclination",
                value=score.ours_deg,
                unit="deg",
                digits=4,
                anchor=f"vqf {score.rival_deg:.4f} deg",
            ),
            Figure(
                key=f"{number}_apart_deg",
                label="    minus vqf's",
                value=score.ours_deg - score.rival_deg,
                unit="deg",
                digits=4,
                at_least=-0.01,
                at_most=0.01,
            ),
            Figure(
                key=f"{number}_acc_mps2",
                label="    linear acceleration, error",
                value=score.acceleration_mps2,
                unit="m/s2",
                anchor=f"the motion itself: {score.optical_mps2:.2f} m/s2",
            ),
        ]
    figures += [
        Figure(
            key="mean_deg",
            label="all: inclination, mean",
            value=fmean(score.ours_deg for score in scores),
            unit="deg",
            anchor="30 trials: VQF 0.72, BasicVQF 1.07, imufusion 5.16 deg",
        ),
        Figure(
            key="largest_apart_deg",
            label="all: largest difference from vqf's",
            value=max(abs(score.ours_deg - score.rival_deg) for score in scores),
            unit="deg",
            digits=4,
            at_most=0.01,
        ),
        Figure(
            key="mean_acc_mps2",
            label="all: linear acceleration, error, mean",
            value=fmean(score.acceleration_mps2 for score in scores),
            unit="m/s2",
        ),
        Figure(
            key="mean_motion_mps2",
            label="all: the motion itself, mean",
            value=fmean(score.optical_mps2 for score in scores),
            unit="m/s2",
        ),
    ]
    return Section(name=NAME, title=f"{NAME}: {len(scores)} trials, 286 Hz", figures=figures, notes=NOTES)
