"""The list of devices: those that are wanted and those that are near, as `bridge/devices` and the request give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ankled.daemon.requests.forms import Devices, Listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ankled.daemon.live.status import DeviceStatus, Nearby, SupervisorStatus
    from ankled.daemon.settings import DeviceSettings

_MOST_NEAR: Final = 200
"""Devices near that are listed: those heard last. In a busy place there are hundreds of strangers' phones."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A device that somebody asked for, and what they said of it."""

    slug: str
    origin: Literal["configured", "requested"]
    label: str | None = None
    paused: bool = False
    address: str | None = None
    name: str | None = None
    driver: str | None = None


def listing(
    known: Iterable[Known],
    status: SupervisorStatus,
    nearby: Iterable[Nearby],
    settings_of: Callable[[str], DeviceSettings],
) -> Devices:
    """Return the list; whoever is in `status` and not in `known` was adopted by the rule."""
    asked = {one.slug: one for one in known}
    live = {one.slug: one for one in status.devices}
    slugs = sorted(asked.keys() | live.keys())
    near = sorted(sorted(nearby, key=lambda one: one.age_s)[:_MOST_NEAR], key=lambda one: one.address)
    return Devices(
        devices=tuple(_listed(slug, asked.get(slug), live.get(slug), settings_of(slug)) for slug in slugs),
        nearby=tuple(near),
    )


def _listed(slug: str, known: Known | None, live: DeviceStatus | None, settings: DeviceSettings) -> Listed:
    asked = known or live
    paused = known is not None and known.paused
    return Listed(
        slug=slug,
        label=None if known is None else known.label,
        origin="adopted" if known is None else known.origin,
        paused=paused,
        address=(live and live.address) or (asked and asked.address) or None,
        name=(live and live.name) or (asked and asked.name) or None,
        driver=(live and live.driver) or (asked and asked.driver) or None,
        side=settings.side,
        athlete=settings.athlete,
        mass_kg=settings.mass_kg,
        mass_source=settings.mass_source,
        link=live.state if live is not None else "paused" if paused else "waiting",
    )
