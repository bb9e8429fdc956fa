"""Requests by MQTT 5: answered where the caller listens, if that is a place for answers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiomqtt  # noqa: TID251 - whoever asks, next to the publisher under test
import msgspec
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ankled.daemon.demo.pace import patience
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests import answering
from ankled.daemon.requests.desk import Desk
from tests.daemon.brokers import PATIENCE_S, Mosquitto, payload
from tests.daemon.callers import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOPICS = Topics(node="gym")
RESPONSE = "ankled/gym/bridge/response"


class Heard:
    """A client of MQTT 5 that hears everything."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def ask(self, **properties: object) -> aiomqtt.Message:
        """Make a request and return the answer, wherever it comes."""
        given = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
        for name, value in properties.items():
            setattr(given, name, value)
        topic = TOPICS.request("health_check")
        await self._client.publish(topic, b'{"transaction":1}', qos=1, properties=given)
        while (message := await anext(aiter(self._client.messages))).topic.value == topic:
            pass
        return message


@contextlib.asynccontextmanager
async def hearing(mosquitto: Mosquitto) -> AsyncIterator[Heard]:
    """Yield a client of MQTT 5 and a desk that answers it."""
    address = mosquitto.address
    async with (
        Publisher(address, TOPICS, Options(timeout_s=2.0)) as publisher,
        Desk(TOPICS, "safe", {"health_check": answering.health_check(tuple)}, publisher.say) as desk,
        aiomqtt.Client(
            address.host, address.port, timeout=patience(PATIENCE_S), protocol=aiomqtt.ProtocolVersion.V5
        ) as client,
    ):
        desk.listen(publisher.incoming.listen)
        async with Caller.at(address, TOPICS) as caller:
            await caller.heard()
        await client.subscribe([("ankled/+/bridge/response/#", 1), ("ankled/+/bridge/request/#", 1), ("other/#", 1)])
        yield Heard(client)


def properties(message: aiomqtt.Message) -> dict[str, Any]:
    """Return what MQTT 5 says beside a payload."""
    assert message.properties is not None
    found: dict[str, Any] = message.properties.json()  # type: ignore[no-untyped-call]  # paho has no types here
    return found


async def test_an_answer_goes_where_the_caller_listens(mosquitto: Mosquitto) -> None:
    """Below the node's own responses, with the caller's correlation data; without a wish, where all answers go."""
    async with hearing(mosquitto) as client:
        answer = await client.ask(ResponseTopic=f"{RESPONSE}/health_check/my-Client_1", CorrelationData=b"\x00\xff7")
        assert answer.topic.value == f"{RESPONSE}/health_check/my-Client_1"
        assert properties(answer)["CorrelationData"] == "00ff37"
        assert msgspec.json.decode(payload(answer))["status"] == "ok"
        answer = await client.ask(CorrelationData=b"x")
        assert answer.topic.value == f"{RESPONSE}/health_check"
        assert properties(answer)["CorrelationData"] == "78"
        assert not answer.retain


@pytest.mark.parametrize(
    "wish",
    [
        "ankled/gym/bridge/request/health_check",
        "ankled/other/bridge/request/adopt",
        "ankled/other/bridge/response/health_check",
        "ankled/gym/bridge/state",
        "other/inbox",
        f"{RESPONSE}/",
        f"{RESPONSE}/a/b/c/d/e",
        f"{RESPONSE}/../state",
    ],
)
async def test_no_answer_is_written_elsewhere(mosquitto: Mosquitto, wish: str) -> None:
    """The daemon may write where its callers may not: such a request is refused where all answers go."""
    async with hearing(mosquitto) as client:
        answer = await client.ask(ResponseTopic=wish, CorrelationData=b"x")
        assert answer.topic.value == f"{RESPONSE}/health_check"
        said = msgspec.json.decode(payload(answer))
        assert said == {
            "transaction": 1,
            "status": "error",
            "error": f'the response topic is "{wish}", allowed is {RESPONSE}/ followed by one to four levels of '
            "letters, digits, _ and -",
        }
        assert properties(answer)["CorrelationData"] == "78"
