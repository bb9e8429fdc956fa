"""The pipeline of one athlete: repetitions of both legs in, pairs and the session's totals out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.pipeline.alerts.asymmetry import Asymmetry
from ankled.daemon.pipeline.alerts.finding import of_athlete
from ankled.daemon.pipeline.context import Numbers
from ankled.daemon.pipeline.symmetry import Balance, compare, load_share
from ankled.daemon.records import Alert, Pair, Record, Rep, Session, Set

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context

_WAITING = 64
"""Repetitions of one leg that wait for the other leg's, at most."""
_STRIDE_SHARE = 0.75
"""Two contacts belong together when they are nearer than this share of the longer stride."""


class AthleteState(msgspec.Struct, kw_only=True):
    """All that an athlete's pipeline remembers. `left` and `right` wait for a partner."""

    numbers: Numbers = msgspec.field(default_factory=Numbers)
    devices: list[str] = []
    sets: int = 0
    reps: int = 0
    strides: int = 0
    pairs: int = 0
    alerts: int = 0
    start_s: float | None = None
    left: list[Rep] = []
    right: list[Rep] = []
    balance: Balance = msgspec.field(default_factory=Balance)
    asymmetry: Asymmetry = msgspec.field(default_factory=Asymmetry)


class AthletePipeline:
    """Joins the repetitions of two legs."""

    def __init__(self, athlete: str, context: Context, numbers: Numbers | None = None) -> None:
        """Begin with nothing heard; `numbers` go on where an earlier run has ended."""
        self.athlete = athlete
        self.context = context
        self._state = AthleteState(numbers=numbers or Numbers())

    @property
    def numbers(self) -> Numbers:
        """How many records the athlete has had."""
        return self._state.numbers

    def feed(self, record: Rep | Set | Alert) -> list[Record]:
        """Take in a record of one of the athlete's devices; return the pair it completed and the alert of that pair."""
        state = self._state
        if isinstance(record, Alert):
            state.alerts += 1
            if record.alert == "slip":
                state.asymmetry.told = True  # the running sets compare a leg with one that is measured otherwise
            return []
        if isinstance(record, Set):
            state.sets += 1
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
        left, right = (record, other) if record.side == "left" else (other, record)
        pair = self._pair(left, right)
        found = state.asymmetry.step(pair, left, right)
        if found is None:
            return [pair]
        state.alerts += 1
        return [pair, of_athlete(found, self.athlete, state.numbers, self.context)]

    def stop(self, now_s: float) -> list[Record]:
        """Return the totals of the session, if anything was heard, and begin anew."""
        state = self._state
        if state.start_s is None:
            return []
        self._state = AthleteState(numbers=state.numbers)
        latest = state.balance.latest
        left_percent, right_percent = load_share(state.balance)
        return [
            Session(
                id=f"{self.context.session}/{self.athlete}/session/{state.numbers.next('session')}",
                seq=state.numbers.next_seq(),
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
                alerts=state.alerts,
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
        state.pairs += 1
        step_left_s, step_right_s, double_support_s = _steps(left, right)
        steps = [step for step in (step_left_s, step_right_s) if step is not None]
        compared = compare(state.balance, left, right)
        left_percent, right_percent = load_share(state.balance)
        return Pair(
            id=f"{self.context.session}/{self.athlete}/pair/{state.numbers.next('pair')}",
            seq=state.numbers.next_seq(),
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
            cadence_per_min=60.0 * len(steps) / sum(steps) if sum(steps) > 0.0 else None,
            double_support_s=double_support_s,
            rom=compared["rom"],
            time=compared["time"],
            contact_time=compared["contact_time"],
            force=compared["force"],
            impulse=compared["impulse"],
            load_left_percent=left_percent,
            load_right_percent=right_percent,
        )


def _steps(left: Rep, right: Rep) -> tuple[float | None, float | None, float | None]:
    """Return the step times of both legs and the double support of the cycle, None where they are not known.

    A step of one leg lasts from the other leg's contact to its own. The later of the two strides is the cycle: it
    begins with a contact of its leg (unless it is the first of a bout), then the other leg lifts and comes down, then
    its own. Both feet are on the ground from each contact to the other leg's toe-off.
    """
    if left.initial_contact_s is None or right.initial_contact_s is None:
        return None, None, None
    right_is_late = left.initial_contact_s < right.initial_contact_s
    early, late = (left, right) if right_is_late else (right, left)
    late_step_s = late.end_s - early.end_s
    early_step_s = double_s = None
    if not late.first and late.start_s < early.end_s:
        early_step_s = early.end_s - late.start_s
        if early.toe_off_s is not None and late.toe_off_s is not None:
            double_s = max(0.0, early.toe_off_s - late.start_s) + max(0.0, late.toe_off_s - early.end_s)
    return (early_step_s, late_step_s, double_s) if right_is_late else (late_step_s, early_step_s, double_s)


def _partner(record: Rep, others: list[Rep]) -> Rep | None:
    """Return the other leg's repetition that belongs to `record`.

    For repetitions the latest with the same place in its set, whether the legs work together, in turn or one set after
    the other; for strides the earliest with a contact near enough to be the next step or the one before.
    """
    if record.kind == "rep":
        return next((rep for rep in reversed(others) if rep.kind == "rep" and rep.index == record.index), None)
    for rep in others:
        if rep.kind != record.kind:
            continue
        if abs(rep.end_s - record.end_s) < _STRIDE_SHARE * max(rep.duration_s, record.duration_s):
            return rep
    return None
