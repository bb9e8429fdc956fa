"""What Home Assistant is told, at real brokers: there after everything that can happen, and gone when it should be."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiomqtt  # noqa: TID251 - plays Home Assistant, next to the publisher under test
import msgspec
import pytest

from ankled.daemon.config import Config, DeviceConfig, HomeAssistantConfig, MqttConfig
from ankled.daemon.homeassistant.announcement import Site
from ankled.daemon.live import launch
from ankled.daemon.live.changes import Changes
from ankled.daemon.live.leftovers import Leftovers
from ankled.daemon.live.outlet import BrokerOutlet
from ankled.daemon.live.roster import resolve
from ankled.daemon.live.state import OFFLINE, ONLINE
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from tests.daemon.brokers import PATIENCE_S, Mosquitto, Subscriber, eventually, payload, retained
from tests.homeassistant.announcements import REPORT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ankled.daemon.homeassistant.announcer import Announcer
    from ankled.daemon.mqtt.broker_url import BrokerAddress

TOPICS = Topics(node="gym")
SITE = Site(topics=TOPICS)
OPTIONS = Options(timeout_s=2.0)
FILTER = "homeassistant/device/+/config"
BIRTH = "homeassistant/status"
ADOPTED = "c01122334455"


def config(*slugs: str, **given: Any) -> Config:
    """Return the configuration of a gym with these sensors, all worn by kim."""
    devices = tuple(DeviceConfig(slug=slug, name=f"The {slug} one", athlete="kim") for slug in slugs)
    return Config(node="gym", devices=devices, **given)


class Run:
    """A daemon as far as Home Assistant is concerned."""

    def __init__(self, publisher: Publisher, announcer: Announcer) -> None:
        self.publisher = publisher
        self.announcer = announcer

    def report(self, slug: str, **given: Any) -> None:
        """Tell the state of a sensor, as the service does."""
        report = msgspec.structs.replace(REPORT, device=slug, **given)
        self.announcer.keep(TOPICS.device(slug, "availability"), ONLINE)
        self.announcer.keep(TOPICS.device(slug, "state"), msgspec.json.encode(report))

    async def told(self) -> None:
        """Wait until the broker has everything."""
        await self.publisher.drain(PATIENCE_S)


@contextlib.asynccontextmanager
async def running(address: BrokerAddress, settings: Config) -> AsyncIterator[Run]:
    """Run one, put together as `ankled run` does it."""
    topics = Topics(base=settings.mqtt.base, node=settings.node)
    async with Outbox(None) as outbox, Publisher(address, topics, OPTIONS, outbox) as publisher:
        run = Run(publisher, launch.announcer(settings, BrokerOutlet(publisher, outbox)))
        await eventually(lambda: publisher.statistics.connected)
        yield run
        await run.told()


def clear_away(run: Run, settings: Config) -> None:
    """Look at what the broker holds of sensors that are not there."""
    Leftovers(
        TOPICS,
        run.announcer,
        wants=resolve(settings, Changes()).wants,
        there=set,
        forget=lambda slug: run.publisher.clear(TOPICS.device(slug, "availability")),
    ).listen(run.publisher.incoming.listen)


def announced(heard: Subscriber, *names: str) -> set[str]:
    """Return who is announced by what was heard so far: these by their names, all others by their topics."""
    last = {str(message.topic): payload(message) for message in heard.messages}
    known = {SITE.topic(name): name for name in (*EVERYBODY, *names)}
    return {known.get(topic, topic) for topic, words in last.items() if words}


EVERYBODY = ("bridge", "athlete/kim", "left", "right")


async def test_everybody_is_announced_and_stays_so(broker: BrokerAddress) -> None:
    """Bridge, athlete and sensors; an end of the daemon is told by availability, and takes back nothing."""
    async with running(broker, config("left", "right")) as run:
        run.report("left")
        run.report("right")
    async with Subscriber.on(broker, FILTER) as heard:
        await heard.until(4)
        assert announced(heard) == set(EVERYBODY)
    kept = await retained(broker)
    assert msgspec.json.decode(kept[SITE.topic("left")])["device"]["name"] == "The left one"
    assert kept[TOPICS.bridge("state")] == OFFLINE
    assert kept[TOPICS.device("left", "availability")] == ONLINE


async def test_a_broker_that_forgot_is_told_again(mosquitto: Mosquitto) -> None:
    """Without persistence nothing outlives mosquitto: all announcements are there after its restart, with the rest."""
    async with running(mosquitto.address, config("left")) as run:
        run.report("left")
        await run.told()
        before = await retained(mosquitto.address)
        mosquitto.kill()
        await eventually(lambda: not run.publisher.statistics.connected)
        mosquitto.start()
        async with Subscriber.on(mosquitto.address) as heard:
            await eventually(lambda: {str(message.topic): payload(message) for message in heard.messages} == before)
        assert SITE.topic("left") in before


async def test_home_assistant_is_born(broker: BrokerAddress) -> None:
    """At its birth everything retained is sent once more; at its end, or at a birth of long ago, it is not."""
    async with aiomqtt.Client(broker.host, broker.port) as home:
        await home.publish(BIRTH, b"online", qos=1, retain=True)
        async with running(broker, config("left")) as run:
            run.report("left")
            await run.told()
            everything = {topic for topic in await retained(broker) if topic != BIRTH}
            async with Subscriber.on(broker, "#") as heard:
                await heard.until(len(everything) + 1)
                for words in (b"offline", b"online"):
                    await home.publish(BIRTH, words, qos=1)

                def fresh() -> list[str]:
                    return [str(message.topic) for message in heard.messages if not message.retain]

                await eventually(lambda: everything <= set(fresh()))
                assert sorted(fresh()) == sorted([*everything, BIRTH, BIRTH])
    assert {SITE.topic("left"), TOPICS.bridge("info"), TOPICS.device("left", "state")} <= everything


async def test_a_sensor_that_left_the_configuration_is_taken_back(broker: BrokerAddress) -> None:
    """Also if nobody ran when it did: the next run finds what the last one announced, and clears it alone."""
    foreign = {
        "homeassistant/device/kettle/config": b'{"origin":{"name":"kettle"},"components":{}}',
        "homeassistant/device/broken/config": b"not JSON",
        "homeassistant/device/mine/config": (
            b'{"origin":{"name":"ankled"},"components":{"a":{"state_topic":"ankled/gym/right/rep"}}}'
        ),
    }
    async with aiomqtt.Client(broker.host, broker.port) as others:
        for topic, words in foreign.items():
            await others.publish(topic, words, qos=1, retain=True)
    async with running(broker, config("left", "right")) as run:
        run.report("left")
        run.report("right")
    async with running(broker, msgspec.structs.replace(config("right"), node="club")) as other:
        other.report("right")
    club = Site(topics=Topics(node="club"))
    theirs = {club.topic(path) for path in ("bridge", "athlete/kim", "right")}
    async with Subscriber.on(broker, FILTER) as heard:
        await eventually(lambda: announced(heard) == {*theirs, *foreign, *EVERYBODY})
        async with running(broker, config("left")):
            await eventually(lambda: announced(heard) == {*theirs, *foreign, "bridge", "athlete/kim", "left"})
        async with running(broker, config()):
            await eventually(lambda: announced(heard) == {*theirs, *foreign, "bridge"})


async def test_discovery_that_is_switched_off_takes_all_back(broker: BrokerAddress) -> None:
    """`enabled = false` leaves nothing behind, and announces nothing."""
    async with running(broker, config("left")) as run:
        run.report("left")
    off = config("left", homeassistant=HomeAssistantConfig(enabled=False))
    async with Subscriber.on(broker, FILTER) as heard:
        await eventually(lambda: announced(heard) == {"bridge", "athlete/kim", "left"})
        async with running(broker, off) as run:
            run.report("left")
            await eventually(lambda: announced(heard) == set())
            run.announcer.want(launch.wearers(config()), adopt=False)
        assert announced(heard) == set()


@pytest.mark.parametrize("adopt", ["none", "known-drivers"])
async def test_an_adopted_sensor_stays_while_sensors_are_adopted(broker: BrokerAddress, adopt: Any) -> None:
    """It may come again; until then it is away, whatever a crash had left. Where none is adopted it is taken back."""
    async with running(broker, config(adopt="known-drivers")) as run:
        run.report(ADOPTED, athlete=None)
    async with Subscriber.on(broker) as heard:
        await eventually(lambda: SITE.topic(ADOPTED) in {str(message.topic) for message in heard.messages})
        found = {str(message.topic): payload(message) for message in heard.messages}
        assert msgspec.json.decode(found[SITE.topic(ADOPTED)])["device"]["name"] == REPORT.name
        away = {(TOPICS.device(ADOPTED, "availability"), OFFLINE)}
        gone = {(SITE.topic(ADOPTED), b""), (TOPICS.device(ADOPTED, "availability"), b"")}
        expected = gone if adopt == "none" else away
        async with running(broker, config(adopt=adopt)) as run:
            clear_away(run, config(adopt=adopt))
            await eventually(lambda: expected <= {(str(m.topic), payload(m)) for m in heard.messages})
    kept = await retained(broker)
    assert (SITE.topic(ADOPTED) in kept) == (adopt != "none")
    assert kept.get(TOPICS.device(ADOPTED, "availability")) == (None if adopt == "none" else OFFLINE)


async def test_one_that_was_let_go_is_not_waited_for(broker: BrokerAddress) -> None:
    """It is configured under another name by now: what was announced of it goes, and nothing comes back for it."""
    async with running(broker, config(adopt="known-drivers")) as run:
        run.report(ADOPTED, athlete=None)
    async with Publisher(broker, TOPICS, OPTIONS) as publisher, Subscriber.on(broker, FILTER) as heard:
        settings = config("left", adopt="known-drivers")
        announcer = launch.announcer(settings, BrokerOutlet(publisher, Outbox(None)))
        announcer.forget(ADOPTED)
        gone = (SITE.topic(ADOPTED), b"")
        await eventually(lambda: gone in [(str(message.topic), payload(message)) for message in heard.messages])
        await publisher.drain(PATIENCE_S)
    assert (await retained(broker))[TOPICS.device(ADOPTED, "availability")] == ONLINE


async def test_a_configuration_that_changes_while_it_runs(broker: BrokerAddress) -> None:
    """Renamed, removed, another athlete: what is no more is taken back, what is new is announced by its state."""
    names = ("other", "athlete/alex", ADOPTED)
    async with (
        Subscriber.on(broker, FILTER) as heard,
        running(broker, config("left", "right", adopt="known-drivers")) as run,
    ):
        run.report("left")
        run.report("right")
        run.report(ADOPTED, athlete=None)
        await eventually(lambda: announced(heard, *names) == {*EVERYBODY, ADOPTED})
        run.announcer.want(launch.wearers(config("left", "other")), adopt=True)
        run.report("left", athlete="alex")
        run.report("other", athlete="alex")
        expected = {"bridge", "athlete/alex", "left", "other", ADOPTED}
        await eventually(lambda: announced(heard, *names) == expected)
        run.announcer.want(launch.wearers(config("left")), adopt=False)
        for slug in ("right", "other", ADOPTED):
            run.report(slug)  # the last word of one that is put to rest
        run.report("left", athlete=None)
        await eventually(lambda: announced(heard, *names) == {"bridge", "left"})


async def test_another_prefix_and_base(broker: BrokerAddress) -> None:
    """Home Assistant may listen elsewhere, and our topics may stand elsewhere."""
    told = HomeAssistantConfig(prefix="house/ha", birth_topic="house/born")
    async with running(broker, config("left", homeassistant=told, mqtt=MqttConfig(base="club/hall"))) as run:
        await run.told()
    site = Site(topics=Topics(base="club/hall", node="gym"), prefix="house/ha")
    kept = await retained(broker, "house/ha/#")
    assert kept.keys() == {site.topic("bridge"), site.topic("athlete/kim")}
    assert b'"club/hall/gym/bridge/state"' in kept[site.topic("bridge")]
