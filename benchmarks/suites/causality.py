"""Causality on trial: recordings cut anywhere, and what was known before the cut compared with the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from ankled.daemon.records import to_json
from ankled.daemon.settings import DeviceSettings
from benchmarks.datasets import everything
from benchmarks.datasets.common import Recording
from benchmarks.report import Figure, Section
from benchmarks.running import records_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "causality"
tasks = everything.names
_CUTS = 4
_ATHLETE = "athlete-1"

NOTES = (
    (
        f"Each recording is cut at {_CUTS} places drawn at random and run again up to there. Every record that the "
        "whole gave with `known_at_s` before the cut must be there, the same byte for byte: strides, repetitions, "
        "sets, pairs, alerts and events."
    ),
)


@dataclass(frozen=True, slots=True)
class CutScore:
    """One recording: how many records were known before its cuts, and which were other ones, or gone, after cutting."""

    task: str
    compared: int
    differing: tuple[str, ...]


def lines_of(legs: Mapping[str, Recording]) -> dict[str, tuple[float, bytes]]:
    """Return every record of an athlete's legs by id: when it was known, and its JSON."""
    devices = [DeviceSettings(slug=side, side="left" if side == "left" else "right", athlete=_ATHLETE) for side in legs]
    records = records_of(devices, legs)
    return {record.id: (record.known_at_s, to_json(record)) for record in records if hasattr(record, "id")}


def differing(legs: Mapping[str, Recording], cuts_s: Sequence[float]) -> tuple[int, list[str]]:
    """Return how many records were known before the cuts, and the ids of those that a cut altered."""
    whole = lines_of(legs)
    compared = 0
    altered: list[str] = []
    for cut_s in cuts_s:
        seen = lines_of({side: _until(leg, cut_s) for side, leg in legs.items()})
        known = {name: line for name, line in whole.items() if line[0] <= cut_s}
        compared += len(known)
        altered += [f"{name} cut at {cut_s:.2f} s" for name, line in known.items() if seen.get(name) != line]
    return compared, altered


def _until(leg: Recording, cut_s: float) -> Recording:
    end = int(np.searchsorted(leg.time_s, cut_s, side="right"))
    return Recording(leg.time_s[:end], leg.acc[:end], leg.gyr[:end])


def measure(task: str) -> CutScore:
    """Cut and compare one recording."""
    legs = everything.legs_of(task)
    start_s = max(float(leg.time_s[0]) for leg in legs.values())
    end_s = min(float(leg.time_s[-1]) for leg in legs.values())
    shares = np.random.default_rng(crc32(task.encode())).uniform(0.1, 1.0, _CUTS)
    compared, altered = differing(legs, [start_s + share * (end_s - start_s) for share in shares.tolist()])
    return CutScore(task, compared, tuple(altered))


def summarise(scores: Sequence[CutScore]) -> Section:
    """Return the table over all recordings measured."""
    altered = [f"{score.task}: {name}" for score in scores for name in score.differing]
    return Section(
        name=NAME,
        title=f"{NAME}: {len(scores)} recordings, each cut at {_CUTS} places",
        figures=[
            Figure(key="compared", label="records known before a cut", value=sum(s.compared for s in scores), digits=0),
            Figure(key="altered", label="of these altered by the cut", value=len(altered), digits=0, at_most=0.0),
        ],
        notes=NOTES,
        details=altered,
    )
