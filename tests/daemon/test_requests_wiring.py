"""Requests to a running `ankled run`: each form has a handler, and what was said of policy, log and removal holds."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.live.changes import Changes, ChangesFile, DeviceChanges
from ankled.daemon.outbox.result import Result
from ankled.daemon.outbox.store import Store
from ankled.daemon.requests.forms import FORMS
from tests.daemon.brokers import Subscriber
from tests.daemon.commands import started
from tests.daemon.test_cli_radio import Air, ended, serving, until
from tests.daemon.test_control_run import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.brokers import Mosquitto


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


async def test_every_request_is_done_by_somebody(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A field that no form has is refused by each by its name; the log follows its request, now and after a restart."""
    path = tmp_path / "ankled.toml"
    text = f"node = 'gym'\nrequests = 'all'\n[capture]\nenabled = false\n[state]\nfolder = '{tmp_path / 'state'}'\n"
    path.write_text(text)
    start = ("run", "--config", path, "--radio", air.spec, "--broker", mosquitto.address.url)
    async with Subscriber.on(mosquitto.address, "ankled/#") as subscriber:
        caller = Caller(mosquitto, subscriber)
        with started(*start) as process:
            await until(lambda: {"state": "online"} in caller.of("ankled/gym/bridge/state"), process)
            for form in FORMS:
                refused = await caller.ask(process, form.name, abacus=1)
                assert refused["status"] == "error", form.name
                assert "abacus" in refused["error"], refused
                assert "there is no request" not in refused["error"], refused
            wrong = await caller.ask(process, "log_level", level="loud")
            assert "allowed" in wrong["error"], wrong
            wrong = await caller.ask(process, "log_level", level="info", part="mqt")
            assert wrong["error"].startswith('there is no part "mqt" of the log; there are bridge, capture, '), wrong
            for part, level in (("mqtt", "debug"), ("live", "error")):
                asked = await caller.ask(process, "log_level", level=level, part=part)
                assert asked["data"] == {"level": level, "part": part}
            changes = json.loads((tmp_path / "state" / "changes.json").read_bytes())["log_levels"]
            assert changes == {"mqtt": {"now": "debug", "was": None}, "live": {"now": "error", "was": None}}
            assert (await caller.ask(process, "log_level", level="debug"))["data"] == {"level": "debug", "part": None}
            await caller.ask(process, "log_level", level="loud")  # a refusal is told at this level alone
            process.send_signal(signal.SIGTERM)
            _, log = await ended(process)
        with started(*start) as process:
            await until(lambda: caller.of("ankled/gym/bridge/state")[-1] == {"state": "online"}, process)
            await caller.ask(process, "log_level", level="loud")
            path.write_text(text.replace("'all'", "'off'"))
            assert (await caller.ask(process, "reload"))["data"]["applied"] == ["requests"]
            before = len(caller.of("ankled/gym/bridge/response/+"))
            await caller.say("devices")
            await asyncio.sleep(0.5)  # nothing tells that nobody has looked at it
            path.write_text(text.replace("'all'", "'safe'"))
            process.send_signal(signal.SIGHUP)
            while (answer := await caller.ask_or_none(process, "adopt", address="C0:11:22:33:44:55")) is None:
                pass
            assert "is not among the safe requests" in answer["error"]
            told = caller.of("ankled/gym/bridge/response/+")
            assert not [one for one in told[before:] if one["status"] == "ok"], "off: nobody looks at requests"
            process.send_signal(signal.SIGTERM)
            _, second = await ended(process)
    for lines in (log, second):
        refusals = [one for one in map(json.loads, lines.splitlines()) if one["event"] == "request refused"]
        assert refusals
        assert {one["level"] for one in refusals} == {"debug"}
    assert len([one for one in map(json.loads, log.splitlines()) if one["event"] == "request refused"]) == 1


async def test_what_is_removed_is_told_no_more_after_a_restart(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The outbox keeps the last set of every device for brokers that forget; of one that was removed it keeps none."""
    path, state = tmp_path / "ankled.toml", tmp_path / "state"
    path.write_text(f"node = 'gym'\nrequests = 'all'\n[capture]\nenabled = false\n[state]\nfolder = '{state}'\n")
    start = ("run", "--config", path, "--radio", air.spec, "--broker", mosquitto.address.url)

    def lasting() -> list[str]:
        with sqlite3.connect(f"{(state / 'outbox.db').as_uri()}?mode=ro", uri=True) as db:
            return [topic for (topic,) in db.execute("SELECT topic FROM lasting")]

    last_set = Result(
        id="s/shin/set/1", source="shin", seq=1, athlete=None, topic="ankled/gym/shin/set", payload=b"{}", retain=True
    )
    state.mkdir()
    with Store(state / "outbox.db") as store:
        store.add([last_set])
    adopted = DeviceChanges(address=air.addresses["left"])
    ChangesFile(state / "changes.json").write(Changes(devices={"shin": adopted}))
    async with Subscriber.on(mosquitto.address, "ankled/#") as subscriber:
        caller = Caller(mosquitto, subscriber)
        with started(*start) as process:
            await until(lambda: {"state": "online"} in caller.of("ankled/gym/bridge/state"), process)
            assert lasting() == ["ankled/gym/shin/set"]
            assert (await caller.ask(process, "remove", device="shin"))["status"] == "ok"
            await until(lambda: "ankled/gym/shin/set" not in lasting(), process)
            process.send_signal(signal.SIGTERM)
            assert (await ended(process))[0] == 0
