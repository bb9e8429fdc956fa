"""What is told of each key, of old keys and of versions, and what a reload does with them."""

from __future__ import annotations

import importlib
import json
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.config import Config, DeviceConfig, examine
from ankled.daemon.config.keys import KEYS
from ankled.daemon.config.layers import Layer
from ankled.daemon.config.leaves import Leaf, leaves
from ankled.daemon.config.migrations import MIGRATIONS, Migration, migrate, rewritten
from ankled.daemon.config.variables import OTHERS, names
from ankled.daemon.config.walk import fits, unwrap
from ankled.daemon.live.reload import DEVICES, differences, in_effect
from tests.house import tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.commands import Shell

DOCS = tree.ROOT / "docs"
SCHEMA = json.loads((DOCS / "config.schema.json").read_bytes())
EXAMPLE = tree.ROOT / "systemd" / "ankled.example.toml"
LEAVES = {leaf.path: leaf for leaf in leaves()}
SAMPLES: tuple[Any, ...] = (
    True, False, 11, 12, 1, 2, 11.5, 12.5, 64.5, "x1", "x2", "known-drivers", "none", "all", "off", "5", "3.1.1",
    "debug", "error", "json", "console", "left", "right", "gait", "reps", "C0:11:22:33:44:55", "C0:11:22:33:44:66",
    "180D", "180F", "set", "size-or-time",
)  # fmt: skip


def taken(kind: msgspec.inspect.Type) -> list[Any]:
    """Return values that a key takes."""
    kind = unwrap(kind)[0]
    if isinstance(kind, msgspec.inspect.VarTupleType):
        return [[one] for one in taken(kind.item_type)]
    if isinstance(kind, msgspec.inspect.TupleType):
        return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    if isinstance(kind, msgspec.inspect.DictType):
        keys = taken(kind.key_type) or list(getattr(unwrap(kind.key_type)[0], "values", ()))
        return [{keys[0]: one} for one in taken(kind.value_type)]
    return [one for one in SAMPLES if fits(one, kind)]


def changed(leaf: Leaf) -> tuple[Config, Config]:
    """Return two configurations that differ in one key alone."""
    was, now = Config(), Config()
    *tables, name = leaf.path.split(".")
    value, other = [one for one in taken(leaf.kind) if one != leaf.default][-1], None
    if tables[:1] == [DEVICES]:
        device: dict[str, Any] = {"slug": "a", "name": "A"}
        if tables[1:]:
            device["mount"] = {"left": [1.0, 2.0, 3.0], "up": [3.0, 2.0, 1.0]}
        other = msgspec.convert(device, DeviceConfig)
        (device["mount"] if tables[1:] else device)[name] = value
        changes = (other, msgspec.convert(device, DeviceConfig))
        return tuple(msgspec.structs.replace(Config(), devices=(one,)) for one in changes)  # type: ignore[return-value]  # of two
    data: Any = {name: value}
    for table in reversed(tables):
        data = {table: data}
    return was, msgspec.convert(data, type(now))


def test_every_key_has_its_row() -> None:
    """A new key is told of, and whether a reload applies it; a row of a key that is gone goes too."""
    assert list(KEYS) == list(LEAVES)


@pytest.mark.parametrize("path", [path for path in KEYS if path != "version"])
def test_a_reload_does_with_each_key_what_is_told_of_it(path: str) -> None:
    """A key that differs is applied, or waits for a restart, and is in one of both lists."""
    running, read = changed(LEAVES[path])
    assert differences(running, read)
    after = in_effect(running, read, followed=True)
    applied, waiting = differences(running, after), differences(after, read)
    assert (bool(applied), bool(waiting)) == ((True, False) if KEYS[path].reload == "now" else (False, True))


def test_without_anybody_who_follows_less_is_applied() -> None:
    """What nobody takes is not said to hold."""
    read = msgspec.convert({"requests": "all", "mqtt": {"publish_live": False}, "adopt": "known-drivers"}, Config)
    after = in_effect(Config(), read, followed=False)
    assert differences(Config(), after) == ("adopt",)
    assert differences(after, read) == ("mqtt.publish_live", "requests")


# --- the schema for editors ------------------------------------------------------------------------------------------


def node_at(path: str) -> dict[str, Any]:
    """Return the schema of a key."""
    node: dict[str, Any] = SCHEMA
    for step in path.split("."):
        node = node.get("items", node)["properties"][step]
    return node


@pytest.mark.parametrize("path", list(LEAVES))
def test_the_schema_describes_every_key(path: str) -> None:
    """With what it is for and what a reload does, and its default where there is one."""
    node, leaf = node_at(path), LEAVES[path]
    assert node["description"].startswith(KEYS[path].told)
    assert node.get("default") == (list(leaf.default) if leaf.default == () else leaf.default)
    assert ("reload" in node["description"]) == (KEYS[path].reload == "now")


def test_the_schema_has_one_dialect() -> None:
    """No word of a later draft, nothing to look up elsewhere, no null and no key that is not known."""
    text = json.dumps(SCHEMA)
    assert SCHEMA["$schema"].endswith("draft-07/schema#")
    assert not re.search(r'"(\$ref|\$defs|prefixItems|anyOf)"|"null"|: null', text)
    assert text.count('"properties"') == text.count('"additionalProperties": false') > 10


def test_the_schema_takes_the_example_and_refuses_what_the_check_refuses() -> None:
    """A validator agrees with the check on single keys."""
    jsonschema: Any = importlib.import_module("jsonschema")  # which has no types
    validator = jsonschema.Draft7Validator(SCHEMA)
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    validator.validate(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))
    for data in (
        {"nod": 1},
        {"node": "A b"},
        {"mqtt": {"keepalive_s": 1}},
        {"devices": [{"side": "left"}]},
        {"devices": 1},
    ):
        assert not validator.is_valid(data), data


def test_the_example_names_its_schema() -> None:
    """In the first line, as Taplo wants it, and at the right place."""
    first = EXAMPLE.read_text(encoding="utf-8").partition("\n")[0]
    assert (EXAMPLE.parent / first.removeprefix("#:schema ")).resolve() == DOCS / "config.schema.json"


# --- old keys and versions -------------------------------------------------------------------------------------------


def test_a_removed_key_still_loads_with_a_warning(tmp_path: Path) -> None:
    """Of every row: what is to be written instead is told with the line, and the value is not."""
    for row in MIGRATIONS:
        table, _, name = row.key.rpartition(".")
        path = tmp_path / "old.toml"
        path.write_text(f"[{table}]\n\n{name} = 4711\n")
        found = examine(path, environ={})
        assert found.config == Config()
        (warning,) = found.warnings
        assert str(warning) == f"{path}:3:1: {row.key} {row.told}"
        assert "4711" not in str(warning)


RENAMES = (Migration("a.old", "is called new now", now="new"), Migration("d.was", "is gone"))


def test_a_renamed_key_counts_under_its_new_name() -> None:
    """Unless that is there too; in tables and in arrays of tables."""
    layer = Layer("f", {"a": {"old": 1}, "d": [{"was": 2, "x": 3}, {}]}, {"a.old": (7, 1)})
    told = list(migrate(layer, RENAMES))
    assert layer.data == {"a": {"new": 1}, "d": [{"x": 3}, {}]}
    assert layer.places is not None
    assert layer.places["a.new"] == (7, 1)
    assert [(one.key, one.message) for one in told] == [("a.old", "is called new now"), ("d[0].was", "is gone")]
    both = Layer("f", {"a": {"old": 1, "new": 2}})
    assert [one.message for one in migrate(both, RENAMES)] == ["is called new now; a.new is there too, and counts"]
    assert both.data == {"a": {"new": 2}}


def test_a_text_is_written_anew_with_its_comments() -> None:
    """Names are changed in place and what is gone becomes a comment; what needs a hand is named."""
    text = "# top\na.old = 1 # why\n[[d]]\nwas = [ # x\n  1,\n]\ny = 2\n[e]\nz = { was = 1 }\n"
    new = "# top\na.new = 1 # why\n[[d]]\n# was = [ # x\n#   1,\n# ]\ny = 2\n[e]\nz = { was = 1 }\n"
    assert rewritten(text, RENAMES) == (new, ())
    assert rewritten(new, RENAMES) == (new, ())
    assert rewritten("a = { old = 1 }\n", (Migration("a.old", "", now="new"),))[0] == "a = { old = 1 }\n"
    assert rewritten("a = { old = 1 }\n", RENAMES)[1] == ("a.old",)
    assert tomllib.loads(new)["d"] == [{"y": 2}]


def test_a_later_version_is_an_error(tmp_path: Path) -> None:
    """It alone is told, whatever else is in the file; the one that is known is right, in drop-ins too."""
    path = tmp_path / "new.toml"
    path.write_text("bogus = 1\nversion = 2\n")
    (problem,) = examine(path, environ={}).problems
    assert str(problem) == f"{path}:2:1: version is 2, newer than this ankled knows; allowed is 1"
    path.write_text("version = 1")
    assert examine(path, environ={}).config == Config()
    path.write_text("version = 0")
    assert [one.key for one in examine(path, environ={}).problems] == ["version"]


# --- variables -------------------------------------------------------------------------------------------------------


def test_every_variable_of_the_project_is_known() -> None:
    """One that some code reads and nobody has listed would be an error of configuration wherever it is set."""
    places = [*tree.python_files(), tree.ROOT / "Makefile", *(tree.ROOT / ".ci").iterdir()]
    # the last three name fields of the journal
    others = ("test_config", "variables.py", "journald.py", "test_logs_journal.py", "test_environment.py")
    places = [one for one in places if one.is_file() and not one.name.startswith(others)]
    used = {
        name for one in places for name in re.findall(r"\bANKLED_[A-Z][A-Z_]*[A-Z]\b", one.read_text(encoding="utf-8"))
    }
    assert used - set(OTHERS) - set(names()) - {"ANKLED_KEY", "ANKLED_DEVICES"} <= {"ANKLED_MQTT"}
    assert not set(OTHERS) & set(names())


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no variable and no file below /etc that would count."""
    for name in set(os.environ) - set(OTHERS):
        if name.startswith("ANKLED_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("ANKLED_CONFIG", raising=False)
    monkeypatch.setattr("ankled.daemon.config.layers.DEFAULT", tmp_path / "etc" / "ankled.toml")


@pytest.mark.usefixtures("bare")
def test_the_command_tells_every_problem_as_json(tmp_path: Path, shell: Shell) -> None:
    """One object a line, with all that the sentence says."""
    path = tmp_path / "c.toml"
    path.write_text(
        "nod = 1\n[mqtt]\nqueue = 5\nkeepalive_s = 1\n[[devices]]\nslug = 'a'\nname = 'A'\ndriver = 'movesence'\n"
    )
    done = shell("check-config", path, "--json")
    assert (done.code, done.err) == (3, "")
    told = {one["key"]: one for one in done.records}
    assert list(told) == ["nod", "mqtt.keepalive_s", "devices[0].driver", "mqtt.queue"]
    assert told["nod"]["nearest"] == "node"
    assert told["mqtt.keepalive_s"] == {
        "severity": "error", "file": str(path), "line": 4, "column": 1, "key": "mqtt.keepalive_s",
        "message": "is 1; allowed is a whole number from 5 to 3600", "found": "1",
        "allowed": "a whole number from 5 to 3600", "nearest": None,
    }  # fmt: skip
    assert told["devices[0].driver"]["nearest"] == "movesense"
    assert told["mqtt.queue"]["severity"] == "warning"


@pytest.mark.usefixtures("bare")
def test_the_command_shows_where_values_come_from(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the file that counts where none is named, every key with its file and line, variable or default."""
    path = tmp_path / "c.toml"
    path.write_text("[mqtt]\nbroker = 'mqtts://kim:hush@h'\n")
    monkeypatch.setenv("ANKLED_CONFIG", str(path))
    monkeypatch.setenv("ANKLED_NODE", "hall")
    done = shell("check-config", "--show")
    lines = done.out.splitlines()
    assert done.code == 0
    assert 'node = "hall"  # ANKLED_NODE' in lines
    assert f'mqtt.broker = "mqtts://kim:***@h"  # {path}:2' in lines
    assert "mqtt.keepalive_s = 30  # default" in lines
    assert "hush" not in done.out + done.err
    shown = {one["key"]: one for one in shell("check-config", "--show", "--json").records}
    assert shown["mqtt.broker"]["line"] == 2
    assert shown["mqtt.keepalive_s"]["file"] is None


@pytest.mark.usefixtures("bare")
def test_the_command_without_any_file(shell: Shell) -> None:
    """The defaults are right; there is nothing to migrate."""
    done = shell("check-config")
    assert (done.code, done.out) == (0, "no file: the defaults and the environment make a valid configuration\n")
    assert "name one" in shell.refused("check-config", "--migrate", code=2)


@pytest.mark.usefixtures("bare")
def test_the_command_migrates(tmp_path: Path, shell: Shell) -> None:
    """The new text goes to standard output and has no warning left; a text that is none is one sentence."""
    path = tmp_path / "c.toml"
    path.write_text("# mine\n[mqtt]\nqueue = 5 # many\n")
    done = shell("check-config", path, "--migrate")
    assert (done.code, done.out, done.err) == (0, "# mine\n[mqtt]\n# queue = 5 # many\n", "")
    path.write_text(done.out)
    assert shell("check-config", path).err == ""
    path.write_text("[mqtt")
    assert "is not TOML" in shell.refused("check-config", path, "--migrate", code=3)
