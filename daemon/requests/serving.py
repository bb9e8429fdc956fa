"""The desk of a running daemon: which requests it does, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.bridge.devices import Known, listing
from ankled.daemon.errors import UsageError
from ankled.daemon.requests import answering
from ankled.daemon.requests.desk import Desk
from ankled.daemon.settings import DeviceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ankled.daemon.config import Config
    from ankled.daemon.live.athletes import Athletes
    from ankled.daemon.live.launch import Live
    from ankled.daemon.live.roster import Roster
    from ankled.daemon.mqtt.publisher import Publisher
    from ankled.daemon.outbox.outbox import Outbox
    from ankled.daemon.requests.desk import Handler
    from ankled.daemon.requests.forms import Devices


def desk(config: Config, publisher: Publisher, handlers: Mapping[str, Handler]) -> Desk:
    """Return the desk, which listens at the broker as far as the configuration lets it."""
    made = Desk(publisher.topics, config.requests, handlers, publisher.say)
    made.listen(publisher.incoming.listen)
    return made


def looking(live: Live, outbox: Outbox, known: Callable[[], Iterable[Known]], athletes: Athletes) -> dict[str, Handler]:
    """Return the requests that alter nothing. `known` are the devices that are wanted by configuration or request."""
    return {
        "history": answering.history(outbox, athletes.known),
        "health_check": answering.health_check(lambda: live.bridge.health().problems),
        "devices": answering.devices(lambda: devices_of(live, known())),
    }


def members(roster: Roster) -> tuple[Known, ...]:
    """Return the devices of a roster."""
    return tuple(
        Known(
            slug=one.slug,
            origin=one.origin,
            label=one.label,
            paused=one.paused,
            address=one.wanted.address,
            name=None if one.wanted.address else one.wanted.name,
            driver=one.wanted.driver,
        )
        for one in roster.members.values()
    )


def devices_of(live: Live, known: Iterable[Known]) -> Devices:
    """Return the list of devices as things stand."""
    return listing(known, live.supervisor.status(), live.supervisor.nearby(), lambda slug: _settings(live, slug))


def _settings(live: Live, slug: str) -> DeviceSettings:
    try:
        return live.service.core.device_settings(slug)
    except UsageError:  # not connected yet, so nothing was ever said of it
        return DeviceSettings(slug=slug)
