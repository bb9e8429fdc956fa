"""What an alert is made of before it has a number: the finding, and how it becomes a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ankled.daemon.records import Alert, AlertKind, Rep, Severity, Side

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context, Numbers


class Finding(NamedTuple):
    """Something out of the ordinary. Known with the record that made it sure."""

    alert: AlertKind
    severity: Severity
    side: Side
    set: int | None
    quantity: str | None
    known_at_s: float
    about: list[str]
    message: str
    evidence: dict[str, float]


def leg(side: Side, device: str) -> str:
    """Return whose figures they are, to begin a sentence with."""
    return f"Device {device}" if side == "unknown" else f"{side.capitalize()} leg"


def units(rep: Rep, count: int) -> str:
    """Return so many repetitions or strides in words."""
    noun = "stride" if rep.kind == "stride" else "repetition"
    return f"{count} {noun}{'' if count == 1 else 's'}"


def of_device(found: Finding, device: str, athlete: str | None, numbers: Numbers, context: Context) -> Alert:
    """Return the alert of a device, numbered as its next record."""
    return _record(found, f"{device}/alert/{numbers.next('alert')}", device, athlete, numbers.next_seq(), context)


def of_athlete(found: Finding, athlete: str, numbers: Numbers, context: Context) -> Alert:
    """Return the alert of both legs of an athlete.

    Its id says so: a device may bear the name of its wearer, and no id is given twice.
    """
    return _record(
        found, f"{athlete}/pair-alert/{numbers.next('pair-alert')}", None, athlete, numbers.next_seq(), context
    )


def _record(found: Finding, name: str, device: str | None, athlete: str | None, seq: int, context: Context) -> Alert:  # noqa: PLR0913, PLR0917  (what the record names)
    return Alert(
        id=f"{context.session}/{name}",
        seq=seq,
        session=context.session,
        node=context.node,
        device=device,
        athlete=athlete,
        side=found.side,
        set=found.set,
        alert=found.alert,
        severity=found.severity,
        quantity=found.quantity,
        known_at_s=found.known_at_s,
        known_at_utc=context.utc(found.known_at_s),
        about=found.about,
        message=found.message,
        evidence=found.evidence,
    )
