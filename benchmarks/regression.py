"""`python -m benchmarks.regression`: a small part of the accuracy report against the committed figures.

With `--update` it writes the figures measured now, and keeps the tolerances that are there. The tests compare the
same part: `measure_part` and `differences`.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.datasets.common import DataMissingError
from benchmarks.report import values
from benchmarks.suites.registry import SUITES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report import Section

FILE = Path(__file__).resolve().parent.parent / "tests" / "accuracy" / "figures.json"

_WALKS = ("1-1", "1-6", "2-3", "3-3", "4-4", "5-6", "6-5", "7-2", "8-5", "9-5", "10-3", "10-5")
_SCENARIOS = ("walk", "walk_slow", "walk_fast", "run", "squat", "fidget", "knee_extension", "jump")

PART: dict[str, Sequence[str] | None] = {
    "gait_feet_ipol": _WALKS,
    "gait_feet_gaitmap": None,
    "leg_raises_pt": None,
    "orientation_broad": ("07_undisturbed_fast_rotation_B", "16_undisturbed_fast_translation_B"),
    "simulators": ("reference", "walk", "squat"),
    "fields_known": ("walk", "run", "squat", "straight_leg_raise"),
    "fields_found": ("walk", "run", "squat", "straight_leg_raise"),
    "totals": ("walk", "asymmetry", "fatigue"),
    "standing": ("balance",),
    "promptness": ("walk", "run_fast", "leg_raise", "squat"),
    "movement_auto": (
        *(f"ipol {name}" for name in _WALKS[:4]),
        *(f"leg raises s{person}_e{exercise}" for person in (1, 2) for exercise in (1, 3, 4, 5)),
        *(f"scenario {name}" for name in _SCENARIOS),
    ),
    "trust": (
        *(f"ipol {name}" for name in _WALKS),
        *(f"leg raises s1_e{exercise}" for exercise in (1, 3, 4, 5)),
        *(f"scenario {name}" for name in ("walk_turn", "fidget", "jump", "leg_raise", "slip")),
    ),
    "causality": ("ipol 5-6", "leg raises s1_e4", "gaitmap patient (MS)", "scenario slip", "scenario demo"),
    "accelerometer_only": (
        *(f"ipol {name}" for name in _WALKS),
        "gaitmap",
        *(f"leg raises s{person}_e{exercise}" for person in (1, 2) for exercise in (1, 3, 4, 5)),
        *(f"scenario {name}" for name in _SCENARIOS),
    ),
}
"""The tasks of each suite that are compared, None for all: walks of every person, half of them with lost packets."""

TOLERANCES = {"": 0.005, "ms": 2.0, "s": 0.03, "/min": 0.1, "%": 1.0, "deg": 0.002, "m/s2": 0.02}
"""How far a figure may move, by unit, unless the file says otherwise: a little more than a rounding or a CPU does."""
COUNT_TOLERANCE = 2.0


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A committed figure, null where there was no number, and how far it may move."""

    value: float | None
    tolerance: float


def measure_part(suite: str) -> Section:
    """Return the table of the compared part of one suite, measured in this process."""
    chosen = PART[suite]
    tasks = SUITES[suite].tasks() if chosen is None else chosen
    return SUITES[suite].summarise([SUITES[suite].measure(task) for task in tasks])


def load(path: Path = FILE) -> dict[str, Expected]:
    """Return the committed figures by `suite/figure`."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Expected])


def differences(suite: str, measured: dict[str, float | None], expected: dict[str, Expected]) -> list[str]:
    """Return one sentence for each figure of a suite that moved, appeared or is gone."""
    known = {key: figure for key, figure in expected.items() if key.startswith(f"{suite}/")}
    found = [f"{key} is measured but not in the file" for key in measured.keys() - known.keys()]
    found += [f"{key} is in the file but not measured" for key in known.keys() - measured.keys()]
    for key in known.keys() & measured.keys():
        now, before, tolerance = measured[key], known[key].value, known[key].tolerance
        if (now is None) != (before is None):
            found.append(f"{key} was {before}, is {now}")
        elif now is not None and before is not None and not math.isclose(now, before, rel_tol=0.0, abs_tol=tolerance):
            found.append(f"{key} was {before:g}, is {now:g}: further apart than {tolerance:g}")
    return sorted(found)


def _tolerance(section: Section, key: str) -> float:
    figure = next(figure for figure in section.figures if f"{section.name}/{figure.key}" == key)
    return COUNT_TOLERANCE if figure.digits == 0 and not figure.unit else TOLERANCES.get(figure.unit, 0.05)


def update(sections: Sequence[Section], path: Path = FILE) -> None:
    """Write the figures of `sections`; figures of other suites and known tolerances stay."""
    before = load(path) if path.exists() else {}
    done = tuple(f"{section.name}/" for section in sections)
    figures = {key: figure for key, figure in before.items() if not key.startswith(done)}
    for section in sections:
        for key, value in values([section]).items():
            tolerance = before[key].tolerance if key in before else _tolerance(section, key)
            figures[key] = Expected(None if value is None else round(value, 6), tolerance)
    text = msgspec.json.encode(dict(sorted(figures.items())))
    path.write_bytes(msgspec.json.format(text, indent=2) + b"\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare or update; return 1 if a figure moved."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regression", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write what is measured now")
    parser.add_argument("--only", nargs="+", choices=sorted(PART), default=list(PART), help="only these suites")
    options = parser.parse_args(arguments)
    sections: list[Section] = []
    for name in options.only:
        try:
            sections.append(measure_part(name))
        except DataMissingError as error:
            print(f"{name} left out: {error}", file=sys.stderr)
    if options.update:
        update(sections)
        return 0
    expected = load()
    moved = [line for section in sections for line in differences(section.name, values([section]), expected)]
    print("\n".join(moved) or "every figure is where it was")
    return 1 if moved else 0


if __name__ == "__main__":
    sys.exit(main())
