"""The pipeline of one athlete: repetitions of both legs in, pairs and the session's totals out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.pipeline.symmetry import Balance, compare, load_share
from ankled.daemon.records import Pair, Record, Rep, Session, Set

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context

_WAITING = 64
"""Repetitions of one leg that wait for the other leg's, at most."""
_STRIDE_SHARE = 0.75
"""Two contacts belong together when they are nearer than this share of the shorter stride."""


class AthleteState(msgspec.Struct, kw_only=True):
    """All that an athlete's pipeline remembers."""

    seq: int = 0
    devices: list[str] = []
    sets: int = 0
    reps: int = 0
    strides: int = 0
    pairs: int = 0
    start_s: float | None = None
    left: list[Rep] = []
    right: list[Rep] = []
    last_contact_left_s: float | None = None
    last_contact_right_s: float | None = None
    balance: Balance = msgspec.field(default_factory=Balance)


class AthletePipeline:
    """Joins the repetitions of two legs."""

    def __init__(self, athlete: str, context: Context) -> None:
        """Begin with nothing heard."""
        self.athlete = athlete
        self.context = context
        self._state = AthleteState(devices=[], left=[], right=[])

    def feed(self, record: Record) -> list[Record]:
        """Take in a record of one of the athlete's devices and return the pair it completed, if it did."""
        state = self._state
        if isinstance(record, Set):
            state.sets += 1
        if not isinstance(record, Rep):
            return []
        if record.device not in state.devices:
            state.devices = sorted([*state.devices, record.device])
        state.start_s = record.start_s if state.start_s is None else min(state.start_s, record.start_s)
        if record.kind == "stride":
            state.strides += 1
        else:
            state.reps += 1
        if record.side == "unknown":
            return []
        mine, others = (state.left, state.right) if record.side == "left" else (state.right, state.left)
        other = _partner(record, others)
        if other is None:
            mine.append(record)
            del mine[:-_WAITING]
            return []
        del others[: others.index(other) + 1]
        mine[:] = [rep for rep in mine if rep.kind != record.kind]  # what waited for earlier ones waits in vain
        return [self._pair(record, other) if record.side == "left" else self._pair(other, record)]

    def stop(self, now_s: float) -> list[Record]:
        """Return the totals of the session, if anything was heard."""
        state = self._state
        if state.start_s is None:
            return []
        state.seq += 1
        latest = state.balance.latest
        left_percent, right_percent = load_share(state.balance)
        return [
            Session(
                id=f"{self.context.session}/{self.athlete}/session/1",
                seq=state.seq,
                session=self.context.session,
                node=self.context.node,
                athlete=self.athlete,
                start_s=state.start_s,
                end_s=now_s,
                known_at_s=now_s,
                devices=state.devices,
                sets=state.sets,
                reps=state.reps,
                strides=state.strides,
                pairs=state.pairs,
                alerts=0,
                rom=latest.get("rom"),
                time=latest.get("time"),
                contact_time=latest.get("contact_time"),
                force=latest.get("force"),
                impulse=latest.get("impulse"),
                load_left_percent=left_percent,
                load_right_percent=right_percent,
            )
        ]

    def snapshot(self) -> AthleteState:
        """Return everything this object remembers."""
        return self._state

    def restore(self, state: AthleteState) -> None:
        """Go on from a snapshot."""
        self._state = state

    def _pair(self, left: Rep, right: Rep) -> Pair:
        """Make the record of a pair."""
        state = self._state
        state.seq += 1
        state.pairs += 1
        step_left_s, step_right_s, double_support_s = self._steps(left, right)
        steps = [step for step in (step_left_s, step_right_s) if step is not None]
        compared = compare(state.balance, left, right)
        left_percent, right_percent = load_share(state.balance)
        return Pair(
            id=f"{self.context.session}/{self.athlete}/pair/{state.pairs}",
            seq=state.seq,
            session=self.context.session,
            node=self.context.node,
            athlete=self.athlete,
            of=left.kind,
            index=state.pairs,
            left=left.id,
            right=right.id,
            start_s=min(left.start_s, right.start_s),
            end_s=max(left.end_s, right.end_s),
            known_at_s=max(left.known_at_s, right.known_at_s),
            step_time_left_s=step_left_s,
            step_time_right_s=step_right_s,
            cadence_per_min=60.0 * len(steps) / sum(steps) if steps else None,
            double_support_s=double_support_s,
            rom=compared["rom"],
            time=compared["time"],
            contact_time=compared["contact_time"],
            force=compared["force"],
            impulse=compared["impulse"],
            load_left_percent=left_percent,
            load_right_percent=right_percent,
        )

    def _steps(self, left: Rep, right: Rep) -> tuple[float | None, float | None, float | None]:
        """Return the step times of both legs and the double support of the stride, None where they are not known.

        A step of one leg lasts from the other leg's contact to its own. Double support is counted from a contact to
        the other leg's toe-off that follows it, both times within one stride.
        """
        state = self._state
        a_s, b_s = left.initial_contact_s, right.initial_contact_s
        if a_s is None or b_s is None:
            return None, None, None
        reach_s = 1.5 * max(left.duration_s, right.duration_s)
        early, late = (left, right) if a_s < b_s else (right, left)
        before_s = state.last_contact_right_s if early is left else state.last_contact_left_s
        late_step_s = abs(b_s - a_s)
        early_contact_s = min(a_s, b_s)
        early_step_s = early_contact_s - before_s if before_s is not None else None
        if early_step_s is not None and not 0.0 < early_step_s < reach_s:
            early_step_s, before_s = None, None
        state.last_contact_left_s, state.last_contact_right_s = a_s, b_s
        double_s = None
        if before_s is not None and early.toe_off_s is not None and late.toe_off_s is not None:
            first_s, second_s = early.toe_off_s - before_s, late.toe_off_s - early_contact_s
            double_s = max(0.0, first_s) + max(0.0, second_s)
        return (early_step_s, late_step_s, double_s) if early is left else (late_step_s, early_step_s, double_s)


def _partner(record: Rep, others: list[Rep]) -> Rep | None:
    """Return the other leg's repetition that belongs to `record`.

    For strides the one with the nearest contact, near enough to be the next step; for repetitions the one with the same
    place in its set, whether the legs work together, in turn or one set after the other.
    """
    same = [rep for rep in others if rep.kind == record.kind]
    if record.kind == "rep":
        return next((rep for rep in same if rep.index == record.index), None)
    nearest = min(same, key=lambda rep: abs(rep.end_s - record.end_s), default=None)
    if nearest is None:
        return None
    reach_s = _STRIDE_SHARE * max(nearest.duration_s, record.duration_s)
    return nearest if abs(nearest.end_s - record.end_s) < reach_s else None
