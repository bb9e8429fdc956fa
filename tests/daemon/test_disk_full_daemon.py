"""`ankled run` on a disk that is really full: results go on and are all accounted for; the recording waits for room."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.outbox.store import Store
from tests.daemon.brokers import Mosquitto, Subscriber
from tests.daemon.commands import started
from tests.daemon.disks import fill, mounted
from tests.daemon.test_cli_radio import SIDES, Air, Heard, ended, serving, until
from tests.daemon.test_control_run import Caller
from tests.daemon.test_outbox_daemon import told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


def configured(air: Air, tmp_path: Path, disk: Path) -> Path:
    """Write a configuration that keeps everything on the disk, and begins a new file where a set ends."""
    lines = ["node = 'gym'", "requests = 'all'", "[state]", f"folder = '{disk / 'state'}'"]
    lines += ["[capture]", f"folder = '{disk / 'captures'}'", "rotate = 'set'", "min_free_gb = 0.001"]
    for side in SIDES:
        lines += ["[[devices]]", f"slug = '{side}'", f"address = '{air.addresses[side]}'", f"side = '{side}'"]
        lines += ["mount = { left = [0, 1, 0], up = [0, 0, 1] }"]
    path = tmp_path / "ankled.toml"
    path.write_text("\n".join(lines))
    return path


async def test_results_go_on_while_the_disk_is_full(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Full amid the recording: health tells, no result is missing or told twice, and recording begins again by itself.

    Then a set ends, and with it a file; the account of the outbox is exact at the end.
    """
    with mounted(tmp_path / "disk", "24m") as disk:
        config, captures = configured(air, tmp_path, disk), disk / "captures"
        words = ("run", "--config", config, "--radio", air.spec, "--broker", mosquitto.address.url)
        async with Subscriber.on(mosquitto.address, "ankled/gym/#") as subscriber:
            heard, caller = Heard(subscriber), Caller(mosquitto, subscriber)

            def strides() -> int:
                return len({*heard.of("ankled/gym/+/rep")})

            def problem() -> bool:
                return any("the disk is full" in one for one in caller.of("ankled/gym/bridge/health")[-1]["problems"])

            with started(*words) as process:
                await until(lambda: strides() > 4, process)
                ballast = fill(disk)
                await until(problem, process)
                refused = await caller.ask(process, "recording_start")
                assert "the disk is full" in refused["error"], refused
                assert str(disk) not in refused["error"]
                count = strides()
                await until(lambda: strides() > count + 10, process)
                before = {*captures.iterdir()}
                ballast.unlink()
                await until(lambda: bool({*captures.iterdir()} - before), process)
                await until(lambda: not problem(), process)
                count = strides()
                await until(lambda: strides() > count + 30, process)
                assert (await caller.ask(process, "mark_set", device="left"))["status"] == "ok"
                await until(lambda: len({*captures.iterdir()} - before) > 1, process)
                count = strides()
                await until(lambda: strides() > count + 4, process)
                process.send_signal(signal.SIGTERM)
                code, log = await ended(process)
            assert code == 0, log
            with Store(disk / "state" / "outbox.db") as store:
                account, past = store.account(), store.past()
                stored = [one for source in past.last_seqs for one in store.history(source, 0, 10**6)]
            await until(lambda: {one.payload for one in stored} <= set(heard.results))
            results = set(heard.results)
        lines = [json.loads(line) for line in log.splitlines()]
        events = [one["event"] for one in lines if one["event"].startswith("recording ")]
        assert [one for one in events if one in {"recording stopped", "recording goes on"}] == [
            "recording stopped",
            "recording goes on",
        ]
        online = [one for one in lines if one["event"] == "sensor online"]
        assert {one["device"] for one in online} == {*SIDES}
        assert {one["session"] for one in lines if "device" in one} == {json.loads(heard.results[-1])["session"]}
        assert account.offered == account.acknowledged + account.pending
        assert (account.dropped, account.lost) == (0, 0)
        assert results == {one.payload for one in stored}, "what is published is what was stored"
        for source, by_seq in told(heard.results).items():
            assert sorted(by_seq) == list(range(1, past.last_seqs[source] + 1)), source
            assert {len(ids) for ids in by_seq.values()} == {1}, source
        after = sorted({*captures.iterdir()} - before)
        for path in after:
            assert list(CaptureReader(path))
        assert any(b'"ankled.set/1"' in one for one in results)
