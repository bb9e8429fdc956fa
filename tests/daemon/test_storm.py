"""Rounds of trouble in the middle of streaming: no result is lost, and the account of them is exact."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ankled.daemon.capture.reader import read_inputs
from tests.daemon.brokers import Gate, Mosquitto
from tests.daemon.storm import BROKER_LINES, SOURCES, Daemon, Storm, Watcher, asked
from tests.daemon.test_cli_radio import SIDES, Air, serving, until
from tests.trials import repeated

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from tests.daemon.commands import Shell

ROUNDS = repeated(50, 15)
KILLS = repeated(17, 5)
SEED = 20


class Row(NamedTuple):
    """A result in the outbox."""

    id: str
    source: str
    seq: int
    payload: bytes
    acknowledged: bool


def configured(air: Air, folder: Path, gate: BrokerAddress) -> Path:
    """Write a configuration of both sensors, whose mounts are known so that the first strides count."""
    lines = ["node = 'gym'", "[capture]", f"folder = '{folder / 'captures'}'"]
    lines += ["[state]", f"folder = '{folder / 'state'}'"]
    lines += ["[athletes]", "pseudonyms = false"]
    lines += ["[mqtt]", f"broker = 'mqtt://{gate.host}:{gate.port}'", "timeout_s = 1.0"]
    for side in SIDES:
        lines += ["[[devices]]", f"slug = '{side}'", f"address = '{air.addresses[side]}'", f"side = '{side}'"]
        lines += ["athlete = 'kim'", "mass_kg = 1.814", "mount = { left = [0, 1, 0], up = [0, 0, 1] }"]
    path = folder / "ankled.toml"
    path.write_text("\n".join(lines))
    return path


def rows(outbox: Path) -> list[Row]:
    """Return everything an outbox holds, in the order it was stored."""
    with contextlib.closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)) as file:
        found = file.execute("SELECT id, source, seq, payload, acknowledged_s FROM results ORDER BY number")
        return [Row(name, source, seq, bytes(body), at is not None) for name, source, seq, body, at in found]


def lost_ns(captures: list[Path], killed_ns: list[int]) -> list[int]:
    """Return, for each kill that ended a recording, how much of what was heard before it is not in the file."""
    ends = sorted(max(item.host_ns for _, item in read_inputs(path)) for path in captures)
    return [at - max(end for end in ends if end <= at) for at in killed_ns if any(end <= at for end in ends)]


async def test_nothing_is_lost_in_a_storm(
    compiled: None, mosquitto_program: str, tmp_path: Path, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is computed is acknowledged or in the outbox; who asks for what he missed ends with all of it, in order."""
    broker = Mosquitto(mosquitto_program, tmp_path, *BROKER_LINES)
    gate = Gate(broker.address)
    watcher = Watcher(broker.address, "ankled/gym/#")
    with serving(tmp_path, "--repeat") as air:
        config = configured(air, tmp_path, gate.address)
        daemon = Daemon(("--config", config, "--radio", air.spec), tmp_path / "log")
        broker.start()
        await gate.open()
        watching = asyncio.create_task(watcher.watch())
        try:
            daemon.start()
            await until(lambda: len(watcher.seen) > 1)
            told = await Storm(SEED, broker, gate, daemon).rage(ROUNDS, KILLS)
            outbox = tmp_path / "state" / "outbox.db"
            await until(lambda: all(row.acknowledged for row in rows(outbox)))
            before, seen = rows(outbox), dict(watcher.seen)
            complete = await asked(broker.address, seen)
            code = await asyncio.to_thread(daemon.stop)
        finally:
            daemon.abandon()
            watching.cancel()
            await asyncio.wait({watching})
            await gate.shut()
            broker.kill()
    assert code == 0, daemon.log.read_text()
    kept = rows(outbox)
    captures = sorted((tmp_path / "captures").glob("*.mcap"))
    lost_s = [lost * 1e-9 for lost in lost_ns(captures, daemon.killed_ns)]
    with capsys.disabled():
        print(f"\nstorm of seed {SEED}: {dict(Counter(told))}; {len(daemon.killed_ns)} times the daemon was killed")  # noqa: T201 - the figures are what this is for
        print(f"of {len(kept)} results a subscriber without history saw {len(seen)}, {watcher.repeats} of them again")  # noqa: T201
        print(f"of what was heard at most {max(lost_s):.2f} s were lost by a kill, on average {fmean(lost_s):.2f} s")  # noqa: T201

    ids = {row.id: row.payload for row in kept}
    for source in SOURCES:  # gapless: nothing that was stored was let go, and no number was given twice
        seqs = [row.seq for row in kept if row.source == source]
        assert seqs == list(range(1, len(seqs) + 1)), source
    computed = [line for capture in captures for line in shell("replay", capture, "--json").out.encode().splitlines()]
    assert len(computed) > ROUNDS
    assert {ids.get(msgspec.json.decode(line)["id"]) for line in computed} == set(computed)
    assert seen.items() <= ids.items()
    assert complete.items() <= ids.items()
    assert complete.keys() >= {row.id for row in before}
