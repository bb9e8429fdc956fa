"""`ankled run` with a configuration of parts: it says what it was made of, and a reload applies what it can."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.daemon.brokers import Mosquitto, Subscriber
from tests.daemon.commands import started
from tests.daemon.test_cli_radio import Air, ended, serving, until
from tests.daemon.test_control_run import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def air(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Air]:
    """Have somebody walk for as long as the test takes."""
    with serving(tmp_path_factory.mktemp("air"), "--repeat") as found:
        yield found


async def test_a_run_made_of_parts_and_its_reload(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """File of the environment, drop-in and variable; then another drop-in: samples come, no link was dropped."""
    path = tmp_path / "ankled.toml"
    folder = tmp_path / "ankled.toml.d"
    folder.mkdir()
    path.write_text(
        f"node = 'hall'\nrequests = 'all'\n[capture]\nenabled = false\n[state]\nfolder = '{tmp_path / 'state'}'\n"
        f"[mqtt]\nqueue = 5\nbroker = '{mosquitto.address.url}'\n"
        f"[[devices]]\nslug = 'left'\naddress = '{air.addresses['left']}'\nside = 'left'\n"
    )
    (folder / "10.toml").write_text("[[devices]]\nslug = 'left'\nmass_kg = 2.0\n")
    variables = {"ANKLED_CONFIG": str(path), "ANKLED_NODE": "gym"}
    async with Subscriber.on(mosquitto.address, "ankled/#") as subscriber:
        caller = Caller(mosquitto, subscriber)
        with started("run", "--radio", air.spec, env=os.environ | variables) as process:
            await until(lambda: {"state": "online"} in caller.of("ankled/gym/left/availability"), process)
            listed = (await caller.ask(process, "devices"))["data"]["devices"]
            assert [(one["slug"], one["mass_kg"]) for one in listed] == [("left", 2.0)]
            assert not [one for one in subscriber.messages if one.topic.matches("ankled/gym/left/imu")]
            (folder / "20.toml").write_text("[mqtt]\npublish_imu = true\nkeepalive_s = 20\n[outbox]\nkept_h = 1\n")
            process.send_signal(signal.SIGHUP)
            await until(lambda: any(one.topic.matches("ankled/gym/left/imu") for one in subscriber.messages), process)
            assert caller.of("ankled/gym/left/availability") == [{"state": "offline"}, {"state": "online"}]
            answer = await caller.ask(process, "reload")
            assert answer["data"] == {"applied": [], "needs_restart": ["mqtt.keepalive_s", "outbox.kept_h"]}
            process.send_signal(signal.SIGTERM)
            code, log = await ended(process)
    assert code == 0, log
    lines = [json.loads(one) for one in log.splitlines()]
    (told,) = [one for one in lines if one["event"] == "configured"]
    assert (told["file"], told["sources"]) == (str(path), [str(path), str(folder / "10.toml"), "ANKLED_NODE"])
    (old,) = [one for one in lines if one["event"] == "old configuration"]
    assert old["reason"].startswith(f"{path}:8:1: mqtt.queue ")
    reloaded = next(one for one in lines if one["event"] == "configuration reloaded")
    assert reloaded["applied"] == ["mqtt.publish_imu"]
    assert reloaded["needs_restart"] == ["mqtt.keepalive_s", "outbox.kept_h"]
