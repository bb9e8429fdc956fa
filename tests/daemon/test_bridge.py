"""The whole topic tree at a real broker: every topic in its form, retained where it should be, and told once more."""

from __future__ import annotations

import asyncio
import io
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest
import structlog

from ankled.daemon import logs
from ankled.daemon.bridge.health import FIELDS, BridgeHealth
from ankled.daemon.bridge.info import Info
from ankled.daemon.bridge.journal import LogLine
from ankled.daemon.demo import pace
from ankled.daemon.moments import Imu, Live
from ankled.daemon.records import Rep
from ankled.daemon.requests.forms import Devices
from tests.daemon.brokers import Mosquitto, Subscriber, eventually, payload, retained

if TYPE_CHECKING:
    from collections.abc import Iterator


from tests.daemon.bridged import FORMS, KEPT, ROOT, SECRET, SPEED, WORDS, daemon, name_of, scene


@pytest.fixture(autouse=True, scope="module")
def _own_logs(compiled: None) -> Iterator[None]:
    """Log as the command does, and take that back."""
    logs.configure("info", "json", io.StringIO())
    yield
    logs.unconfigure()


class Heard:
    """What was published in a session, as (topic, payload, retained), and what the broker kept of it."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.during: dict[str, bytes] = {}
        self.after: dict[str, bytes] = {}

    def of(self, name: str, kind: type[Any]) -> list[Any]:
        """Return every message of a kind."""
        return [msgspec.json.decode(words, type=kind, strict=True) for topic, words in self.messages
                if name_of(topic) == name]  # fmt: skip


@pytest.fixture(scope="module")
def heard(compiled: None, mosquitto_program: str, tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """Return what a subscriber to everything heard of one whole session, and what a late one is given."""
    result = Heard()

    async def whole() -> None:
        server = Mosquitto(mosquitto_program, tmp_path_factory.mktemp("broker"))
        server.start()
        try:
            folder = tmp_path_factory.mktemp("captures")
            async with Subscriber.on(server.address, f"{ROOT}/#") as subscriber, scene() as world:
                async with daemon(world, server.address, folder / "outbox.db", folder / "session.mcap") as live:
                    begun_s = await world.begun()
                    assert world.stage is not None
                    await asyncio.sleep(10.0)
                    structlog.stdlib.get_logger("ankled.daemon.live.x").warning(
                        "something odd", broker=f"mqtt://coach:{SECRET}@host", password=SECRET, file=str(folder / "x")
                    )
                    await asyncio.sleep(begun_s + world.stage.duration_s - world.now_s)
                    await asyncio.sleep(15.0)
                    await eventually(lambda: live.bridge.health().latency.acknowledged.results > 0)
                    result.during = await retained(server.address, f"{ROOT}/#")
                await eventually(lambda: any(str(m.topic).endswith("/session") for m in subscriber.messages))
                result.after = await retained(server.address, f"{ROOT}/#")
            result.messages = [(str(one.topic), payload(one)) for one in subscriber.messages]
        finally:
            server.kill()

    with asyncio.Runner(loop_factory=pace.factory(SPEED)) as runner:
        runner.run(whole())
    return result


def test_every_topic_holds_what_its_form_says(heard: Heard) -> None:
    """Nothing is published below the node that is not of the tree, and each message decodes into its struct."""
    names = {name_of(topic) for topic, _ in heard.messages}
    assert names == FORMS.keys() | WORDS | ({"alert"} & names)
    for topic, words in heard.messages:
        if (kind := FORMS.get(name_of(topic))) is not None:
            made = msgspec.json.decode(words, type=kind, strict=True)
            assert msgspec.json.decode(words).keys() == msgspec.json.decode(msgspec.json.encode(made)).keys()
        elif name_of(topic) in WORDS:
            assert words in {b'{"state":"online"}', b'{"state":"offline"}'}


def test_a_late_subscriber_is_given_what_holds_and_nothing_of_the_moment(heard: Heard) -> None:
    """Retained are state, availability, info, health, devices, the last set and session, and nothing else."""
    assert {name_of(topic) for topic in heard.during} == KEPT - {"session"}
    assert {name_of(topic) for topic in heard.after} == KEPT
    assert heard.during[f"{ROOT}/bridge/state"] == b'{"state":"online"}'
    assert heard.after[f"{ROOT}/bridge/state"] == b'{"state":"offline"}'
    for side in ("left", "right"):
        assert heard.during[f"{ROOT}/{side}/availability"] == b'{"state":"online"}'
        assert heard.after[f"{ROOT}/{side}/availability"] == b'{"state":"offline"}'


def test_health_has_a_figure_for_everything(heard: Heard) -> None:
    """Rates, counts, latencies and queues are those of the session, and an idle minute later all is well."""
    health = msgspec.json.decode(heard.during[f"{ROOT}/bridge/health"], type=BridgeHealth)
    assert {one.device for one in health.devices} == {"left", "right"}
    for one in health.devices:
        assert one.online
        assert one.rate_measured_hz == pytest.approx(one.rate_hz, rel=0.1)
        assert one.samples > 1000
        assert one.packets > 100
        assert one.rssi_dbm == -60
        assert one.gaps == one.missing == one.undecodable == one.clock_refused == one.given_up == 0
        assert one.clock_uncertainty_ms is not None
        assert 0.0 < one.clock_uncertainty_ms < 60.0
    reps = heard.of("rep", Rep)
    assert health.latency.published.results >= len(reps)
    assert health.latency.acknowledged.results >= len(reps)
    assert health.latency.acknowledged.p50_ms is not None
    assert health.latency.acknowledged.p99_ms is not None
    assert 0.0 < health.latency.acknowledged.p50_ms <= health.latency.acknowledged.p99_ms
    assert health.broker is not None
    assert health.broker.connected
    assert health.capture is not None
    assert health.capture.fault is None
    assert health.capture.bytes > 10_000
    assert health.outbox is not None
    assert (health.outbox.dropped, health.outbox.lost, health.outbox.fault) == (0, 0, None)
    assert health.outbox.size_bytes > 0
    assert health.inputs.dropped == 0
    assert health.inputs.passed > 1000
    assert [(one.adapter, one.state, one.taken) for one in health.adapters] == [("soft", "resting", 2)]
    assert health.process.threads > 1
    assert health.process.rss_mib is None or health.process.rss_mib > 20.0
    last = {side: max(one.seq for one in reps if one.device == side) for side in ("left", "right")}
    assert all(health.last_seq[side] >= seq for side, seq in last.items())
    assert health.last_seq["kim"] > 0
    assert health.healthy == (not health.problems)


def test_health_comes_every_ten_seconds(heard: Heard) -> None:
    """With nothing going wrong the topic is told about every ten seconds, and more often only for other problems."""
    told = heard.of("bridge/health", BridgeHealth)
    steady = None
    spans_s: list[float] = []
    for before, after in pairwise(told):
        span_s = after.process.uptime_s - before.process.uptime_s
        assert span_s < 12.0
        if after.problems != before.problems:
            steady = None  # told for that: the next one comes when it is due
            continue
        spans_s += [] if steady is None else [span_s]
        steady = after
    assert len(spans_s) > 1
    assert min(spans_s[:-1]) >= 9.9


def test_home_assistant_is_shown_figures_that_are_there(heard: Heard) -> None:
    """Every figure announced as an entity is at its path in the message, as a number."""
    health = msgspec.json.decode(heard.during[f"{ROOT}/bridge/health"])
    for field in FIELDS:
        found: Any = health
        for part in field.key.split("."):
            found = None if found is None else found[part]
        assert isinstance(found, int | float), field.key


def test_devices_are_listed_once_and_not_for_every_packet(heard: Heard) -> None:
    """The list says who is wanted, under which label and on whose leg; five seconds lie between two lists."""
    told = heard.of("bridge/devices", Devices)
    assert len(told) <= 12
    final = told[-1]
    assert [(one.slug, one.label, one.origin, one.athlete, one.side) for one in final.devices] == [
        ("left", "The left one", "configured", "kim", "left"),
        ("right", "The right one", "configured", "kim", "right"),
    ]


def test_info_says_what_it_is_and_nothing_of_its_machine(heard: Heard) -> None:
    """Version, schemas, drivers and capabilities; every schema that was published is among those announced."""
    info = msgspec.json.decode(heard.during[f"{ROOT}/bridge/info"], type=Info)
    assert (info.node, info.base) == ("gym", "ankled")
    assert {"movesense", "openankle", "battery"} <= set(info.drivers)
    assert info.capabilities.imu
    published = {msgspec.json.decode(words).get("schema") for _, words in heard.messages} - {None}
    assert published <= set(info.schemas)
    assert "/" not in "".join(info.drivers)


def test_samples_are_published_for_whom_it_is_asked(heard: Heard) -> None:
    """The left sensor's samples come whole, in order and at most ten times a second; the right one's do not."""
    assert {topic for topic, _ in heard.messages if topic.endswith("/imu")} == {f"{ROOT}/left/imu"}
    told = heard.of("imu", Imu)
    count = sum(len(one.offset_s) for one in told)
    health = msgspec.json.decode(heard.during[f"{ROOT}/bridge/health"], type=BridgeHealth)
    assert count >= next(one.samples for one in health.devices if one.device == "left")
    times = [one.t0_s + offset for one in told for offset in one.offset_s]
    assert times == sorted(times)
    span_s = times[-1] - times[0]
    assert count == pytest.approx(100.0 * span_s, rel=0.01)
    assert len(told) <= 10.0 * span_s + 1.0
    for one in told:
        assert one.gyr_rad_s is not None
        assert len(one.acc_mps2) == len(one.gyr_rad_s) == len(one.offset_s)
    assert sum(value * value for value in told[0].acc_mps2[0]) ** 0.5 == pytest.approx(9.81, abs=0.5)


def test_live_is_bounded_and_ends_with_the_session(heard: Heard) -> None:
    """At most ten messages of a sensor lie in any second of session time, also for whoever counts at the broker."""
    for side in ("left", "right"):
        times = [one.known_at_s for one in heard.of("live", Live) if one.device == side]
        assert len(times) > 100
        assert all(later - earlier > 0.93 for earlier, later in zip(times, times[10:], strict=False))


def test_the_log_is_told_without_secrets_and_paths(heard: Heard) -> None:
    """A warning arrives with its values; what is secret, or a path of the machine, does not."""
    told = [one for one in heard.of("bridge/logging", LogLine) if one.event == "something odd"]
    assert len(told) == 1
    assert told[0].level == "warning"
    assert told[0].values["broker"] == "mqtt://***@host"
    assert told[0].values["password"] == "***"  # noqa: S105 - stars
    assert told[0].values["file"] == ".../x"
    assert not [topic for topic, words in heard.messages if SECRET.encode() in words]
    assert not [one for one in heard.of("bridge/logging", LogLine) if one.level in {"debug", "info"}]


def test_the_forms_are_all_records_and_the_bridge() -> None:
    """A kind of record that is added is looked at here too."""
    from ankled.daemon.records import Record  # noqa: PLC0415  (for this alone)

    known = {kind.__name__ for kind in FORMS.values()} | {"Alert", "Standing"}
    assert {kind.__name__ for kind in get_args(Record)} <= known
