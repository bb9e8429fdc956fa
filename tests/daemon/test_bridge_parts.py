"""The parts that the bridge tells of itself by: latencies, problems, lists that are news, samples in batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.bridge import problems
from ankled.daemon.bridge.gauges import Histogram, LoopLag, Ways
from ankled.daemon.bridge.health import CaptureState, DeviceHealth, OutboxHealth
from ankled.daemon.bridge.imu import ImuStream
from ankled.daemon.bridge.notices import MOST_NEARBY, Notices, bounded
from ankled.daemon.inputs import Config
from ankled.daemon.live.queue import QueueStatistics
from ankled.daemon.live.status import AdapterStatus, DeviceStatus, Nearby, SupervisorStatus
from ankled.daemon.moments import Imu
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Rep
from ankled.daemon.requests.forms import Devices, Listed
from ankled.daemon.settings import DeviceSettings, PipelineSettings
from ankled.drivers.samples import Samples
from ankled.simulators.radio.virtual import run_virtual
from tests.daemon.records import make

if TYPE_CHECKING:
    from ankled.daemon.live.status import DeviceState

NS = 1_000_000_000
MINUTE_NS = 60 * NS

DEVICE = DeviceStatus(
    slug="left", state="streaming", since_ns=0, epoch=1, adopted=False, address=None, name=None, driver=None,
    adapter=None, rssi_dbm=None, mtu=None, attempts=1, reconnects=0, packets=0, packet_age_s=None, retry_s=None,
    last_error=None,
)  # fmt: skip
WELL = msgspec.convert(dict.fromkeys(DeviceHealth.__struct_fields__)
                       | {"device": "left", "link": "streaming", "online": True, "samples": 0, "packets": 0,
                          "attempts": 1, "reconnects": 0}, DeviceHealth)  # fmt: skip
RADIO = SupervisorStatus(devices=(), adapters=(), strays=0, late_actions=0)
QUEUE = QueueStatistics(waiting=0, capacity=10, most=0, passed=0, dropped=0)
OUTBOX = OutboxHealth(pending=0, dropped=0, lost=0, size_bytes=0, fault=None)
CAPTURE = CaptureState(queued=0, lost=0, files=1, bytes=0, age_s=0.0, fault=None)


@given(st.lists(st.floats(0.2, 1e6), min_size=1, max_size=300))
def test_quantiles_are_right_to_the_width_of_a_bucket(values_ms: list[float]) -> None:
    """Half, and 99 of 100 values, lie at or below what is told, which is at most 12.3 % above the true quantile."""
    histogram = Histogram()
    for value_ms in values_ms:
        histogram.add(value_ms, 0)
    told = histogram.told(0)
    assert told.results == len(values_ms)
    for share, found in ((0.5, told.p50_ms), (0.99, told.p99_ms)):
        true = float(np.quantile(values_ms, share, method="inverted_cdf"))
        assert found is not None
        assert true * 0.999 <= found <= true * 1.124


def test_old_latencies_are_forgotten() -> None:
    """What is told is of the last five to ten minutes; without results in them nothing is known."""
    histogram = Histogram()
    histogram.add(1000.0, 6 * MINUTE_NS)
    assert histogram.told(8 * MINUTE_NS).results == 1
    histogram.add(1.0, 12 * MINUTE_NS)
    assert histogram.told(12 * MINUTE_NS).results == 2
    assert histogram.told(17 * MINUTE_NS + NS).results == 1
    assert histogram.told(40 * MINUTE_NS).p50_ms is None


def test_a_result_is_measured_from_its_packet_to_first_sending_and_to_the_acknowledgement() -> None:
    """A repeat counts once; a result of an earlier run, or what is no result, not at all."""
    now = [0]
    ways = Ways()
    ways.now_ns = lambda: now[0]
    ways.begin(make(Rep, id="a"), 0)
    now[0] = 10_000_000
    ways.sent(b'{"id":"a"}')
    ways.sent(b'{"id":"of an earlier run"}')
    ways.sent(b"\xff")
    now[0] = 5 * NS
    ways.sent(b'{"id":"a"}')
    ways.acknowledged(b'{"id":"a"}')
    ways.acknowledged(b'{"id":"a"}')
    told = ways.told()
    assert told.published.results == told.acknowledged.results == 1
    assert told.published.p50_ms == pytest.approx(10.0, rel=0.13)
    assert told.acknowledged.p99_ms == pytest.approx(5000.0, rel=0.13)


def test_a_broker_that_is_away_for_long_fills_no_memory() -> None:
    """Of many thousand results that wait only the newest are measured."""
    ways = Ways()
    ways.now_ns = lambda: 0
    one = make(Rep)
    for number in range(10_000):
        ways.begin(msgspec.structs.replace(one, id=str(number)), 0)
    for number in range(10_000):
        ways.sent(b'{"id":"%d"}' % number)
        ways.acknowledged(b'{"id":"%d"}' % number)
    told = ways.told()
    assert told.published.results == told.acknowledged.results == 4096


def test_the_delay_of_the_event_loop_is_seen() -> None:
    """A step that takes long holds up all others, and shows until it was told."""

    async def story() -> float:
        lag = LoopLag()
        task = asyncio.create_task(lag.run())
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        loop._virtual.now_s += 0.65  # type: ignore[attr-defined]  # time that a step took
        await asyncio.sleep(0.3)
        task.cancel()
        most_ms = lag.take_ms()
        assert lag.take_ms() == 0.0
        return most_ms

    assert run_virtual(story()) == pytest.approx(500.0, abs=1.0)


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("streaming", None, []),
        ("waiting", None, []),
        ("starting", None, []),
        ("silent", None, ["sensor left is connected and sends nothing"]),
        ("backoff", "it does not answer", ["sensor left is not there: it does not answer"]),
    ],
)
def test_a_sensor_is_a_problem_when_it_fails_and_not_when_it_is_off(
    state: DeviceState, error: str | None, told: list[str]
) -> None:
    """An idle gym is well: nobody switched its sensors on."""
    status = msgspec.structs.replace(DEVICE, state=state, last_error=error)
    assert list(problems.of_sensor(status, WELL, problems.Growth(), 0)) == told


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"undecodable": 3}, "cannot be understood"),
        ({"gaps": 1}, "loses samples"),
        ({"clock_refused": 2}, "time stamps"),
        ({"given_up": 8}, "never meet"),
    ],
)
def test_what_a_sensor_loses_is_a_problem_for_a_minute(change: dict[str, int], word: str) -> None:
    """A count that grew is told in one unchanging sentence, and forgotten when it stands still for a minute."""
    growth = problems.Growth()
    bad = msgspec.structs.replace(WELL, **change)
    assert list(problems.of_sensor(DEVICE, WELL, growth, 0)) == []
    (first,) = problems.of_sensor(DEVICE, bad, growth, NS)
    assert word in first
    assert list(problems.of_sensor(DEVICE, bad, growth, 50 * NS)) == [first]
    assert list(problems.of_sensor(DEVICE, bad, growth, 62 * NS)) == []


def test_everything_else_that_can_be_wrong_has_its_sentence() -> None:
    """Battery, adapter, bluetoothd, queue, loop, outbox and recorder; nothing is said of what is well."""
    growth = problems.Growth()
    down = AdapterStatus(
        name="hci0", state="down", since_ns=0, last_error="no power", slots=7, taken=(), restarts=0, power_cycles=0,
        heard=0,
    )  # fmt: skip
    assert not [*problems.of_radio(RADIO, 1.0), *problems.of_queues(QUEUE, 0.1, growth, 0)]
    assert not [*problems.of_outbox(OUTBOX, growth, 0), *problems.of_capture(CAPTURE, growth, 0)]
    replace = msgspec.structs.replace
    flat = replace(WELL, battery_percent=8.0)
    assert list(problems.of_sensor(DEVICE, flat, growth, 0)) == ["the battery of sensor left is almost empty"]
    assert list(problems.of_radio(replace(RADIO, adapters=(down,), strays=2), 1e3)) == [
        "adapter hci0 is down: no power",
        "operations of Bluetooth do not end: bluetoothd may hang",
        "the loops that keep the links stand still",
    ]
    assert len(list(problems.of_queues(replace(QUEUE, dropped=5), 0.4, growth, 0))) == 2
    assert len(list(problems.of_queues(replace(QUEUE, dropped=5), 0.0, growth, 59 * NS))) == 2
    assert not list(problems.of_queues(replace(QUEUE, dropped=5), 0.0, growth, 61 * NS))
    assert len(list(problems.of_outbox(replace(OUTBOX, fault="full", dropped=1, lost=1), growth, 0))) == 3
    assert len(list(problems.of_capture(replace(CAPTURE, fault="full", lost=1), growth, 0))) == 2


def near(address: str, rssi_dbm: int | None, *drivers: str, age_s: float = 0.0) -> Nearby:
    """Return somebody who was heard."""
    return Nearby(
        address=address, name=None, rssi_dbm=rssi_dbm, services=(), slug=None, drivers=drivers, adapter="hci0",
        age_s=age_s,
    )  # fmt: skip


def test_a_list_is_news_when_somebody_comes_and_not_when_a_signal_trembles() -> None:
    """Every five seconds at most; a little louder, or heard again, is no news for a minute."""
    notices = Notices()
    first = Devices(devices=(), nearby=(near("A", -60),))
    assert notices.news(first, 0)
    both = Devices(devices=(), nearby=(near("A", -60), near("B", -70)))
    assert not notices.news(both, 4 * NS)
    assert notices.news(both, 5 * NS)
    trembling = Devices(devices=(), nearby=(near("A", -63, age_s=1.0), near("B", -75)))
    assert not notices.news(trembling, 20 * NS)
    assert notices.news(trembling, 65 * NS)
    assert not notices.news(trembling, 200 * NS)
    louder = Devices(devices=(), nearby=(near("A", -50), near("B", -75)))
    assert notices.news(louder, 206 * NS)
    someone = make(Listed, slug="left", link="waiting")
    assert notices.news(Devices(devices=(someone,), nearby=louder.nearby), 212 * NS)


def test_a_crowd_is_told_by_those_that_matter() -> None:
    """On the topic there are at most so many: sensors first, then whoever is loudest."""
    crowd = [near(f"{number:03}", -30 - number % 60) for number in range(500)]
    sensors = [near("FFF", -99, "movesense"), near("FFE", None, "polar")]
    told = bounded(Devices(devices=(), nearby=(*crowd, *sensors))).nearby
    assert len(told) == MOST_NEARBY
    assert {"FFE", "FFF"} <= {one.address for one in told}
    assert [one.address for one in told] == sorted(one.address for one in told)
    assert min(one.rssi_dbm or 0 for one in told if not one.drivers) > -50


def block(host_ns: int, first: int, count: int, *, gyr: bool = True, missing: int = 0) -> Samples:
    """Return samples at 100 Hz that carry their number."""
    numbers = np.arange(first, first + count, dtype=np.float64)
    values = np.ascontiguousarray(np.stack([numbers] * 3, axis=1))
    return Samples(
        device="left", host_ns=host_ns, time_s=numbers / 100.0, acc=values, gyr=values if gyr else None, missing=missing
    )


def test_samples_are_put_together_for_a_tenth_of_a_second() -> None:
    """No sample is lost or told twice, what is missing is passed on, and what nothing follows is sent in the end."""
    core = Core()
    core.feed(Config(host_ns=0, settings=PipelineSettings(devices=(DeviceSettings(slug="left", side="left"),))))
    told: list[Imu] = []
    stream = ImuStream(core, lambda slug: slug == "left", lambda _slug, words: told.append(decode(words)))
    for number in range(25):
        stream.sampled(block(number * 40_000_000, 4 * number, 4, missing=number % 2))
    assert len(told) == 9  # every third packet: the first one that comes 0.1 s or more after the last message
    stream.passed(2 * NS)
    assert [one.t0_s + offset for one in told for offset in one.offset_s] == pytest.approx(np.arange(100) / 100.0)
    assert [row[0] for one in told for row in one.acc_mps2] == list(range(100))
    assert sum(one.missing for one in told) == 12
    stream.sampled(block(3 * NS, 0, 4))
    stream.sampled(block(3 * NS + 1, 4, 4))
    stream.sampled(block(3 * NS + 2, 8, 4, gyr=False))
    stream.passed(4 * NS)
    assert [one.gyr_rad_s is None for one in told[-3:]] == [False, False, True]


def decode(words: bytes) -> Imu:
    """Return a message of samples."""
    return msgspec.json.decode(words, type=Imu, strict=True)
