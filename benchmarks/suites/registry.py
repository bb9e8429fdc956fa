"""Every table of the accuracy report, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.suites import (
    accelerometer,
    alerts,
    broad,
    causality,
    fields,
    gaitmap,
    ipol,
    leg_raises,
    movement,
    promptness,
    scenarios,
    standing,
    totals,
    trust,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report import Section


class Suite(Protocol):
    """What a file of this folder offers: independent tasks, a score of each, and a table of many scores."""

    NAME: str

    def tasks(self) -> list[str]:
        """Return the names of what can be measured on its own."""

    def measure(self, task: str) -> Any:  # noqa: ANN401  (each suite has its own score; it only passes through here)
        """Run and score one task."""

    def summarise(self, scores: Sequence[Any]) -> Section:
        """Return the table of at least one score."""


SUITES: dict[str, Suite] = {
    suite.NAME: suite
    for suite in (
        ipol,
        gaitmap,
        leg_raises,
        broad,
        scenarios,
        fields.KNOWN,
        fields.FOUND,
        totals,
        standing,
        accelerometer,
        movement,
        promptness,
        trust,
        causality,
        alerts,
    )
}


def measure(suite: str, task: str) -> Any:  # noqa: ANN401  (see Suite)
    """Run one task of one suite: the work of a process of the pool."""
    return SUITES[suite].measure(task)
