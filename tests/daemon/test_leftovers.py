"""What a broker holds of devices that left the configuration while no daemon ran: `ankled run` takes it back."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import aiomqtt  # noqa: TID251 - an earlier run, next to the one under test
import msgspec
import pytest

from ankled.daemon.config import Config, DeviceConfig
from ankled.daemon.live.changes import Changes
from ankled.daemon.live.outlet import result_of
from ankled.daemon.live.roster import resolve
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.store import Store
from ankled.daemon.records import Set
from tests.daemon.brokers import Mosquitto, Subscriber, retained
from tests.daemon.commands import started
from tests.daemon.records import make
from tests.daemon.test_cli_radio import Air, Heard, ended, serving, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics(node="gym")
ADDRESS = "c01122334455"
ONLINE, OFFLINE = b'{"state":"online"}', b'{"state":"offline"}'


@pytest.fixture
def air(compiled: None, tmp_path: Path) -> Iterator[Air]:
    """Have a radio on which none of the devices is heard."""
    with serving(tmp_path) as found:
        yield found


async def test_a_device_that_is_configured_no_more_is_let_go(air: Air, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Its retained topics are cleared, its last set does not come back from the outbox; strangers' topics stay."""
    gone = [TOPICS.device("gone", name) for name in ("availability", "state", "set")]
    last_set = result_of(make(Set, device="gone", node="gym", id="s/gone/set/1", seq=1, session="s"), TOPICS)
    (tmp_path / "state").mkdir()
    with Store(tmp_path / "state" / "outbox.db") as store:
        store.add([last_set])
        store.acknowledge([1])
    config = tmp_path / "ankled.toml"
    config.write_text(
        f"node = 'gym'\n[capture]\nenabled = false\n[state]\nfolder = '{tmp_path / 'state'}'\n"
        "[[devices]]\nslug = 'left'\naddress = 'C0:11:22:33:44:66'\n"
    )
    others = ["ankled/gym/NOT A SLUG/availability", "ankled/other/gone/availability"]
    async with aiomqtt.Client(mosquitto.address.host, mosquitto.address.port) as earlier:
        for topic in (*gone, *others, TOPICS.device("left", "availability")):
            await earlier.publish(topic, ONLINE, qos=1, retain=True)

    for _ in range(2):  # the second run finds nothing that the first one brought back
        async with Subscriber.on(mosquitto.address, "ankled/gym/#") as subscriber:
            heard = Heard(subscriber)
            words = ("run", "--config", config, "--radio", air.spec, "--broker", mosquitto.address.url)
            with started(*words) as process:
                await until(lambda: heard.of(TOPICS.device("left", "availability"))[-1:] == [OFFLINE], process)  # noqa: B023 - called at once
                await until(lambda: bool(heard.of(TOPICS.bridge("health"))), process)  # noqa: B023 - as above
                process.send_signal(signal.SIGTERM)
                assert (await ended(process))[0] == 0
        kept = await retained(mosquitto.address)
        assert not {topic for topic in gone if topic in kept}
        assert set(others) <= set(kept)


@pytest.mark.parametrize(
    ("slug", "given", "expected"),
    [
        ("left", {}, True),
        ("gone", {"adopt": "known-drivers"}, False),
        (ADDRESS, {}, False),
        (ADDRESS, {"adopt": "known-drivers"}, True),
    ],
)
def test_who_is_wanted(slug: str, given: Any, expected: bool) -> None:
    """Who is configured, and while sensors are adopted who may be one; but nobody who was let go for good."""
    config = Config(node="gym", devices=(DeviceConfig(slug="left", name="a"),), **given)
    assert resolve(config, Changes()).wants(slug) is expected
    removed = msgspec.structs.replace(Changes(), removed={ADDRESS: "C0:11:22:33:44:55"})
    assert resolve(config, removed).wants(slug) is (expected and slug != ADDRESS)
