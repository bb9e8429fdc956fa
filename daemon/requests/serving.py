"""The desk of a running daemon: which requests it does, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ankled.daemon.bridge.devices import Known, listing
from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests import answering
from ankled.daemon.requests.desk import Desk
from ankled.daemon.settings import DeviceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ankled.daemon.capture.writer import CaptureWriter
    from ankled.daemon.config import Config
    from ankled.daemon.live.launch import Live
    from ankled.daemon.mqtt.publisher import Publisher
    from ankled.daemon.outbox.outbox import Outbox
    from ankled.daemon.requests.desk import Handler
    from ankled.daemon.requests.forms import Devices


def desk(config: Config, publisher: Publisher, handlers: Mapping[str, Handler]) -> Desk:
    """Return the desk, which listens at the broker as far as the configuration lets it."""
    topics = Topics(base=config.mqtt.base, node=config.node)
    made = Desk(topics, config.requests, handlers, publisher.say)
    made.listen(publisher.incoming.listen)
    return made


def looking(
    config: Config, live: Live, outbox: Outbox, capture: Callable[[], CaptureWriter | None] = lambda: None
) -> dict[str, Handler]:
    """Return the requests that alter no result."""

    def links() -> Iterator[str]:
        yield from answering.link_problems(live.supervisor.status())

    def stores() -> Iterator[str]:
        if outbox.fault is not None:
            yield outbox.fault
        writer = capture()
        if writer is not None and (fault := writer.health().fault) is not None:
            yield fault

    return {
        "history": answering.history(outbox),
        "health_check": answering.health_check(links, stores),
        "devices": answering.devices(lambda: devices_of(live, configured(config))),
        "log_level": answering.log_level,
    }


def configured(config: Config) -> tuple[Known, ...]:
    """Return the devices that a configuration names."""
    return tuple(
        Known(
            slug=one.slug,
            origin="configured",
            label=one.name,
            address=one.address,
            name=None if one.address else one.name,
            driver=one.driver,
        )
        for one in config.devices
    )


def devices_of(live: Live, known: Iterable[Known]) -> Devices:
    """Return the list of devices as things stand."""
    return listing(known, live.supervisor.status(), live.supervisor.nearby(), lambda slug: _settings(live, slug))


def _settings(live: Live, slug: str) -> DeviceSettings:
    try:
        return live.service.core.device_settings(slug)
    except UsageError:  # not connected yet, so nothing was ever said of it
        return DeviceSettings(slug=slug)
