"""A configuration of parts: drop-ins, variables of the environment, and the file that counts where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ankled.daemon.config import Config, check, examine, load
from ankled.daemon.config.layers import DEFAULT, default_file, files
from ankled.daemon.config.problems import Place

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
node = "gym"
[mqtt]
fallbacks = ["mqtt://a", "mqtt://b"]
keepalive_s = 10
[[devices]]
slug = "left"
address = "C0:11:22:33:44:55"
side = "left"
[[devices]]
slug = "right"
name = "R"
"""


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """Write a file and make the folder of its drop-ins."""
    path = tmp_path / "ankled.toml"
    path.write_text(MAIN)
    (tmp_path / "ankled.toml.d").mkdir()
    return path


def drop(main: Path, name: str, text: str) -> Path:
    """Write a drop-in."""
    path = main.with_name("ankled.toml.d") / name
    path.write_text(text)
    return path


def test_drop_ins_count_in_the_order_of_their_names(main: Path) -> None:
    """The last one wins for a value, tables merge, an array is replaced; other files and hidden ones do not count."""
    second = drop(main, "20.toml", "[mqtt]\nkeepalive_s = 30\nfallbacks = ['mqtt://c']\n")
    first = drop(main, "10.toml", "node = 'hall'\n[mqtt]\nkeepalive_s = 20\nbase = 'club'\n")
    drop(main, "30.toml.old", "node = 1")
    drop(main, ".40.toml", "node = 1")
    config = load(main, environ={})
    assert files(main) == [main, first, second]
    assert (config.node, config.mqtt.base, config.mqtt.keepalive_s) == ("hall", "club", 30)
    assert config.mqtt.fallbacks == ("mqtt://c",)


def test_devices_of_drop_ins_merge_by_slug(main: Path) -> None:
    """A known slug changes that device in its place, keeping its other keys; an unknown one comes last."""
    drop(main, "10.toml", "[[devices]]\nslug = 'right'\nmass_kg = 2\n[[devices]]\nslug = 'hip'\nname = 'H'\n")
    drop(main, "20.toml", "[[devices]]\nslug = 'hip'\nside = 'right'\n")
    left, right, hip = load(main, environ={}).devices
    assert (left.slug, left.mass_kg, left.side) == ("left", None, "left")
    assert (right.slug, right.name, right.mass_kg) == ("right", "R", 2.0)
    assert (hip.slug, hip.name, hip.side) == ("hip", "H", "right")


def test_two_devices_of_one_slug_in_one_file_stay_an_error(main: Path) -> None:
    """Only another file may say more of a device: twice in one is a mistake, in a drop-in as in the file."""
    twice = drop(main, "10.toml", "[[devices]]\nslug = 'hip'\nname = 'H'\n" * 2)
    (problem,) = [one for one in check(main, environ={}) if one.key.endswith("slug")]
    assert (problem.file, problem.line, problem.key) == (str(twice), 5, "devices[3].slug")


def test_each_error_names_the_file_or_variable_that_it_comes_from(main: Path) -> None:
    """Of merged tables each key is told of where it was written, and a missing one of where its table begins."""
    drop_in = drop(
        main, "10.toml", "[mqtt]\ntimeout_s = 0\n[[devices]]\nslug = 'left'\nmass_kg = 99\n[[devices]]\nside = 1"
    )
    text = MAIN.replace("keepalive_s = 10", "keepalive_s = 1")
    main.write_text(text)
    problems = check(main, environ={"ANKLED_NODE": "Gym 1", "ANKLED_LOG__LEVEL": "loud"})
    assert [(one.key, one.file, one.line, one.column) for one in problems] == [
        ("node", "ANKLED_NODE", None, None),
        ("mqtt.keepalive_s", str(main), 4, 1),
        ("mqtt.timeout_s", str(drop_in), 2, 1),
        ("devices[0].mass_kg", str(drop_in), 5, 1),
        ("devices[2].side", str(drop_in), 7, 1),
        ("devices[2].slug", str(drop_in), 6, 1),
        ("log.level", "ANKLED_LOG__LEVEL", None, None),
    ]
    assert str(problems[0]).startswith('ANKLED_NODE: node is "Gym 1"; allowed is')
    assert str(problems[1]).startswith(f"{main}:4:1: mqtt.keepalive_s is 1; allowed is")


def test_a_drop_in_that_cannot_be_read_is_told_alone(main: Path) -> None:
    """What is wrong in the rest may follow from what is missing, so that only unread files are told, every one."""
    bad = [drop(main, "10.toml", "node = "), drop(main, "20.toml", "x = [")]
    main.write_text("nod = 1")
    problems = check(main, environ={"ANKLED_NOD": "x"})
    assert [one.file for one in problems] == [*map(str, bad), "ANKLED_NOD"]
    assert [one.line for one in problems] == [1, 1, None]


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("ANKLED_NODE", "hall", "node", "hall"),
        ("ANKLED_NODE", "'hall'", "node", "hall"),
        ("ANKLED_NODE", "7", "node", "7"),
        ("ANKLED_MQTT__PROTOCOL", "5", "mqtt.protocol", "5"),
        ("ANKLED_MQTT__CLIENT_ID", "true", "mqtt.client_id", "true"),
        ("ANKLED_MQTT__BROKER", "mqtts://kim:x#y@h", "mqtt.broker", "mqtts://kim:x#y@h"),
        ("ANKLED_MQTT__KEEPALIVE_S", "99", "mqtt.keepalive_s", 99),
        ("ANKLED_MQTT__PUBLISH_LIVE", "false", "mqtt.publish_live", False),
        ("ANKLED_MQTT__FALLBACKS", '["mqtt://z"]', "mqtt.fallbacks", ("mqtt://z",)),
        ("ANKLED_RADIO__ALLOW__NAMES", '["M *"]', "radio.allow.names", ("M *",)),
        ("ANKLED_NODE", "", "node", "gym"),
    ],
)
def test_a_variable_sets_a_key(main: Path, variable: str, text: str, key: str, value: object) -> None:
    """TOML, or text where it is none or where text is wanted; it counts before the file, unless it is empty."""
    found: object = load(main, environ={variable: text})
    for name in key.split("."):
        found = getattr(found, name)
    assert found == value


def test_a_variable_may_hold_tables(main: Path) -> None:
    """They merge as those of files do."""
    environ = {"ANKLED_MQTT": "{ base = 'club' }", "ANKLED_DEVICES": "[{ slug = 'left', mass_kg = 3 }]"}
    config = load(main, environ=environ)
    assert (config.mqtt.base, config.mqtt.keepalive_s) == ("club", 10)
    assert [one.mass_kg for one in config.devices] == [3.0, None]


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("ANKLED_NOD", "did you mean ANKLED_NODE?"),
        ("ANKLED_MQTT__BROKR", "did you mean ANKLED_MQTT__BROKER?"),
        ("ANKLED_MQTT_BROKER", "did you mean ANKLED_MQTT__BROKER?"),
        ("ANKLED_CACHE_DIRS", "did you mean ANKLED_CACHE_DIR?"),
        ("ANKLED_ZZZZZZ", "a key is set by ANKLED_KEY or ANKLED_TABLE__KEY"),
        ("ANKLED_NODE__X", "did you mean ANKLED_NODE?"),
        ("ANKLED_", "a key is set by"),
    ],
)
def test_an_unknown_variable_is_an_error_that_does_not_show_its_value(variable: str, told: str) -> None:
    """It may be a password under a wrong name."""
    (problem,) = check(None, environ={variable: "hush"})
    assert str(problem).startswith(f"{variable} is a variable that ankled does not know; ")
    assert told in str(problem)
    assert "hush" not in str(problem)


def test_bytes_that_are_no_text_are_told() -> None:
    """A variable may hold any bytes, which Python gives as lone surrogates."""
    (problem,) = check(None, environ={"ANKLED_NODE": "a\udcff"})
    assert str(problem) == "ANKLED_NODE is not UTF-8 text"


def test_without_a_file_the_defaults_hold() -> None:
    """The environment counts all the same."""
    assert load(None, environ={}) == Config()
    assert load(None, environ={"ANKLED_NODE": "x"}) == Config(node="x")


def test_the_file_that_counts_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the environment, else the one below /etc or its drop-ins alone, else none."""
    there = tmp_path / "etc" / "ankled.toml"
    monkeypatch.setattr("ankled.daemon.config.layers.DEFAULT", there)
    assert DEFAULT.as_posix() == "/etc/ankled/ankled.toml"
    assert default_file({}) is None
    assert default_file({"ANKLED_CONFIG": str(tmp_path / "x.toml")}) == tmp_path / "x.toml"
    (tmp_path / "etc" / "ankled.toml.d").mkdir(parents=True)
    (tmp_path / "etc" / "ankled.toml.d" / "a.toml").write_text("node = 'hall'")
    assert load(default_file({}), environ={}).node == "hall"
    there.write_text("adopt = 'known-drivers'")
    assert default_file({}) == there
    assert load(there, environ={}) == Config(node="hall", adopt="known-drivers")


def test_places_of_everything_that_is_set(main: Path) -> None:
    """`--show` tells by them; what is a default has none."""
    drop_in = drop(main, "10.toml", "[[devices]]\nslug = 'right'\nmass_kg = 2\n")
    found = examine(main, environ={"ANKLED_NODE": "x"})
    assert found.places["node"] == Place("ANKLED_NODE")
    assert found.places["devices[1].mass_kg"] == Place(str(drop_in), 3, 1)
    assert found.places["devices[1].name"] == Place(str(main), 11, 1)
    assert "mqtt.timeout_s" not in found.places
    assert found.sources == (str(main), str(drop_in), "ANKLED_NODE")
