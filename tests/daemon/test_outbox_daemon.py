"""`ankled run` and its outbox as a user meets them: killed amid the stream, started twice, and numbered on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.outbox.outbox import Outbox
from ankled.daemon.outbox.store import Store
from tests.daemon.brokers import Mosquitto, Subscriber
from tests.daemon.commands import started
from tests.daemon.test_cli_radio import SIDES, Air, Heard, ended, serving, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.commands import Shell

ROUNDS = 3


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


@pytest.fixture
def config(air: Air, tmp_path: Path) -> Path:
    """Return a configuration of both sensors whose mount is known, all in a folder of the test."""
    lines = ["node = 'gym'", "[capture]", f"folder = '{tmp_path / 'captures'}'"]
    lines += ["[state]", f"folder = '{tmp_path / 'state'}'", "[athletes]", "pseudonyms = false"]
    for side in SIDES:
        lines += ["[[devices]]", f"slug = '{side}'", f"address = '{air.addresses[side]}'", f"side = '{side}'"]
        lines += ["athlete = 'kim'", "mount = { left = [0, 1, 0], up = [0, 0, 1] }"]
    path = tmp_path / "ankled.toml"
    path.write_text("\n".join(lines))
    return path


def told(results: list[bytes]) -> dict[str, dict[int, set[str]]]:
    """Return the ids that came under each number of each device and athlete."""
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for payload in results:
        record = json.loads(payload)
        found[record["id"].rsplit("/", 3)[1]][record["seq"]].add(record["id"])
    return found


async def test_a_killed_daemon_publishes_all_it_had_stored_and_counts_on(
    air: Air, config: Path, mosquitto: Mosquitto, tmp_path: Path, shell: Shell
) -> None:
    """SIGKILL, again and again: a subscriber has every stored result, no number is missing and none given twice.

    The capture of the last run gives the very same bytes, numbers included.
    """
    words = ("run", "--config", config, "--radio", air.spec, "--broker", mosquitto.address.url)
    async with Subscriber.on(mosquitto.address, "ankled/gym/#") as subscriber:
        heard = Heard(subscriber)
        for _ in range(ROUNDS):
            before = len(heard.of("ankled/gym/+/rep"))
            with started(*words) as process:
                await until(lambda: len(heard.of("ankled/gym/+/rep")) > before + 5, process)  # noqa: B023 - called at once
                process.kill()
                await asyncio.to_thread(process.communicate)
        first_of_last = len(heard.results)
        with started(*words) as process:
            await until(lambda: len({*heard.of("ankled/gym/+/rep")}) > 30, process)
            process.send_signal(signal.SIGTERM)
            code, log = await ended(process)
        assert code == 0
        assert not [line for line in map(json.loads, log.splitlines()) if line["level"] == "error"]
        with Store(tmp_path / "state" / "outbox.db") as store:
            account, past = store.account(), store.past()
            stored = [one for source in past.last_seqs for one in store.history(source, 0, 10**6)]
        await until(lambda: {one.payload for one in stored} <= set(heard.results))
        results = heard.results
    assert (account.pending, account.dropped) == (0, 0)
    assert account.offered == account.acknowledged == len(stored)
    assert set(results) == {one.payload for one in stored}, "what is published is what was stored"
    found = told(results)
    assert set(found) == {"left", "right", "kim"}
    for source, by_seq in found.items():
        assert sorted(by_seq) == list(range(1, past.last_seqs[source] + 1)), source
        assert {len(ids) for ids in by_seq.values()} == {1}, source
    assert past.run == ROUNDS + 1
    session = json.loads(results[-1])["session"]
    fresh = [line for line in dict.fromkeys(results[first_of_last:]) if json.loads(line)["session"] == session]
    *_, capture = sorted((tmp_path / "captures").iterdir())
    assert shell("replay", capture, "--json").out.encode().splitlines() == fresh


async def test_a_second_daemon_on_the_same_folder_is_refused(
    air: Air, config: Path, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """One clear sentence that names who has the outbox and what to do; when that one ends, the other can begin."""
    words = ("run", "--config", config, "--radio", air.spec, "--broker", mosquitto.address.url)
    path = tmp_path / "state" / "outbox.db"
    async with Outbox(path) as outbox:
        with started(*words) as process:
            code, complaint = await ended(process)
        assert await outbox.history("left", 0, 9) == []
    assert code == 1
    assert complaint == (
        f"ankled: the outbox {path} is in use by another ankled (process {os.getpid()}); "
        "stop that one, or give each its own state.folder\n"
    )
    async with Subscriber.on(mosquitto.address, "ankled/gym/+/rep") as subscriber:
        with started(*words) as process:
            await until(lambda: len(subscriber.messages) > 0, process)
            process.send_signal(signal.SIGTERM)
            assert (await ended(process))[0] == 0
