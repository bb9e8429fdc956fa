"""What the broker holds is told again to whoever may have missed it, and when the daemon is gone without a word."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import aiomqtt  # noqa: TID251 - plays Home Assistant, next to the publisher under test
import pytest

from ankled.daemon import logs
from ankled.daemon.demo import pace
from tests.daemon.brokers import Gate, Mosquitto, Subscriber, eventually, payload, retained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.live import launch

from tests.daemon.bridged import KEPT, ROOT, SPEED, daemon, name_of, scene


@pytest.fixture(autouse=True, scope="module")
def _own_logs(compiled: None) -> Iterator[None]:
    """Log as the command does, and take that back."""
    logs.configure("info", "json", io.StringIO())
    yield
    logs.unconfigure()


def test_everything_retained_is_told_again_to_home_assistant_and_after_a_restart(
    mosquitto_program: str, tmp_path: Path
) -> None:
    """At its birth message, and on a broker that restarted with nothing, every retained topic is there again."""

    async def story() -> None:
        server = Mosquitto(mosquitto_program, tmp_path)
        server.start()
        try:
            async with scene() as world, daemon(world, server.address, tmp_path / "outbox.db") as live:
                await world.begun()
                await eventually(lambda: live.bridge.health().problem_count == 0)
                await asyncio.sleep(12.0)
                before = await retained(server.address, f"{ROOT}/#")
                assert {name_of(topic) for topic in before} == KEPT - {"set", "session"}
                async with Subscriber.on(server.address, f"{ROOT}/#") as subscriber:
                    await subscriber.until(len(before))
                    known = len(subscriber.messages)
                    async with aiomqtt.Client(server.address.host, server.address.port) as home:
                        await home.publish("homeassistant/status", b"online", qos=1)
                    await eventually(
                        lambda: {str(m.topic) for m in subscriber.messages[known:] if not m.retain} >= before.keys()
                    )
                server.kill()
                server.start()
                await eventually(lambda: live.bridge.health().broker is not None and reconnected(live))
                await asyncio.sleep(5.0)
                again = await retained(server.address, f"{ROOT}/#")
                assert again.keys() >= before.keys()
                health = live.bridge.health()
                assert health.broker is not None
                assert health.broker.reconnects == 1
        finally:
            server.kill()

    with asyncio.Runner(loop_factory=pace.factory(SPEED)) as runner:
        runner.run(story())


def test_a_daemon_that_is_gone_is_offline_by_its_last_will_and_its_sensors_are_not(
    mosquitto_program: str, tmp_path: Path
) -> None:
    """A connection that breaks without a farewell, as in a crash: only both topics together tell who is there."""

    async def story() -> None:
        server = Mosquitto(mosquitto_program, tmp_path)
        server.start()
        gate = Gate(server.address)
        await gate.open()
        try:
            async with scene() as world, daemon(world, gate.address, tmp_path / "outbox.db"):
                await world.begun()
                await asyncio.sleep(5.0)
                held = await retained(server.address, f"{ROOT}/#")
                assert held[f"{ROOT}/bridge/state"] == b'{"state":"online"}'
                await gate.shut()
                async with Subscriber.on(server.address, f"{ROOT}/bridge/state") as subscriber:
                    await eventually(lambda: any(payload(m) == b'{"state":"offline"}' for m in subscriber.messages))
                held = await retained(server.address, f"{ROOT}/#")
                assert held[f"{ROOT}/left/availability"] == b'{"state":"online"}'
                await gate.open()
                async with Subscriber.on(server.address, f"{ROOT}/bridge/state") as subscriber:
                    await eventually(lambda: any(payload(m) == b'{"state":"online"}' for m in subscriber.messages))
        finally:
            await gate.shut()
            server.kill()

    with asyncio.Runner(loop_factory=pace.factory(SPEED)) as runner:
        runner.run(story())


def reconnected(live: launch.Live) -> bool:
    """Tell whether the broker was found again."""
    broker = live.bridge.health().broker
    return broker is not None and broker.connected and broker.reconnects > 0
