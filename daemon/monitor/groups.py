"""Who is shown: each athlete with both legs, and each device that nobody wears."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.monitor.people import Both, Device, Node

if TYPE_CHECKING:
    from collections.abc import Collection

    from ankled.daemon.monitor.collect import Model
    from ankled.daemon.monitor.heard import Moment

STALE_S: Final = 6.0
"""What is older is of the past: a slow repetition takes less."""
_MOMENT_S: Final = 2.0
"""While a leg moves it is told of ten times a second: what is older is not of this moment."""
_RESTING_S: Final = 60.0
"""A leg that rests is told of once. So long that is taken to go on, for longer than anybody holds a leg up."""


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg, and how it stands."""

    device: Device
    there: bool | None
    age_s: float
    moment_age_s: float

    @property
    def moment(self) -> Moment | None:
        """What the leg does now, if that is known."""
        moment = self.device.moment
        if moment is None or self.there is False:
            return None
        return moment if self.moment_age_s < (_RESTING_S if moment.moving is False else _MOMENT_S) else None

    @property
    def phase(self) -> str:
        """The phase of its movement; among strides not what the first one after a pause looks like until it is one."""
        moment = self.moment
        if moment is None or moment.phase is None:
            return ""
        walks = self.done is None and self.count is not None and self.count[2] == "stride"
        return "" if walks and moment.activity is None else moment.phase

    @property
    def fresh(self) -> bool:
        """Whether what is shown of it is of now."""
        return self.there is not False and self.age_s < STALE_S

    @property
    def movement(self) -> str | None:
        """What it does, as its last repetition says."""
        return self.device.reps[-1].movement if self.device.reps else None

    @property
    def count(self) -> tuple[int, int, str] | None:
        """The number of the set, how many repetitions it has so far, and what they are called."""
        device, reps, moment = self.device, self.device.reps, self.device.moment
        last = reps[-1] if reps else None
        kind = "rep" if last is None else last.kind
        counted = None if last is None else (last.set, max(rep.index for rep in device.current))
        if moment is not None and self.fresh and moment.set is not None and moment.index is not None:
            counted = max(counted or (0, 0), (moment.set, moment.index))
        return None if counted is None else (*counted, kind)

    @property
    def done(self) -> tuple[str, str] | None:
        """What was counted in the newest set, and its fatigue, if it has ended."""
        closed, counted = self.device.closed, self.count
        if closed is None or (counted is not None and closed.set < counted[0]):
            return None
        if self.device.reps and self.device.reps[-1].session != closed.session:
            return None
        return f"{closed.count} {'strides' if closed.of == 'stride' else 'reps'}", closed.fatigue


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """An athlete, or a device of nobody; of several devices on a leg the one heard of last."""

    node: Node
    name: str
    athlete: bool
    left: Leg | None
    right: Leg | None
    both: Both | None

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs there are."""
        return tuple(leg for leg in (self.left, self.right) if leg is not None)


def groups(model: Model, now_s: float, nodes: Collection[str] = (), athletes: Collection[str] = ()) -> list[Group]:
    """Return who is to be shown, by node and name; athletes before devices of nobody."""
    found = []
    for node in model.nodes.values():
        if nodes and node.name not in nodes:
            continue
        worn: dict[str, list[Device]] = {name: [] for name, both in node.athletes.items() if both.pair or both.session}
        free = []
        for device in node.devices.values():
            if device.athlete is not None:
                worn.setdefault(device.athlete, []).append(device)
            else:
                free.append(device)
        for name, devices in worn.items():
            if not athletes or name in athletes:
                found.append(_group(node, name, devices, now_s, athlete=True))
        if not athletes:
            found += [_group(node, device.slug, [device], now_s, athlete=False) for device in free]
    return sorted(found, key=lambda group: (group.node.name, not group.athlete, group.name))


def _group(node: Node, name: str, devices: list[Device], now_s: float, *, athlete: bool) -> Group:
    sides: dict[str, Device] = {}
    for device in sorted(devices, key=lambda device: (bool(node.there(device)), _heard_s(device), device.slug)):
        sides[device.side] = device
    if (unknown := sides.pop("unknown", None)) is not None:
        sides.setdefault("right" if "left" in sides else "left", unknown)
    left, right = (
        None if device is None else _leg(node, device, now_s) for device in map(sides.get, ("left", "right"))
    )
    both = node.athletes.get(name) if athlete else None
    return Group(node=node, name=name, athlete=athlete, left=left, right=right, both=both)


def _leg(node: Node, device: Device, now_s: float) -> Leg:
    return Leg(
        device=device,
        there=node.there(device),
        age_s=max(0.0, now_s - _heard_s(device)),
        moment_age_s=max(0.0, now_s - device.moment_s),
    )


def _heard_s(device: Device) -> float:
    return max(device.rep_s, device.moment_s)
