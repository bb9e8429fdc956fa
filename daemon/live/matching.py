"""Whose advertisement this is: a device that is wanted, one to adopt, or a stranger's; and which driver takes it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ankled.daemon.live.options import Admission, Rule, Wanted
    from ankled.drivers.driver import Advertisement

_REMEMBERED: Final = 512
# as `slug_of` makes it of an address, or of the UUID that macOS gives instead
_ADDRESS: Final = re.compile(r"[0-9a-f]{12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """To whom an advertisement belongs. Without a driver `problem` says why there is none."""

    slug: str
    driver: str | None
    adopted: bool = False
    problem: str | None = None


def slug_of(address: str) -> str:
    """Return the slug of a device that nobody named: stable, because it is its address."""
    return "".join(letter for letter in address.lower() if letter.isalnum() or letter == "-")


def is_address(slug: str) -> bool:
    """Tell whether a slug may be that of a device that nobody named."""
    return _ADDRESS.fullmatch(slug) is not None


def meets(rule: Rule, seen: Advertisement) -> bool:
    """Tell whether a rule speaks of the device that advertises so."""
    return (
        seen.address.upper() in (address.upper() for address in rule.addresses)
        or (seen.name is not None and any(fnmatchcase(seen.name, pattern) for pattern in rule.names))
        or any(uuid in rule.services for uuid in seen.services)
    )


class Matching:
    """Sorts advertisements. `sensors_for` gives the names of all drivers that know one; see drivers/registry.py."""

    def __init__(
        self, wanted: Iterable[Wanted], admission: Admission, sensors_for: Callable[[Advertisement], list[str]]
    ) -> None:
        self._sensors_for = sensors_for
        self._known: dict[tuple[object, ...], tuple[str, ...]] = {}
        self.want(wanted, admission)

    def want(self, wanted: Iterable[Wanted], admission: Admission) -> None:
        """Want these devices, and no others, from now on."""
        devices = tuple(wanted)
        self._admission = admission
        self._by_address = {one.address.upper(): one for one in devices if one.address is not None}
        self._by_name = {one.name: one for one in devices if one.address is None and one.name is not None}
        self._slugs = {one.slug for one in devices}

    def claim(self, seen: Advertisement) -> Claim | None:
        """Return whose it is, or None for a stranger's."""
        if not self._admission.block.empty and meets(self._admission.block, seen):
            return None
        wanted = self._by_address.get(seen.address.upper())
        if wanted is None and seen.name is not None:
            wanted = self._by_name.get(seen.name)
        if wanted is None:
            return self._adopt(seen)
        if wanted.driver is not None:
            return Claim(slug=wanted.slug, driver=wanted.driver)
        drivers = self.drivers(seen)
        if len(drivers) == 1:
            return Claim(slug=wanted.slug, driver=drivers[0])
        return Claim(slug=wanted.slug, driver=None, problem=_problem(wanted.slug, seen, drivers))

    def drivers(self, seen: Advertisement) -> tuple[str, ...]:
        """Return the names of the drivers that know a device by this advertisement."""
        key = (seen.name, seen.services, *sorted(seen.manufacturer.items()))
        if (known := self._known.get(key)) is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = tuple(self._sensors_for(seen))
        return known

    def _adopt(self, seen: Advertisement) -> Claim | None:
        admission = self._admission
        if admission.adopt == "none" or not (admission.allow.empty or meets(admission.allow, seen)):
            return None
        if admission.block.names and seen.name is None:
            return None  # its name comes with the next scan response, and may be one that is blocked
        drivers = self.drivers(seen)
        slug = slug_of(seen.address)
        if not drivers or slug in self._slugs:
            return None
        if len(drivers) > 1:
            return Claim(slug=slug, driver=None, adopted=True, problem=_problem(slug, seen, drivers))
        return Claim(slug=slug, driver=drivers[0], adopted=True)


def _problem(slug: str, seen: Advertisement, drivers: tuple[str, ...]) -> str:
    what = f'device "{slug}" at {seen.address} ("{seen.name or "without a name"}")'
    if not drivers:
        return f"no driver knows {what} by its advertisement; name one by the key driver of this device"
    return f"{what} is known to the drivers {', '.join(drivers)}; name one by the key driver of a device"
