"""The discovery message of a device, and the rows that its entities are written as.

The keys are those of Home Assistant's device discovery, which came with 2024.12; what is at its default is left out.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Platform: TypeAlias = Literal["sensor", "binary_sensor", "event"]


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """A topic that holds `online` or `offline`, as all of ours say it."""

    topic: str
    value_template: str = "{{ value_json.state }}"


class Component(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entity. `availability` null: that of its device; empty: it is always available."""

    platform: Platform
    unique_id: str
    name: str
    state_topic: str
    value_template: str
    device_class: str | None = None
    unit_of_measurement: str | None = None
    state_class: str | None = None
    entity_category: str | None = None
    enabled_by_default: bool = True
    suggested_display_precision: int | None = None
    icon: str | None = None
    options: tuple[str, ...] | None = None
    event_types: tuple[str, ...] | None = None
    payload_on: str | None = None
    payload_off: str | None = None
    availability: tuple[Availability, ...] | None = None


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What Home Assistant shows of a device. `via_device` is the id of the one that leads to it."""

    identifiers: tuple[str, ...]
    name: str
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    sw_version: str | None = None
    hw_version: str | None = None
    via_device: str | None = None


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who announces: shown in the logs of Home Assistant, and how we know our own announcements again."""

    name: str
    sw_version: str | None = None


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """The whole message. Where `availability` has several topics all of them must say online."""

    device: About
    origin: Origin
    availability: tuple[Availability, ...]
    availability_mode: Literal["all"] = "all"
    components: dict[str, Component]


class Entity(msgspec.Struct, frozen=True):
    """A row of a table: what is shown of `field` on the topic that ends with `topic`.

    `field` is a path such as `rom.index_percent`; `template` says it where that is not enough. `options` are the
    values of an enum or the types of an event. `category` and `shown` keep what is wanted rarely out of sight.
    `apart`: it does not share the availability of its device.
    """

    key: str
    name: str
    topic: str
    field: str = ""
    unit: str | None = None
    device_class: str | None = None
    precision: int | None = None
    state_class: Literal["measurement", "total_increasing"] | None = None
    platform: Platform = "sensor"
    template: str | None = None
    category: Literal["diagnostic"] | None = None
    shown: bool = True
    icon: str | None = None
    options: tuple[str, ...] | None = None
    apart: bool = False

    def component(self, device_id: str, root: str, apart: tuple[Availability, ...]) -> Component:
        """Return the entity of one device, whose topics are below `root`."""
        switch, event = self.platform == "binary_sensor", self.platform == "event"
        return Component(
            platform=self.platform,
            unique_id=f"{device_id}-{self.key}",
            name=self.name,
            state_topic=f"{root}/{self.topic}",
            value_template=value(self.field) if self.template is None else self.template,
            device_class=self.device_class,
            unit_of_measurement=self.unit,
            state_class=self.state_class,
            entity_category=self.category,
            enabled_by_default=self.shown,
            suggested_display_precision=self.precision,
            icon=self.icon,
            options=None if event else self.options,
            event_types=self.options if event else None,
            payload_on="online" if switch else None,
            payload_off="offline" if switch else None,
            availability=apart if self.apart else None,
        )


def value(path: str) -> str:
    """Return the template of a field: null, also on the way to it, is rendered as None, which means unknown."""
    parts = path.split(".")
    wholes = [f"value_json.{'.'.join(parts[:depth])}" for depth in range(1, len(parts))]
    there = f" if {' and '.join(wholes)} else none" if wholes else ""
    return f"{{{{ value_json.{path}{there} }}}}"
