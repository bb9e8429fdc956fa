"""Bringing links, settings and announcements in line with another roster, in an order that loses nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from msgspec.structs import replace

from ankled.daemon.errors import OutboxError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ankled.daemon.homeassistant.announcer import Announcer
    from ankled.daemon.live.axes import StoredAxes
    from ankled.daemon.live.roster import Member, Roster
    from ankled.daemon.live.service import Service
    from ankled.daemon.live.supervisor import Supervisor
    from ankled.daemon.mqtt.topics import Topics
    from ankled.daemon.records import Record
    from ankled.daemon.settings import DeviceSettings, PipelineSettings

_GONE_S: Final = 9.0
"""How long links may take to be dropped in order: a farewell, a request under way, the disconnection."""

log = structlog.stdlib.get_logger(__name__)


class Board(Protocol):
    """What the broker holds: see mqtt.publisher.Publisher."""

    def clear(self, topic: str) -> None:
        """Have the broker forget a topic."""

    def allow(self, topic: str) -> None:
        """Let it hold results there again."""


class Outbox(Protocol):
    """What is told again after a restart: see outbox.outbox.Outbox."""

    async def clear(self, topics: Iterable[str]) -> None:
        """Tell a broker no more of what was retained under these topics. Raises OutboxError."""


class Crew:
    """The running parts, which all have to know who is wanted."""

    def __init__(  # noqa: PLR0913  (each is one of the parts)
        self,
        *,
        service: Service,
        supervisor: Supervisor,
        topics: Topics,
        board: Board | None = None,
        announcer: Announcer | None = None,
        axes: StoredAxes | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        """Take the parts; without a `board` nothing is published, without an `announcer` nothing announced."""
        self.service = service
        self.supervisor = supervisor
        self._topics = topics
        self._board = board
        self._announcer = announcer
        self._axes = axes
        self._outbox = outbox
        self._clearing: set[asyncio.Task[None]] = set()

    def adopted(self, roster: Roster) -> dict[str, str]:
        """Return the addresses of the devices that the rule of adoption brought, by slug."""
        devices = self.supervisor.status().devices
        return {one.slug: one.address for one in devices if one.address and one.slug not in roster.members}

    async def become(self, old: Roster, new: Roster, letting_go: Collection[str] = ()) -> list[Record]:
        """Go over from one roster to another, and let go of devices that the rule of adoption brought.

        Who is new has settings before it is connected to, and who leaves until its link is dropped and its last packet
        is processed. Returns what that completed.
        """
        leaving = {slug for slug in old.members if slug not in new.members} | set(letting_go)
        paused = {slug for slug, one in new.members.items() if one.paused}
        again = {
            slug for slug, one in new.members.items() if slug in old.members and _asks_other(old.members[slug], one)
        }
        for slug in new.members.keys() - old.members.keys():
            self._welcome(slug)
        records = self.service.configure(self._settings(new))
        self.supervisor.want([one for one in new.wanted() if one.slug not in again], new.admission())
        await self._gone(leaving | paused | again)
        records += self.service.configure(self._settings(new, leaving))
        if again:
            self.supervisor.want(new.wanted(), new.admission())
        if self._axes is not None:
            self._axes.want(new.sensors())
        for slug in leaving:
            self.forget(slug)
        if self._announcer is not None:
            self._announcer.want(new.wearers(), adopt=new.config.adopt != "none")
        return records

    def forget(self, slug: str) -> None:
        """Have the broker, Home Assistant and everybody here know nothing of a device any more."""
        self.service.forget(slug)
        if self._announcer is not None:
            self._announcer.forget(slug)
        if self._axes is not None:
            self._axes.forget(slug)
        if self._board is not None:
            for topic in self._held(slug):
                self._board.clear(topic)
        if self._outbox is not None:
            task = asyncio.create_task(self._clear(self._outbox, slug), name=f"clear {slug}")
            self._clearing.add(task)
            task.add_done_callback(self._clearing.discard)

    async def _clear(self, outbox: Outbox, slug: str) -> None:
        """Have the outbox tell no more of a device. Where that fails the next start does it: it is noted as removed."""
        try:
            await outbox.clear(self._held(slug))
        except OutboxError as error:
            log.warning("the outbox still tells of a device", device=slug, reason=str(error))

    def recalibrate(self, slug: str) -> list[Record]:
        """Let a device begin anew without what is known of its axes."""
        settings = self.service.settings
        devices = (replace(one, stored_axes=None) if one.slug == slug else one for one in settings.devices)
        records = self.service.configure(replace(settings, devices=tuple(devices)))
        records += self.service.command("recalibrate", slug)
        if self._axes is not None:  # last: what is closed above may tell the axes once more
            self._axes.forget(slug)
        return records

    def _settings(self, new: Roster, leaving: Collection[str] = ()) -> PipelineSettings:
        """Return the settings of the running session under a new roster; what is known of axes stays with a device."""
        now = self.service.settings
        known = {one.slug: one for one in now.devices}
        others = [one for slug, one in known.items() if slug not in leaving]
        settings = new.settings(others)
        devices = tuple(self._with_axes(one, known.get(one.slug)) for one in settings.devices)
        return replace(now, set_rest_s=settings.set_rest_s, devices=devices)

    def _with_axes(self, device: DeviceSettings, before: DeviceSettings | None) -> DeviceSettings:
        if before is not None:
            return replace(device, stored_axes=before.stored_axes if device.mount is None else None)
        return device if self._axes is None else self._axes.applied([device])[0]

    def _welcome(self, slug: str) -> None:
        if self._board is not None:
            for topic in self._held(slug):
                self._board.allow(topic)

    def _held(self, slug: str) -> list[str]:
        """Return the topics of a device that the broker holds."""
        return [self._topics.device(slug, name) for name in ("availability", "state", "set")]

    async def _gone(self, slugs: Collection[str]) -> None:
        try:
            async with asyncio.timeout(_GONE_S):
                for slug in sorted(slugs):
                    await self.supervisor.gone(slug)
        except TimeoutError:
            log.warning("links are not dropped in time", devices=sorted(slugs), timeout_s=_GONE_S)


def _asks_other(old: Member, new: Member) -> bool:
    """Tell whether a sensor is to be asked for something else, which takes a new connection."""
    names = ("rate_hz", "acc_range_g", "gyr_range_dps")
    return any(getattr(old.settings, name) != getattr(new.settings, name) for name in names)
