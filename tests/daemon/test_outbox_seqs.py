"""Numbers over several runs: they go on where the last run ended, in a replay too, and no trouble gives one twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.inputs import Config
from ankled.daemon.inputs_codec import decode, encode
from ankled.daemon.outbox.file import SKIP
from ankled.daemon.outbox.result import Bounds, Result
from ankled.daemon.outbox.salvage import open_store, opened
from ankled.daemon.outbox.store import Store
from ankled.daemon.records import Live
from tests.daemon.test_core_sessions import LIVE
from tests.daemon.test_outbox_store import result, seqs
from tests.daemon.wearers import lines, run

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record


def after(last_seqs: dict[str, int], name: str = "tuesday") -> list[Input]:
    """Return the inputs of a session that knows what earlier runs have counted."""
    return [
        Config(
            host_ns=item.host_ns,
            settings=msgspec.structs.replace(item.settings, last_seqs=last_seqs, session=name),
        )
        if isinstance(item, Config)
        else item
        for item in LIVE
    ]


def numbered(records: list[Record]) -> dict[str, list[int]]:
    """Return the numbers of each device and athlete in the order of the records."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in records:
        if not isinstance(record, Live):
            found[record.id.rsplit("/", 3)[1]].append(record.seq)
    return dict(found)


def test_a_run_counts_on_from_the_last_one() -> None:
    """Devices and athletes alike; whoever is new begins at 1; all else is as in a first run."""
    first = numbered(run(LIVE))
    assert set(first) == {"left", "right", "kim"}
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in first.values())
    last = {source: numbers[-1] for source, numbers in first.items()}
    second = numbered(run(after(last)))
    for source, numbers in second.items():
        assert numbers == list(range(last[source] + 1, last[source] + len(first[source]) + 1)), source
    assert numbered(run(after({"right": 1000}))) == first | {"right": [1000 + n for n in first["right"]]}


def test_a_replay_counts_as_the_run_did() -> None:
    """What earlier runs counted is part of the captured settings: a replay gives the same bytes."""
    live = after({"left": 7, "kim": 123})
    assert lines(run([decode(encode(item)) for item in live])) == lines(run(live))


def test_numbers_outlive_the_results(tmp_path: Path) -> None:
    """A result that was let go of long ago has had its number; forgetting an athlete forgets theirs."""
    bounds = Bounds(kept_s=10.0, pending_s=100.0)
    with Store(tmp_path / "o.db", bounds) as store:
        store.add([result(n) for n in range(1, 8)] + [result(3, "kim")])
        store.pass_time(1000.0)
        assert store.history("left", 0, 9) == []
        assert store.seq_range("left") == (None, 7)
        store.add([result(5, "late")])
    with Store(tmp_path / "o.db", bounds) as store:
        assert store.last_seqs() == {"left": 7, "kim": 3, "late": 5}
        store.forget("kim")
        assert store.last_seqs() == {"left": 7, "late": 5}


def test_the_next_run_knows_the_sessions_of_those_before(tmp_path: Path) -> None:
    """The latest moment that a session was named by, whatever else was in it; every run has a number of its own."""
    for number, session in enumerate(["20261116T120000Z", "19700101T000005Z-2", "monday"], start=1):
        with opened(tmp_path / "o.db") as (store, _, told):
            assert not told
            assert store.past().run == number
            store.add([msgspec.structs.replace(result(number), id=f"{session}/left/rep/1")])
            assert store.past().latest_session == "20261116T120000Z"


def test_numbers_go_on_higher_after_a_power_cut(tmp_path: Path) -> None:
    """Another boot finds a file that was not closed: its last moments may be gone, though they were published."""
    path = tmp_path / "o.db"
    with opened(path) as (store, _, _):
        store.add([result(5)])
    with opened(path) as (store, _, told):
        assert not told
        store._count(boot="another", closed=0)
        store._db.execute("PRAGMA wal_checkpoint")
        for name in ("o.db", "o.db-wal"):
            if (tmp_path / name).exists():
                (tmp_path / f"cut-{name}").write_bytes((tmp_path / name).read_bytes())
    with opened(tmp_path / "cut-o.db") as (store, _, told):
        assert "the numbers of results go on higher" in told
        assert store.last_seqs() == {"left": 5 + SKIP}


def test_a_damaged_file_loses_no_number(tmp_path: Path) -> None:
    """What outlives the results is saved from it too, and the numbers go on higher, for some may be missing."""
    path = tmp_path / "o.db"
    kept = Result(
        id="s/left/set/1", source="left", seq=401, athlete=None, topic="t/left/set", payload=b"{}", retain=True
    )
    with Store(path) as store:
        store.add([kept])
        store.acknowledge([1])
        store.add([result(n, size=900) for n in range(402, 801)])
        store.add([result(9, "other")])
        store.forget("nobody")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 9000] = b"\xa5" * 9000
    path.write_bytes(raw)
    with opened(path) as (store, _, told):
        assert "put aside as o.db.damaged-1" in told
        assert store.last_seqs() == {"left": 800 + SKIP, "other": 9 + SKIP}
        assert seqs(store.lasting()) == [401]
        account = store.account()
        assert account.offered == account.acknowledged + account.pending + account.dropped + account.forgotten
    store, told = open_store(path)
    with store:
        assert not told
