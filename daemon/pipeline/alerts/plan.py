"""`more_sets_than_planned`: a set has begun that the plan does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ankled.daemon.pipeline.alerts.finding import Finding, leg

if TYPE_CHECKING:
    from ankled.daemon.records import Rep

FEWEST: Final = 3
"""A set counts from this repetition on: lifting a leg once to sit down is no set."""


def beyond_plan(rep: Rep, sets: int, planned: int | None) -> Finding | None:
    """Return what to tell of set number `sets` of those that count, at the repetition that makes it count."""
    if planned is None or sets <= planned:
        return None
    plan = "1 was" if planned == 1 else f"{planned} were"
    return Finding(
        alert="more_sets_than_planned",
        severity="notice",
        side=rep.side,
        set=rep.set,
        quantity="sets",
        known_at_s=rep.known_at_s,
        about=[rep.id],
        message=f"{leg(rep.side, rep.device)}: set {sets} of repetitions has begun, {plan} planned.",
        evidence={"value": float(sets), "planned": float(planned), "count": float(FEWEST)},
    )
