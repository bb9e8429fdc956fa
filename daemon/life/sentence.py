"""How the daemon is, in one sentence that anybody can read; what is not well stands first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.live.status import SupervisorStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EARLY: Final = 2
"""For so many looks at the start a broker is not called away: it was just not reached yet."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the sentence is made of. `waiting` counts the results that the broker has not acknowledged."""

    links: SupervisorStatus
    broker: str
    connected: bool
    waiting: int
    fault: str | None = None
    """Why nothing is recorded."""


class Teller:
    """Remembers since when the broker is away."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._away_since: datetime | None = None
        self._early = _EARLY

    def sentence(self, standing: Standing, late: tuple[str, ...] = ()) -> str:
        """Return the sentence; `late` are the loops that stand still."""
        if standing.connected:
            self._away_since, self._early = None, 0
        elif self._away_since is None:
            self._away_since = self._now()
        wrong = list(self._wrong(standing))
        self._early = max(0, self._early - 1)
        if late:
            wrong.insert(0, f"stands still: {', '.join(late)}")
        well = list(_well(standing))
        return "; ".join([*wrong, ", ".join(well)])

    def _wrong(self, standing: Standing) -> Iterator[str]:
        down = [one for one in standing.links.adapters if one.state == "down"]
        if down and len(down) == len(standing.links.adapters):
            yield f"no adapter ({down[0].last_error or 'it does not say why'})"
        else:
            yield from (f"adapter {one.name} is down" for one in down)
        if self._away_since is not None and self._early:
            yield f"broker {standing.broker} not reached yet"
        elif self._away_since is not None:
            yield f"broker {standing.broker} away since {self._away_since:%Y-%m-%d %H:%M:%S} UTC"
        if standing.fault is not None:
            yield f"nothing is recorded ({standing.fault})"


def _well(standing: Standing) -> Iterator[str]:
    devices = standing.links.devices
    online = sum(one.online for one in devices)
    if devices:
        yield f"{online} of {len(devices)} {'sensor' if len(devices) == 1 else 'sensors'} streaming"
    else:
        yield "no sensor"
    if standing.connected:
        yield "broker connected"
    if standing.waiting:
        yield f"{standing.waiting} {'result' if standing.waiting == 1 else 'results'} waiting"
