"""Announcements hold what Home Assistant allows, what our topics carry, and ids that no two devices share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.homeassistant import announcement
from ankled.daemon.homeassistant.announcement import Site
from ankled.daemon.homeassistant.others import HealthField
from ankled.daemon.live.state import Report
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.records import Alert, Pair, Rep, Session, Set
from ankled.daemon.settings import RESERVED_SLUGS
from tests.homeassistant import facts
from tests.homeassistant.announcements import ALL, HEALTH, REPORT, SITE, UNKNOWN, message

if TYPE_CHECKING:
    import msgspec

SLUGS = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True).filter(lambda slug: slug not in RESERVED_SLUGS)
COMPONENTS = [
    pytest.param(component, id=f"{name}-{key}")
    for name, one in ALL.items()
    for key, component in message(one)["components"].items()
]


@pytest.mark.parametrize("name", ALL)
def test_a_message_has_the_keys_that_are_known(name: str) -> None:
    """Home Assistant refuses a whole message for one key that it does not know, and wants device and origin."""
    found = message(ALL[name])
    assert found.keys() == facts.MESSAGE_KEYS
    assert found["device"].keys() <= facts.DEVICE_KEYS
    assert found["device"].keys() >= {"identifiers", "name"}
    assert found["origin"].keys() == facts.ORIGIN_KEYS
    assert None not in found["device"].values()
    for component in found["components"].values():
        assert component.keys() <= facts.KEYS[component["platform"]]
        assert None not in component.values()


@pytest.mark.parametrize("component", COMPONENTS)
def test_units_and_classes_go_together(component: dict[str, Any]) -> None:
    """Each device class has a unit and a state class that it may have; a figure has a state class, a text has none."""
    device_class, unit = component.get("device_class"), component.get("unit_of_measurement")
    state_class = component.get("state_class")
    if component["platform"] == "binary_sensor":
        assert device_class in facts.BINARY_SENSOR_CLASSES
    elif device_class is not None:
        allowed = facts.SENSOR_CLASSES[device_class]
        assert (unit in allowed.units) == (device_class != "enum")
        assert (state_class in allowed.state_classes) == (device_class != "enum")
    if unit is not None:
        assert state_class in {"measurement", "total_increasing"}
    assert ("options" in component) == (device_class == "enum")
    assert component.get("entity_category", "diagnostic") == "diagnostic"


@pytest.mark.parametrize("name", ["sensor", "unknown"])
def test_a_sensor_is_there_when_the_bridge_and_it_are(name: str) -> None:
    """Both say online, or the sensor is not available; only what tells of the link itself asks the bridge alone."""
    found = message(ALL[name])
    bridge, device = found["availability"]
    assert (bridge["topic"], device["topic"]) == ("ankled/gym/bridge/state", "ankled/gym/left/availability")
    assert found["availability_mode"] == "all"
    apart = {key: one["availability"] for key, one in found["components"].items() if "availability" in one}
    assert apart == {key: [bridge] for key in ("connected", "link", "last_error")}


def test_the_bridge_tells_that_it_is_away() -> None:
    """Its own connectivity is always available: it is what tells that the rest is not."""
    found = message(ALL["bridge"])
    assert found["components"]["connected"]["availability"] == []
    assert [one["topic"] for one in found["availability"]] == ["ankled/gym/bridge/state"]


STRUCTS: dict[str, type[msgspec.Struct]] = {
    "ankled/gym/left/state": Report,
    "ankled/gym/left/rep": Rep,
    "ankled/gym/left/set": Set,
    "ankled/gym/left/alert": Alert,
    "ankled/gym/athlete/kim/pair": Pair,
    "ankled/gym/athlete/kim/session": Session,
    "ankled/gym/athlete/kim/alert": Alert,
}
OTHERS = {
    "ankled/gym/left/availability": {"state"},
    "ankled/gym/bridge/state": {"state"},
    "ankled/gym/bridge/info": {"version", "node", "config"},
    "ankled/gym/bridge/health": {field.key.partition(".")[0] for field in HEALTH},
}


@pytest.mark.parametrize("component", COMPONENTS)
def test_templates_name_fields_that_the_topic_has(component: dict[str, Any]) -> None:
    """A field that was renamed, or a topic that is not ours, is found here and not by an entity that stays unknown."""
    topic = component["state_topic"]
    fields = set(STRUCTS[topic].__struct_fields__) if topic in STRUCTS else OTHERS[topic]
    named = set(re.findall(r"value_json\.(\w+)", component["value_template"]))
    assert named
    assert named <= fields


def test_a_sensor_is_described_by_what_it_says_of_itself() -> None:
    """Maker, model, serial number and versions where known; called by its label, else by node and slug."""
    bridge = SITE.device_id("bridge")
    device = message(ALL["sensor"])["device"]
    assert device.pop("identifiers") == [SITE.device_id("left")]
    assert device == {
        "name": "Left weight",
        "manufacturer": "Movesense",
        "model": "HR+",
        "serial_number": "174630000192",
        "sw_version": "2.3.1",
        "hw_version": "F",
        "via_device": bridge,
    }
    assert message(ALL["unknown"])["device"] == {
        "identifiers": [SITE.device_id("left")],
        "name": "gym left",
        "via_device": bridge,
    }
    assert message(ALL["bridge"])["device"]["identifiers"] == [bridge]


@pytest.mark.parametrize(("slug", "name"), [("kim", "gym athlete kim"), ("athlete-3f9c02d1", "gym athlete-3f9c02d1")])
def test_an_athlete_is_called_one_only_once(slug: str, name: str) -> None:
    """A pseudonym says already what it stands for."""
    assert message(announcement.athlete(SITE, slug))["device"]["name"] == name


def test_health_is_announced_by_a_list() -> None:
    """Key, unit and kind are enough: the class follows from the unit, where one may have it."""
    found = message(ALL["health"])["components"]
    told = {key: [one.get(k) for k in ("name", "device_class", "state_class")] for key, one in found.items()}
    assert told["health_uptime_s"] == ["Uptime", "duration", "total_increasing"]
    assert told["health_latency_p99_ms"] == ["Latency p99", "duration", "measurement"]
    assert told["health_resets_hz"] == ["Resets", None, "total_increasing"]
    assert told["health_adapter"] == ["Adapter", None, None]
    assert told["health_strange_furlong"] == ["Strange", None, "measurement"]
    assert found["health_samples_hz"]["enabled_by_default"] is False
    assert found["health_latency_p99_ms"]["value_template"] == (
        "{{ value_json.latency.p99_ms if value_json.latency else none }}"
    )
    assert HealthField("dropped", None, "count").shown


@given(
    st.lists(st.tuples(st.sampled_from(["ankled", "club/hall"]), SLUGS, SLUGS), min_size=2, max_size=8, unique=True),
    st.booleans(),
)
def test_no_two_devices_share_an_id(names: list[tuple[str, str, str]], cut: bool) -> None:
    """Sensors of all nodes and bases, athletes and bridges: each has its own topic, and one that is allowed."""
    if cut:  # names that are alike as far as they are shown
        names = [(base, f"{node[:1]}{'x' * 63}", f"{device}{'y' * 64}"[:64]) for base, node, device in names]
    ids = {}
    for base, node, device in names:
        site = Site(topics=Topics(base=base, node=node))
        for path in (device, f"athlete/{device}", "bridge", f"athlete-{device}"[:64]):
            ids[base, node, path] = site.device_id(path)
            topic = site.topic(path)
            assert topic.startswith("homeassistant/device/")
            assert re.fullmatch(facts.TOPIC, topic.removeprefix("homeassistant/device/"))
    assert len(set(ids.values())) == len(ids)


def test_names_that_would_meet_do_not() -> None:
    """Joined by any sign that a slug may hold, two of these would be one."""
    apart = [("a-b", "c"), ("a", "b-c"), ("a", "athlete-kim"), ("a", "athlete/kim"), ("a-athlete", "kim")]
    assert len({Site(topics=Topics(node=node)).device_id(path) for node, path in apart}) == len(apart)


def test_the_same_device_has_the_same_ids_for_ever() -> None:
    """A changed id would leave every user with a dead device, and their dashboards with dead entities."""
    assert ALL["sensor"].topic == "homeassistant/device/gym-left-efc6ac3b92/config"
    assert ALL["unknown"].topic == ALL["sensor"].topic
    ids = {key: one["unique_id"] for key, one in message(ALL["sensor"])["components"].items()}
    assert ids["battery"] == "gym-left-efc6ac3b92-battery"
    assert len(set(ids.values())) == len(ids)
    known = message(announcement.sensor(SITE, UNKNOWN))["components"]
    assert known == message(announcement.sensor(SITE, REPORT))["components"]
