"""Where things stand in a text: each key is located, each wrong value told with its line, and no text breaks it."""

from __future__ import annotations

import json
import re
import string
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankled.daemon.config import Config, examine
from ankled.daemon.config.locate import locate
from ankled.daemon.config.problems import join

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "systemd" / "ankled.example.toml"
SECRET = "Hush4711"  # noqa: S105 - made up


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a path that each trial may write anew."""
    return tmp_path_factory.mktemp("lines") / "ankled.toml"


# --- texts -----------------------------------------------------------------------------------------------------------

_TEXTS = st.text(st.sampled_from(" #[]{}=,.'\"\\ab\n\té"), max_size=8)
_NAMES = st.one_of(st.text(string.ascii_letters + "_-0", min_size=1, max_size=4), _TEXTS)
_SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False), _TEXTS
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=12
)


class Writer:
    """Writes tables as TOML, each value in any of the ways that there are."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.lines: list[str] = []

    def table(self, content: dict[str, Any], path: str) -> None:
        """Write a table whose header is written."""
        later = {key: one for key, one in content.items() if isinstance(one, (dict, list)) and self._either()}
        for key, one in content.items():
            if key not in later:
                comment = " # =" if self._either() else ""
                self.lines.append(f"{'  ' if self._either() else ''}{self._name(key)} = {self._value(one)}{comment}")
        for key, one in later.items():
            dot = f"{path}." if path else ""
            if isinstance(one, dict):
                self._headed(f"[{dot}{self._name(key)}]", one)
            elif one and all(isinstance(each, dict) for each in one):
                for each in one:
                    self._headed(f"[[ {dot}{self._name(key)} ]]", each)
            else:  # the header above is past: in a table of its own
                self._headed(f"[{dot}{json.dumps(key + '+')}]", {"x": one})

    def _headed(self, header: str, content: dict[str, Any]) -> None:
        self.lines.append(header)
        self.table(content, header.strip("[] "))

    def _either(self) -> bool:
        return self._draw(st.booleans())

    def _name(self, text: str) -> str:
        if re.fullmatch("[A-Za-z0-9_-]+", text) and self._either():
            return text
        return f"'{text}'" if "'" not in text and "\n" not in text and self._either() else json.dumps(text)

    def _value(self, what: object) -> str:
        if isinstance(what, list):
            gap = self._draw(st.sampled_from(["", " ", "\n", " # ]\n"]))
            return f"[{gap}{''.join(f'{self._value(one)}{gap},{gap}' for one in what)}]"
        if isinstance(what, dict):
            return f"{{ {', '.join(f'{self._name(key)} = {self._value(one)}' for key, one in what.items())} }}"
        return self._text(what) if isinstance(what, str) else json.dumps(what)

    def _text(self, text: str) -> str:
        ways = [json.dumps(text)]
        if "'" not in text:
            ways.append(f"'''{text}'''" if "\n" in text else f"'{text}'")
        if "\\" not in text and '"""' not in text:
            ways.append(f'"""\n{text}"""')  # up to two quotes may end it
        return self._draw(st.sampled_from(ways))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Return the text of some tables."""
    writer = Writer(draw)
    writer.table(draw(st.dictionaries(_NAMES, _VALUES, max_size=4)), "")
    return draw(st.sampled_from(["\n", "\r\n"])).join(["", *writer.lines, ""])


def paths(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every path of a value, and the last step of it."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield join(path, key), key
            yield from paths(one, join(path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield f"{path}[{index}]", index
            yield from paths(one, f"{path}[{index}]")


@given(texts())
def test_every_key_of_a_text_is_located(text: str) -> None:
    """However it is written: at the place there stands the key, or a header that ends in it, or an element."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # two ways of writing one table, which TOML does not allow
        return
    located = locate(text)
    lines = text.split("\n")
    assert set(located.places) == {path for path, _ in paths(data)}
    for path, last in paths(data):
        line, column = located.places[path]
        rest = lines[line - 1][column - 1 :]
        if isinstance(last, str):
            ways = (last or '""', f"'{last}'", json.dumps(last))
            assert any(one in rest if rest.startswith("[") else rest.startswith(one) for one in ways), (path, rest)
        else:
            assert rest[0] not in " ,]=", (path, rest)


def test_lines_and_columns() -> None:
    """Of a key, of a dotted one, of tables in arrays and of elements, after texts of many lines."""
    text = 'a = """\n[b]\nc = 1\n"""\n[[d]]\n  e.f = 1\n[[d]]\n[d.g]\nh = [\n  1, # ]\n  { i = 2 },\n]\n"j.k" = \'#\'\n'
    assert locate(text).places == {
        "a": (1, 1),
        "d": (5, 1),
        "d[0]": (5, 1),
        "d[0].e": (6, 3),
        "d[0].e.f": (6, 3),
        "d[1]": (7, 1),
        "d[1].g": (8, 1),
        "d[1].g.h": (9, 1),
        "d[1].g.h[0]": (10, 3),
        "d[1].g.h[1]": (11, 3),
        "d[1].g.h[1].i": (11, 5),
        'd[1].g."j.k"': (13, 1),
    }


# --- problems --------------------------------------------------------------------------------------------------------

_OPEN = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
RIGHT = [
    line
    for line in _OPEN.splitlines()
    if not re.match(r"(password|ca|cert|key|key_password)_file|username|broker", line) and not line.startswith("#")
]
KEYS = [number for number, line in enumerate(RIGHT) if re.match(r"\w+ = ", line)]
WRONG = ["{ zz = 1 }", "[[[1]]]", "1979-05-27", "0x" + "f" * 5000, "['''a\nb''']"]


def test_the_file_without_a_wrong_value_is_right(file: Path) -> None:
    """Else the next test would show nothing."""
    file.write_text("\n".join(RIGHT))
    assert examine(file, environ={}).problems == ()
    assert len(KEYS) > 40


@given(st.sampled_from(KEYS), st.sampled_from(WRONG))
def test_a_single_wrong_value_is_told_with_its_line(file: Path, number: int, wrong: str) -> None:
    """Whichever key of a right file it is, and of whatever kind the value."""
    key = RIGHT[number].partition(" ")[0]
    lines = [*RIGHT[:number], f"{key} = {wrong}", *RIGHT[number + 1 :]]
    file.write_text("\n".join(lines))
    problems = examine(file, environ={}).problems
    assert {one.line for one in problems} == {number + 1}
    assert all(re.search(rf"\b{key}\b", one.key) for one in problems)


_KEYS = sorted({match[1] for line in RIGHT if (match := re.match(r"(\w+) = ", line))})
_ODD = [
    "[[devices]]", "[devices]", "[mqtt.x]", "1e999", "nan", "0x" + "f" * 5000, "9" * 5000, "[" * 3000, "a." * 3000,
    "mount = { left = [1e308, 1e308, 1e308], up = [0, 5e-324, 0] }", "queue = 1", "slug = 'left'", "version = 2",
    "ca_file = '" + "x" * 300 + "'", "broker = 'wss://h'", "acc_range_g = 1" + "0" * 30, "\x00", "'''",
]  # fmt: skip
_PIECES = st.sampled_from([*RIGHT, *_KEYS, *_ODD, *"[]{}=,.'\"#\n"])
_CONTENTS = st.one_of(
    st.binary(max_size=60),
    st.lists(_PIECES, max_size=12).map(lambda some: "\n".join(some).encode()),
    texts().map(str.encode),
)


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.lists(_PIECES, max_size=12).map(lambda some: "\n".join(some).encode()),
        texts().map(str.encode),
    )
)
def test_any_file_gives_problems_or_a_configuration(file: Path, content: bytes) -> None:
    """Never another exception; and each problem is one sentence in one line."""
    file.write_bytes(content)
    found = examine(file, drivers=["movesense"], environ={})
    assert (found.config is None) == bool(found.problems)
    assert isinstance(found.config, (Config, type(None)))
    assert all(one.message and "\n" not in str(one) for one in (*found.problems, *found.warnings))


@given(
    st.sampled_from(["", "mqtt://", "http://", "mqtts://", "wss://", "unix://", "mqtt:/"]),
    st.text("k:@/%? é", max_size=3),
    st.sampled_from(["@h", "@h:99999", "@", "@h/a?b", "@[::1", "@h h"]),
    st.sampled_from(["broker", "fallbacks", "base", "bogus", "keepalive_s"]),
)
def test_a_password_is_never_told(file: Path, scheme: str, user: str, host: str, key: str) -> None:
    """Not of a broken URL, not under a wrong key, not in the place of another value."""
    url = json.dumps(f"{scheme}{user}:{SECRET}{host}", ensure_ascii=False)
    file.write_text(
        f"[mqtt]\n{key} = {f'[{url}]' if key == 'fallbacks' else url}\npassword = '{SECRET}'\nqueue = '{SECRET}'\n"
    )
    found = examine(file, environ={"ANKLED_MQTT__PASSWORD": SECRET})
    assert found.problems
    assert SECRET not in repr((found.problems, found.warnings))
