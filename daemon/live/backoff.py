"""How long to wait before a device is tried again: by what went wrong, growing with each failure, and jittered.

The first waits of a short failure, of missing slots and of a missing device are those of bleak-retry-connector.
"""

from __future__ import annotations

import random
from enum import Enum
from typing import Final, NamedTuple

from ankled.drivers import link_errors


class Trouble(Enum):
    """Why there is no link (any more)."""

    LOST = "lost"
    """The link ended, or the attempt failed without a reason that says more."""
    SILENT = "silent"
    """The link claimed to be up and was not, or the sensor did not send anything."""
    BUSY = "busy"
    """Something else was going on."""
    NO_ANSWER = "no answer"
    """It was there a moment ago and does not answer."""
    NO_SLOT = "no slot"
    """The adapter cannot hold one more, or does not know the device any more, which often means the same."""
    HUNG_UP = "hung up"
    """Its driver gave up."""
    UNFIT = "unfit"
    """It is not what it should be, and will not be soon: services, size of packets, settings, permissions."""


class Row(NamedTuple):
    """The nominal waits of one trouble: `first_s`, doubled with each failure up to `last_s`."""

    first_s: float
    last_s: float


TABLE: Final[dict[Trouble, Row]] = {
    Trouble.LOST: Row(0.5, 30.0),
    Trouble.SILENT: Row(0.5, 30.0),
    Trouble.BUSY: Row(0.25, 4.0),
    Trouble.NO_ANSWER: Row(1.0, 30.0),
    Trouble.NO_SLOT: Row(4.0, 60.0),
    Trouble.HUNG_UP: Row(1.0, 60.0),
    Trouble.UNFIT: Row(300.0, 300.0),
}

_KINDS: Final[tuple[tuple[type[link_errors.LinkError], Trouble], ...]] = (
    (link_errors.BusyError, Trouble.BUSY),
    (link_errors.OutOfSlotsError, Trouble.NO_SLOT),
    (link_errors.DeviceNotFoundError, Trouble.NO_SLOT),
    (link_errors.LinkTimeoutError, Trouble.NO_ANSWER),
    (link_errors.RequestRefusedError, Trouble.UNFIT),
    (link_errors.NotOfferedError, Trouble.UNFIT),
)


def trouble_of(error: link_errors.LinkError) -> Trouble:
    """Return what a failed attempt to connect means for the next one. Of an AdapterError it says nothing."""
    return next((trouble for kind, trouble in _KINDS if isinstance(error, kind)), Trouble.LOST)


class Backoff:
    """The waits of one device, or of one adapter. Two with the same `seed` wait alike."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  (spreads attempts over time, guards nothing)
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many in a row there were."""
        return self._failures

    def next_s(self, trouble: Trouble) -> float:
        """Note a failure and return the wait after it: between half and the whole of its nominal length."""
        row = TABLE[trouble]
        nominal_s = min(row.first_s * 2.0 ** min(self._failures, 16), row.last_s)
        self._failures += 1
        return self._random.uniform(0.5, 1.0) * nominal_s

    def reset(self) -> None:
        """Note that all is well."""
        self._failures = 0
