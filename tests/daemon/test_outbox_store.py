"""The outbox's file: what goes in comes out in order, whatever ends the process, fills the disk or damages the file."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.errors import DamagedOutboxError, OutboxError
from ankled.daemon.outbox.result import Bounds, Result
from ankled.daemon.outbox.salvage import open_store
from ankled.daemon.outbox.store import Store


def result(seq: int, source: str = "left", *, athlete: str | None = "kim", size: int = 300) -> Result:
    """Return a result of so many bytes."""
    payload = f"{source} {seq} ".encode().ljust(size, b".")
    topic = f"ankled/gym/{source}/rep"
    return Result(
        id=f"s/{source}/rep/{seq}", source=source, seq=seq, athlete=athlete, topic=topic, payload=payload, retain=False
    )


def seqs(results: list[Result]) -> list[int]:
    """Return the numbers that results count by."""
    return [each.seq for each in results]


def test_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    """Pins order, content and state over a restart."""
    with Store(tmp_path / "o.db") as store:
        store.add([result(n) for n in range(1, 6)])
        store.acknowledge(each.number for each in store.pending(0, 2))
    with Store(tmp_path / "o.db") as store:
        kept = store.pending(0, 100)
        assert seqs(kept) == [3, 4, 5]
        assert kept[0].payload == result(3).payload
        assert (kept[0].topic, kept[0].athlete, kept[0].retain) == ("ankled/gym/left/rep", "kim", False)
        assert seqs(store.pending(kept[0].number, 1)) == [4]
        assert (store.account().pending, store.account().acknowledged) == (3, 2)


def test_a_result_that_was_computed_twice_is_stored_once(tmp_path: Path) -> None:
    """Pins the id as the identity: a replay after a crash adds nothing and un-acknowledges nothing."""
    with Store(tmp_path / "o.db") as store:
        store.add([result(1)])
        store.acknowledge([store.pending(0, 1)[0].number])
        store.add([result(1), result(2)])
        assert seqs(store.pending(0, 9)) == [2]
        assert store.account().size_bytes == 2 * 500


def test_history_answers_for_acknowledged_ones_too(tmp_path: Path) -> None:
    """Pins history: one source, above a seq, in its order, limited."""
    with Store(tmp_path / "o.db") as store:
        store.add([result(n, side) for n in range(1, 8) for side in ("left", "right")])
        store.acknowledge(range(1, 9))
        assert seqs(store.history("left", 3, 3)) == [4, 5, 6]
        assert {each.source for each in store.history("right", 0, 99)} == {"right"}
        assert store.history("nobody", 0, 9) == []
        assert store.last_seqs() == {"left": 7, "right": 7}


def test_time_lets_go_of_the_old(tmp_path: Path) -> None:
    """Pins both ages, and that only what was never acknowledged counts as dropped; time goes on after reopening."""
    bounds = Bounds(pending_s=100.0, kept_s=10.0)
    with Store(tmp_path / "o.db", bounds) as store:
        store.add([result(1), result(2)])
        store.acknowledge([1])
        assert store.pass_time(9.0) == 0
        assert seqs(store.history("left", 0, 9)) == [1, 2]
        assert store.pass_time(2.0) == 0
        assert seqs(store.history("left", 0, 9)) == [2]
    with Store(tmp_path / "o.db", bounds) as store:
        assert store.now_s == 11.0
        assert store.pass_time(90.0) == 1
        assert store.account().pending == 0
        assert store.account().dropped == 1
        assert store.account().size_bytes == 0


def test_recent_ones_can_be_sent_again(tmp_path: Path) -> None:
    """Pins what a reconnect repeats: the acknowledged ones of the last seconds, in order."""
    with Store(tmp_path / "o.db") as store:
        store.add([result(n) for n in range(1, 5)])
        store.acknowledge([1])
        store.pass_time(100.0)
        store.acknowledge([3, 2])
        store.pass_time(30.0)
        assert seqs(store.recent(60.0, 9)) == [2, 3]
        assert seqs(store.recent(60.0, 1)) == [3]


def test_room_is_made_from_what_the_broker_has(tmp_path: Path) -> None:
    """Pins the bound on size: acknowledged rows go first, then the oldest pending ones, which are counted."""
    with Store(tmp_path / "o.db", Bounds(size_bytes=100 * 1000)) as store:
        store.add([result(n, size=800) for n in range(1, 81)])
        store.acknowledge(range(41, 81))
        assert store.add([result(n, size=800) for n in range(81, 111)]) == 0
        assert store.account().pending == 70
        dropped = store.add([result(n, size=800) for n in range(111, 151)])
        assert dropped == store.account().dropped > 0
        kept = seqs(store.pending(0, 999))
        assert kept == sorted(kept)
        assert kept[-1] == 150
        assert kept[0] > 1
        assert store.account().size_bytes <= 100 * 1000


@given(st.lists(st.tuples(st.sampled_from("asat"), st.integers(1, 12)), max_size=40))
def test_nothing_is_lost_or_out_of_order(steps: list[tuple[str, int]]) -> None:
    """Pins the account: within its bounds, what was stored is pending or acknowledged, and in order."""
    stored: list[int] = []
    acknowledged: set[int] = set()
    with Store(Path(":memory:")) as store:
        for step, n in steps:
            if step == "s":
                fresh = [result(len(stored) + 1 + each) for each in range(n)]
                store.add(fresh)
                stored += seqs(fresh)
            elif step == "a":
                pending = store.pending(0, n)
                store.acknowledge(each.number for each in pending)
                acknowledged.update(seqs(pending))
            else:
                store.pass_time(float(n))
            assert seqs(store.pending(0, 999)) == [seq for seq in stored if seq not in acknowledged]
        assert seqs(store.history("left", 0, 999)) == stored


def test_forgetting_an_athlete_leaves_no_byte(tmp_path: Path) -> None:
    """Pins that rows and their bytes are gone from every file, and which retained topics are to be cleared."""
    with Store(tmp_path / "o.db") as store:
        store.add([result(1), result(2, "right", athlete="robin")])
        kept = Result(
            id="s/left/set/1", source="left", seq=2, athlete="kim", topic="t/left/set", payload=b"secret-1", retain=True
        )
        store.add([kept])
        assert store.forget("kim") == ["t/left/set"]
        assert seqs(store.pending(0, 9)) == [2]
        assert store.history("left", 0, 9) == []
    for file in tmp_path.iterdir():
        assert b"secret-1" not in file.read_bytes()
        assert b"left 1" not in file.read_bytes()


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    """Pins that a transaction that does not fit is refused whole, in one sentence, and the next one goes on."""
    with Store(tmp_path / "o.db") as store:
        store.add([result(1)])
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(OutboxError, match=r"o\.db cannot be used: database or disk is full"):
            store.add([result(n, size=4000) for n in range(2, 12)])
        assert seqs(store.pending(0, 99)) == [1]
        store._db.execute("PRAGMA max_page_count = 100000")
        store.add([result(2)])
        assert seqs(store.pending(0, 99)) == [1, 2]
        assert store.account().size_bytes == 1000


_WRITER = """
import sys
from pathlib import Path
from ankled.daemon.outbox.result import Result
from ankled.daemon.outbox.store import Store
with Store(Path(sys.argv[1])) as store:
    n = 0
    while True:
        n += 1
        store.add([Result(id=str(n), source="left", seq=n, athlete=None, topic="t", payload=b"x", retain=False)])
        print(n, flush=True)
"""


def test_a_kill_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    """Pins SIGKILL amid writing: everything reported as stored is there after it."""
    path = tmp_path / "o.db"
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(200)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout if line.endswith(b"\n")]
    with Store(path) as store:
        assert seqs(store.pending(0, 10**6))[: len(told)] == told


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """Pins that nobody else's database is written to."""
    with sqlite3.connect(tmp_path / "o.db") as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(OutboxError, match="has version 0; this program reads version 1"):
        Store(tmp_path / "o.db")


def test_an_unusable_folder_is_told(tmp_path: Path) -> None:
    """Pins the sentence for a folder that cannot be made."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="cannot be made: "):
        open_store(tmp_path / "file" / "o.db")


def test_damage_is_put_aside_and_what_can_be_read_is_saved(tmp_path: Path) -> None:
    """Pins the rescue: pages in the midst are overwritten, most results survive in order, with their state."""
    path = tmp_path / "o.db"
    with Store(path) as store:
        store.add([result(n, size=900) for n in range(1, 401)])
        store.acknowledge(range(1, 201))
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3 : len(raw) // 3 + 9000] = b"\xa5" * 9000
    path.write_bytes(raw)
    with pytest.raises(DamagedOutboxError, match=r"o\.db is damaged"):
        Store(path)
    store, told = open_store(path)
    with store:
        assert "put aside as o.db.damaged-1" in told
        pending = seqs(store.pending(0, 999))
        assert pending == sorted(pending)
        assert set(pending) <= set(range(201, 401))
        assert store.account().pending + store.account().acknowledged > 200
        assert f"{store.account().pending + store.account().acknowledged} results were read" in told


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500])
def test_garbage_in_its_place_is_put_aside(tmp_path: Path, content: bytes) -> None:
    """Pins an empty file (used as it is) and one that is no database."""
    path = tmp_path / "o.db"
    path.write_bytes(content)
    store, told = open_store(path)
    with store:
        store.add([result(1)])
        assert seqs(store.pending(0, 9)) == [1]
    assert ("put aside" in told) == bool(content)
