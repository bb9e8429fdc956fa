"""Requests as nobody should make them, at the desk: none crashes it, and only those in order are done."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from ankled.daemon.mqtt.connection import Message
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests.desk import Bounds, Desk
from ankled.daemon.requests.forms import FORMS, Transaction
from ankled.daemon.requests.reading import LARGEST
from tests.daemon.nonsense import nonsense
from tests.daemon.test_requests_document import ANSWERS

if TYPE_CHECKING:
    from ankled.daemon.requests.desk import Handler
    from ankled.daemon.requests.forms import Form

TOPICS = Topics(node="gym")
RESPONSE = f"{TOPICS.root}/bridge/response/"
SLUGS = ("device", "athlete", "source", "slug", "driver")


class Judge:
    """Says of a request whether it is in order, by another way than the desk: msgspec's own decoder and a few rules."""

    def __init__(self) -> None:
        self._types = {form.name: self._type(form) for form in FORMS}

    def right(self, name: str, content: bytes) -> bool:
        """Tell whether this is to be done."""
        if name not in self._types or len(content) > LARGEST:
            return False
        try:
            asked = msgspec.to_builtins(msgspec.json.decode(content, type=self._types[name]))
        except (ValueError, RecursionError):
            return False
        named = [asked[slug] for slug in SLUGS if asked.get(slug) is not None]
        return all(re.fullmatch(r"[a-z0-9_-]{1,64}", slug) and slug not in {"bridge", "athlete"} for slug in named)

    @staticmethod
    def _type(form: Form) -> type[msgspec.Struct]:
        fields: list[Any] = [
            (field.name, field.type) if field.required else (field.name, field.type, field.default)
            for field in msgspec.structs.fields(form.takes)
        ]
        fields.append(("transaction", Transaction | None, None))
        return msgspec.defstruct(form.name, fields, forbid_unknown_fields=True, kw_only=True)


async def test_of_thousands_of_requests_only_those_in_order_are_done() -> None:
    """Every one that the broker does not keep is answered, below our own topic, with its transaction, and not kept."""
    judge = Judge()
    done: list[str] = []
    answers: list[Message] = []
    by_type: dict[type[msgspec.Struct], msgspec.Struct] = {type(answer): answer for answer in ANSWERS}

    def noting(form: Form) -> Handler:
        async def handle(takes: msgspec.Struct) -> msgspec.Struct:
            assert type(takes) is form.takes
            done.append(form.name)
            return by_type[form.gives]

        return handle

    expected: Counter[str] = Counter()
    told: Counter[str] = Counter()
    known: set[tuple[str, bytes]] = set()
    handlers = {form.name: noting(form) for form in FORMS}
    async with Desk(TOPICS, "all", handlers, answers.append, Bounds(most=10)) as desk:
        for wild in nonsense(1, 5_000):
            if wild.name is None:
                continue
            right = not wild.retain and judge.right(wild.name, wild.payload)
            expected[wild.name] += right
            done.clear()
            desk.take(Message(wild.topic, wild.payload, 1, wild.retain))
            while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110  (ends in a few turns of the loop, no event tells when)
                await asyncio.sleep(0)
            # the same again within a few seconds may be answered without being done again
            assert done == ([wild.name] if right else []) or (not done and (wild.name, wild.payload) in known), wild
            if right:
                known.add((wild.name, wild.payload))
            assert len(answers) == (not wild.retain), wild
            if answers:
                (answer,) = answers
                answers.clear()
                said = msgspec.json.decode(answer.payload)
                told[said["status"]] += 1
                assert said["status"] == ("ok" if right else "error"), wild
                assert not answer.retain
                assert TOPICS.response(answer.topic.removeprefix(RESPONSE)) == answer.topic
                assert len(answer.payload) < 2000
                if right:
                    assert said["transaction"] == msgspec.json.decode(wild.payload).get("transaction")
        assert desk.statistics.failed == 0
    assert told["ok"] > 500  # the desk was not refusing everything
    assert told["error"] > 2500
    assert all(expected[form.name] > 15 for form in FORMS)
