"""Who belongs to this node now: the devices of the configuration and those that requests added, with what was changed.

Pure: a configuration and the changes in, the devices as they are wanted out.
"""

from __future__ import annotations

from glob import escape
from typing import TYPE_CHECKING, Literal

import msgspec

from ankled.daemon.config import Config
from ankled.daemon.homeassistant.announcer import Wearer
from ankled.daemon.live.changes import Change, Changes, DeviceChanges
from ankled.daemon.live.matching import is_address, slug_of
from ankled.daemon.live.options import Admission, Rule, Wanted
from ankled.daemon.settings import DeviceSettings, PipelineSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.config.schema import DeviceConfig
    from ankled.daemon.loglines.parts import Levels


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One device. `label` is what people call it, `paused` that it was told to stay disconnected."""

    wanted: Wanted
    settings: DeviceSettings
    label: str | None
    origin: Literal["configured", "requested"]
    paused: bool = False

    @property
    def slug(self) -> str:
        """Its name in topics and records."""
        return self.settings.slug


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody by slug. `changes` are those that still hold, `dropped` says which do not, and why."""

    config: Config
    changes: Changes
    members: dict[str, Member]
    dropped: tuple[str, ...] = ()

    def settings(self, others: Iterable[DeviceSettings] = ()) -> PipelineSettings:
        """Return what alters results; `others` are devices that the rule of adoption brought, kept behind them."""
        mine = tuple(member.settings for member in self.members.values())
        kept = tuple(one for one in others if one.slug not in self.members)
        return msgspec.structs.replace(self.config.pipeline(), devices=mine + kept)

    def wanted(self) -> list[Wanted]:
        """Return the devices to connect to."""
        return [member.wanted for member in self.members.values() if not member.paused]

    def admission(self) -> Admission:
        """Return who may come in: nobody who was let go or told to stay away, by rule either."""
        admission = self.config.admission()
        away = [member.wanted for member in self.members.values() if member.paused]
        addresses = [one.address for one in away if one.address is not None]
        names = [escape(one.name) for one in away if one.address is None and one.name is not None]
        block = Rule(
            addresses=(*admission.block.addresses, *addresses, *self.changes.removed.values()),
            names=(*admission.block.names, *names),
            services=admission.block.services,
        )
        return msgspec.structs.replace(admission, block=block)

    def wants(self, slug: str) -> bool:
        """Tell whether a device belongs here, or may come by the rule of adoption."""
        by_rule = self.config.adopt != "none" and slug not in self.changes.removed and is_address(slug)
        return slug in self.members or by_rule

    def wearers(self) -> dict[str, Wearer]:
        """Return what Home Assistant is told of the devices."""
        return {slug: Wearer(label=one.label, athlete=one.settings.athlete) for slug, one in self.members.items()}

    def former(self) -> set[str]:
        """Return the slugs that the rule of adoption gave, or would have given, to devices that have names now."""
        addresses = [one.wanted.address for one in self.members.values() if one.wanted.address is not None]
        return {slug_of(address) for address in addresses} - self.members.keys()

    def log_levels(self) -> Levels:
        """Return what to log of single parts: as the last request said, else the configuration."""
        return {**self.config.log.levels, **{part: one.now for part, one in self.changes.log_levels.items()}}

    def sensors(self) -> dict[str, str]:
        """Return the address or else the name that each device is found by."""
        return {slug: one.wanted.address or one.wanted.name or slug for slug, one in self.members.items()}


def resolve(config: Config, changes: Changes) -> Roster:
    """Return the devices as they are wanted under a configuration and what requests have changed since."""
    members: dict[str, Member] = {}
    dropped: list[str] = []
    kept = dict(changes.devices)
    for device in config.devices:
        held = _held(changes.device(device.slug), device, dropped)
        kept[device.slug] = held
        members[device.slug] = _configured(device, held)
    taken = {device.address.upper(): device.slug for device in config.devices if device.address is not None}
    for slug, held in changes.devices.items():
        if slug in members:
            continue
        address = held.address
        if address is None or address.upper() in taken:
            del kept[slug]
            of = "not configured any more" if address is None else f"configured as {taken[address.upper()]}"
            dropped.append(f"what requests changed of {slug} is dropped: it is {of}")
            continue
        members[slug] = _requested(slug, address, held)
    log_level, recording = changes.log_level, changes.recording
    if log_level is not None and log_level.was != config.log.level:
        log_level = None
    levels = {part: one for part, one in changes.log_levels.items() if one.was == config.log.levels.get(part)}
    if recording is not None and recording.was != config.capture.enabled:
        recording = None
    still = Changes(
        devices={slug: one for slug, one in kept.items() if one != DeviceChanges()},
        removed={
            slug: one for slug, one in changes.removed.items() if slug not in members and one.upper() not in taken
        },
        log_level=log_level,
        log_levels=levels,
        recording=recording,
    )
    return Roster(config=config, changes=still, members=members, dropped=tuple(dropped))


def _held(changed: DeviceChanges, device: DeviceConfig, dropped: list[str]) -> DeviceChanges:
    """Return those changes of a configured device that its configuration has not overtaken."""
    if changed.address is not None:  # it was adopted under this name: the configuration, the later word, takes it over
        dropped.append(f"what requests changed of {device.slug} is dropped: it is configured now")
        return DeviceChanges(paused=changed.paused)
    said = {"label": device.name, "mass_kg": device.mass_kg, "side": device.side, "athlete": device.athlete}
    overtaken: dict[str, None] = {}
    for key, value in said.items():
        change: Change[object] | None = getattr(changed, key)
        if change is not None and change.was != value:
            dropped.append(f"{key} of {device.slug} is what the configuration says: it was changed there")
            overtaken[key] = None
    return msgspec.structs.replace(changed, **overtaken)


def _configured(device: DeviceConfig, held: DeviceChanges) -> Member:
    return Member(
        wanted=device.wanted(),
        settings=_changed(device.settings(), held),
        label=device.name if held.label is None else held.label.now,
        origin="configured",
        paused=held.paused,
    )


def _requested(slug: str, address: str, held: DeviceChanges) -> Member:
    return Member(
        wanted=Wanted(slug=slug, address=address, driver=held.driver),
        settings=_changed(DeviceSettings(slug=slug), held),
        label=None if held.label is None else held.label.now,
        origin="requested",
        paused=held.paused,
    )


def _changed(settings: DeviceSettings, held: DeviceChanges) -> DeviceSettings:
    if held.side is not None:
        settings = msgspec.structs.replace(settings, side=held.side.now)
    if held.athlete is not None:
        settings = msgspec.structs.replace(settings, athlete=held.athlete.now)
    if held.mass_kg is not None and held.mass_kg.now is not None:
        settings = msgspec.structs.replace(settings, mass_kg=held.mass_kg.now, mass_source="request")
    return settings
