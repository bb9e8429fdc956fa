"""What others announce below Home Assistant's prefix is theirs: it neither stops us nor is it cleared."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.homeassistant.announcement import Site
from ankled.daemon.homeassistant.announcer import Announcer
from ankled.daemon.live.outlet import Nowhere
from ankled.daemon.mqtt.connection import Message
from ankled.daemon.mqtt.topics import Topics

SITE = Site(topics=Topics(node="gym"))
FILTER = "homeassistant/device/+/config"
BIRTH = "homeassistant/status"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["origin", "name", "components", "state_topic", "x"]), inner | st.just("ankled"), max_size=4
        )
    ),
)
LIKE_OURS = st.fixed_dictionaries(
    {
        "origin": st.just({"name": "ankled"}),
        "components": st.dictionaries(
            st.text(), st.fixed_dictionaries({"state_topic": st.text() | st.just("ankled/gym/+/rep")}), max_size=3
        ),
    }
)


class Recorded:
    """A board that remembers what was cleared."""

    def __init__(self) -> None:
        self.cleared: list[str] = []

    def keep(self, topic: str, payload: bytes) -> None:
        """Let go of it."""

    def clear(self, topic: str) -> None:
        """Note it."""
        self.cleared.append(topic)

    def repeat(self) -> None:
        """Do nothing."""


@given(st.binary(max_size=200) | (JSON | LIKE_OURS).map(msgspec.json.encode), st.booleans())
def test_whatever_others_announce_is_left_alone(words: bytes, kept: bool) -> None:
    """Anybody may write below Home Assistant's prefix: it neither stops us nor is it cleared."""
    board = Recorded()
    listeners: dict[str, Any] = {}
    announcer = Announcer(outlet=Nowhere(), board=board, site=SITE, sensors={}, adopt=False)
    announcer.listen(listeners.__setitem__, BIRTH)
    deep = b'{"origin":' + b"[" * 100_000
    for content in (words, deep):
        listeners[FILTER](Message("homeassistant/device/somebody/config", content, 1, retain=kept))
    assert not board.cleared
