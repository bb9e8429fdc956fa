"""Announcements held against the code of Home Assistant itself, where it is installed beside the tests."""

from __future__ import annotations

import copy
import importlib
import warnings
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.homeassistant import facts
from tests.homeassistant.announcements import ALL, REPORT, UNKNOWN, message

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("homeassistant", reason="the package homeassistant is not installed")

# what is deprecated inside Home Assistant is its own affair
pytestmark = pytest.mark.filterwarnings("ignore")

MQTT = "homeassistant.components.mqtt"


def module(name: str) -> Any:
    """Import a module of Home Assistant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@pytest.fixture
async def home(tmp_path: Path) -> Any:
    """Return a Home Assistant that does nothing: its templates want one to live in."""
    found = module("homeassistant.core").HomeAssistant(str(tmp_path))
    module("homeassistant.helpers.frame").async_setup(found)
    yield found
    await found.async_stop(force=True)


@pytest.fixture
def schemas(home: Any) -> Any:
    """Return its schemas of discovery messages, which came with 2024.12."""
    return module(f"{MQTT}.schemas")


@pytest.mark.parametrize("name", ALL)
def test_the_message_is_one_of_a_device(schemas: Any, name: str) -> None:
    """The schema of the whole takes it: no unknown key, an identifier, a unique id for each component."""
    schemas.DEVICE_DISCOVERY_SCHEMA(message(ALL[name]))


@pytest.mark.parametrize("name", ALL)
def test_each_component_is_one_of_its_platform(schemas: Any, name: str) -> None:
    """Together with what it shares with its device, as Home Assistant puts them together, strictly."""
    whole = message(ALL[name])
    for given in whole["components"].values():
        component = copy.deepcopy(given)
        platform = module(f"{MQTT}.{component.pop('platform')}")
        for option in schemas.SHARED_OPTIONS:
            if option in whole and option not in component:
                component[option] = whole[option]
        component |= {"device": whole["device"], "origin": whole["origin"]}
        platform.PLATFORM_SCHEMA_MODERN(copy.deepcopy(component))
        checked = platform.DISCOVERY_SCHEMA(component)
        assert [one["topic"] for one in checked["availability"]] == [one["topic"] for one in component["availability"]]
        assert checked["availability_mode"] == "all"
        for one in checked["availability"]:
            assert (one["payload_available"], one["payload_not_available"]) == ("online", "offline")


def test_no_key_of_ours_is_an_abbreviation() -> None:
    """What is written out is not taken for a short form of something else."""
    short = module(f"{MQTT}.abbreviations")
    for name in ("ABBREVIATIONS", "DEVICE_ABBREVIATIONS", "ORIGIN_ABBREVIATIONS"):
        known = getattr(short, name)
        ours = facts.MESSAGE_KEYS | facts.DEVICE_KEYS | facts.ORIGIN_KEYS | set().union(*facts.KEYS.values())
        assert {key: known.get(key, key) for key in ours} == {key: key for key in ours}


def test_the_table_of_facts_is_true() -> None:
    """What the other tests go by is what this version of Home Assistant says."""
    const = module("homeassistant.components.sensor.const")
    for name, allowed in facts.SENSOR_CLASSES.items():
        device_class = const.SensorDeviceClass(name)
        assert {str(unit) for unit in const.DEVICE_CLASS_UNITS.get(device_class, ())} >= allowed.units
        assert {str(one) for one in const.DEVICE_CLASS_STATE_CLASSES[device_class]} >= allowed.state_classes
    binary = module("homeassistant.components.binary_sensor")
    for name in facts.BINARY_SENSOR_CLASSES:
        binary.BinarySensorDeviceClass(name)
    matcher = module(f"{MQTT}.discovery").TOPIC_MATCHER
    for one in ALL.values():
        found = matcher.fullmatch(one.topic.removeprefix("homeassistant/"))
        assert (found["component"], found["node_id"]) == ("device", None)
        assert found["object_id"] == message(one)["device"]["identifiers"][0]


RENDERED = {
    "battery": ("81.0", "None"),
    "signal": ("-61", "None"),
    "firmware": ("2.3.1", "None"),
    "last_error": ("None", "None"),
    "mass": ("1.814", "1.814"),
}


@pytest.mark.parametrize(("key", "known", "unknown"), [(key, *both) for key, both in RENDERED.items()])
async def test_templates_render(home: Any, key: str, known: str, unknown: str) -> None:
    """By the template engine of Home Assistant; `None` is how its MQTT entities are told that nothing is known."""
    template = module("homeassistant.helpers.template").Template(
        message(ALL["sensor"])["components"][key]["value_template"], home
    )
    for report, expected in ((REPORT, known), (UNKNOWN, unknown)):
        payload = msgspec.json.encode(report).decode()
        assert template.async_render_with_possible_json_value(payload, parse_result=False) == expected
