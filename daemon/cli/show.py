"""Records as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.records import Alert, Event, Live, Pair, Rep, Session, Set
from ankled.daemon.standing import Standing

if TYPE_CHECKING:
    from ankled.daemon.records import Record


def figure(value: float | None, unit: str, digits: int = 1) -> str:
    """Return a number with its unit, or a dash."""
    return "-" if value is None else f"{value:.{digits}f} {unit}"


def describe(record: Record) -> str:
    """Return one line about a record."""
    return f"{record.known_at_s:9.2f} s  {_content(record)}"


def _content(record: Record) -> str:
    """Return what a record says, behind its time."""
    match record:
        case Rep():
            text = _rep(record)
        case Standing():
            text = _standing(record)
        case Set():
            text = _set(record)
        case Pair():
            shares = f"load {figure(record.load_left_percent, '%', 0)} / {figure(record.load_right_percent, '%', 0)}"
            index = record.rom.index_percent if record.rom else None
            text = f"both     pair {record.index}: {shares}, range of motion R-L {figure(index, '%')}"
        case Session():
            text = (
                f"both     session: {record.sets} sets, {record.strides} strides, {record.reps} repetitions, "
                f"{record.pairs} pairs, {record.alerts} alerts"
            )
        case Alert():
            text = f"{record.device or record.athlete or '':8} alert: {record.message}"
        case Event():
            detail = ", ".join(f"{name} {_told(value)}" for name, value in record.detail.items())
            text = f"{record.device:8} {record.event}: {detail}"
        case Live():
            cadence, speed = figure(record.cadence_per_min, "/min", 0), figure(record.speed_mps, "m/s", 2)
            text = f"{record.device:8} cadence {cadence}, speed {speed}"
    return text


def _told(value: float | str) -> str:
    """Return a detail of an event: a text as it is, a number in three digits."""
    return value if isinstance(value, str) else f"{value:.3g}"


def _rep(rep: Rep) -> str:
    """Return the line of a stride or repetition."""
    parts = [
        f"{rep.side:8} {rep.kind} {rep.index}",
        f"{rep.duration_s:.2f} s",
        f"cadence {figure(rep.cadence_per_min, '/min')}",
        f"range {figure(rep.rom_deg, 'deg', 0)}",
        f"sway {figure(rep.sway_rms_mps2, 'm/s2')}",
        f"lateral {figure(rep.lateral_force_peak_n, 'N')}",
    ]
    if rep.kind == "stride":
        parts.append(f"contact {figure(rep.contact_time_s, 's', 2)}")
        parts.append(f"length {figure(rep.stride_length_m, 'm', 2)}")
    else:
        parts.append(f"lift {figure(rep.concentric_s, 's', 2)}")
        parts.append(f"hold {figure(rep.hold_s, 's', 2)}")
        parts.append(f"lower {figure(rep.eccentric_s, 's', 2)}")
    reasons = f" ({', '.join(rep.quality_reasons)})" if rep.quality_reasons else ""
    parts.append(f"quality {rep.quality:.2f}{reasons}")
    return "  ".join(parts)


def _standing(spell: Standing) -> str:
    """Return the line of a spell of standing."""
    reasons = f" ({', '.join(spell.quality_reasons)})" if spell.quality_reasons else ""
    return (
        f"{spell.side:8} standing {spell.duration_s:.1f} s: sway {figure(spell.rms_mps2, 'm/s2', 3)} "
        f"(AP {figure(spell.rms_ap_mps2, 'm/s2', 3)}, ML {figure(spell.rms_ml_mps2, 'm/s2', 3)}), "
        f"path {figure(spell.path_mps2, 'm/s2')}, mean frequency {figure(spell.mf_hz, 'Hz', 2)}, "
        f"quality {spell.quality:.2f}{reasons}"
    )


def _set(closed: Set) -> str:
    """Return the line of a set."""
    what = "strides" if closed.of == "stride" else "repetitions"
    return (
        f"{closed.side:8} set {closed.set} closed by {closed.closed_by}: {closed.count} {what} ({closed.movement}), "
        f"cadence {figure(closed.cadence_mean_per_min, '/min')}, range {figure(closed.rom_mean_deg, 'deg', 0)}, "
        f"velocity loss {figure(closed.velocity_loss_percent, '%', 0)}, fatigue {closed.fatigue}"
    )
