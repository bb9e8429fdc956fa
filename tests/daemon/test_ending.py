"""SIGTERM ends `ankled run` whatever hangs, and everything it computed is in the outbox then."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.errors import RecordingError
from ankled.daemon.giving_up import give_up
from ankled.daemon.live.ending import Ending
from ankled.daemon.outbox.store import Store
from tests.daemon.brokers import HOST, Subscriber, free_port, payload
from tests.daemon.commands import started
from tests.daemon.test_cli_radio import OFFLINE, ONLINE, SIDES, Air, ended, serving, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ankled.daemon.live.ending import Stage
    from ankled.daemon.outbox.result import Account
    from tests.daemon.brokers import Mosquitto

STAGES: tuple[Stage, ...] = ("links", "requests", "recording", "drain", "farewell", "outbox", "broker")
PATIENT_S = 60  # the longest time-out that a configuration allows: who waits for it is not done in a test's time
HANGING = "15.0 zombie left 600\n"


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


@pytest.fixture(scope="module")
def hanging_air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk whose left sensor answers nothing any more."""
    folder = tmp_path_factory.mktemp("hanging")
    (folder / "faults").write_text(HANGING)
    with serving(folder, "--repeat", "--faults", str(folder / "faults")) as found:
        yield found


def words(air: Air, folder: Path, url: str) -> tuple[object, ...]:
    """Return how to run a daemon that would wait for its broker for as long as may be."""
    lines = ["node = 'gym'", "[capture]", f"folder = '{folder / 'captures'}'", "[mqtt]", f"timeout_s = {PATIENT_S}"]
    lines += ["[state]", f"folder = '{folder / 'state'}'"]
    for side in SIDES:
        lines += ["[[devices]]", f"slug = '{side}'", f"address = '{air.addresses[side]}'", f"side = '{side}'"]
        lines += ["athlete = 'kim'", "mount = { left = [0, 1, 0], up = [0, 0, 1] }"]
    path = folder / "ankled.toml"
    path.write_text("\n".join(lines))
    return ("run", "--config", path, "--radio", air.spec, "--broker", url)


async def computed(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    """Wait until a daemon has stored so many results."""
    path = folder / "state" / "outbox.db"
    await until(lambda: path.exists() and offered(path) >= count, process)


def offered(path: Path) -> int:
    """Return how many results are in the file of a daemon that runs."""
    import sqlite3  # noqa: PLC0415 - a reader that leaves the daemon's file alone

    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as db:
        try:
            return int(db.execute("SELECT count(*) FROM results").fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


async def stopped(process: subprocess.Popen[str]) -> str:
    """Ask a daemon once to stop, and return its log once it has ended by itself."""
    process.send_signal(signal.SIGTERM)
    code, log = await ended(process)
    assert code == 0, log
    return log


def complete(folder: Path) -> Account:
    """Return the account of an outbox that holds every result up to the end of the session, of every source."""
    with Store(folder / "state" / "outbox.db") as store:
        account, past = store.account(), store.past()
        for source, last in past.last_seqs.items():
            assert [one.seq for one in store.history(source, 0, 10**6)] == list(range(1, last + 1)), source
        (session,) = [one for one in store.history(next(iter(past.last_seqs)), 0, 10**6) if "/session/" in one.id] or [
            one for source in past.last_seqs for one in store.history(source, 0, 10**6) if "/session/" in one.id
        ]
    assert json.loads(session.payload)["kind"] == "session"
    assert account.offered == account.acknowledged + account.pending
    assert (account.dropped, account.lost) == (0, 0)
    return account


async def test_a_broker_that_is_frozen_meanwhile(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """What it has not acknowledged waits in the outbox, and it gets all of it from the next run."""
    start = words(air, tmp_path, mosquitto.address.url)
    with started(*start) as process:
        await computed(process, tmp_path, 12)
        mosquitto.signal(signal.SIGSTOP)
        await stopped(process)
    waiting = complete(tmp_path)
    assert waiting.pending > 0
    mosquitto.signal(signal.SIGCONT)
    async with Subscriber.on(mosquitto.address, "ankled/gym/athlete/+/session") as subscriber:
        with started(*start) as process:
            await until(lambda: len(subscriber.messages) > 0, process)
            await stopped(process)
    with Store(tmp_path / "state" / "outbox.db") as store:
        assert store.account().pending == 0


async def test_a_broker_that_is_frozen_from_the_start(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The daemon is at connecting, and gives that up."""
    mosquitto.signal(signal.SIGSTOP)
    with started(*words(air, tmp_path, mosquitto.address.url)) as process:
        await computed(process, tmp_path, 12)
        await stopped(process)
    account = complete(tmp_path)
    assert account.pending == account.offered > 0


async def test_a_handshake_in_a_thread_is_not_waited_for(air: Air, tmp_path: Path) -> None:
    """A port that takes connections and says nothing: no thread that cannot be cancelled keeps the process."""
    with socket.create_server((HOST, free_port())) as silent:
        url = f"mqtts://{HOST}:{silent.getsockname()[1]}"
        with started(*words(air, tmp_path, url)) as process:
            await computed(process, tmp_path, 12)
            await stopped(process)
    account = complete(tmp_path)
    assert account.pending == account.offered > 0


async def test_a_sensor_that_answers_nothing(hanging_air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The other one is put to rest all the same, and everything is published."""
    async with Subscriber.on(mosquitto.address, "ankled/gym/left/availability") as subscriber:
        with started(*words(hanging_air, tmp_path, mosquitto.address.url)) as process:
            await until(lambda: [payload(one) for one in subscriber.messages][-2:] == [ONLINE, OFFLINE], process)
            await stopped(process)
    assert complete(tmp_path).pending == 0


def test_every_stage_has_its_time_whatever_those_before_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that needs less leaves the rest to those behind; one that takes all it may leaves each of them its own."""
    now_s = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    spent = []
    for taken in (0.0, 1.0):
        ending = Ending()
        shares = [ending.share(stage, 60.0) for stage in STAGES]
        assert {share() for share in shares} == {60.0}, "nobody is in a hurry yet"
        ending.begin()
        ending.over()
        began_s, allowed = now_s, []
        for share in shares:
            allowed.append(share())
            now_s += taken * allowed[-1]
        spent.append(now_s - began_s)
        assert min(allowed) > 0.1
        if not taken:
            assert allowed == sorted(allowed), "what is not used is left to those behind"
    assert spent[0] == 0.0
    assert 3.5 < spent[1] <= 4.1


@pytest.mark.parametrize(("closed", "code"), [(True, 0), (False, 1)])
def test_a_process_that_hangs_ends_itself(closed: bool, code: int) -> None:
    """A thread that nobody can cancel does not keep the process; the exit code says whether all was closed."""
    script = (
        "import concurrent.futures, threading\n"
        "from ankled.daemon.live.ending import Ending\n"
        "ending = Ending()\n"
        f"{'ending.closed(0)' if closed else ''}\n"
        "ending.begin()\n"
        "concurrent.futures.ThreadPoolExecutor().submit(threading.Event().wait)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60.0)
    assert done.returncode == code
    assert ("not ended in time" in done.stdout + done.stderr) is not closed


def test_a_failure_on_the_way_out_is_told_and_costs_no_time() -> None:
    """A full disk fails the recording's end: that is said, and the interpreter is not taken down, which takes long."""
    script = (
        "import atexit\n"
        "from ankled.daemon.cli.live import run_to_end\n"
        "from ankled.daemon.errors import RecordingError\n"
        "from ankled.daemon.live.ending import Ending\n"
        "atexit.register(print, 'taken down')\n"
        "ending = Ending()\n"
        "async def work():\n"
        "    ending.begin()\n"
        "    raise RecordingError('the disk is full')\n"
        "try:\n"
        "    run_to_end(work(), ending)\n"
        "except RecordingError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60.0)
    assert (done.returncode, done.stdout) == (RecordingError.exit_code, "the disk is full\n")


async def test_a_task_that_cleans_up_for_long_is_given_up() -> None:
    """It is cancelled again at each step of its cleaning up, and left alone if even that does not end it."""
    reached = []

    async def tidy(steps: int) -> None:
        for step in range(steps):
            try:
                await asyncio.sleep(3600.0)
            except asyncio.CancelledError:
                reached.append(step)
        raise ValueError

    for steps, patience_s, done in ((2, 30.0, True), (10**6, 0.3, False)):
        task = asyncio.create_task(tidy(steps))
        await asyncio.sleep(0)
        assert await give_up(task, patience_s) is done
        if done:
            assert isinstance(task.exception(), ValueError)
            assert reached == [0, 1]
        else:
            task.get_coro().close()
