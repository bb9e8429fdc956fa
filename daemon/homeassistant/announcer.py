"""Keeps Home Assistant's picture of this node right: announces who is there, takes back who is not.

What an earlier run announced is read from the broker, which is the list: each connection brings the retained
announcements, and those of ours that have no owner any more are cleared. A list in a file would be wrong after a change
of broker, at the second of several brokers, or when the file is lost; and it would have to be written before each
announcement and after each acknowledged removal. What the broker cannot tell is that a node or its base was renamed: to
us those are somebody else's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from ankled.daemon.homeassistant import announcement
from ankled.daemon.live.matching import is_address
from ankled.daemon.live.state import OFFLINE, Report
from ankled.daemon.mqtt.topics import discovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ankled.daemon.homeassistant.announcement import Announcement, Site
    from ankled.daemon.homeassistant.others import HealthField
    from ankled.daemon.live.outlet import Outlet
    from ankled.daemon.mqtt.connection import Message
    from ankled.daemon.records import Record

log = structlog.stdlib.get_logger(__name__)


class Board(Protocol):
    """Where announcements are put up: see mqtt.publisher.Publisher."""

    def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker hold the newest state of a topic."""

    def clear(self, topic: str) -> None:
        """Have the broker forget a topic."""

    def repeat(self) -> None:
        """Send everything retained once more."""


class Wearer(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of a sensor: its label, and whose leg it is on."""

    label: str | None = None
    athlete: str | None = None


class Announcer:
    """An outlet on the way to another: it reads the state of each sensor that passes, and announces by it.

    Whoever is in the configuration stays announced, there or not. So does, while `adopt` holds, a sensor that was
    adopted: it may come again. With `enabled` false nothing is announced and everything of ours is taken back.
    """

    def __init__(  # noqa: PLR0913  (each is independent of the others, by name)
        self,
        *,
        outlet: Outlet,
        board: Board,
        site: Site,
        sensors: Mapping[str, Wearer],
        adopt: bool,
        enabled: bool = True,
        health: Iterable[HealthField] = (),
    ) -> None:
        self._outlet = outlet
        self._board = board
        self._site = site
        self._adopt = adopt
        self._enabled = enabled
        self._configured = dict(sensors)
        self._athletes = {slug: wearer.athlete for slug, wearer in sensors.items()}
        self._up: dict[str, Announcement] = {}
        """What is announced, by its path below the node's topic."""
        self._reports: dict[str, Report] = {}
        self._let_go: set[str] = set()
        if enabled:
            self._announce("bridge", announcement.bridge(site, health))  # first: the others lead to it
        self._settle_athletes()

    # --- an outlet

    def take(self, record: Record) -> None:
        """Pass on a record."""
        self._outlet.take(record)

    def keep(self, topic: str, payload: bytes) -> None:
        """Pass on a state; of a sensor, announce it if that is new or looks otherwise than before."""
        self._outlet.keep(topic, payload)
        if self._enabled and topic.endswith("/state") and topic != self._site.topics.bridge("state"):
            self._note(msgspec.json.decode(payload, type=Report))

    # --- for whoever owns it

    def listen(self, listen: Callable[[str, Callable[[Message], None]], None], birth_topic: str) -> None:
        """Listen for what earlier runs announced and for the birth of Home Assistant."""
        listen(discovery("+", self._site.prefix), self._heard)
        if self._enabled:
            listen(birth_topic, self._born)

    def want(self, sensors: Mapping[str, Wearer], *, adopt: bool) -> None:
        """Take note of a changed configuration: who was in it and is not any more is taken back at once."""
        gone = self._configured.keys() - sensors.keys()
        if not adopt:
            gone |= self._reports.keys() - sensors.keys()
        self._configured, self._adopt = dict(sensors), adopt
        if not self._enabled:
            return
        for slug in gone:
            self._reports.pop(slug, None)
            self._athletes.pop(slug, None)
            self._take_back(slug)
        self._athletes |= {slug: wearer.athlete for slug, wearer in sensors.items()}
        for slug in self._reports.keys() & sensors.keys():
            self._announce(slug, announcement.sensor(self._site, self._reports[slug], sensors[slug].label))
        self._settle_athletes()

    def forget(self, slug: str) -> None:
        """Take back a sensor that was let go for good, also one that the rule of adoption brought."""
        self._let_go.add(slug)
        self._configured.pop(slug, None)
        self._reports.pop(slug, None)
        self._athletes.pop(slug, None)
        self._take_back(slug)
        self._settle_athletes()

    # --- what happens

    def _note(self, report: Report) -> None:
        slug = report.device
        if slug not in self._configured and not self._may_come(slug):
            return  # the last word of one that was removed
        self._let_go.discard(slug)
        self._reports[slug] = report
        self._athletes[slug] = report.athlete
        # who was adopted has no name but the one it advertises: its slug is its address
        wearer = self._configured.get(slug, Wearer(label=report.name))
        self._announce(slug, announcement.sensor(self._site, report, wearer.label))
        self._settle_athletes()

    def _settle_athletes(self) -> None:
        """Announce every athlete that wears a sensor, and no other."""
        if not self._enabled:
            return
        there = {f"athlete/{slug}": slug for slug in self._athletes.values() if slug is not None}
        for path in [path for path in self._up if path.startswith("athlete/") and path not in there]:
            self._take_back(path)
        for path, slug in there.items():
            if path not in self._up:
                self._announce(path, announcement.athlete(self._site, slug))

    def _announce(self, path: str, what: Announcement) -> None:
        self._up[path] = what
        self._board.keep(*what)

    def _take_back(self, path: str) -> None:
        self._up.pop(path, None)
        self._board.clear(self._site.topic(path))

    def _heard(self, message: Message) -> None:
        """Look at an announcement that the broker holds. What comes later is our own, or none of our business."""
        if not message.retain:
            return
        path = self._path(message)
        if path is None or path in self._up or (self._enabled and path in self._configured):
            return
        if self._enabled and self._may_come(path) and path not in self._let_go:
            # not here yet, and nobody says so: after a crash its last word was that it is
            self._outlet.keep(self._site.topics.device(path, "availability"), OFFLINE)
            return
        reason = "it is not wanted any more" if self._enabled else "homeassistant.enabled is false"
        log.info("taken back from Home Assistant", path=path, reason=reason)
        self._board.clear(message.topic)

    def _may_come(self, slug: str) -> bool:
        """Tell whether somebody who is not configured may be a sensor that was adopted."""
        return self._adopt and is_address(slug)

    def _path(self, message: Message) -> str | None:
        """Return whose announcement this is, None if it is not one of this node."""
        try:
            found = msgspec.json.decode(message.payload, type=_Found)
        except (ValueError, RecursionError):  # not JSON, not UTF-8: of somebody else, who may write what they like
            return None
        if found.origin.name != announcement.NAME:
            return None
        for component in found.components.values():
            path = self._site.path(component.state_topic)
            if path is not None and self._site.topic(path) == message.topic:
                return path
        return None

    def _born(self, message: Message) -> None:
        """Home Assistant has started: tell it everything again. What is retained is from before we connected."""
        if message.payload == b"online" and not message.retain:
            log.info("Home Assistant has started")
            self._board.repeat()


class _FoundOrigin(msgspec.Struct, frozen=True):
    name: str


class _FoundComponent(msgspec.Struct, frozen=True):
    state_topic: str = ""


class _Found(msgspec.Struct, frozen=True):
    """Of an announcement that the broker holds, what tells whose it is."""

    origin: _FoundOrigin
    components: dict[str, _FoundComponent]
