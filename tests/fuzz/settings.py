"""The configuration: the example with changes to its text, and values of every type at every key."""

from __future__ import annotations

import atexit
import contextlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.config import Config, check, load
from ankled.daemon.errors import AnkledError, ConfigError
from tests.fuzz.mutate import mutated

if TYPE_CHECKING:
    import random

_EXAMPLE: Final = Path(__file__).parents[2] / "systemd" / "ankled.example.toml"
_KEY: Final = re.compile(r"^(?:# )?([a-z_]+) = (.*)$")
_DRIVERS: Final = ("movesense", "witmotion")
VALUES: Final = (
    "true", "false", "0", "-1", "1", "7", "9223372036854775807", "-9223372036854775808", "1" * 400, "1" * 5000,
    "0x" + "f" * 5000, "[" * 3000 + "]" * 3000,
    "0x7f", "0.5",
    "1e308", "-0.0", "1e-320", "inf", "-inf", "nan", "1e999", '""', '"left"', '"x"', "'a\\b'", '"\\u0000"',
    '"\\U0001F602"',
    '"' + "x" * 5000 + '"', '"mqtt://"', '"mqtts://h:99999"', '"mqtt://[::1"', '"ws://h:1/\\u00e4"', '"unix:///"',
    '"embedded"', '"embedded:0"', '"mqtt://a:b@c:1883"', '"C0:11:22:33:44:55"', '"/etc"', '"/dev/zero/x"', '"\\n"',
    "[]", "[1]", '["a"]', "[[]]", "[[1.0, 0.0, 0.0]]", "[0.0, 0.0, 0.0]", "[1.0, nan, inf]", "[1e308, 1e308, 1e308]",
    "[1e-200, 0.0, 0.0]", "{}", "{ a = 1 }", "{ left = [1.0, 0.0, 0.0], up = [0.0, 0.0, 1.0] }",
    "{ left = [1e308, 0.0, 0.0], up = [0.0, 1e308, 1.0] }", "{ left = [1e-300, 0, 0], up = [0, 1e-300, 0] }",
    '{ names = ["*"] }', "{ addresses = [] }", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "[" * 200 + "]" * 200,
    '"mqtt://h:١٢"', '"mqtt://h:²"', '"mqtts://h"', '["mqtts://h", "embedded"]', '"ws://[fe80::1%25x]:1"',
    '"mqtt://h:-1"', '"mqtt://\\u2100"', '"mqtt://%00@h"',
)  # fmt: skip


class Settings:
    """Draws files and checks them."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="fuzz")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._path = Path(folder) / "ankled.toml"
        self._text = _EXAMPLE.read_text(encoding="utf-8")

    def draw(self, rng: random.Random) -> bytes:
        """Return the example with keys of other values, lines lost or doubled, or bytes changed."""
        lines = self._text.splitlines()
        for _ in range(rng.choice((1, 1, 2, 4, 12))):
            at = rng.randrange(len(lines))
            luck = rng.random()
            if luck < 0.8:
                keys = [number for number, line in enumerate(lines) if _KEY.match(line)]
                if keys and (found := _KEY.match(lines[number := rng.choice(keys)])):
                    lines[number] = f"{found[1]} = {rng.choice(VALUES)}"
            elif luck < 0.87:
                del lines[at]
            elif luck < 0.94:
                lines.insert(at, rng.choice(lines))
            else:
                lines[at] = lines[at].removeprefix("# ")
        data = "\n".join(lines).encode()
        return mutated(rng, data) if rng.random() < 0.3 else data

    def run(self, data: bytes) -> None:
        """Check a file: either what is wrong is said, or it is a configuration that can be written down."""
        self._path.write_bytes(data)
        for drivers in (None, _DRIVERS):
            problems = check(self._path, drivers=drivers)
            for one in problems:
                assert str(one).startswith(str(self._path)), one
                assert "\n" not in str(one), "one line for each"
        try:
            found = load(self._path)
        except ConfigError:
            assert check(self._path), "load and check agree"
            return
        assert not check(self._path), "load and check agree"
        again = msgspec.convert(msgspec.to_builtins(found), Config)
        assert again == found
        repr(found)
        with contextlib.suppress(AnkledError):  # such as a password's file that is not there
            found.mqtt.warnings()
        found.mqtt.public()
        found.radio.allow.rule()
