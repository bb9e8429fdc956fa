"""What stands in a capture and whether all of it can be read: for `info` and `verify`, as a struct and as text."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.inputs import ClockAnchor, State

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.capture.reader import Progress

_NS: Final = 1_000_000_000


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that cannot be read, and why."""

    start: int
    end: int
    reason: str


class CaptureReport(msgspec.Struct, frozen=True, kw_only=True):
    """One capture file. `whole` when it was finished, is undamaged and misses no input; times are host time.

    `first_utc` and `last_utc` are null without a clock anchor, as in an import. `mid_session` when the file opens with
    a state because an earlier file, or nobody, holds what came before.
    """

    path: str
    bytes: int
    whole: bool
    finished: bool
    torn_bytes: int
    damage: tuple[Hole, ...]
    inputs: int
    first_number: int | None
    last_number: int | None
    missing: int
    mid_session: bool
    counts: dict[str, int]
    devices: dict[str, dict[str, int]]
    first_host_ns: int | None
    last_host_ns: int | None
    duration_s: float
    first_utc: str | None
    last_utc: str | None
    version: str
    node: str
    session: str
    cpu: str
    kernels: str
    notes: tuple[str, ...]


def examine(path: Path, *, progress: Progress | None = None) -> CaptureReport:
    """Read the whole file, every checksum included, and report; RecordingError when it is no capture at all."""
    reader = CaptureReader(path, strict=False, progress=progress)
    counts: Counter[str] = Counter()
    devices: dict[str, Counter[str]] = {}
    first = last = offset = None
    mid_session = False
    for entry in reader:
        item = entry.item
        if entry.opening:
            mid_session |= isinstance(item, State)
            continue
        kind = type(item).__name__.lower()
        counts[kind] += 1
        if device := getattr(item, "device", None):
            devices.setdefault(device, Counter())[kind] += 1
        if isinstance(item, ClockAnchor) and offset is None:
            offset = item.utc_ns - item.host_ns
        first = item.host_ns if first is None else first
        last = item.host_ns
    told = reader.fact("utc_offset_ns")
    offset = offset if told is None else told
    return CaptureReport(
        path=str(path),
        bytes=reader.size,
        whole=reader.finished and not reader.damage and not reader.missing,
        finished=reader.finished,
        torn_bytes=0 if reader.finished else reader.size - reader.good,
        damage=tuple(Hole(start=d.start, end=d.end, reason=d.reason) for d in reader.damage),
        inputs=sum(counts.values()),
        first_number=reader.first,
        last_number=reader.last,
        missing=reader.missing,
        mid_session=mid_session,
        counts=dict(sorted(counts.items())),
        devices={device: dict(sorted(kinds.items())) for device, kinds in sorted(devices.items())},
        first_host_ns=first,
        last_host_ns=last,
        duration_s=0.0 if first is None or last is None else (last - first) / _NS,
        first_utc=_utc(first, offset),
        last_utc=_utc(last, offset),
        **msgspec.to_builtins(reader.origin),
        notes=tuple(reader.notes),
    )


def describe(report: CaptureReport) -> str:
    """Return the report as text for people."""
    numbers = "none" if report.first_number is None else f"{report.first_number} to {report.last_number}"
    lines = [
        report.path,
        f"  recorded by  ankled {report.version} on node {report.node}, session {report.session}",
        f"  computer     {report.cpu}, kernels {report.kernels}",
        f"  time         {report.first_utc or 'no clock'}, {report.duration_s:.1f} s",
        f"  inputs       {report.inputs} (number {numbers}), {report.bytes} bytes",
    ]
    if report.mid_session:
        lines.append("  begins       in mid-session, with the state at that point")
    for device, kinds in report.devices.items():
        lines.append(f"  {device:<12} {_listed(kinds)}")
    lines.append(f"  all          {_listed(report.counts)}")
    verdict = "whole" if report.whole else "not whole: `ankled capture repair` keeps what can be read"
    lines += [f"  file         {verdict}", *(f"  note         {note}" for note in report.notes)]
    return "\n".join(lines)


def _listed(kinds: dict[str, int]) -> str:
    names = {"samples": "blocks of samples"}
    return ", ".join(f"{count} {names.get(kind, kind)}" for kind, count in kinds.items()) or "nothing"


def _utc(host_ns: int | None, offset_ns: int | None) -> str | None:
    if host_ns is None or offset_ns is None:
        return None
    try:
        moment = datetime.fromtimestamp((host_ns + offset_ns) / _NS, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a damaged or absurd anchor: a date that no calendar has
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
