"""The watch over one device: its records in, alerts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.pipeline.alerts import plan
from ankled.daemon.pipeline.alerts.compensation import Compensation
from ankled.daemon.pipeline.alerts.fatigue import fatigue
from ankled.daemon.pipeline.alerts.finding import Finding, of_device
from ankled.daemon.pipeline.alerts.low_range import LowRange
from ankled.daemon.pipeline.alerts.slip import slipped

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context, Numbers
    from ankled.daemon.pipeline.open_set import OpenSet
    from ankled.daemon.records import Alert, Event, Rep
    from ankled.daemon.settings import DeviceSettings

_PLANNED: Final = "planned set"
"""Under this kind the sets that count are counted: like ids they go on when the settings change."""


class WatchState(msgspec.Struct, kw_only=True):
    """All that the alerts of a device remember; `set` is the set they are in, `tired` whether its fatigue was told."""

    set: int = 0
    tired: bool = False
    compensation: Compensation = msgspec.field(default_factory=Compensation)
    low_range: LowRange = msgspec.field(default_factory=LowRange)


class Watch:
    """Looks at each record of a device when it is made."""

    def __init__(self, context: Context, numbers: Numbers) -> None:
        """Begin with nothing seen. `numbers` are those of the device."""
        self.state = WatchState()
        self._context = context
        self._numbers = numbers

    def rep(self, rep: Rep, open_set: OpenSet, device: DeviceSettings) -> list[Alert]:
        """Return the alerts that a repetition or stride raises; `open_set` has it already."""
        state = self.state
        if rep.set != state.set:
            self._begin(rep, device)
        found = [state.compensation.step(rep), state.low_range.step(rep, device.target_range_deg)]
        if not state.tired and (tired := fatigue(rep, open_set)) is not None:
            state.tired = True
            found.append(tired)
        if open_set.count == plan.FEWEST and (device.movement == "gait" or rep.kind == "rep"):
            found.append(plan.beyond_plan(rep, self._numbers.next(_PLANNED), device.planned_sets))
        return [self._alert(one, device) for one in found if one is not None]

    def slip(self, event: Event, open_set: OpenSet | None, device: DeviceSettings) -> list[Alert]:
        """Return the alert of a weight that has slipped; nothing measured before compares with what comes."""
        self.forget()
        self.state.tired = True  # of the set that runs nothing can be said any more: the rate is measured otherwise
        return [self._alert(slipped(event, device.side, open_set.number if open_set else None), device)]

    def forget(self) -> None:
        """Begin anew: mass or side are others, and what was measured before no longer compares."""
        self.state.compensation.begin(afresh=True)
        self.state.low_range.begin(afresh=True)

    def _begin(self, rep: Rep, device: DeviceSettings) -> None:
        """Begin a set. One exercise compares with another only where it was said that they are the same."""
        afresh = rep.kind == "rep" and device.exercise is None
        self.state.set, self.state.tired = rep.set, False
        self.state.compensation.begin(afresh=afresh)
        self.state.low_range.begin(afresh=afresh)

    def _alert(self, found: Finding, device: DeviceSettings) -> Alert:
        return of_device(found, device.slug, device.athlete, self._numbers, self._context)
