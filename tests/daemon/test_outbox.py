"""The outbox as a backlog: in order, over restarts, lost connections and a failing disk."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.outbox.result import Bounds, Result
from ankled.daemon.outbox.store import Store
from tests.daemon.test_outbox_store import result, seqs


async def read(outbox: Outbox, count: int) -> list[Result]:
    """Return the next results from the first that is not let go of."""
    async with asyncio.timeout(10.0):
        return [await outbox.get(outbox.first + n) for n in range(count)]


async def mended(outbox: Outbox) -> None:
    """Wait until the outbox stores again."""
    async with asyncio.timeout(10.0):
        while outbox.fault is not None:  # noqa: ASYNC110 - the beat of the outbox ends it, which sets no event
            await asyncio.sleep(0.05)


async def test_results_are_handed_out_in_order_and_let_go(tmp_path: Path) -> None:
    """Pins the way of a result: offered, stored, handed out, acknowledged, gone from what is pending."""
    async with Outbox(tmp_path / "o.db") as outbox:
        for n in range(1, 2001):
            outbox.offer(result(n))
        assert len(outbox) == 2000
        got = await read(outbox, 2000)
        assert seqs(got) == list(range(1, 2001))
        assert all(each.number > 0 for each in got), "handed out before it was stored"
        outbox.acknowledge(outbox.first + 1499)
        assert len(outbox) == 500
        assert seqs(await read(outbox, 1)) == [1501]
        outbox.acknowledge(outbox.first + 499)
        await asyncio.wait_for(outbox.drained(), 10.0)
    with Store(tmp_path / "o.db") as store:
        assert store.account().pending == 0
        assert store.account().acknowledged == 2000


async def test_a_new_run_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """Pins that what was not acknowledged comes first, before what is new."""
    async with Outbox(tmp_path / "o.db") as outbox:
        for n in range(1, 1301):
            outbox.offer(result(n))
        await read(outbox, 10)
        outbox.acknowledge(outbox.first + 4)
    async with Outbox(tmp_path / "o.db") as outbox:
        assert await outbox.last_seqs() == {"left": 1300}
        outbox.offer(result(1301))
        assert seqs(await read(outbox, 1296)) == list(range(6, 1302))


async def test_a_new_connection_begins_with_the_last_minute(tmp_path: Path) -> None:
    """Pins rewind: what was acknowledged lately comes again, then all that was not; twice acknowledged is harmless."""
    async with Outbox(tmp_path / "o.db") as outbox:
        for n in range(1, 11):
            outbox.offer(result(n))
        await read(outbox, 8)
        outbox.acknowledge(outbox.first + 5)
        outbox.rewind()
        outbox.offer(result(11))
        assert seqs(await read(outbox, 11)) == list(range(1, 12))
        assert len(outbox) == 5
        outbox.acknowledge(outbox.first + 10)
        await asyncio.wait_for(outbox.drained(), 10.0)
        outbox.rewind()
        assert seqs(await read(outbox, 11)) == list(range(1, 12))
        assert len(outbox) == 0


async def test_a_position_that_was_let_go_is_refused(tmp_path: Path) -> None:
    """Pins the error of a reader that lost its place."""
    async with Outbox(tmp_path / "o.db") as outbox:
        outbox.offer(result(1))
        await read(outbox, 1)
        outbox.acknowledge(0)
        with pytest.raises(LookupError, match="result 0 has been let go of; the oldest kept is 1"):
            await outbox.get(0)


async def test_history_knows_what_was_acknowledged(tmp_path: Path) -> None:
    """Pins history while results are on their way."""
    async with Outbox(tmp_path / "o.db") as outbox:
        for n in range(1, 6):
            outbox.offer(result(n))
        await read(outbox, 5)
        outbox.acknowledge(outbox.first + 2)
        assert seqs(await outbox.history("left", 1, 3)) == [2, 3, 4]
        assert await outbox.forget("kim") == []
        assert await outbox.history("left", 0, 9) == []


async def test_while_the_disk_fails_results_go_on(tmp_path: Path) -> None:
    """Pins a full disk: results are handed out from memory, the fault is told, and later they are in the file."""
    path = tmp_path / "o.db"
    async with Outbox(path) as outbox:
        outbox.offer(result(1))
        await read(outbox, 1)
        await outbox._worker.submit(lambda store: store._db.execute("PRAGMA max_page_count = 1"))
        for n in range(2, 60):
            outbox.offer(result(n, size=3000))
        assert seqs(await read(outbox, 59)) == list(range(1, 60))
        assert outbox.fault is not None
        assert "full" in outbox.fault
        outbox.acknowledge(outbox.first + 39)
        await outbox._worker.submit(lambda store: store._db.execute("PRAGMA max_page_count = 1000000"))
        await mended(outbox)
        assert seqs(await outbox.history("left", 0, 99)) == list(range(1, 60))
        outbox.acknowledge(outbox.first + 18)
    with Store(path) as store:
        assert store.account().pending <= 19, "those acknowledged from memory stay acknowledged"
        assert not set(seqs(store.pending(0, 99))) & set(range(1, 41))


async def test_what_is_dropped_is_counted(tmp_path: Path) -> None:
    """Pins a file that is full of pending results: the oldest are let go of, the account is exact."""
    async with Outbox(tmp_path / "o.db", Bounds(size_bytes=50_000)) as outbox:
        for n in range(1, 201):
            outbox.offer(result(n, size=800))
            if n % 20 == 0:
                await asyncio.sleep(0.01)
        account = await outbox.account()
        assert account.pending + account.dropped == 200
        assert account.dropped > 100


@given(st.lists(st.tuples(st.sampled_from(["offer", "read", "acknowledge", "rewind", "restart"]), st.integers(1, 30))))
def test_nothing_is_ever_missing(steps: list[tuple[str, int]]) -> None:
    """Pins the promise: any order of offers, reads, acknowledgements, lost connections and restarts loses nothing."""

    async def scenario(path: Path) -> None:
        offered = 0
        told: set[int] = set()
        outbox = await Outbox(path).__aenter__()
        for step, n in [*steps, ("rewind", 1)]:
            if step == "offer":
                for _ in range(n):
                    offered += 1
                    outbox.offer(result(offered))
            elif step == "rewind":
                outbox.rewind()
            elif step == "restart":
                await outbox.__aexit__(None, None, None)
                outbox = await Outbox(path).__aenter__()
            elif step == "acknowledge":
                outbox.acknowledge(outbox.first + n - 1)
            elif len(outbox):
                told.update(seqs(await read(outbox, 1)))
        while len(outbox):
            told.update(seqs(await read(outbox, 1)))
            outbox.acknowledge(outbox.first)
        assert seqs(await outbox.history("left", 0, 10**6)) == list(range(1, offered + 1))
        assert told == set(range(1, offered + 1))
        await outbox.__aexit__(None, None, None)

    import tempfile  # noqa: PLC0415 - a fixture would be shared by all examples

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(scenario(Path(folder) / "o.db"))
        with sqlite3.connect(Path(folder) / "o.db") as db:
            assert db.execute("SELECT count(*) FROM results WHERE acknowledged_s IS NULL").fetchone() == (0,)
        db.close()


async def test_a_disk_that_hangs_fills_no_memory(tmp_path: Path) -> None:
    """It neither works nor fails: the latest wait for it, those without room are lost and counted, and it goes on."""
    hangs = threading.Event()
    async with Outbox(tmp_path / "o.db", loose=10) as outbox:
        outbox._worker.submit(lambda _: hangs.wait(20.0))
        for n in range(1, 101):
            outbox.offer(result(n))
        assert (len(outbox), outbox.lost) == (11, 89)
        hangs.set()
        handed = await read(outbox, 11)
        account = await outbox.account()
    assert seqs(handed) == [1, *range(91, 101)]
    assert (account.offered, account.pending, account.lost) == (100, 11, 89)
