"""What requests about devices make of the stored changes: pure functions, which say in one sentence what cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ankled.daemon.errors import UsageError
from ankled.daemon.live.changes import Change, Changes, DeviceChanges, PartChange
from ankled.daemon.live.matching import meets, slug_of
from ankled.daemon.loglines.parts import PARTS
from ankled.daemon.records import Side
from ankled.daemon.settings import RESERVED_SLUGS
from ankled.drivers.driver import Advertisement

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ankled.daemon.config.schema import LogConfig
    from ankled.daemon.live.roster import Roster
    from ankled.daemon.live.status import Nearby
    from ankled.daemon.requests.forms import AdoptForm, LogLevelForm, WeightForm


def base(roster: Roster, adopted: Mapping[str, str], slug: str) -> DeviceChanges:
    """Return what was changed of a device so far; one that the rule of `adopted` brought is kept from now on.

    `adopted` are the addresses of those by slug. Raises UsageError for a device that is not there.
    """
    if slug in roster.members:
        return roster.changes.device(slug)
    if slug in adopted:
        return DeviceChanges(address=adopted[slug])
    known = ", ".join(sorted({*roster.members, *adopted})) or "none"
    raise UsageError(f'there is no device "{slug}"; there are: {known}')


def adopt(
    roster: Roster, form: AdoptForm, near: Collection[Nearby], drivers: Collection[str], adopted: Mapping[str, str]
) -> tuple[str, Changes]:
    """Return the slug of the new device, and the changes with it."""
    address = form.address.upper()
    slug = slug_of(address) if form.slug is None else form.slug
    not_reserved("slug", slug)
    for member in roster.members.values():
        if (member.wanted.address or "").upper() == address:
            raise UsageError(f'{address} is the device "{member.slug}" already; rename and set_weight change it')
    if slug in roster.members or (slug in adopted and adopted[slug].upper() != address):
        raise UsageError(f'"{slug}" is another device already; say another slug, or none')
    seen = next((one for one in near if one.address.upper() == address), None)
    by_rule = address in {one.upper() for one in adopted.values()}
    # one that was not heard is waited for: while nobody else is, nothing is listened to, so it may well be near
    if seen is not None:
        _admitted(roster, seen)
    if form.driver is not None and form.driver not in drivers:
        raise UsageError(f'there is no driver "{form.driver}" for a sensor; there are {", ".join(sorted(drivers))}')
    if form.driver is None and seen is not None and len(seen.drivers) != 1 and not by_rule:
        known = ", ".join(seen.drivers)
        what = f"is known to the drivers {known}" if known else "is not known to any driver by what it advertises"
        raise UsageError(f"{address} {what}; say which driver takes it, of {', '.join(sorted(drivers))}")
    changed = _weight(
        DeviceChanges(address=address, driver=form.driver), mass_kg=form.mass_kg, side=form.side, athlete=form.athlete
    )
    if form.label is not None:
        changed = replace(changed, label=Change[str | None](now=form.label, was=None))
    no_clash(roster, slug, form.side, form.athlete)
    removed = {name: one for name, one in roster.changes.removed.items() if name != slug and one.upper() != address}
    return slug, replace(roster.changes.with_device(slug, changed), removed=removed)


def weight(roster: Roster, changed: DeviceChanges, form: WeightForm) -> DeviceChanges:
    """Return the changes of a device with another mass, side or athlete."""
    if form.mass_kg is msgspec.UNSET and form.side is msgspec.UNSET and form.athlete is msgspec.UNSET:
        raise UsageError("set_weight needs at least one of mass_kg, side and athlete")
    said = next((device for device in roster.config.devices if device.slug == form.device), None)
    if not isinstance(form.mass_kg, msgspec.UnsetType):
        was_kg = None if said is None else said.mass_kg
        changed = replace(changed, mass_kg=Change[float | None](now=form.mass_kg, was=was_kg))
    if not isinstance(form.side, msgspec.UnsetType):
        was_side: Side = "unknown" if said is None else said.side
        changed = replace(changed, side=Change[Side](now=form.side, was=was_side))
    if not isinstance(form.athlete, msgspec.UnsetType):
        was = None if said is None else said.athlete
        changed = replace(changed, athlete=Change[str | None](now=form.athlete, was=was))
    return changed


def no_clash(roster: Roster, slug: str, side: str, athlete: str | None) -> None:
    """Raise UsageError where an athlete would wear two weights on one side, as in the configuration."""
    if athlete is None or side == "unknown":
        return
    for member in roster.members.values():
        other = member.settings
        if other.slug != slug and (other.athlete, other.side) == (athlete, side):
            raise UsageError(f'"{other.slug}" is the {side} weight of this athlete already; each side may have one')


def no_namesakes(after: Roster, adopted: Collection[str] = ()) -> None:
    """Raise UsageError where a device and an athlete would have one name, as in the configuration.

    What counts are the names that go outside, pseudonyms mostly; `adopted` are devices that the rule brought.
    """
    athletes = {member.settings.athlete for member in after.members.values()}
    if both := sorted(athletes & {*after.members, *adopted}, key=str):
        raise UsageError(
            f'"{both[0]}" would be both a device and an athlete, and results of both would have the same ids; '
            "call one of them something else"
        )


def log_level(said: LogConfig, changes: Changes, form: LogLevelForm) -> Changes:
    """Return the changes with another level of the log, of all or of one part."""
    if form.part is None:
        return replace(changes, log_level=Change(now=form.level, was=said.level))
    if form.part not in PARTS:
        raise UsageError(f'there is no part "{form.part}" of the log; there are {", ".join(PARTS)}')
    changed = PartChange(now=form.level, was=said.levels.get(form.part))
    return replace(changes, log_levels={**changes.log_levels, form.part: changed})


def not_reserved(what: str, slug: str) -> None:
    """Raise UsageError for a slug that topics of their own are called by."""
    if slug in RESERVED_SLUGS:
        raise UsageError(f'the {what} "{slug}" is reserved; not allowed are {", ".join(sorted(RESERVED_SLUGS))}')


def _weight(changed: DeviceChanges, *, mass_kg: float | None, side: Side, athlete: str | None) -> DeviceChanges:
    """Return the changes of a device that no configuration says anything of."""
    if mass_kg is not None:
        changed = replace(changed, mass_kg=Change[float | None](now=mass_kg, was=None))
    if side != "unknown":
        changed = replace(changed, side=Change[Side](now=side, was="unknown"))
    if athlete is not None:
        changed = replace(changed, athlete=Change[str | None](now=athlete, was=None))
    return changed


def _admitted(roster: Roster, seen: Nearby) -> None:
    block = roster.config.admission().block
    heard = Advertisement(address=seen.address, name=seen.name, services=seen.services)
    if not block.empty and meets(block, heard):
        raise UsageError(f"{seen.address} is blocked by radio.block of the configuration; adopt others, or change that")
