"""The beat of a daemon in this process: what stops it, what does not, and what the log says of it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, NoReturn

import pytest
from structlog.testing import capture_logs

from ankled.daemon.config import Config
from ankled.daemon.config.schema import CaptureConfig, MqttConfig, StateConfig
from ankled.daemon.life.heartbeats import Heartbeat, late
from ankled.daemon.life.life import Life
from ankled.daemon.life.sentence import Standing
from ankled.daemon.life.wiring import Parts, heartbeats, lived
from ankled.daemon.live import launch
from ankled.daemon.live.pulse import Pulse
from ankled.daemon.live.recorder import Recorder
from ankled.daemon.live.status import SupervisorStatus
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import eventually, free_port
from tests.daemon.notified import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, MutableMapping
    from pathlib import Path

    from tests.daemon.notified import Listener

WATCHDOG_S = 0.9
NOBODY = SupervisorStatus(devices=(), adapters=(), strays=0, late_actions=0)
STANDING = Standing(links=NOBODY, broker="mqtt://127.0.0.1:1883", connected=True, waiting=0)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """Listen with a watchdog that fires soon."""
    with listening(tmp_path, WATCHDOG_S) as found:
        yield found


@contextlib.asynccontextmanager
async def alive(listener: Listener, *beats: Heartbeat) -> AsyncIterator[asyncio.Event]:
    """Have the life of a daemon with these loops told; yield what stops it."""
    begun, stop = asyncio.Event(), asyncio.Event()
    begun.set()
    async with Life(listener.environ).lived(beats, lambda: STANDING, [begun], stop):
        yield stop


async def beaten(listener: Listener, count: int = 3) -> None:
    """Wait for so many beats."""
    for _ in range(count):
        await asyncio.to_thread(listener.until, "WATCHDOG")


def logged(lines: list[MutableMapping[str, object]], event: str) -> list[MutableMapping[str, object]]:
    """Return what was logged of an event."""
    return [line for line in lines if line["event"] == event]


async def test_a_loop_that_is_blocked_stops_the_beat(listener: Listener) -> None:
    """The log names it while there is time before the watchdog fires; when it turns again, so does the beat."""
    pulse, freed = Pulse(), asyncio.Event()

    async def dispatch() -> None:
        for _ in range(20):
            pulse.beat()
            await asyncio.sleep(0.05)
        await freed.wait()
        while True:
            pulse.beat()
            await asyncio.sleep(0.05)

    with capture_logs() as lines:
        async with alive(listener, Heartbeat("dispatcher", pulse.age_s, 0.5)):
            loop = asyncio.create_task(dispatch(), name="dispatcher")
            await beaten(listener)
            await eventually(lambda: bool(logged(lines, "loops stand still")))
            listener.waiting()
            assert not [told for told in await asyncio.to_thread(quiet, listener) if "WATCHDOG" in told]
            freed.set()
            await beaten(listener)
            loop.cancel()
    (told,) = logged(lines, "loops stand still")
    assert str(told["loops"]).startswith("('dispatcher (for ")
    assert len(logged(lines, "all loops turn again")) == 1


def quiet(listener: Listener) -> list[dict[str, str]]:
    """Return what is said within two periods of the watchdog."""
    until_s = time.monotonic() + 2.0 * WATCHDOG_S
    heard = []
    while (left_s := until_s - time.monotonic()) > 0.0:
        heard.append(listener.next(left_s) or {})
    return heard


async def test_a_frozen_event_loop_stops_the_beat_and_is_logged(listener: Listener) -> None:
    """Nobody on the loop can tell: a thread says where it stands, before the watchdog fires."""
    with capture_logs() as lines:
        async with alive(listener):
            await beaten(listener)
            listener.waiting()
            frozen_at_the_kernel()
            assert not [told for told in listener.waiting() if "WATCHDOG" in told]
            assert logged(lines, "the event loop stands still")
            await beaten(listener)
    (told,) = logged(lines, "the event loop stands still")
    assert "frozen_at_the_kernel" in str(told["at"])


def frozen_at_the_kernel() -> None:
    """Hold up the loop for longer than its watchdog waits."""
    time.sleep(2.0 * WATCHDOG_S)


async def test_who_waits_for_what_is_absent_is_excused() -> None:
    """A loop at rest is never late, however long; one that has ended is, whatever it may take for a turn."""
    pulse = Pulse()
    pulse.beat()
    pulse.rest()
    assert late([Heartbeat("publisher", pulse.age_s, 0.0)]) == ()
    assert late([Heartbeat("outbox", lambda: float("inf"), 1e9)]) == ("outbox (it has ended)",)


async def test_stopping_ends_the_beat_and_is_said_once(listener: Listener) -> None:
    """After STOPPING comes nothing any more: neither READY nor how things stand."""
    async with alive(listener) as stop:
        await asyncio.to_thread(listener.until, "READY")
        stop.set()
        await asyncio.to_thread(listener.until, "STOPPING")
    assert [told for told in listener.waiting() if "WATCHDOG" not in told] == []


async def test_ready_waits_for_the_loops(listener: Listener) -> None:
    """READY is not said before each of the loops has turned once."""
    begun, stop = asyncio.Event(), asyncio.Event()
    async with Life(listener.environ).lived([], lambda: STANDING, [begun], stop):
        await beaten(listener, 2)
        assert not [told for told in listener.said if "READY" in told]
        begun.set()
        told = await asyncio.to_thread(listener.until, "READY")
    assert told["STATUS"] == "no sensor, broker connected"


# --- the loops of a real daemon


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    """Run a daemon that has no adapter and no broker, but records."""
    config = Config(
        mqtt=MqttConfig(broker=f"mqtt://127.0.0.1:{free_port()}"),
        state=StateConfig(folder=str(tmp_path / "state")),
        capture=CaptureConfig(folder=str(tmp_path / "captures")),
    )
    topics, stop = Topics(node="gym"), asyncio.Event()
    recorder = Recorder(tmp_path / "captures", "gym")
    with contextlib.suppress(asyncio.CancelledError):
        async with (
            launch.publishing(config.mqtt.address(), topics, launch.options(config), launch.outbox(config)) as outlet,
            recorder,
        ):
            recorder.start()
            live = launch.Live(config, {}, outlet, board=outlet.publisher, outbox=outlet.outbox)
            recorder.record_to = live.service.record_to
            running = asyncio.create_task(live.run(stop, recorder.writer), name="daemon")
            await live.service.pulse.begun.wait()
            yield Parts(live, outlet, recorder, 0.5)
            stop.set()
            await asyncio.wait({running}, timeout=10.0)


def names(parts: Parts, most_s: float | None = None) -> set[str]:
    """Return the loops that are late, by their own measure or by this one."""
    beats = heartbeats(parts)
    found = late(beats if most_s is None else [one._replace(most_s=most_s) for one in beats])
    return {one.partition(" (")[0] for one in found}


async def test_nothing_is_late_while_nobody_is_there(parts: Parts) -> None:
    """No adapter and no broker, over several turns of every loop: all are in time, by a fraction of what they have."""
    ages = []
    for _ in range(30):
        await asyncio.sleep(0.1)
        ages.append(names(parts, most_s=10.0))
    assert set().union(*ages) == set()


async def test_a_blocked_dispatcher_is_late(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that never wakes it leaves the others at work."""
    forever = asyncio.Event()

    async def never(_timeout_s: float) -> bool:
        return await forever.wait()

    monkeypatch.setattr(parts.live.service.queue, "wait", never)
    await eventually(lambda: names(parts, most_s=2.5) == {"dispatcher"})


async def test_reports_that_hang_are_late(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes no axes holds up what is told of the sensors, and nothing else."""
    writes = threading.Event()
    monkeypatch.setattr(parts.live.service, "_axes", SimpleNamespace(save=writes.wait))
    await eventually(lambda: names(parts, most_s=2.5) == {"reports"})
    writes.set()
    await eventually(lambda: names(parts, most_s=2.5) == set())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # which is how it dies here
async def test_a_dead_writer_is_late_at_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of the recording has ended: no recording is made any more, and nobody else would say so."""

    def end() -> NoReturn:
        raise SystemExit

    assert names(parts) == set()
    writer = parts.recorder.writer
    assert writer is not None
    monkeypatch.setattr(writer._rolls, "sync", end)
    await eventually(lambda: names(parts) == {"capture writer"})
    writer._rolls.abandon()  # the file that its thread has left open


async def test_a_dead_outbox_is_late_at_once(parts: Parts) -> None:
    """The thread of the outbox has ended."""
    assert names(parts) == set()
    parts.outlet.outbox._worker._jobs.put(None)
    await eventually(lambda: names(parts) == {"outbox"})


async def test_a_publisher_that_has_ended_is_late_at_once(parts: Parts) -> None:
    """Its task is gone, for a defect: results would be kept, and never sent."""
    task = parts.outlet.publisher._task
    assert task is not None
    assert names(parts) == set()
    task.cancel()
    await eventually(lambda: names(parts) == {"publisher"})


async def test_the_daemon_is_told_of_as_it_is(parts: Parts, listener: Listener) -> None:
    """All of it together: ready, beating, and a sentence that has the broker's address and no password."""
    stop = asyncio.Event()
    async with lived(Life(listener.environ), parts, stop):
        told = await asyncio.to_thread(listener.until, "READY")
        await beaten(listener)
    assert told["STATUS"] == f"broker {parts.outlet.publisher.brokers.current.url} not reached yet; no sensor"
