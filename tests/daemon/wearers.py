"""Wearers for the tests of the whole way: simulated recordings of two legs, and the inputs of a live session."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ankled.daemon.inputs import ClockAnchor, Config, Stop, Tick
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Event, Live, Pair, Record, Rep, Session, Set, to_json
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.daemon.standing import Standing
from ankled.drivers.samples import FloatArray, Samples
from ankled.simulators.exercises import Exercise
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Stand
from ankled.simulators.scenarios import Scenario
from ankled.simulators.simulation import simulate
from ankled.simulators.wearer import Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from ankled.daemon.inputs import Input
    from ankled.simulators.scenarios import Doing

SECOND = 1_000_000_000
BOOT_NS = 5_000 * SECOND
"""Host time at which the live sessions begin."""
UTC_NS = 1_700_000_000 * SECOND

WALK_LIFT_WALK: tuple[Doing, ...] = (
    Stand(duration_s=1.5),
    Gait(speed_mps=1.25, strides=6),
    Stand(duration_s=2.0),
    Exercise(name="leg_raise", reps=2),
    Stand(duration_s=7.0),
    Gait(speed_mps=1.25, strides=4),
    Stand(duration_s=1.5),
)
"""Half a minute with a set of strides closed by a movement, one of repetitions closed by rest, one by the end."""


class Recording(NamedTuple):
    """One sensor's recording: time_s (n,) s, acc (n, 3) m/s2, gyr (n, 3) rad/s."""

    time_s: FloatArray
    acc: FloatArray
    gyr: FloatArray

    def where(self, keep: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Recording:
        """Return the samples for which `keep` is true."""
        return Recording(self.time_s[keep], self.acc[keep], self.gyr[keep])

    def until(self, time_s: float) -> Recording:
        """Return the samples up to a moment, itself included."""
        return self.where(self.time_s <= time_s)

    def without(self, begin_s: float, end_s: float) -> Recording:
        """Return the samples but those between two moments: a gap."""
        return self.where((self.time_s < begin_s) | (self.time_s >= end_s))


@functools.cache
def legs(*doing: Doing, rate_hz: float = 50.0, jitter: float = 0.03) -> dict[str, Recording]:
    """Return what the sensors on both legs record while their wearer does these things."""
    scenario = Scenario(name="test", description="", activities=doing, style=Style(tremor_deg=0.15, jitter=jitter))
    made = simulate(scenario, rate_hz=rate_hz, with_truth=False).legs
    return {side: Recording(leg.time_s, leg.acc, leg.gyr) for side, leg in made.items()}


def settings(**changes: object) -> PipelineSettings:
    """Return settings for a sensor `left` and one `right` of 50 Hz on the athlete kim."""
    devices = tuple(
        DeviceSettings(slug=side, side=side, athlete="kim", mass_kg=1.5, mass_source="configured", rate_hz=50.0)
        for side in ("left", "right")
    )
    return msgspec.structs.replace(
        PipelineSettings(node="gym", session="monday", set_rest_s=6.0, devices=devices), **changes
    )


def changed(given: PipelineSettings, slug: str, **changes: object) -> PipelineSettings:
    """Return the settings with those of one device changed."""
    devices = tuple(
        msgspec.structs.replace(device, **changes) if device.slug == slug else device for device in given.devices
    )
    return msgspec.structs.replace(given, devices=devices)


def packets(slug: str, recording: Recording, sizes: Sequence[int] = (5,), late_ns: int = 20_000_000) -> list[Samples]:
    """Return the recording in packets of these sizes, over and over, each stamped a little after its last sample."""
    made = []
    first = turn = 0
    while first < len(recording.time_s):
        part = slice(first, first + sizes[turn % len(sizes)])
        host_ns = BOOT_NS + round(float(recording.time_s[part][-1]) * SECOND) + late_ns
        made.append(
            Samples(
                device=slug,
                host_ns=host_ns,
                time_s=recording.time_s[part],
                acc=recording.acc[part],
                gyr=recording.gyr[part],
            )
        )
        first, turn = part.stop, turn + 1
    return made


def session(
    recordings: dict[str, Recording], *, given: PipelineSettings | None = None, sizes: Sequence[int] = (5,)
) -> list[Input]:
    """Return the inputs of a live session: settings, two clock anchors, packets, a tick a second, the end."""
    moving: list[Input] = [p for slug, data in recordings.items() for p in packets(slug, data, sizes)]
    end_ns = max(packet.host_ns for packet in moving) + SECOND
    moving += [Tick(host_ns=now) for now in range(BOOT_NS + SECOND // 2, end_ns, SECOND)]
    moving.append(ClockAnchor(host_ns=BOOT_NS + SECOND, utc_ns=UTC_NS + SECOND))
    moving.append(ClockAnchor(host_ns=BOOT_NS + 10 * SECOND, utc_ns=UTC_NS + 10 * SECOND + 250_000_000))
    moving.sort(key=lambda item: item.host_ns)
    begin = Config(host_ns=BOOT_NS, settings=given or settings())
    return [begin, *moving, Stop(host_ns=end_ns, reason="asked")]


def run(inputs: Iterable[Input]) -> list[Record]:
    """Return the records of a fresh core."""
    core = Core()
    return [record for item in inputs for record in core.feed(item)]


def lines(records: Iterable[Record]) -> list[bytes]:
    """Return the records as they are published."""
    return [to_json(record) for record in records]


def reps(records: Iterable[Record], device: str | None = None) -> list[Rep]:
    """Return the strides and repetitions, of one device or all."""
    return [r for r in records if isinstance(r, Rep) and device in (None, r.device)]


def sets(records: Iterable[Record], device: str | None = None) -> list[Set]:
    """Return the sets, of one device or all."""
    return [r for r in records if isinstance(r, Set) and device in (None, r.device)]


def pairs(records: Iterable[Record]) -> list[Pair]:
    """Return the pairs."""
    return [r for r in records if isinstance(r, Pair)]


def sessions(records: Iterable[Record]) -> list[Session]:
    """Return the totals of sessions."""
    return [r for r in records if isinstance(r, Session)]


def events(records: Iterable[Record]) -> list[Event]:
    """Return the events."""
    return [r for r in records if isinstance(r, Event)]


def in_order(records: Sequence[Record]) -> bool:
    """Whether no id is given twice and each device's and athlete's `seq` counts from 1 without a hole."""
    owners: dict[str, list[int]] = {}
    for record in records:
        if isinstance(record, Live):  # what a moment says is not counted
            continue
        owner = (
            f"device {record.device}"
            if isinstance(record, Rep | Standing | Set | Event)
            else f"athlete {record.athlete}"
        )
        owners.setdefault(owner, []).append(record.seq)
    ids = [record.id for record in records if not isinstance(record, Live)]
    return len(set(ids)) == len(ids) and all(seq == list(range(1, len(seq) + 1)) for seq in owners.values())
