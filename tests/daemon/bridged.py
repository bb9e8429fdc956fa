"""A daemon put together as `ankled run` does it, with simulated sensors, for tests of its topics at a real broker."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from ankled.daemon.bridge.health import BridgeHealth
from ankled.daemon.bridge.info import Info
from ankled.daemon.bridge.journal import LogLine
from ankled.daemon.config import Config, DeviceConfig, LogConfig, MqttConfig
from ankled.daemon.live import launch
from ankled.daemon.live.clock import LoopClock
from ankled.daemon.live.state import Report
from ankled.daemon.moments import Imu, Live
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.records import Event, Pair, Rep, Session, Set
from ankled.daemon.requests.forms import Devices
from ankled.drivers.link import Backend
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.outfit import parse_sensor, worn
from ankled.simulators.radio.world import static_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.simulators.radio.world import World

SPEED = 10.0
ROOT = "ankled/gym"
FORMS: dict[str, Any] = {
    "bridge/info": Info,
    "bridge/health": BridgeHealth,
    "bridge/devices": Devices,
    "bridge/event": Event,
    "bridge/logging": LogLine,
    "state": Report,
    "live": Live,
    "imu": Imu,
    "rep": Rep,
    "set": Set,
    "pair": Pair,
    "session": Session,
}
WORDS = {"bridge/state", "availability"}
KEPT = {"bridge/info", "bridge/health", "bridge/devices", "bridge/state", "availability", "state", "set", "session"}
SECRET = "do-not-tell"  # noqa: S105 - looked for in everything that is published


def config() -> Config:
    """Return a configuration of two weights of kim's, of which the left one publishes its samples."""
    left, right = (
        DeviceConfig(
            slug=side,
            name=f"The {side} one",
            address=static_address(side),
            side=side,
            athlete="kim",
            publish_imu=True if side == "left" else None,
        )
        for side in ("left", "right")
    )
    mqtt = MqttConfig(broker=f"mqtt://coach:{SECRET}@127.0.0.1")
    return Config(node="gym", mqtt=mqtt, log=LogConfig(publish="warning"), devices=(left, right))


def scene() -> World:
    """Return two sensors that are put on for the demonstration's session."""
    return worn("demo", [parse_sensor("left=openankle"), parse_sensor("right=movesense")], seed=3)


@contextlib.asynccontextmanager
async def daemon(
    world: World, address: BrokerAddress, outbox: Path, capture: Path | None = None
) -> AsyncIterator[launch.Live]:
    """Run a daemon as `ankled run` puts it together, until the context is left."""
    settings = config()
    topics = Topics(base=settings.mqtt.base, node=settings.node)
    stop = asyncio.Event()
    async with (
        launch.publishing(address, topics, launch.options(settings), Outbox(outbox)) as outlet,
        launch.recording(capture, settings) as writer,
        asyncio.TaskGroup() as group,
    ):
        scanner, client = backends(await world.central())
        backend = {"soft": Backend(adapter="soft", scanner=scanner, client=client)}
        told = launch.announcer(settings, outlet)
        live = launch.Live(settings, backend, told, LoopClock(), board=outlet.publisher, outbox=outlet.outbox)
        group.create_task(live.run(stop, writer), name="daemon")
        try:
            yield live
        finally:
            stop.set()


def name_of(topic: str) -> str:
    """Return what a topic is, without whose it is."""
    rest = topic.removeprefix(f"{ROOT}/")
    return rest if rest.startswith("bridge/") else rest.rpartition("/")[2]
