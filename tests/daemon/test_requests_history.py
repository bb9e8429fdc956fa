"""History at a real broker: what a subscriber has missed, in order, page by page, until nothing is missing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.live.athletes import Athletes
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.outbox.result import Result
from ankled.daemon.requests import answering
from ankled.daemon.requests.desk import Desk
from tests.daemon.brokers import eventually
from tests.daemon.callers import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from tests.daemon.brokers import Mosquitto

TOPICS = Topics(node="gym")


def result(seq: int, source: str = "left", size: int = 0) -> Result:
    """Return a result that carries its number, and so many bytes more."""
    payload = msgspec.json.encode({"id": f"s/{source}/rep/{seq}", "seq": seq, "filler": "x" * size})
    return Result(
        id=f"s/{source}/rep/{seq}",
        source=source,
        seq=seq,
        athlete="kim",
        topic=f"ankled/gym/{source}/rep",
        payload=payload,
        retain=False,
    )


@contextlib.asynccontextmanager
async def archive(
    broker: BrokerAddress, folder: Path, *results: Result, public: Callable[[str], str] = str
) -> AsyncIterator[tuple[Caller, Outbox]]:
    """Yield a caller and the outbox it asks for history."""
    async with (
        Outbox(folder / "outbox.sqlite") as outbox,
        Publisher(broker, TOPICS, Options(timeout_s=2.0)) as publisher,
        Desk(TOPICS, "safe", {"history": answering.history(outbox, public)}, publisher.say) as desk,
        Caller.at(broker, TOPICS) as caller,
    ):
        for number, one in enumerate(results, 1):
            outbox.offer(one)
            if number % 1000 == 0:
                await outbox.account()  # behind what was offered: so many at once would not wait for a disk
        desk.listen(publisher.incoming.listen)
        await caller.heard("history")
        yield caller, outbox


def seqs(answer: dict[str, Any]) -> list[int]:
    """Return the numbers of the results in an answer."""
    return [past["record"]["seq"] for past in answer["data"]["results"]]


async def asked(caller: Caller, **fields: object) -> dict[str, Any]:
    """Return the answer of this very transaction."""
    transaction = f"t{len(caller.answers)}-{fields}"
    await caller.say("history", msgspec.json.encode({"transaction": transaction, **fields}))
    found: list[dict[str, Any]] = []

    def come() -> bool:
        found[:] = [answer for answer in caller.of("history") if answer["transaction"] == transaction]
        return bool(found)

    await eventually(come)
    return found[0]


async def test_results_come_as_they_were_published(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Their topics and the records themselves, of the source that was asked for, above the number."""
    results = [result(seq, source) for seq in range(1, 6) for source in ("left", "right")]
    async with archive(mosquitto.address, tmp_path, *results) as (caller, _):
        answer = await asked(caller, source="left", after_seq=3)
        assert answer["data"] == {
            "source": "left",
            "results": [
                {"topic": "ankled/gym/left/rep", "record": msgspec.json.decode(result(seq).payload)} for seq in (4, 5)
            ],
            "more": False,
            "oldest_seq": 1,
            "latest_seq": 5,
        }
        nobody = await asked(caller, source="left-one")
        assert nobody["data"] == {
            "source": "left-one", "results": [], "more": False, "oldest_seq": None, "latest_seq": None,
        }  # fmt: skip


async def test_an_athlete_may_be_asked_for_by_name(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """As in every other request. The answer says the pseudonym; a device of that very name comes first."""
    athletes = Athletes(tmp_path / "athletes.key")
    pseudonym = athletes.public("kim")
    results = [result(seq, source) for seq in (1, 2) for source in (pseudonym, "left", athletes.public("left"))]
    async with archive(mosquitto.address, tmp_path, *results, public=athletes.known) as (caller, _):
        answer = await asked(caller, source="kim")
        assert (answer["data"]["source"], seqs(answer)) == (pseudonym, [1, 2])
        assert "kim" not in answer["data"]["results"][0]["topic"]
        assert (await asked(caller, source="left"))["data"]["source"] == "left"


def test_asking_makes_no_key(tmp_path: Path) -> None:
    """Who only looks leaves nothing behind: without a key nobody has a pseudonym."""
    path = tmp_path / "athletes.key"
    assert Athletes(path).known("kim") == Athletes(None).known("kim") == "kim"
    assert not path.exists()


async def test_pages_lead_to_the_end(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Asking with the last number of each page gives every result once, in order; the last page says so."""
    async with archive(mosquitto.address, tmp_path, *map(result, range(1, 251))) as (caller, _):
        got: list[int] = []
        for count in (100, 100, 50):
            answer = await asked(caller, source="left", after_seq=got[-1] if got else 0)
            assert len(seqs(answer)) == count
            assert answer["data"]["more"] is (count == 100)
            got += seqs(answer)
        assert got == list(range(1, 251))
        whole = await asked(caller, source="left", after_seq=0, limit=250)
        assert (len(seqs(whole)), whole["data"]["more"]) == (250, False)


async def test_pages_are_bounded_in_bytes(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A page of large results is a short one; a result above the bound comes alone."""
    sizes = [40_000, 40_000, 40_000, 200_000, 10, 10]
    results = [result(seq, size=size) for seq, size in enumerate(sizes, 1)]
    async with archive(mosquitto.address, tmp_path, *results) as (caller, _):
        pages, after = [], 0
        while True:
            answer = await asked(caller, source="left", after_seq=after, limit=500)
            pages.append(seqs(answer))
            after = pages[-1][-1]
            if not answer["data"]["more"]:
                break
        assert pages == [[1, 2], [3], [4], [5, 6]]


async def test_what_is_gone_is_told(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A subscriber learns from the oldest number that what it wants is not kept any more."""
    async with archive(mosquitto.address, tmp_path, *map(result, range(40, 43))) as (caller, _):
        answer = await asked(caller, source="left", after_seq=7)
        assert seqs(answer) == [40, 41, 42]
        assert (answer["data"]["oldest_seq"], answer["data"]["latest_seq"]) == (40, 42)


async def test_history_answers_while_thousands_wait(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """What was not sent yet can be asked for too: nobody reads the outbox here, so all of it waits."""
    async with archive(mosquitto.address, tmp_path, *map(result, range(1, 20_001))) as (caller, outbox):
        answer = await asked(caller, source="left", after_seq=19_990)
        assert seqs(answer) == list(range(19_991, 20_001))
        assert len(outbox) == 20_000


async def test_a_defect_of_one_question_does_not_end_the_outbox(tmp_path: Path) -> None:
    """Whoever asked is told, and results are stored as before."""
    async with Outbox(tmp_path / "outbox.sqlite") as outbox:
        with pytest.raises(OverflowError):
            await outbox.history("left", 10**40, 1)
        outbox.offer(result(1))
        assert [one.seq for one in await outbox.history("left", 0, 1)] == [1]


async def test_the_largest_number_there_is_can_be_asked_for(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Beyond it the request is refused; it has nothing behind it."""
    async with archive(mosquitto.address, tmp_path, result(1)) as (caller, _):
        assert seqs(await asked(caller, source="left", after_seq=2**53 - 1)) == []
        refused = await asked(caller, source="left", after_seq=2**53)
        assert refused["error"].endswith("allowed is a whole number from 0 to 9007199254740991")
