"""The results of one source in the order of their `seq`: each once, and what is missing between them.

Nothing here waits or asks: `wanted` says after which `seq` to ask for the past, and what cannot be had is given up.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_REMEMBERED: Final = 4096
"""Ids by which repeats are known. A broker repeats what is under way, a node its last minute."""
_HELD: Final = 4096
"""Results that may wait for those before them."""
_GAPS: Final = 64
"""Gaps that are remembered after they were given up."""
_LEAP: Final = 100_000
"""No source loses so many: whoever is so far ahead counts anew."""


class Sequence(Generic[T]):
    """Begins closed: what comes waits until `begin` says from where on it is to be in order."""

    def __init__(self) -> None:
        self.next: int | None = None
        """The lowest `seq` that is still to come; None before the beginning."""
        self.behind = True
        """Whether something may have been missed that no gap shows: before the beginning, and after a connection."""
        self.lost = 0
        self.repeats = 0
        self._held: dict[int, T] = {}
        self._ids: set[str] = set()
        self._order: deque[str] = deque()
        self._passed: dict[int, str] = {}
        self._known: dict[int, str] = {}
        self._gone: deque[tuple[int, int]] = deque(maxlen=_GAPS)

    @property
    def waiting(self) -> int:
        """How many results wait for those before them."""
        return len(self._held)

    @property
    def gap(self) -> tuple[int, int] | None:
        """The first and last `seq` of the lowest gap."""
        if self.next is None or not self._held or (first := min(self._held)) <= self.next:
            return None
        return self.next, first - 1

    @property
    def wanted(self) -> int | None:
        """After which `seq` to ask for the past; None where nothing is wanted."""
        if self.next is None:
            return None
        return self.next - 1 if self.behind or self._held else None

    def take(self, name: str, seq: int, item: T) -> tuple[bool, list[T]]:
        """Take a result; return whether it is new, and what is now in order.

        What comes after it was given up is in order no more, but not lost either: it is returned at once.
        """
        if name in self._ids:
            self.repeats += 1
            return False, []
        self._remember(name)
        freed: list[T] = []
        if self._anew(name, seq):
            freed = self._restart(seq)
        if self.next is not None and seq < self.next:
            self.lost -= any(first <= seq <= last for first, last in self._gone)
            return True, [*freed, item]
        self._held[seq] = item
        self._known[seq] = name
        if self.next is None:
            if len(self._held) > _HELD:
                del self._held[lowest := min(self._held)], self._known[lowest]
            return True, freed
        freed += self._release()
        while len(self._held) > _HELD:
            freed += self.give_up()
        return True, freed

    def begin(self, otherwise: int | None = None) -> list[T]:
        """Begin at the lowest that waits, or `otherwise`; return what is in order. Without either stay closed."""
        if self.next is None:
            self.next = min(self._held, default=otherwise)
        return self._release()

    def covered(self, upto: int) -> list[T]:
        """Note that the past was told up to this `seq`: what is missing there is gone. Return what is now in order."""
        freed: list[T] = []
        while (gap := self.gap) is not None and gap[0] <= upto:
            last = min(gap[1], upto)
            self._give_up(last)
            freed += self._release()
            if last < gap[1]:
                break
        return freed

    def give_up(self) -> list[T]:
        """Wait no longer for the lowest gap; return what is now in order."""
        gap = self.gap
        if gap is None:
            return []
        self._give_up(gap[1])
        return self._release()

    def _give_up(self, last: int) -> None:
        assert self.next is not None  # noqa: S101 - a gap has a beginning
        self.lost += last + 1 - self.next
        self._gone.append((self.next, last))
        self.next = last + 1

    def _release(self) -> list[T]:
        freed = []
        while self.next is not None and self.next in self._held:
            freed.append(self._held.pop(self.next))
            self._pass(self.next, self._known.pop(self.next))
            self.next += 1
        return freed

    def _anew(self, name: str, seq: int) -> bool:
        """Tell whether the source has begun to count anew: a `seq` under another id, or far from all others."""
        if self.next is None:
            return self._known.get(seq, name) != name
        return self._passed.get(seq, self._known.get(seq, name)) != name or abs(seq - self.next) > _LEAP

    def _restart(self, seq: int) -> list[T]:
        """Let out what waits, in order, and go on at `seq`."""
        freed = [self._held[held] for held in sorted(self._held)]
        self._held.clear()
        self._known.clear()
        self._passed.clear()
        self._gone.clear()
        self.next = seq
        return freed

    def _pass(self, seq: int, name: str) -> None:
        self._passed[seq] = name
        if len(self._passed) > _REMEMBERED:
            del self._passed[next(iter(self._passed))]

    def _remember(self, name: str) -> None:
        self._ids.add(name)
        self._order.append(name)
        if len(self._order) > _REMEMBERED + _HELD:
            self._ids.discard(self._order.popleft())
