"""docs/examples/subscriber.py as a user runs it, against nodes with a real outbox and desk."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ankled.daemon.offline import run_recording
from ankled.daemon.records import to_json
from tests.daemon.brokers import PATIENCE_S, Gate, Subscriber, eventually
from tests.daemon.nodes import all_heard, nodes, take, times
from tests.daemon.wearers import WALK_LIFT_WALK, legs, settings
from tests.house import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.records import Record
    from tests.daemon.brokers import Mosquitto

SCRIPT = tree.ROOT / "docs" / "examples" / "subscriber.py"
NODES = ("gym", "pool")


@pytest.fixture(scope="module")
def records() -> dict[str, list[Record]]:
    """Return what two nodes make of the same wearer."""
    return {node: run_recording(settings(node=node), legs(*WALK_LIFT_WALK)) for node in NODES}


class Run:
    """The script at work."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(process.stdout, self.printed, json.loads)),
            threading.Thread(target=self._read, args=(process.stderr, self.said, str)),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(lines: Any, into: list[Any], make: Any) -> None:
        into.extend(make(line) for line in lines)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@contextlib.contextmanager
def running(address: BrokerAddress, state: Path) -> Iterator[Run]:
    """Run the script until the end of the context."""
    words = [sys.executable, str(SCRIPT), address.host, str(address.port), str(state)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run = Run(process)
    try:
        yield run
    finally:
        run.stop()


def by_source(printed: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return records by node and source, in their order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in printed:
        found.setdefault((record["node"], record["id"].split("/")[1]), []).append(record)
    return found


async def test_it_ends_with_every_result_once_and_in_order(
    mosquitto: Mosquitto, tmp_path: Path, records: dict[str, list[Record]]
) -> None:
    """It comes late, its connection is cut while results go on, it is stopped, and run again: nothing is missing."""
    gate = Gate(mosquitto.address)
    await gate.open()
    state = tmp_path / "state.json"
    third = len(records["gym"]) // 3
    wanted = by_source([json.loads(to_json(record)) for made in records.values() for record in made])
    async with (
        Subscriber.on(mosquitto.address, "ankled/#") as watching,
        nodes(dict.fromkeys(NODES, mosquitto.address)) as made,
    ):
        take(made, records, slice(third))
        await all_heard(watching, records, third)
        with running(gate.address, state) as first:
            await eventually(lambda: gate.relaying)
            take(made, records, slice(third, third + 4))
            await eventually(lambda: len(first.printed) >= third)
            await gate.shut()
            take(made, records, slice(third + 4, 2 * third))
            await all_heard(watching, records, 2 * third)
            await gate.open()
            await eventually(lambda: times(watching, "ankled/+/bridge/request/history") > 0 and gate.relaying)
        take(made, records, slice(2 * third, -2))
        await all_heard(watching, records, -2)
        with running(gate.address, state) as second:
            await eventually(lambda: gate.relaying)
            for name, node in made.items():
                last = {source: found[-1]["seq"] for (whose, source), found in wanted.items() if whose == name}
                node.publisher.keep(node.topics.bridge("health"), json.dumps({"last_seq": last}).encode())
            take(made, records, slice(-2, None))
            await eventually(lambda: len(first.printed) + len(second.printed) >= sum(map(len, records.values())))
    await gate.shut()
    assert by_source([*first.printed, *second.printed]) == wanted
    assert [line for line in second.said if "lost" in line] == []
