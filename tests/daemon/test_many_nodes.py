"""Three nodes at once: on one broker, and on two that are bridged as the examples say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from structlog.testing import capture_logs

from ankled.daemon.live import launch
from ankled.daemon.live.twin import Twin
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.offline import run_recording
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.records import Event, Rep, to_json
from tests.daemon.brokers import HOST, PATIENCE_S, Gate, Mosquitto, Subscriber, eventually, retained
from tests.daemon.callers import Caller
from tests.daemon.nodes import all_heard, heard, nodes, take, times
from tests.daemon.wearers import WALK_LIFT_WALK, legs, settings
from tests.house import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.records import Record

EXAMPLES = tree.ROOT / "docs" / "examples"
NODES = ("gym", "pool", "track")
LINK = "ankled-links/gym"


@pytest.fixture(scope="module")
def records() -> dict[str, list[Record]]:
    """Return what three nodes make of one wearer: the same devices, athlete and numbers, told apart by the node."""
    recordings = legs(*WALK_LIFT_WALK)
    return {node: run_recording(settings(node=node), recordings) for node in NODES}


def bridged(program: str, folder: Path, example: str, other: BrokerAddress) -> Mosquitto:
    """Return a broker that runs an example of the documentation, its addresses replaced by those of the test."""
    folder.mkdir()
    lines = (EXAMPLES / example).read_text(encoding="utf-8").splitlines()
    own = [line for line in lines if not re.match(r"listener|persistence|autosave|#|$", line)]
    text = re.sub(r"(?m)^address .*", f"address {HOST}:{other.port}", "\n".join(own))
    return Mosquitto(program, folder, text)


@pytest.fixture
def hall(mosquitto_program: str, tmp_path: Path) -> Iterator[Mosquitto]:
    """Run the broker that others connect to."""
    folder = tmp_path / "hall"
    folder.mkdir()
    broker = Mosquitto(mosquitto_program, folder)
    broker.start()
    yield broker
    broker.kill()


async def history(address: BrokerAddress, node: str, after_seq: int) -> dict[str, Any]:
    """Ask a node for what its left weight has published, through whichever broker."""
    async with Caller.at(address, Topics(node=node)) as caller:
        return await caller.ask("history", source="left", after_seq=after_seq, limit=3, transaction=node)


def given(records: list[Record], after_seq: int) -> list[Any]:
    """Return what the answer to that holds."""
    left = [record for record in records if record.id.split("/")[1] == "left"]  # type: ignore[union-attr]  # a wearer of weights that compute nothing has no live records
    return [json.loads(to_json(record)) for record in left if record.seq > after_seq][:3]  # type: ignore[union-attr]  # the same


async def test_three_nodes_on_one_broker(broker: BrokerAddress, records: dict[str, list[Record]]) -> None:
    """The same weights and the same athlete on three nodes: every result comes on the topics of its own node."""
    async with Subscriber.on(broker, "ankled/#") as subscriber, nodes(dict.fromkeys(NODES, broker)) as made:
        take(made, records, slice(None))
        await all_heard(subscriber, records)
        for node in NODES:
            named = {msgspec.json.decode(record)["node"] for _, record in heard(subscriber, node)}
            assert named == {node}
    assert {type(record) for record in records["gym"]} >= {Rep, Event}


async def test_a_site_tells_the_hall(
    hall: Mosquitto, mosquitto_program: str, tmp_path: Path, records: dict[str, list[Record]]
) -> None:
    """Two nodes at a site, one at the hall. Results made while the link is down follow, and the hall knows that it is.

    A request finds its way to its node at the site and the answer back, once; nothing of the hall's gets to the site.
    """
    gate = Gate(hall.address)
    await gate.open()
    site = bridged(mosquitto_program, tmp_path / "site", "bridge-site.conf", gate.address)
    site.start()
    where = {"gym": site.address, "pool": site.address, "track": hall.address}
    half = len(records["gym"]) // 2
    try:
        async with (
            Subscriber.on(hall.address) as above,
            Subscriber.on(site.address, "ankled/#") as below,
            nodes(where) as made,
        ):
            await eventually(lambda: times(above, LINK) == 1)
            take(made, records, slice(half))
            await all_heard(above, records, half)
            answer = await history(hall.address, "pool", 2)
            assert (answer["transaction"], answer["status"]) == ("pool", "ok")
            assert [past["record"] for past in answer["data"]["results"]] == given(records["pool"], 2)
            await gate.shut()
            await eventually(lambda: times(above, LINK) == 2)
            assert (await retained(hall.address, LINK))[LINK] == b"0"
            take(made, records, slice(half, None))
            await all_heard(below, {node: records[node] for node in ("gym", "pool")})
            await gate.open()
            await all_heard(above, records)
            assert (await retained(hall.address, LINK))[LINK] == b"1"
        assert [question["transaction"] for question in made["pool"].asked] == ["pool"]
        assert times(above, "ankled/pool/bridge/request/#") == times(below, "ankled/pool/bridge/request/#") == 1
        assert times(below, "ankled/track/#") == 0
    finally:
        site.kill()
        await gate.shut()


async def test_two_brokers_as_equals(
    hall: Mosquitto, mosquitto_program: str, tmp_path: Path, records: dict[str, list[Record]]
) -> None:
    """Subscribers of either broker get all results of the nodes of both, each once: nothing comes round again."""
    peer = bridged(mosquitto_program, tmp_path / "peer", "bridge-peers.conf", hall.address)
    peer.start()
    where = {"gym": peer.address, "pool": peer.address, "track": hall.address}
    try:
        async with (
            Subscriber.on(hall.address) as above,
            Subscriber.on(peer.address) as below,
            nodes(where) as made,
        ):
            await eventually(lambda: times(above, LINK) == times(below, LINK) == 1)
            take(made, records, slice(None))
            for subscriber in (above, below):
                await all_heard(subscriber, records)
            answer = await history(peer.address, "track", 4)
            assert [past["record"] for past in answer["data"]["results"]] == given(records["track"], 4)
            for subscriber in (above, below):
                counts = {node: times(subscriber, f"ankled/{node}/left/rep") for node in NODES}
                reps = sum(isinstance(record, Rep) and record.device == "left" for record in records["gym"])
                assert counts == dict.fromkeys(NODES, reps)
        assert [question["transaction"] for question in made["track"].asked] == ["track"]
        assert made["gym"].asked == made["pool"].asked == []
    finally:
        peer.kill()


async def test_two_daemons_of_one_name_are_told(mosquitto: Mosquitto) -> None:
    """They throw each other off; both find the other's word where their own was, and both say so once."""
    topics = Topics(node="gym")
    twins = []
    with capture_logs() as logs:
        async with contextlib.AsyncExitStack() as stack:
            for instance in ("a", "b"):
                info = msgspec.json.encode({"instance": instance})
                publisher = await stack.enter_async_context(Publisher(mosquitto.address, topics, Options(info=info)))
                twins.append(Twin(topics, info))
                twins[-1].listen(publisher.incoming.listen)
            await eventually(lambda: all(twin.problem for twin in twins))
    assert twins[0].problem is not None
    assert twins[0].problem.startswith("another daemon publishes below ankled/gym, too")
    assert sorted(line["other"] for line in logs if line["event"] == "not alone") == [
        '{"instance":"a"}',
        '{"instance":"b"}',
    ]


async def test_a_twin_and_a_damaged_outbox_are_troubles_for_health(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Both daemons of one name say so; who found damage says that too, without naming a file of its machine."""
    topics = Topics(node="gym")
    path = tmp_path / "outbox.db"
    path.write_bytes(b"no database at all" * 100)
    with capture_logs():
        async with (
            launch.publishing(mosquitto.address, topics, Options(info=b'{"instance":"a"}'), Outbox(path)) as damaged,
            launch.publishing(mosquitto.address, topics, Options(info=b'{"instance":"b"}'), Outbox(None)) as well,
        ):
            assert well.troubles() == []
            await eventually(lambda: len(damaged.troubles()) == 2 and len(well.troubles()) == 1)
            assert "give one of them another node" in well.troubles()[0]
            assert "outbox was not in order" in damaged.troubles()[1]
            assert str(tmp_path) not in "".join(damaged.troubles())


async def test_a_daemon_that_is_started_again_is_no_twin(mosquitto: Mosquitto) -> None:
    """What its predecessor left with the broker, and its own word after the broker's connection broke, are no other."""
    topics = Topics(node="gym")
    gate = Gate(mosquitto.address)
    await gate.open()
    async with Publisher(mosquitto.address, topics, Options(info=b'{"instance":"before"}')) as publisher:
        await eventually(lambda: publisher.statistics.connected)
    async with Publisher(gate.address, topics, Options(info=b'{"instance":"now"}')) as publisher:
        twin = Twin(topics, b'{"instance":"now"}')
        twin.listen(publisher.incoming.listen)
        for connections in range(3):
            await eventually(lambda: publisher.statistics.connected)
            await publisher.drain(PATIENCE_S)
            gate.cut()
            await eventually(lambda count=connections: publisher.statistics.reconnects > count)  # type: ignore[misc]  # the count of this round
        await asyncio.sleep(0)
    await gate.shut()
    assert twin.problem is None
