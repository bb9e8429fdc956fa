"""The account of results, from the outbox's file: each that was computed is acknowledged or waits, none is missing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.vm.guest.base import now_s, report, wait_until
from tests.vm.guest.installing import replayed

if TYPE_CHECKING:
    from tests.vm.guest.heard import Heard

_FILE: Final = "file:/var/lib/ankled/state/outbox.db?mode=ro"
_CAPTURES: Final = Path("/var/lib/ankled/captures")
_SKIP: Final = 10_000
"""So far the numbers are moved ahead after a power cut, in one step; see daemon/outbox/file.py."""
_SETTLED_S: Final = 30.0


class Account(NamedTuple):
    """`holes`: numbers that no result has, by source; `unheard`: acknowledged results that no subscriber got."""

    stored: int
    acknowledged: int
    pending: int
    dropped: int
    forgotten: int
    holes: dict[str, list[int]]
    steps: int
    unheard: int

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        told = self.acknowledged + self.pending + self.dropped + self.forgotten
        return not self.holes and not self.dropped and self.stored == told


def read(heard: Heard) -> Account:
    """Return the account as it is now."""
    db = sqlite3.connect(_FILE, uri=True, timeout=30.0, isolation_level=None)
    try:
        db.execute("BEGIN")  # one moment for both
        counters = dict(db.execute("SELECT name, value FROM counters"))
        rows = db.execute("SELECT source, seq, acknowledged_s IS NOT NULL FROM results ORDER BY source, seq").fetchall()
    finally:
        db.close()
    holes: dict[str, list[int]] = {}
    steps = 0
    last: dict[str, int] = {}
    for source, seq, _ in rows:
        before = last.get(source)
        last[source] = seq
        if before is None or seq == before + 1:
            continue
        if seq == before + 1 + _SKIP:
            steps += 1
        else:
            holes.setdefault(source, []).append(before + 1)
    unheard = sum(1 for source, seq, done in rows if done and seq not in heard.seqs.get(source, ()))
    return Account(
        stored=int(counters["stored"]),
        acknowledged=int(counters["acknowledged"]),
        pending=sum(1 for *_, done in rows if not done),
        dropped=int(counters["dropped"]),
        forgotten=int(counters["forgotten"]),
        holes=holes,
        steps=steps,
        unheard=unheard,
    )


def settle(heard: Heard) -> Account:
    """Wait until what is acknowledged has been heard, for half a minute at most, and return the account."""
    end_s = now_s() + _SETTLED_S
    wait_until("the account", lambda: read(heard).unheard == 0 or now_s() > end_s, 2 * _SETTLED_S)
    return read(heard)


def recomputed() -> tuple[int, list[bytes]]:
    """Replay every capture: return how many results that gives, and those that the outbox has not, to the byte."""
    db = sqlite3.connect(_FILE, uri=True, timeout=30.0)
    try:
        stored = {bytes(payload) for (payload,) in db.execute("SELECT payload FROM results")}
    finally:
        db.close()
    again = [line for capture in sorted(_CAPTURES.glob("**/*.mcap")) for line in replayed(capture)]
    return len(again), [line for line in again if line not in stored]


def tell(event: str, after_s: float | None, account: Account, hole_s: float | None = None) -> None:
    """Print the line of one scenario."""
    again = "" if after_s is None else f"streaming again after {after_s:.0f} s; "
    if hole_s is not None:
        again += f"no sample for {hole_s:.1f} s at most; "
    detail = f"{account.stored} computed, {account.acknowledged} acknowledged, {account.pending} pending"
    if account.dropped:
        detail += f", {account.dropped} dropped"
    if account.holes:
        detail += f", numbers missing: {account.holes}"
    if account.steps:
        detail += f", numbers moved ahead {account.steps} times"
    if account.unheard:
        detail += f", {account.unheard} acknowledged and not heard by the subscriber"
    report(f"{event}: {again}account of results complete: {'yes' if account.complete else 'NO'} ({detail})")
