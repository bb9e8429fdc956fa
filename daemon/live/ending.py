"""The end of a daemon in order: one span of time for all of it, of which each stage takes what those behind can spare.

Who stops us waits for some seconds and then kills. What is not acknowledged stays in the outbox whatever happens, so no
stage is worth more time than there is. Where even that does not help, because a thread hangs in the system, the process
ends all the same.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import structlog

from ankled.daemon import logs

if TYPE_CHECKING:
    from collections.abc import Callable

Stage: TypeAlias = Literal["links", "requests", "recording", "drain", "farewell", "outbox", "broker"]

# in the order in which they come: what each has for itself, in s, even when those before it have used up theirs
_LEAST_S: Final[dict[Stage, float]] = {
    "links": 1.8,
    "requests": 0.1,
    "recording": 0.6,
    "drain": 0.2,
    "farewell": 0.4,
    "outbox": 0.6,
    "broker": 0.3,
}
_WHOLE_S: Final = 4.8
"""After so long the process ends, at whatever it is; what the stages leave of it is for the interpreter."""
_STEP_S: Final = 0.1

log = structlog.stdlib.get_logger(__name__)


class Ending:
    """Begun by the first signal; `in_haste` ends the process where a time was overstepped."""

    def __init__(self) -> None:
        """Prepare; time does not run before `begin`."""
        self._until_s: float | None = None
        self._timer: threading.Timer | None = None
        self._code = 1

    def begin(self) -> None:
        """Let time run, which it does once."""
        if self._until_s is None:
            self._until_s = time.monotonic() + sum(_LEAST_S.values())
            self._timer = threading.Timer(_WHOLE_S, self.in_haste)
            self._timer.daemon = True
            self._timer.start()

    def share(self, stage: Stage, most_s: float) -> Callable[[], float]:
        """Return what tells how long a stage may take, at most `most_s`, once it has come to it."""
        stages = list(_LEAST_S)
        behind_s = sum(_LEAST_S[one] for one in stages[stages.index(stage) + 1 :])

        def left_s() -> float:
            if self._until_s is None:  # an end that nobody asked for: by a failure
                return most_s
            return min(most_s, max(_STEP_S, self._until_s - time.monotonic() - behind_s))

        return left_s

    def closed(self, code: int) -> None:
        """Note that everything is closed: what still hangs is no loss, and the exit code is this."""
        self._code = code
        if self._timer is not None:
            atexit.register(self._leave)

    def over(self) -> None:
        """Let no time run any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _leave(self) -> None:
        """Leave without taking the interpreter down: for thousands of compiled objects that takes a second or more."""
        logs.flush()  # this comes before what `logging` would do at the end
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(self._code)

    def in_haste(self) -> None:
        """End the process now. What was stored is stored; a recording is repaired at the next start."""
        if self._code:
            log.error("not ended in time", limit_s=_WHOLE_S)
        os._exit(self._code)
