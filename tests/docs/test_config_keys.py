"""Each configuration key there is: documented, tried with a value it takes, and named when it is given another."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.config import Config, check, load
from tests.docs.keys import Key, illegal, keys, legal, plain, single, value_at, written
from tests.docs.pages import ROOT, blocks, inline, pages

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = (ROOT / "systemd" / "ankled.example.toml").read_text(encoding="utf-8")
KEYS = list(keys())
FILES = {"ca_file", "cert_file", "key_file", "key_password_file", "password_file"}
NEEDS = {"mqtt.password_file": 'username = "ankled"'}
"""What stands beside a key that is of use with another only."""
SUFFIXES = {"db", "key", "md", "toml", "py", "json"}
"""`outbox.db` is a file."""
OLD = {"mqtt.queue"}
"""Keys of earlier forms, which docs/configuration.md lists."""
OTHER_THINGS = {"docs/openankle.md", "drivers/README.md"}
"""Pages whose `name = value` is of a wire format or of Python."""


def opened() -> dict[str, Any]:
    """Return the example with everything opened that it shows commented out."""
    return tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", EXAMPLE, flags=re.MULTILINE))


def paths(value: object, at: str = "") -> set[str]:
    """Return the path of every key in a parsed file."""
    if isinstance(value, dict) and value:
        return set().union(*(paths(inner, f"{at}.{key}" if at else key) for key, inner in value.items()))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return set().union(*(paths(inner, f"{at}[]") for inner in value))
    return {at}


def test_the_example_has_every_key_in_its_own_table() -> None:
    """Every key of the structs at its place, `[log] level` as `[log] level`, and no key that is none."""
    documented = paths(opened())
    known = {key.path for key in KEYS}
    rules = {path for path in known if re.match(r"radio\.(allow|block)\.", path)}  # the two are alike: each key once
    assert documented <= known
    assert known - rules <= documented
    assert {path.rpartition(".")[2] for path in rules} == {p.rpartition(".")[2] for p in documented & rules}


@pytest.mark.parametrize("key", KEYS, ids=[key.path for key in KEYS])
def test_a_value_it_takes_arrives(key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value within the documented bounds that is not the default loads, and is what the daemon then has."""
    monkeypatch.chdir(tmp_path)
    value = legal(key)
    name = key.path.rpartition(".")[2]
    if name in FILES:
        (tmp_path / str(value)).write_text("something\n", encoding="utf-8")
    path = tmp_path / "ankled.toml"
    path.write_text(written(key, value, NEEDS.get(key.path, "")), encoding="utf-8")
    assert value_at(load(path), key.path) == value
    assert single(key) or key.default is msgspec.NODEFAULT or value != plain(key.default)


@pytest.mark.parametrize("key", KEYS, ids=[key.path for key in KEYS])
def test_a_value_it_does_not_take_is_told(key: Key, tmp_path: Path) -> None:
    """Beyond each bound, of another type, of another form: the sentence names the key and says what is allowed."""
    for number, value in enumerate(illegal(key)):
        path = tmp_path / f"{number}.toml"
        path.write_text(written(key, value), encoding="utf-8")
        told = [problem for problem in check(path) if problem.key.startswith(key.path.replace("[]", "[0]"))]
        assert told, (key.path, value)
        assert all("allowed is" in problem.message for problem in told), told


def _completed(text: str) -> str:
    """Return a fragment of a page as a file: keys without a table are those of [mqtt], if the file has them not."""
    top = {key.path for key in KEYS if "." not in key.path}
    first = re.match(r"(\w+) =", text.lstrip("# \n"))
    if re.search(r"^slug =", text, flags=re.MULTILINE) and not re.search(
        r"^(address|name) =", text, flags=re.MULTILINE
    ):
        return re.sub(
            r"^slug = .*$", r'\g<0>\nname = "Weight"', text, flags=re.MULTILINE
        )  # a drop-in to a known device
    return f"[mqtt]\n{text}" if first and first[1] not in top else text


@pytest.mark.parametrize(
    "block", [b for b in blocks() if b.language == "toml"], ids=lambda block: f"{block.page}:{block.line}"
)
def test_toml_blocks_load(block: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page shows to be copied is TOML; what is a configuration loads, with files where it names some."""
    monkeypatch.chdir(tmp_path)
    parsed = tomllib.loads(block.text)
    if "project" in parsed:
        return  # the pyproject.toml of a driver: test_drivers_readme.py reads it
    text = _completed(block.text).replace("/etc/ankled/", "")
    parsed = tomllib.loads(text)
    if {"cert_file", "ca_file"} & parsed.get("mqtt", {}).keys():
        text = re.sub(r'"mqtts://', '"mqtt://', text)  # certificates are made in test_commands_shell.py
    for name in FILES & parsed.get("mqtt", {}).keys():
        (tmp_path / parsed["mqtt"][name]).write_text("something\n", encoding="utf-8")
    path = tmp_path / "ankled.toml"
    path.write_text(text, encoding="utf-8")
    assert load(path) != Config()


def test_keys_in_sentences_exist() -> None:
    """`key = value`, `[section]` and `section.key` in a page are of the configuration; the value is one it takes."""
    known = {key.path for key in KEYS}
    tables = {path.partition(".")[0].partition("[")[0] for path in known if "." in path}
    names = {path.rpartition(".")[2] for path in known} | {"mount", "allow", "block"}
    wrong = []
    for line in inline():
        if line.page in OTHER_THINGS:
            continue
        section = re.fullmatch(r"\[(\w+)\](?: (\w+) = .*)?", line.text)
        dotted = re.fullmatch(rf"({'|'.join(sorted(tables))})\.(\w+)(?: = .*)?", line.text)
        setting = re.fullmatch(r"([a-z_]+) = (?:\"[\w., -]*\"|true|false|[\d.]+)(?:, .*)?", line.text)
        right = [setting is None or setting[1] in names]
        if section:
            right += [section[1] in tables, section[2] is None or f"{section[1]}.{section[2]}" in known]
        if dotted and dotted[2] not in SUFFIXES:
            right.append(f"{dotted[1]}.{dotted[2]}" in known | OLD)
        if not all(right):
            wrong.append(f"{line.page}:{line.line}: {line.text}")
    assert wrong == []


def test_pages_name_the_keys_they_are_about() -> None:
    """docs/mqtt-connection.md is the page of [mqtt]'s credentials and certificates: none of those is missing."""
    page = pages()["docs/mqtt-connection.md"]
    about = FILES | {"broker", "fallbacks", "protocol", "username", "server_name", "client_id"}
    assert {name for name in about if f"`{name}" not in page and f"{name} =" not in page} == set()
