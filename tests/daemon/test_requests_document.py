"""The document of requests: made from the forms, and its examples work at a real broker."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests import forms
from ankled.daemon.requests.desk import Desk
from ankled.daemon.requests.document import document
from tests.daemon.brokers import HOST, eventually, find
from tests.daemon.callers import Caller

if TYPE_CHECKING:
    from ankled.daemon.requests.desk import Handler
    from tests.daemon.brokers import Mosquitto

DOCUMENT = Path(__file__).parents[2] / "docs" / "requests.md"
TOPICS = Topics(node="gym")
ANSWERS = (
    forms.Health(healthy=True, problems=()),
    forms.History(source="left", results=(), more=False, oldest_seq=None, latest_seq=None),
    forms.Devices(devices=(), nearby=()),
    forms.Done(devices=("left",)),
    forms.LogLevel(level="debug", part="mqtt"),
    forms.Recording(recording=False, file=None),
    forms.Reloaded(applied=(), needs_restart=()),
)


def test_the_document_is_current() -> None:
    """It says what the forms say: `make requests` writes it."""
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def commands() -> list[str]:
    """Return every command of the document that ends by itself."""
    blocks = re.findall(r"^```sh\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if not line.endswith("&")]


async def test_the_examples_are_accepted(mosquitto: Mosquitto) -> None:
    """Each command of the document, run by a shell, makes a request that is in order; one for every form."""
    if find("mosquitto_pub") is None or find("mosquitto_rr") is None:
        pytest.skip("the clients of mosquitto are not installed")
    asked: list[str] = []
    by_type: dict[type[msgspec.Struct], msgspec.Struct] = {type(answer): answer for answer in ANSWERS}

    def answering(form: forms.Form) -> Handler:
        async def handle(_: msgspec.Struct) -> msgspec.Struct:
            asked.append(form.name)
            return by_type[form.gives]

        return handle

    handlers = {form.name: answering(form) for form in forms.FORMS}
    async with (
        Publisher(mosquitto.address, TOPICS, Options(timeout_s=2.0)) as publisher,
        Desk(TOPICS, "all", handlers, publisher.say) as desk,
        Caller.at(mosquitto.address, TOPICS) as caller,
    ):
        desk.listen(publisher.incoming.listen)
        await caller.heard()
        for command in commands():
            asked.clear()
            before = desk.statistics
            program, _, rest = command.partition(" ")
            line = f"{find(program)} -h {HOST} -p {mosquitto.address.port} {rest}"
            shell = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE)
            out, _ = await asyncio.wait_for(shell.communicate(), 20.0)
            assert shell.returncode == 0, line
            if program == "mosquitto_rr":
                assert msgspec.json.decode(out)["status"] == "ok"
            await eventually(lambda: desk.statistics != before)  # noqa: B023  (waited for within the loop)
            wanted = re.search(r"request/(\w+)", command)
            assert wanted is not None
            assert (asked, desk.statistics.refused) == ([wanted[1]], 0), caller.answers
    assert {match[1] for line in commands() if (match := re.search(r"request/(\w+)", line))} == set(handlers)
