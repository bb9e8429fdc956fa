"""Records made of truth, so that the scoring can be judged by what it must say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ankled.daemon.records import Rep

if TYPE_CHECKING:
    from collections.abc import Iterable

BASE: dict[str, Any] = {
    "schema": "ankled.rep/1",
    "id": "s/d/rep/0",
    "session": "s",
    "node": "n",
    "device": "left",
    "side": "left",
    "kind": "stride",
    "movement": "walk",
    "plane": "unknown",
    "mass_source": "default",
    "axis_source": "walking",
    "retroactive": False,
    "quality_reasons": [],
    "quality": 1.0,
    "mass_kg": 1.0,
    "seq": 0,
    "set": 0,
    "index": 0,
    "missing": 0,
    "clipped": 0,
    "start_s": 0.0,
    "end_s": 0.0,
    "known_at_s": 0.0,
    "duration_s": 0.0,
}
NAMES = tuple(field.encode_name for field in msgspec.structs.fields(Rep))


def make_rep(**given: Any) -> Rep:
    """Return a record with everything null but what is given and what can never be null."""
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    return msgspec.convert(dict.fromkeys(NAMES) | BASE | plain, Rep)


def make_strides(device: str, contact_s: Iterable[float], toe_off_s: Iterable[float]) -> list[Rep]:
    """Return the strides that a perfect detector would write for contacts and toe-offs, each known 0.1 s later."""
    reps: list[Rep] = []
    for contact in contact_s:
        previous = reps[-1].end_s if reps else None
        offs = [off for off in toe_off_s if off < contact and (previous is None or off > previous)]
        reps.append(
            make_rep(
                device=device,
                start_s=contact - 1.0 if previous is None else previous,
                end_s=contact,
                known_at_s=contact + 0.1,
                initial_contact_s=contact,
                toe_off_s=offs[-1] if offs else None,
                cadence_per_min=None if previous is None else 120.0 / (contact - previous),
                first=previous is None,
            )
        )
    return reps


def make_reps(spans_s: Iterable[Iterable[float]]) -> list[Rep]:
    """Return one repetition for each interval, known 0.2 s after its end."""
    return [make_rep(kind="rep", start_s=start, end_s=end, known_at_s=end + 0.2) for start, end in spans_s]
