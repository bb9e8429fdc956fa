"""The announcements of one node: topic and payload for the bridge, a sensor, an athlete. Pure functions."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ankled.daemon.homeassistant.others import ATHLETE, BRIDGE, health_entities
from ankled.daemon.homeassistant.payload import About, Availability, Discovery, Origin
from ankled.daemon.homeassistant.sensors import SENSOR
from ankled.daemon.mqtt import topics as mqtt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.homeassistant.others import HealthField
    from ankled.daemon.homeassistant.payload import Entity
    from ankled.daemon.live.state import Report

NAME: Final = "ankled"

_PATH: Final = re.compile(r"(athlete/)?[a-z0-9_-]{1,64}")
_DIGITS: Final = 10
_LONGEST: Final = 64 - 1 - _DIGITS


class Announcement(NamedTuple):
    """What is retained, and where."""

    topic: str
    payload: bytes


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Whose announcements these are, and below which topic Home Assistant looks for them."""

    topics: mqtt.Topics
    prefix: str = "homeassistant"

    def device_id(self, path: str) -> str:
        """Return the id of what has its topics at `path` below the node's: `bridge`, a sensor, `athlete/kim`.

        The words are for the reader. The digest is of the whole path: `a_b` at node `c`, `b_c` at node `a`, and the
        same names below another base never meet, whatever many nodes on one broker are called.
        """
        words = f"{self.topics.node}-{path.replace('/', '-')}"[:_LONGEST]
        return f"{words}-{hashlib.sha256(f'{self.topics.root}/{path}'.encode()).hexdigest()[:_DIGITS]}"

    def path(self, topic: str) -> str | None:
        """Return the path of what a topic of ours belongs to, None for a topic that is not one of ours."""
        path, _, name = topic.removeprefix(f"{self.topics.root}/").rpartition("/")
        return path if topic == f"{self.topics.root}/{path}/{name}" and _PATH.fullmatch(path) else None

    def topic(self, path: str) -> str:
        """Return the topic that announces what has its topics at `path`."""
        return mqtt.discovery(self.device_id(path), self.prefix)


def sensor(site: Site, report: Report, label: str | None = None) -> Announcement:
    """Return the announcement of a sensor. `label` is what it is called; without one, by node and slug."""
    path = report.device
    about = About(
        identifiers=(site.device_id(path),),
        name=label or f"{site.topics.node} {path}",
        manufacturer=report.manufacturer,
        model=report.model,
        serial_number=report.serial,
        sw_version=report.firmware or report.software,
        hw_version=report.hardware,
        via_device=site.device_id("bridge"),
    )
    both = (_bridge_state(site), Availability(topic=site.topics.device(path, "availability")))
    return _announcement(site, path, about, both, SENSOR, apart=both[:1])


def athlete(site: Site, slug: str) -> Announcement:
    """Return the announcement of an athlete: both legs together."""
    path = f"athlete/{slug}"
    about = About(
        identifiers=(site.device_id(path),),
        name=f"{site.topics.node} {slug if slug.startswith('athlete-') else f'athlete {slug}'}",
        via_device=site.device_id("bridge"),
    )
    return _announcement(site, path, about, (_bridge_state(site),), ATHLETE)


def bridge(site: Site, health: Iterable[HealthField] = ()) -> Announcement:
    """Return the announcement of the daemon itself; `health` are the figures of its topic `health`."""
    about = About(
        identifiers=(site.device_id("bridge"),),
        name=NAME if site.topics.node == NAME else f"{NAME} {site.topics.node}",
        manufacturer=NAME,
        sw_version=version(NAME),
    )
    # its topics stand beside those of the sensors: the rows name them from the node's on
    return _announcement(site, "bridge", about, (_bridge_state(site),), (*BRIDGE, *health_entities(health)))


def _announcement(  # noqa: PLR0913  (the one place where all of a message comes together)
    site: Site,
    path: str,
    about: About,
    availability: tuple[Availability, ...],
    entities: Iterable[Entity],
    *,
    apart: tuple[Availability, ...] = (),
) -> Announcement:
    device_id = site.device_id(path)
    root = site.topics.root if path == "bridge" else f"{site.topics.root}/{path}"
    message = Discovery(
        device=about,
        origin=Origin(name=NAME, sw_version=version(NAME)),
        availability=availability,
        components={one.key: one.component(device_id, root, apart) for one in entities},
    )
    return Announcement(site.topic(path), msgspec.json.encode(message))


def _bridge_state(site: Site) -> Availability:
    return Availability(topic=site.topics.bridge("state"))
