"""Requests as nobody should make them: random, nearly right, too long, too deep, and some that are in order."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ankled.daemon.requests.document import EXAMPLES
from ankled.daemon.requests.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = "ankled/gym/bridge/request/"
LONGEST_TOPIC: Final = 65_535
HUG: Final = "\N{PEOPLE HUGGING}"
NAMES: Final = tuple(form.name for form in FORMS)
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 41, 500, 501, 2**53, 2**63, 2**64, 10**40, 0.5, 1.5, 50.0, 50.1, -0.0, 1e308, 1e-320,
    "",
    "left", "right", "kim", "nobody", "bridge", "athlete", "debug", "trace", "LEFT", "left\n", "a b", "a/b", "+", "#",
    "$SYS", "..", "../../../etc/passwd", "/etc/passwd", "C:\\x", "left\0", "\u202eleft", HUG, "ä", "x" * 64, "x" * 65,
    "x" * 5000, "C0:11:22:33:44:55", "C0:11:22:33:44", "%s%n", "'; DROP TABLE results; --", "${HOME}", "$(reboot)",
    [], {}, [[]], {"a": 1}, ["left"], [None] * 100,
)  # fmt: skip
FIELDS: Final = (
    "device", "athlete", "source", "after_seq", "limit", "level", "label", "slug", "side", "mass_kg", "address",
    "driver", "transaction", "path", "file", "folder", "Device", "", HUG, "x" * 3000, "__class__", "device\0",
)  # fmt: skip
FRAGMENTS: Final = (
    b"", b"{", b"}", b"[", b"{}", b"{}{}", b"null", b"NaN", b"Infinity", b"-", b'"', b"\xff\xfe", b"\xef\xbb\xbf{}",
    b"\0",
    b'{"transaction":NaN}', b'{"device":"\\ud800"}', b'{"a":1e999}', b'{"device":"left","device":"right"}', b"{,}",
    b'{"transaction":' + b"9" * 400 + b"}", b'{"limit":' + b"9" * 5000 + b"}", b"[" * 60_000, b'{"a":' * 10_000,
    b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", b" " * 70_000, b'"' + b"x" * 65_000 + b'"', b"{'device':'left'}",
    b"\x80\x81", b'{"device":"\xc3\x28"}', b"/* */{}", b"<xml/>", b"\x1f\x8b\x08", b"true", b"1", b"{}\n",
)  # fmt: skip
NAME_FRAGMENTS: Final = (
    "", "shell", "Health_Check", "histroy", "health-check", "health_check ", " history", "..", "~", "bridge", "athlete",
    "$SYS", "%", HUG, HUG * 16_000, "x" * 64, "x" * 65, "x" * (LONGEST_TOPIC - len(ROOT)), "unknown", "\u202e", "ä",
    "history/deeper", "/history", "history/", "history/adopt", "//", "adopt\u00a0",
)  # fmt: skip
OTHER_TOPICS: Final = (
    "ankled/gym/bridge/request", "ankled/gym/request/adopt", "ankled/other/bridge/request/adopt",
    "gym/bridge/request/adopt",
    "/ankled/gym/bridge/request/adopt", "homeassistant/status", "homeassistant/device/gym-left/config",
    "homeassistant/device/bridge/config", "homeassistant/device/x/config/", "ankled/gym/bridge/requests/reload",
)  # fmt: skip
RESPONSES: Final = (
    "ankled/gym/bridge/response/history", "ankled/gym/bridge/response/mine/and/mine/only",
    "ankled/gym/bridge/request/adopt", "ankled/other/bridge/request/adopt", "ankled/gym/bridge/state",
    "ankled/gym/left/rep", "homeassistant/device/x/config", "ankled/gym/bridge/response/../state", "other", "$SYS/x",
    "ankled/gym/bridge/response/", "ankled/gym/bridge/response", HUG, "x" * 60_000,
    "ankled/gym/bridge/response/a/b/c/d/e",
)  # fmt: skip


class Wild(NamedTuple):
    """A message that may be a request."""

    topic: str
    payload: bytes
    retain: bool
    response_topic: str | None
    correlation_data: bytes | None

    @property
    def name(self) -> str | None:
        """The name of the request, None where the daemon should not even hear it."""
        name = self.topic.removeprefix(ROOT)
        return name if self.topic.startswith(ROOT) and "/" not in name else None


def nonsense(seed: int, count: int, names: tuple[str, ...] = NAMES) -> Iterator[Wild]:
    """Yield so many messages; `names` are those of the requests that are meant, well or not."""
    rng = random.Random(seed)
    for _ in range(count):
        name = rng.choice(names)
        responding = rng.random() < 0.2
        yield Wild(
            topic=_topic(rng, name),
            payload=_payload(rng, name),
            retain=rng.random() < 0.05,
            response_topic=rng.choice(RESPONSES) if responding else None,
            correlation_data=rng.randbytes(rng.choice((0, 1, 16, 300))) if rng.random() < 0.2 else None,
        )


def _topic(rng: random.Random, name: str) -> str:
    luck = rng.random()
    if luck < 0.85:
        return ROOT + name
    # the longest are few: they are as long as everything else together
    if luck < 0.95:
        return ROOT + rng.choice([one for one in NAME_FRAGMENTS if len(one) < 1000 or rng.random() < 0.1])
    return rng.choice(OTHER_TOPICS)


def _payload(rng: random.Random, name: str) -> bytes:
    kinds: tuple[Callable[[random.Random, str], bytes], ...] = (
        _right,
        _faulty,
        _faulty,
        _faulty,
        _broken,
        _broken,
        _odd,
    )
    return rng.choice(kinds)(rng, name)


def _right(rng: random.Random, name: str) -> bytes:
    return json.dumps(EXAMPLES.get(name, {}) | _transaction(rng)).encode()


def _faulty(rng: random.Random, name: str) -> bytes:
    """Return fields that are right but for one or more."""
    fields = EXAMPLES.get(name, {}) | _transaction(rng)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        if fields and rng.random() < 0.2:
            del fields[rng.choice(list(fields))]
        else:
            mine = [*fields, *FIELDS] if rng.random() < 0.5 else [*fields] or list(FIELDS)
            fields[rng.choice(mine)] = rng.choice(VALUES)
    return json.dumps(fields, ensure_ascii=rng.random() < 0.5).encode()


def _broken(rng: random.Random, name: str) -> bytes:
    """Return JSON with some bytes changed, lost or added."""
    content = bytearray(_right(rng, name))
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(3):
            case 0:
                content[at : at + 1] = rng.randbytes(1)
            case 1:
                del content[at : at + rng.randrange(1, 5)]
            case _:
                content[at:at] = rng.choice((b"{", b"}", b'"', b"\\", b",", b"0", b"\0", b"\xff", b"[", b"1e"))
    return bytes(content)


def _odd(rng: random.Random, _: str) -> bytes:
    if rng.random() < 0.5:
        return rng.randbytes(rng.randrange(200))
    return rng.choice([one for one in FRAGMENTS if len(one) < 10_000 or rng.random() < 0.2])


def _transaction(rng: random.Random) -> dict[str, object]:
    luck = rng.random()
    if luck < 0.3:
        return {}
    return {"transaction": rng.randrange(10**9) if luck < 0.9 else rng.choice(VALUES)}
