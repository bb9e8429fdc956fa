"""Requests to `ankled run` at a real broker: done, answered, and still so after a restart; SIGHUP reloads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from typing import TYPE_CHECKING, Any

import aiomqtt  # noqa: TID251 - the caller of the tests, who knows nothing of the daemon
import pytest

from tests.daemon.brokers import Mosquitto, Subscriber, payload, retained
from tests.daemon.commands import started
from tests.daemon.test_cli_radio import Air, ended, serving, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as these tests take."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


class Caller:
    """Makes requests and waits for their answers."""

    def __init__(self, broker: Mosquitto, subscriber: Subscriber) -> None:
        self._broker = broker
        self._subscriber = subscriber
        self._count = 0

    def of(self, topic: str) -> list[Any]:
        """Return what came on a topic."""
        return [json.loads(payload(one)) for one in self._subscriber.messages if one.topic.matches(topic)]

    async def ask(self, process: subprocess.Popen[str], name: str, **fields: Any) -> Any:
        """Return the answer to a request."""
        number = await self.say(name, **fields)
        await until(lambda: bool(self._answers(name, number)), process)
        return self._answers(name, number)[0]

    async def ask_or_none(self, process: subprocess.Popen[str], name: str, **fields: Any) -> Any:
        """Return the answer to a request, or None where a moment brings none."""
        number = await self.say(name, **fields)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await until(lambda: bool(self._answers(name, number)), process)
        return next(iter(self._answers(name, number)), None)

    async def say(self, name: str, **fields: Any) -> int:
        """Make a request, and return its number."""
        self._count += 1
        address = self._broker.address
        async with aiomqtt.Client(address.host, address.port) as client:
            asked = json.dumps({"transaction": self._count, **fields})
            await client.publish(f"ankled/gym/bridge/request/{name}", asked, qos=1)
        return self._count

    def _answers(self, name: str, number: int) -> list[Any]:
        told = self.of(f"ankled/gym/bridge/response/{name}")
        return [one for one in told if one["transaction"] == number]


async def test_what_was_asked_holds_after_a_restart(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A mass, a label, a device kept away, one adopted and removed, the recording; a wrong file changes nothing."""
    captures = tmp_path / "captures"
    path = tmp_path / "ankled.toml"
    head = (
        f"node = 'gym'\nrequests = 'all'\n[capture]\nfolder = '{captures}'\n[state]\nfolder = '{tmp_path / 'state'}'\n"
    )
    device = f"[[devices]]\nslug = 'left'\naddress = '{air.addresses['left']}'\nside = 'left'\n"
    path.write_text(head + device)
    url = f"mqtt://127.0.0.1:{mosquitto.address.port}"
    words = ("run", "--config", path, "--radio", air.spec, "--broker", url)
    async with Subscriber.on(mosquitto.address, "ankled/#") as subscriber:
        caller = Caller(mosquitto, subscriber)
        with started(*words) as process:
            await until(lambda: {"state": "online"} in caller.of("ankled/gym/left/availability"), process)
            done = await caller.ask(process, "set_weight", device="left", mass_kg=2.5, athlete="kimberly")
            assert done == {"transaction": 1, "status": "ok", "data": {"devices": ["left"]}}
            await caller.ask(process, "rename", device="left", label="Red one")
            done = await caller.ask(process, "adopt", address=air.addresses["right"], slug="shin", label="Shin")
            assert done["status"] == "ok", done
            await until(lambda: {"state": "online"} in caller.of("ankled/gym/shin/availability"), process)
            names = [
                json.loads(one)["device"]["name"]
                for one in (await retained(mosquitto.address, "homeassistant/#")).values()
            ]
            assert {"Red one", "Shin"} <= set(names)
            assert (await caller.ask(process, "disconnect", device="left"))["status"] == "ok"
            assert caller.of("ankled/gym/left/availability")[-1] == {"state": "offline"}
            stopped = await caller.ask(process, "recording_stop")
            assert [one.name for one in captures.iterdir()] == [stopped["data"]["file"]]
            path.write_text("node = 'Gym'\n")
            process.send_signal(signal.SIGHUP)
            refused = await caller.ask(process, "reload")
            assert refused["status"] == "error"
            assert "node is" in refused["error"]
            path.write_text(head + "[pipeline]\nset_rest_s = 5.0\n" + device)
            reloaded = await caller.ask(process, "reload")
            assert reloaded["data"] == {"applied": ["pipeline.set_rest_s"], "needs_restart": []}
            process.send_signal(signal.SIGTERM)
            code, log = await ended(process)
            assert code == 0, log
            assert log.count('"configuration not reloaded"') >= 2
        with started(*words) as process:
            await until(lambda: caller.of("ankled/gym/bridge/state")[-1] == {"state": "online"}, process)
            listed = (await caller.ask(process, "devices"))["data"]["devices"]
            assert [(one["slug"], one["label"], one["origin"], one["paused"]) for one in listed] == [
                ("left", "Red one", "configured", True),
                ("shin", "Shin", "requested", False),
            ]
            assert (listed[0]["mass_kg"], listed[0]["mass_source"]) == (2.5, "request")
            assert listed[0]["athlete"].startswith("athlete-")
            assert (await caller.ask(process, "remove", device="shin"))["status"] == "ok"
            assert (await caller.ask(process, "remove", device="left"))["status"] == "error"
            lists = "ankled/gym/bridge/devices"
            await until(lambda: [one["slug"] for one in caller.of(lists)[-1]["devices"]] == ["left"], process)
            process.send_signal(signal.SIGTERM)
            code, log = await ended(process)
            assert code == 0, log
    assert [one.name for one in captures.iterdir()] == [stopped["data"]["file"]]
    kept = await retained(mosquitto.address)
    assert not [topic for topic, content in kept.items() if "shin" in topic or b'"Shin"' in content]
    assert "ankled/gym/left/availability" in kept
    assert not [topic for topic, content in kept.items() if b"kimberly" in content]
