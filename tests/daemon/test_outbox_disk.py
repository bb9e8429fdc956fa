"""The outbox on a disk that is really full: results go on from memory, in order, and are stored when there is room."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.errors import OutboxError
from ankled.daemon.live.outlet import result_of
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.file import SKIP
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.outbox.result import Bounds
from ankled.daemon.outbox.store import Store
from tests.daemon.brokers import PATIENCE_S, Mosquitto, Subscriber, event, eventually, firsts
from tests.daemon.disks import fill, mounted
from tests.daemon.test_outbox_published import balanced, offer
from tests.daemon.test_outbox_store import result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics(node="gym")
LIVE = Options(timeout_s=2.0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of four megabytes."""
    with mounted(tmp_path / "disk", "4m") as folder:
        yield folder


async def test_a_full_disk_stops_no_result(disk: Path, mosquitto: Mosquitto) -> None:
    """All arrive in order while the disk is full; the fault is told; with room again, the file holds every one."""
    path = disk / "o.db"
    async with (
        Outbox(path) as outbox,
        Subscriber.on(mosquitto.address) as heard,
        Publisher(mosquitto.address, TOPICS, LIVE, outbox) as publisher,
    ):
        offer(outbox, *range(1, 101))
        await heard.until_numbers(100)
        ballast = fill(disk)
        for start in range(101, 3001, 50):
            offer(outbox, *range(start, start + 50))
            await asyncio.sleep(0)
        await publisher.drain(PATIENCE_S)
        await heard.until_numbers(3000)
        assert outbox.fault is not None
        assert "o.db cannot be used: " in outbox.fault
        assert balanced(await outbox.account(), 3000)
        ballast.unlink()
        await eventually(lambda: outbox.fault is None)
        offer(outbox, 3001)
        await publisher.drain(PATIENCE_S)
        account = await outbox.account()
    assert firsts(heard.numbers) == list(range(1, 3002))
    assert balanced(account, 3001)
    assert account.acknowledged == 3001
    with Store(path) as store:
        assert [each.seq for each in store.history("left", 0, 10**6)] == list(range(1, 3002))
        assert store.begin(doubt=False) is False


async def test_what_memory_cannot_hold_is_counted_as_lost(disk: Path) -> None:
    """A full disk and no broker: the oldest results without a place are lost, exactly counted."""
    path = disk / "o.db"
    async with Outbox(path, loose=50) as outbox:
        offer(outbox, *range(1, 11))
        await outbox.account()
        await outbox.account()
        ballast = fill(disk)
        for number in range(11, 2001):
            outbox.offer(result_of(event(number), TOPICS))
            if number % 10 == 0:
                await outbox.account()
        await eventually(lambda: outbox.fault is not None)
        account = await outbox.account()
        assert balanced(account, 2000)
        assert account.lost == outbox.lost > 1000
        ballast.unlink()
        await eventually(lambda: outbox.fault is None)
        kept = [each.seq for each in await outbox.history("left", 0, 10**6)]
    assert kept[:10] == list(range(1, 11))
    assert kept == sorted(kept)
    assert kept[-50:] == list(range(1951, 2001))
    assert len(kept) == 2000 - account.lost


async def test_numbers_go_on_higher_after_a_crash_with_a_full_disk(disk: Path, tmp_path: Path) -> None:
    """What was published from memory alone is not in the file: no number of it may be given again."""
    path = disk / "o.db"
    async with Outbox(path) as outbox:
        offer(outbox, 1, 2)
        await outbox.account()
        ballast = fill(disk)
        for start in range(3, 3000, 100):
            offer(outbox, *range(start, start + 100))
            await outbox.account()
        await eventually(lambda: outbox.fault is not None)
        ballast.unlink()
        stored = max(each.seq for each in await outbox.history("left", 0, 10**6)) if outbox.fault else None
        for name in ("o.db", "o.db-wal", "o.db.lock"):  # what a crash at this moment leaves
            shutil.copy(disk / name, tmp_path / name)
    assert stored is not None
    async with Outbox(tmp_path / "o.db") as outbox:
        assert "may not be in it; the numbers of results go on higher" in outbox.told
        assert (await outbox.last_seqs())["left"] == stored + SKIP
    async with Outbox(tmp_path / "o.db") as outbox:
        assert not outbox.told
        assert (await outbox.last_seqs())["left"] == stored + SKIP


async def test_a_run_begins_on_a_full_disk(disk: Path, mosquitto: Mosquitto) -> None:
    """The daemon starts, numbers results above all earlier ones, publishes them, and stores them when there is room."""
    path = disk / "o.db"
    async with Outbox(path) as outbox:
        offer(outbox, *range(1, 8))
    ballast = fill(disk)
    async with (
        Outbox(path) as outbox,
        Subscriber.on(mosquitto.address) as heard,
        Publisher(mosquitto.address, TOPICS, LIVE, outbox),
    ):
        assert outbox.fault is not None
        past = await outbox.past()
        assert past.last_seqs == {"left": 7 + SKIP}
        offer(outbox, *range(8 + SKIP, 11 + SKIP))
        await heard.until_numbers(3)
        assert heard.numbers == list(range(8 + SKIP, 11 + SKIP))
        ballast.unlink()
        await eventually(lambda: outbox.fault is None)
        await heard.until_numbers(10)
        stored = [each.seq for each in await outbox.history("left", 0, 99)]
    assert stored == [*range(1, 8), *range(8 + SKIP, 11 + SKIP)]


async def test_with_little_room_left_what_the_broker_has_makes_room(disk: Path) -> None:
    """Below min_free the acknowledged of more than a minute go, none that waits; the file grows no more."""
    with Store(disk / "o.db", Bounds(min_free_bytes=1_000_000)) as store:
        store.add([result(number) for number in range(1, 201)])
        store.acknowledge(range(1, 101))
        store.pass_time(61.0)
        assert [each.seq for each in store.history("left", 0, 999)] == list(range(1, 201))
        ballast = fill(disk, but=900_000)
        store.acknowledge(range(101, 151))
        store.pass_time(1.0)
        assert [each.seq for each in store.history("left", 0, 999)] == list(range(101, 201))
        size = (disk / "o.db").stat().st_size
        store.add([result(number) for number in range(201, 251)])
        assert store.account().pending == 100
        assert (disk / "o.db").stat().st_size == size
        assert store.account().dropped == 0
        ballast.unlink()
        store.acknowledge(range(151, 201))
        store.pass_time(61.0)
        assert [each.seq for each in store.history("left", 0, 999)] == list(range(101, 251))


STEP_NAMES = ["offer", "read", "acknowledge", "rewind", "fail", "mend", "forget"]


@given(st.lists(st.tuples(st.sampled_from(STEP_NAMES), st.integers(1, 40)), max_size=30))
def test_it_is_always_known_what_became_of_every_result(steps: list[tuple[str, int]]) -> None:
    """Pins the account under any order of events, disk failures among them: offered is the sum of all fates."""

    async def scenario() -> None:
        offered = 0
        async with Outbox(None, loose=60) as outbox:
            for step, n in steps:
                if step == "offer":
                    for number in range(offered + 1, offered + n + 1):
                        outbox.offer(result(number, athlete="kim" if number % 5 == 0 else None))
                    offered += n
                else:
                    await happen(outbox, step, n)
                assert balanced(await outbox.account(), offered)
            await writable(outbox, "OFF")

    asyncio.run(scenario())


async def happen(outbox: Outbox, step: str, n: int) -> None:
    """Have something happen to an outbox."""
    if step == "read" and len(outbox):
        async with asyncio.timeout(5.0):
            await outbox.get(outbox.first)
    elif step == "acknowledge":
        outbox.acknowledge(outbox.first + n - 1)
    elif step == "rewind":
        outbox.rewind()
    elif step == "forget":
        with contextlib.suppress(OutboxError):
            await outbox.forget("kim")
    elif step == "fail":
        await writable(outbox, "ON")
    elif step == "mend":
        await writable(outbox, "OFF")
        await outbox._pass_time(0.0)


async def writable(outbox: Outbox, query_only: str) -> None:
    """Let the file refuse what is written, or take it."""
    await outbox._worker.submit(lambda store: store._db.execute(f"PRAGMA query_only = {query_only}"))
