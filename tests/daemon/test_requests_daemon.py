"""A running daemon under thousands of wrong requests: it neither ends, nor stops telling results, nor changes."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import aiomqtt  # noqa: TID251 - whoever asks, next to the daemon under test
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ankled.daemon.demo.pace import patience
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import PATIENCE_S, Subscriber, eventually
from tests.daemon.callers import Caller
from tests.daemon.commands import started
from tests.daemon.nonsense import nonsense
from tests.daemon.test_cli_radio import ended, serving, until
from tests.trials import repeated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.brokers import Mosquitto
    from tests.daemon.nonsense import Wild

TOPICS = Topics(node="gym")
WRONG = repeated(10_000, 1_500)
AT_ONCE = 100
"""Requests between two of which it is seen that the daemon answers."""
OWN = ("bridge/state", "bridge/info", "bridge/health", "bridge/devices", "bridge/event", "bridge/logging")


def configuration(folder: Path, address: str) -> Path:
    """Write a configuration of one sensor, everything it keeps below the folder."""
    path = folder / "ankled.toml"
    path.write_text(
        "\n".join(
            [
                "node = 'gym'",
                "[capture]",
                f"folder = '{folder / 'captures'}'",
                "[state]",
                f"folder = '{folder / 'state'}'",
                "[[devices]]",
                "slug = 'left'",
                f"address = '{address}'",
                "side = 'left'",
                "athlete = 'kim'",
                "mount = { left = [0, 1, 0], up = [0, 0, 1] }",
            ]
        )
    )
    return path


async def throw(client: aiomqtt.Client, wild: Wild) -> None:
    """Publish a message with all that MQTT 5 says beside it."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
    if wild.response_topic is not None:
        properties.ResponseTopic = wild.response_topic
    if wild.correlation_data is not None:
        properties.CorrelationData = wild.correlation_data
    await client.publish(wild.topic, wild.payload, qos=0, retain=wild.retain, properties=properties)


def standing(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return of a list of devices what does not change by itself."""
    return [{name: device[name] for name in device if name != "link"} for device in answer["data"]["devices"]]


def files(folder: Path) -> set[str]:
    """Return what there is below a folder, less what SQLite makes and takes away by itself."""
    found = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return {name for name in found if not name.endswith(("-wal", "-shm", "-journal", ".tmp"))}


async def test_a_running_daemon_is_not_moved_by_wrong_requests(
    compiled: None, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Safe requests only: all are answered between the others, strides keep coming, nothing is other than before."""
    url = f"mqtt://127.0.0.1:{mosquitto.address.port}"
    async with Subscriber.on(mosquitto.address, f"{TOPICS.root}/left/rep") as strides:
        with serving(tmp_path, "--repeat", "--sensor", "left=movesense") as air:
            config = configuration(tmp_path, air.addresses["left"])
            said = config.read_bytes()
            with started("run", "--config", config, "--radio", air.spec, "--broker", url) as process:
                await until(lambda: len(strides.messages) > 1, process)
                async with (
                    Caller.at(mosquitto.address, TOPICS) as caller,
                    aiomqtt.Client(
                        mosquitto.address.host,
                        mosquitto.address.port,
                        timeout=patience(PATIENCE_S),
                        protocol=aiomqtt.ProtocolVersion.V5,
                    ) as client,
                ):
                    await caller.heard()
                    before = standing(await caller.ask("devices"))
                    there = files(tmp_path)
                    count, number = len(strides.messages), 0
                    for number, wild in enumerate(nonsense(2, WRONG)):
                        await throw(client, wild)
                        if number % AT_ONCE == 0:
                            caller.answers.clear()
                            await caller.say("health_check", json.dumps({"transaction": f"alive {number}"}).encode())
                            mark = f"alive {number}"
                            await eventually(lambda: any(said["transaction"] == mark for _, said in caller.answers))  # noqa: B023  (waited for within the loop)
                    assert process.poll() is None
                    assert len(strides.messages) > count
                    count = len(strides.messages)
                    await until(lambda: len(strides.messages) > count + 1, process)
                    caller.answers.clear()
                    after = await caller.ask("devices", transaction="after")
                    assert standing(after) == before
                    assert not caller.retained
                    assert files(tmp_path) == there
                    assert config.read_bytes() == said
                process.send_signal(signal.SIGTERM)
                code, log = await ended(process)
    assert code == 0
    told = [json.loads(line) for line in log.splitlines()]
    assert [line for line in told if line["level"] in ("error", "critical") or "exception" in line] == []
