"""Examples for the documentation, each sent once: simulated sensors, a daemon, a broker, and somebody who asks.

`make examples` writes docs/examples/messages.json. Its content differs from run to run, as times and radio do; what
holds for it is tested.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiomqtt  # noqa: TID251 - whoever asks, next to the daemon

from ankled.daemon.asyncapi.asked import ASKED
from ankled.daemon.asyncapi.published import PUBLISHED
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import Mosquitto, Subscriber, eventually, find, payload
from tests.daemon.commands import started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

TOPICS: Final = Topics(node="gym")
FIRST: Final = ("device_rep", "device_alert", "athlete_pair", "device_live", "bridge_event")
"""What is to have come before somebody asks."""
SOON_S: Final = 300.0
ANSWER_S: Final = 10.0
REFUSED: Final[dict[str, Any]] = {"device": "middle"}
LINES: Final = """\
node = "gym"
requests = "all"
[mqtt]
publish_imu = true
[capture]
folder = "{folder}/captures"
[log]
publish = "info"
[state]
folder = "{folder}/state"
"""
DEVICE: Final = """
[[devices]]
slug = "{label}"
address = "{address}"
side = "{side}"
athlete = "kim"
mass_kg = 1.814
"""
ASKING: Final[dict[str, dict[str, Any]]] = {
    "history": {"source": "left", "after_seq": 1, "limit": 2},
    "log_level": {"level": "info"},
    "mark_set": {"athlete": "kim"},
    "rename": {"device": "left", "label": "Left weight"},
    "set_weight": {"device": "left", "mass_kg": 1.8},
    "recalibrate": {"device": "left"},
    "disconnect": {"device": "left"},
    "connect": {"device": "left"},
}
ABSENT: Final = "C0:11:22:33:44:55"
"""A sensor that is wanted and never comes: while there is one, the daemon listens to who is near."""
LAST: Final = ("adopt", "remove")
"""They need a device that is near and not wanted, in this order."""


class Day:
    """A daemon at work, and everything it says."""

    def __init__(self, subscriber: Subscriber, broker: Mosquitto) -> None:
        self._subscriber = subscriber
        self._broker = broker
        self.examples: dict[str, list[Any]] = {}
        self._count = 0

    def came(self, address: str) -> list[Any]:
        """Return what came on a topic, given as the document names it."""
        topics = address.format(base="ankled", node="gym", device="+", athlete="+", id="+")
        return [
            json.loads(payload(message))
            for message in self._subscriber.messages
            if message.topic.matches(topics) and payload(message)
        ]

    def gather(self) -> None:
        """Keep an example of each topic: one from the middle of what came."""
        for one in PUBLISHED:
            found = [content for content in self.came(one.address) if _of(one.whose, content)]
            if found:
                self.examples[one.key] = [found[(len(found) - 1) // 2]]

    async def ask(self, name: str, fields: dict[str, Any], *, key: str | None = None) -> Any:
        """Make a request; keep it and its answer."""
        self._count += 1
        question = fields | {"transaction": f"{name}-{self._count}"}
        answers = f"{TOPICS.root}/bridge/response/{name}"
        async with aiomqtt.Client(self._broker.address.host, self._broker.address.port) as client:
            await client.publish(TOPICS.request(name), json.dumps(question), qos=1)
        mine: list[Any] = []

        def answered() -> bool:
            mine[:] = [answer for answer in self.came(answers) if answer["transaction"] == question["transaction"]]
            return bool(mine)

        await soon(answered, f"an answer to {name}", ANSWER_S)
        if key is not None:
            self.examples[key] = mine
        elif mine[0]["status"] == "ok":
            self.examples |= {f"request_{name}": [question], f"response_{name}": mine}
        else:
            raise SystemExit(f"{name} was refused: {mine[0]['error']}")
        return mine[0]


def _of(whose: str, content: dict[str, Any]) -> bool:
    """Tell whether this is of a leg: `athlete` and `bridge` in the place of a device are none."""
    return whose != "device" or content.get("device", "left") in {"left", "right", "left_pod"}


async def soon(condition: Any, what: str, within_s: float = SOON_S) -> None:
    """Wait until something holds."""
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - it sends no event when it begins to
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise SystemExit(f"{what} did not come within {within_s:g} s") from None


async def ended(process: subprocess.Popen[str]) -> None:
    """Have a daemon stop."""
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.communicate, timeout=SOON_S)


async def day(folder: Path, scenario: str, devices: Sequence[str], first: Sequence[str], *, asking: bool) -> Any:
    """Have somebody train until these topics have come; then ask for everything, if so wished."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs in this loop yet
    program = find("mosquitto")
    if program is None:
        raise SystemExit("mosquitto is not installed")
    broker = Mosquitto(program, folder)
    broker.start()
    spec = "unix:radio"
    words = [word for device in devices for word in ("--sensor", device)]
    url = f"mqtt://{broker.address.host}:{broker.address.port}"
    try:
        with started(
            "simulate", "--scenario", scenario, "--radio", spec, "--repeat", "--at-once", *words, cwd=folder
        ) as air:
            assert air.stdout is not None
            found: dict[str, str] = {}
            while (line := air.stdout.readline()) and not line.startswith("radio at "):
                found[line.split()[0]] = line.split()[1]
            spare = found.pop("right_spare", None)
            config = folder / "ankled.toml"
            found["absent"] = ABSENT
            sides = {label: label if label in {"left", "right"} else "unknown" for label in found}
            parts = [DEVICE.format(label=label, address=found[label], side=sides[label]) for label in found]
            config.write_text(LINES.format(folder=folder) + "".join(parts))
            async with Subscriber.on(broker.address) as subscriber:
                made = Day(subscriber, broker)
                with started("run", "--config", config, "--radio", spec, "--broker", url, cwd=folder) as process:
                    wanted = {one.key: one.address for one in PUBLISHED if one.key in first}
                    for key, address in wanted.items():
                        await soon(functools.partial(made.came, address), key)
                    if asking:
                        await ask_everything(made, str(spare))
                    await ended(process)
                await eventually(lambda: made.came("{base}/{node}/bridge/state")[-1:] == [{"state": "offline"}])
                made.gather()
            await ended(air)
    finally:
        broker.kill()
    return made.examples


async def ask_everything(made: Day, spare: str) -> None:
    """Make every request there is."""
    for one in ASKED:
        if one.form.name not in LAST:
            await made.ask(one.form.name, ASKING.get(one.form.name, {}))
    async with asyncio.timeout(SOON_S):
        while not any(near["address"] == spare for near in (await made.ask("devices", {}))["data"]["nearby"]):  # noqa: ASYNC110 - see below
            await asyncio.sleep(1.0)  # nothing tells when it is heard
    await made.ask("adopt", {"address": spare, "slug": "spare", "side": "left"})
    await made.ask("remove", {"device": "spare"})
    await made.ask("connect", REFUSED, key="refused")


async def collect(folder: Path) -> dict[str, list[Any]]:
    """Return the examples by the name of their message."""
    pair = ("left=movesense", "right=openankle")
    stood, uneven, trained = await asyncio.gather(
        day(folder / "a", "walk_balance", pair, ("device_standing",), asking=False),
        day(folder / "b", "asymmetry", pair, ("athlete_alert",), asking=False),
        day(folder / "c", "fatigue", (*pair, "left_pod=rsc", "right_spare=polar"), FIRST, asking=True),
    )
    return dict(sorted((stood | uneven | trained).items()))


def main() -> None:
    """Write them to the file named on the command line."""
    parser = argparse.ArgumentParser(description="Collect examples of everything that is sent.")
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        examples = asyncio.run(collect(Path(folder)))
    path.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
