"""What is known of nodes, devices and athletes: the newest of all, and the repetitions of the running session."""

from __future__ import annotations

from bisect import insort
from collections import deque
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from ankled.daemon.monitor.heard import DeviceState
from ankled.daemon.monitor.sequence import Sequence

if TYPE_CHECKING:
    from ankled.daemon.monitor.heard import Moment, Result
    from ankled.daemon.records import Alert, Pair, Rep, Session, Set

_REPS: Final = 256
_ANGLES: Final = 128
_PAUSE_S: Final = 1.0
"""A live stream that was silent for so long begins anew."""
_LONG_AGO_S: Final = float("-inf")
_SILENT_S: Final = 15.0
"""A node tells of its health every ten seconds."""


class Now(NamedTuple):
    """A moment: on the monotonic clock, and of the day."""

    s: float
    utc_s: float


class _Counted(Protocol):
    @property
    def session(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def known_at_s(self) -> float: ...


C = TypeVar("C", bound=_Counted)


def utc_s(text: str | None) -> float | None:
    """Return a UTC time of a record in s since 1970, or None for none that can be read."""
    try:
        return None if text is None else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


class Source:
    """Somebody's results in order: a device's or an athlete's."""

    def __init__(self, owner: str, *, athlete: bool) -> None:
        self.owner = owner
        self.athlete = athlete
        self.sequence: Sequence[Result] = Sequence()
        self.gap_since_s: float | None = None
        self.heard_s = 0.0


class Device:
    """One sensor, and what the leg that wears it does."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.available: bool | None = None
        self.state = DeviceState()
        self.reps: list[Rep] = []
        self.closed: Set | None = None
        self.moment: Moment | None = None
        self.moment_s = _LONG_AGO_S
        self.angles: deque[float] = deque(maxlen=_ANGLES)
        """How the leg has moved lately, in degrees."""
        self.rep_s = _LONG_AGO_S
        self.heard_s = 0.0

    @property
    def athlete(self) -> str | None:
        """Who wears it: as it says of itself, else as its last repetition says."""
        last = self.reps[-1] if self.reps else self.closed
        return self.state.athlete or (None if last is None else last.athlete)

    @property
    def side(self) -> str:
        """The leg it is on."""
        last = self.reps[-1] if self.reps else self.closed
        return self.state.side if self.state.side != "unknown" or last is None else last.side

    @property
    def current(self) -> list[Rep]:
        """The repetitions of the newest set."""
        return [rep for rep in self.reps if rep.set == self.reps[-1].set]

    def take_rep(self, rep: Rep, now: Now, *, past: bool) -> None:
        """Take in a repetition, in its place among the others of its session."""
        last = self.reps[-1] if self.reps else None
        if last is not None and (rep.session, rep.athlete) != (last.session, last.athlete):
            if not is_newer(rep, last, past=past):
                return
            self.reps.clear()
        insort(self.reps, rep, key=attrgetter("seq"))
        del self.reps[:-_REPS]
        if self.reps[-1] is rep:
            at_s = utc_s(rep.end_utc)
            age_s = 0.0 if not past else float("inf") if at_s is None else max(0.0, now.utc_s - at_s)
            self.rep_s = now.s - age_s

    def take_moment(self, moment: Moment, now: Now) -> None:
        """Take in what the leg does at this moment."""
        if now.s - self.moment_s > _PAUSE_S:
            self.angles.clear()
        self.moment, self.moment_s = moment, now.s
        if moment.trace is not None and moment.trace.angle_deg:
            self.angles.extend(moment.trace.angle_deg[-_ANGLES:])
        elif moment.angle_deg is not None:
            self.angles.append(moment.angle_deg)

    def take_set(self, closed: Set, *, past: bool) -> None:
        """Take in a set that was closed."""
        if self.closed is None or is_newer(closed, self.closed, past=past):
            self.closed = closed


class Both:
    """Both legs of an athlete together."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.pair: Pair | None = None
        self.session: Session | None = None
        self.heard_s = 0.0


class Node:
    """One daemon."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.online: bool | None = None
        self.mute = ""
        """Why it is not asked for the past; empty where it is."""
        self.mute_until_s = 0.0
        self.devices: dict[str, Device] = {}
        self.athletes: dict[str, Both] = {}
        self.sources: dict[tuple[str, bool], Source] = {}
        self.tells = False
        """Whether it tells how it is: every ten seconds then, also while nobody moves."""
        self.heard_s = 0.0

    def silent_s(self, now_s: float) -> float | None:
        """Return for how long nothing has come of a node that is there and should have told of itself."""
        silent_s = now_s - self.heard_s
        return silent_s if self.online and self.tells and silent_s > _SILENT_S else None

    def there(self, device: Device) -> bool | None:
        """Tell whether a sensor is there: what a node that is gone says of it counts for nothing."""
        return False if self.online is False else device.available


class Told(NamedTuple):
    """An alert, and when: of the day, as it says or as it came."""

    node: str
    alert: Alert
    utc_s: float


class Closed(NamedTuple):
    """A set that was closed, and when: of the day, as it says or as it came."""

    node: str
    closed: Set
    utc_s: float


def is_newer(new: C, old: C, *, past: bool) -> bool:
    """Tell whether one record comes after another of the same source, whatever order they arrived in.

    In one session `seq` tells. Between sessions the time of day does; where there is none, what comes live from another
    session is newer, and of the past what counts higher.
    """
    if new.session == old.session:
        return new.seq > old.seq
    at_s, before_s = (utc_s(getattr(record, "end_utc", None)) for record in (new, old))
    if at_s is not None and before_s is not None:
        return at_s > before_s
    return new.seq > old.seq or not past
