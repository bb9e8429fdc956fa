"""Topics: the table of the documentation, records on their topics, and no name that would break one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.topics import Route, Topics, discovery, slugify
from ankled.daemon.records import Alert, Event, Pair, Rep, Session, Set
from ankled.daemon.settings import RESERVED_SLUGS
from ankled.daemon.standing import Standing
from tests.daemon.records import make

TOPICS = Topics(node="gym")


@pytest.mark.parametrize(
    ("record", "route"),
    [
        (make(Rep, device="left"), Route("ankled/gym/left/rep", 1, retain=False)),
        (make(Standing, device="left"), Route("ankled/gym/left/standing", 1, retain=False)),
        (make(Set, device="left"), Route("ankled/gym/left/set", 1, retain=True)),
        (make(Pair, athlete="kim"), Route("ankled/gym/athlete/kim/pair", 1, retain=False)),
        (make(Session, athlete="kim"), Route("ankled/gym/athlete/kim/session", 1, retain=True)),
        (make(Alert, device="left", athlete="kim"), Route("ankled/gym/left/alert", 1, retain=False)),
        (make(Alert, athlete="kim"), Route("ankled/gym/athlete/kim/alert", 1, retain=False)),
        (make(Event, device="left"), Route("ankled/gym/bridge/event", 1, retain=False)),
    ],
)
def test_where_records_go(record: Rep | Standing | Set | Pair | Session | Alert | Event, route: Route) -> None:
    """All results at least once; the last set and session stay with the broker."""
    assert TOPICS.topic_for(record) == route


def test_an_alert_of_nobody_is_a_defect() -> None:
    """An alert without a device and an athlete has no topic."""
    with pytest.raises(ValueError, match="neither a device nor an athlete"):
        TOPICS.topic_for(make(Alert))


def test_the_other_topics() -> None:
    """The rest of the table."""
    assert TOPICS.bridge("state") == "ankled/gym/bridge/state"
    assert TOPICS.request("history") == "ankled/gym/bridge/request/history"
    assert TOPICS.request("+") == "ankled/gym/bridge/request/+"
    assert TOPICS.response("history") == "ankled/gym/bridge/response/history"
    assert TOPICS.device("left", "availability") == "ankled/gym/left/availability"
    assert Topics(base="club/hall", node="gym").root == "club/hall/gym"
    assert discovery("gym_left") == "homeassistant/device/gym_left/config"


@given(st.text())
def test_no_name_can_break_a_topic(text: str) -> None:
    """Whatever a device is called, a topic has the levels it should have and no wildcard, or the name is refused."""
    try:
        topic = TOPICS.device(text, "rep")
    except UsageError as error:
        told = str(error)
        assert told.startswith("the device is ")
        assert "allowed are 1 to 64 characters" in told
        return
    assert topic.split("/") == ["ankled", "gym", text, "rep"]
    assert text not in RESERVED_SLUGS
    assert not set(text) & set("+#/$ \n\0")


@pytest.mark.parametrize("name", ["", "Gym", "a/b", "+", "#", "bridge", "athlete", "gym\n", "a" * 65])
def test_a_node_is_a_slug(name: str) -> None:
    """A node that is none is refused before anything is published."""
    with pytest.raises(UsageError, match="the node is"):
        Topics(node=name)


@pytest.mark.parametrize("base", ["", "/a", "a/", "a//b", "a/b/c/d/e", "A", "a/+"])
def test_a_base_is_one_to_four_slugs(base: str) -> None:
    """So is a base topic with anything but slugs in its levels."""
    with pytest.raises(UsageError, match="the base topic is"):
        Topics(base=base, node="gym")


@given(st.text())
def test_slugify_makes_a_slug_of_anything(text: str) -> None:
    """The stem of any file gives a device that has a topic; a slug stays itself."""
    slug = slugify(text)
    assert TOPICS.device(slug, "rep")
    assert slugify(slug) == slug


def test_slugify_reads_like_its_text() -> None:
    """What is left of a name is recognisable."""
    assert slugify("Left Leg (2)") == "left-leg-2"
    assert slugify("bridge") == "bridge-1"
    assert slugify("çå") == "device"
