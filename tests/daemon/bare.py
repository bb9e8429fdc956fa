"""Wearers whose sensors have an accelerometer alone: their inputs, and what holds for every stride they give."""

from __future__ import annotations

from itertools import pairwise
from math import isclose
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.inputs import Config, Stop
from ankled.drivers.samples import Samples
from ankled.simulators.exercises import Exercise
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from tests.daemon import record_rules
from tests.daemon.wearers import BOOT_NS, SECOND, Recording, legs, packets, run, session, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record, Rep
    from ankled.daemon.settings import PipelineSettings

WALK_RUN_LIFT = (
    Stand(duration_s=1.5),
    Gait(speed_mps=1.25, strides=8),
    Stand(duration_s=8.0),
    Gait(speed_mps=3.0, strides=12, running=True),
    Stand(duration_s=2.0),
    Exercise(name="leg_raise", reps=3),
    Stand(duration_s=8.0),
)
WORN = legs(*WALK_RUN_LIFT)
LEFT = WORN["left"]
KNOWN = (
    "id", "seq", "session", "node", "device", "athlete", "side", "set", "index", "kind", "movement", "start_s", "end_s",
    "known_at_s", "duration_s", "start_utc", "end_utc", "initial_contact_s", "first", "cadence_per_min", "plane",
    "mass_kg", "mass_source", "axis_source", "missing", "clipped", "retroactive", "quality", "quality_reasons",
)  # fmt: skip
"""Fields that may have a value; a gyroscope is needed for all others."""


def plain(items: Iterable[Input], *devices: str) -> list[Input]:
    """Return the inputs, the samples of these devices (of all, if none is named) without an angular rate."""
    return [
        msgspec.structs.replace(item, gyr=None)
        if isinstance(item, Samples) and (not devices or item.device in devices)
        else item
        for item in items
    ]


LIVE = plain(session(WORN))


def alone(recording: Recording, given: PipelineSettings | None = None, slug: str = "left") -> list[Record]:
    """Return the records of one device that sends the recording, and then the session ends."""
    stop = Stop(host_ns=BOOT_NS + round(float(recording.time_s[-1]) * SECOND), reason="asked")
    return run([Config(host_ns=BOOT_NS, settings=given or settings()), *plain(packets(slug, recording)), stop])


def check(found: Sequence[Rep]) -> None:
    """Assert what holds for every stride of one device that has no gyroscope, each for itself and as a row."""
    for rep in found:
        read = record_rules.fields(rep)
        assert {name for name, value in read.items() if value is not None} <= {"schema", *KNOWN}
        assert (rep.kind, rep.plane, rep.axis_source) == ("stride", "unknown", "none")
        assert rep.initial_contact_s == rep.end_s
        assert rep.known_at_s >= rep.end_s > rep.start_s
        assert isclose(rep.duration_s, rep.end_s - rep.start_s)
        assert rep.cadence_per_min == (None if rep.first else pytest.approx(120.0 / rep.duration_s))
        assert {"accelerometer_only", "no_anatomical_axis"} <= set(rep.quality_reasons)
        assert 0.0 < rep.quality <= 0.6
    for one, other in pairwise(found):
        assert other.known_at_s >= one.known_at_s
        assert other.start_s >= one.end_s
        assert other.first or other.start_s == one.end_s
