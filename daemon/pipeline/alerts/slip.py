"""`slip`: the weight has turned on the leg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.pipeline.alerts.finding import Finding, leg

if TYPE_CHECKING:
    from ankled.daemon.records import Event, Side


def slipped(event: Event, side: Side, number: int | None) -> Finding:
    """Return what an event of kind `slip` means to a coach; `number` is that of the open set."""
    evidence = {name: value for name, value in event.detail.items() if not isinstance(value, str)}
    angle_deg, uncertainty_deg = evidence.get("angle_deg"), evidence.get("uncertainty_deg")
    far = "" if angle_deg is None else f" by {angle_deg:.0f} deg"
    sure = "" if uncertainty_deg is None else f" (known to {uncertainty_deg:.0f} deg)"
    return Finding(
        alert="slip",
        severity="warning",
        side=side,
        set=number,
        quantity="angle_deg",
        known_at_s=event.known_at_s,
        about=[event.id],
        message=f"{leg(side, event.device)}: the weight has turned on the leg{far}{sure}. Fasten it anew.",
        evidence=evidence,
    )
