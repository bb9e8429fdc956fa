"""Every result once, each source's in the order of `seq`, whatever was lost on the way. One JSON object a line.

    python subscriber.py [HOST [PORT [STATE.json]]]

Needs aiomqtt 2. ANKLED_MQTT_USERNAME and ANKLED_MQTT_PASSWORD say who we are, where the broker asks for it. What was
printed is noted in STATE.json; the next run goes on behind it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from pathlib import Path

import aiomqtt

RESULTS = [f"ankled/+/+/{kind}" for kind in ("rep", "standing", "set", "alert")]
RESULTS += [f"ankled/+/athlete/+/{kind}" for kind in ("pair", "session", "alert")]
RESULTS += ["ankled/+/bridge/event"]
HEALTH, HISTORY = "ankled/+/bridge/health", "ankled/+/bridge/response/history"
ME = uuid.uuid4().hex  # answers come to everybody who listens: ours bear this name
PATIENCE_S = 10.0


class Results:
    """Puts results in order. `last` is the highest `seq` printed of each source: a device or an athlete of a node."""

    def __init__(self, client: aiomqtt.Client, file: Path) -> None:
        self.client, self.file = client, file
        self.last: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        self.waiting: dict[str, dict[int, dict]] = {}  # came too early: something before them is missing
        self.asked_s: dict[str, float] = {}

    async def handle(self, message: aiomqtt.Message) -> None:
        """Take in a result, a page of history, or how far each source has got."""
        node, content = message.topic.value.split("/")[1], json.loads(message.payload)
        if message.topic.matches(HISTORY):
            if str(content["transaction"]).startswith(ME):
                await self.fill(node, content)
        elif message.topic.matches(HEALTH):
            for name, seq in content["last_seq"].items():
                await self.ask_beyond(f"{node}/{name}", seq)
        else:
            source = f"{node}/{content['device'] if content.get('device') else content['athlete']}"
            self.take(source, content)
            if self.waiting.get(source):
                await self.ask_beyond(source, content["seq"])

    def take(self, source: str, record: dict) -> None:
        """Print a result whose turn it is, and those that waited for it; leave out what was printed before."""
        waiting = self.waiting.setdefault(source, {})
        if record["seq"] > self.last.get(source, 0):
            waiting[record["seq"]] = record
        while (following := waiting.pop(self.last.get(source, 0) + 1, None)) is not None:
            print(json.dumps(following), flush=True)
            self.last[source] = following["seq"]
            self.file.write_text(json.dumps(self.last))

    def give_up(self, source: str, seq: int) -> None:
        """Wait no more for what is missing up to a `seq`."""
        first = min([*self.waiting.get(source, ()), seq + 1])
        if first > (missing := self.last.get(source, 0) + 1):
            print(f"{source}: {missing} to {first - 1} are lost", file=sys.stderr)
            self.last[source] = first - 1

    async def ask_beyond(self, source: str, seq: int) -> None:
        """Ask for what is missing up to a `seq`, unless the answer is still under way."""
        if seq > self.last.get(source, 0) and time.monotonic() - self.asked_s.get(source, 0.0) > PATIENCE_S:
            self.asked_s[source] = time.monotonic()
            node, name = source.split("/")
            question = {"source": name, "after_seq": self.last.get(source, 0), "transaction": f"{ME}/{name}"}
            await self.client.publish(f"ankled/{node}/bridge/request/history", json.dumps(question), qos=1)

    async def fill(self, node: str, answer: dict) -> None:
        """Take in a page of history, and ask for the next. What is no longer kept is lost."""
        source = f"{node}/{answer['transaction'].removeprefix(ME + '/')}"
        self.asked_s.pop(source, None)
        if answer["status"] != "ok":
            print(f"{source}: {answer['error']}", file=sys.stderr)
            return
        page = answer["data"]
        for record in (result["record"] for result in page["results"]):
            self.give_up(source, record["seq"] - 1)
            self.take(source, record)
        if page["more"]:
            await self.ask_beyond(source, page["latest_seq"])


async def main(host: str = "127.0.0.1", port: str = "1883", state: str = "subscriber.json") -> None:
    """Connect, and connect again, for ever."""
    user, password = (os.environ.get(f"ANKLED_MQTT_{what}") for what in ("USERNAME", "PASSWORD"))
    while True:
        try:
            async with aiomqtt.Client(host, int(port), username=user, password=password) as client:
                results = Results(client, Path(state))
                for topics in (*RESULTS, HEALTH, HISTORY):
                    await client.subscribe(topics, qos=1)
                async for message in client.messages:
                    await results.handle(message)
        except aiomqtt.MqttError as error:
            print(f"the broker is away: {error}", file=sys.stderr)
            await asyncio.sleep(2.0)


asyncio.run(main(*sys.argv[1:]))
