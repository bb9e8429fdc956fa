"""The example of an access list, in a real mosquitto: readers read, operators ask, and each node speaks for itself."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import aiomqtt  # noqa: TID251 - users of the broker, next to the publisher under test
import msgspec
import pytest

from ankled.daemon.demo.pace import patience
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests import answering
from ankled.daemon.requests.desk import Desk
from tests.daemon.brokers import PATIENCE_S, Mosquitto, Subscriber, eventually, find, payload

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "systemd" / "mosquitto-acl.example"
USERS = ("reader", "viewer", "operator", "node-a", "node-b", "homeassistant")
REQUEST, RESPONSE = "ankled/node-a/bridge/request", "ankled/node-a/bridge/response"
TELLING = ("ankled/node-a/bridge/state", "ankled/node-a/left/rep", f"{RESPONSE}/history")
ANNOUNCING = "homeassistant/device/node-a-left/config"
LOOKING = tuple(f"{REQUEST}/{name}" for name in ("history", "health_check", "devices"))
CHANGING = tuple(f"{REQUEST}/{name}" for name in ("adopt", "mark_set", "reload"))
MAY = {
    "reader": (),
    "viewer": LOOKING,
    "operator": (*LOOKING, *CHANGING),
    # what it asks of itself alters no one else
    "node-a": (*TELLING, *LOOKING, *CHANGING, ANNOUNCING),
    "node-b": (ANNOUNCING,),
    "homeassistant": (ANNOUNCING,),
}


@pytest.fixture
def guarded(mosquitto_program: str, tmp_path: Path) -> Iterator[BrokerAddress]:
    """Run a mosquitto with the example, whose users have their names as passwords."""
    passwords, acl = tmp_path / "passwords", tmp_path / "acl"
    acl.write_text(EXAMPLE.read_text())
    passwords.touch()
    for path in (passwords, acl):
        path.chmod(0o600)
    program = find("mosquitto_passwd")
    assert program is not None
    for user in USERS:
        subprocess.run([program, "-b", str(passwords), user, user], check=True, timeout=PATIENCE_S)
    lines = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {acl}")
    broker = Mosquitto(mosquitto_program, tmp_path, *lines)
    broker.start()
    yield broker.address
    broker.kill()


def as_user(address: BrokerAddress, user: str) -> BrokerAddress:
    """Return the address with the credentials of a user."""
    return BrokerAddress(host=address.host, port=address.port, username=user, password=user)


def client(address: BrokerAddress, user: str) -> aiomqtt.Client:
    """Return a client of a user."""
    return aiomqtt.Client(address.host, address.port, username=user, password=user, timeout=patience(PATIENCE_S))


async def mark(address: BrokerAddress, subscriber: Subscriber) -> list[aiomqtt.Message]:
    """Return what a subscriber has heard when all that was acknowledged before has come."""
    async with client(address, "node-a") as node:
        await node.publish("ankled/node-a/marker", b"", qos=1)
    await eventually(lambda: any(message.topic.matches("ankled/node-a/marker") for message in subscriber.messages))
    return [message for message in subscriber.messages if not message.topic.matches("ankled/node-a/marker")]


@pytest.mark.parametrize("user", USERS)
async def test_everybody_publishes_what_they_may_and_nothing_else(guarded: BrokerAddress, user: str) -> None:
    """A reader asks nothing, a viewer only looks, an operator speaks for no node, and no node for another."""
    everything = (*TELLING, *LOOKING, *CHANGING, ANNOUNCING, f"{REQUEST}/history/deeper", "ankled/bridge", "other")
    async with Subscriber.on(as_user(guarded, "homeassistant")) as witness:
        async with client(guarded, user) as speaking:
            for topic in everything:
                await speaking.publish(topic, b"{}", qos=1)  # acknowledged when it was passed on, or dropped
        heard = [str(message.topic) for message in await mark(guarded, witness)]
    deeper = [f"{REQUEST}/history/deeper"] if user == "node-a" else []  # its own tree, which nobody listens to
    assert heard == [topic for topic in everything if topic in {*MAY[user], *deeper}]


@pytest.mark.parametrize(
    ("user", "sees"),
    [
        ("reader", {"results", "answers", "requests"}),
        ("viewer", {"results", "answers", "requests"}),
        ("operator", {"results", "answers", "requests"}),
        ("node-a", {"results", "answers", "requests"}),
        ("node-b", set()),
    ],
)
async def test_everybody_sees_what_they_may(guarded: BrokerAddress, user: str, sees: set[str]) -> None:
    """A node sees what it has said itself and what is asked of it, and nothing of other nodes."""
    topics = {
        "results": "ankled/node-a/left/rep",
        "answers": f"{RESPONSE}/history",
        "requests": f"{REQUEST}/history",
    }
    async with Subscriber.on(as_user(guarded, user)) as subscriber, client(guarded, "node-a") as node:
        for topic in topics.values():
            await node.publish(topic, b"{}", qos=1)
        await node.publish("homeassistant/device/marker/config", b"", qos=1)
        if user.startswith("node"):
            marker = "homeassistant/device/marker/config"
            await eventually(lambda: any(message.topic.matches(marker) for message in subscriber.messages))
        else:
            await mark(guarded, subscriber)
        heard = {str(message.topic) for message in subscriber.messages}
    assert {name for name, topic in topics.items() if topic in heard} == sees


async def test_a_node_under_the_list_answers_its_operator(guarded: BrokerAddress) -> None:
    """The desk works with no more than the list lets its node do; what a reader asks does not reach it."""
    topics = Topics(node="node-a")
    address = as_user(guarded, "node-a")
    async with (
        Publisher(address, topics, Options(timeout_s=2.0)) as publisher,
        Desk(topics, "safe", {"health_check": answering.health_check(tuple)}, publisher.say) as desk,
        client(guarded, "reader") as reader,
        client(guarded, "operator") as operator,
        Subscriber.on(as_user(guarded, "operator"), f"{RESPONSE}/#") as answers,
    ):
        desk.listen(publisher.incoming.listen)
        while not answers.messages:
            await operator.publish(f"{REQUEST}/health_check", b"{}", qos=1)
            await asyncio.sleep(0.05)
        await reader.publish(f"{REQUEST}/health_check", b'{"transaction":"reader"}', qos=1)
        await operator.publish(f"{REQUEST}/health_check", b'{"transaction":"operator"}', qos=1)

        def transactions() -> list[object]:
            return [msgspec.json.decode(payload(message))["transaction"] for message in answers.messages]

        await eventually(lambda: "operator" in transactions())
        assert "reader" not in transactions()
