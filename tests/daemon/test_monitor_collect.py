"""The model of the monitor: complete and in order whatever is lost, at peace with whatever is published."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankled.daemon.monitor.collect import Model
from ankled.daemon.monitor.groups import groups
from ankled.daemon.monitor.heard import filters, place
from ankled.daemon.monitor.people import Now
from ankled.daemon.records import Alert, Event, Pair, Set, to_json
from ankled.daemon.requests.forms import HistoryForm
from tests.daemon.desks import ROOT, TOPIC, rep, result, told
from tests.daemon.records import make

NOW = Now(100.0, 1_800_000_000.0)
ONLINE = b'{"state":"online"}'
LEFT = f"{ROOT}/kim-left"


def online() -> Model:
    """Return a model of a node that is online."""
    model = Model()
    model.feed(f"{ROOT}/bridge/state", ONLINE, NOW, retained=True)
    return model


def ask(model: Model, kept: int) -> list[int]:
    """Answer all that is wanted from a node that keeps results 1 to `kept`, as the watch does; return what came out."""
    out: list[int] = []
    node = model.nodes["gym"]
    while (source := model.asks(node, NOW)) is not None:
        after = 0 if source.sequence.next is None else source.sequence.next - 1
        form = HistoryForm(source="kim-left", after_seq=after, limit=7)
        seqs = list(range(1, kept + 1))
        answer = told([result(rep(seq)) for seq in seqs if seq > after][:8], form, seqs)
        ready = model.past(node, answer, NOW)
        ready += model.begin(node, source, kept + 1)
        upto = after + len(answer.results) if answer.more else kept
        ready += model.covered(node, source, upto)
        source.sequence.behind = answer.more
        out += [one.record.seq for one in ready]
    return out


@settings(max_examples=60)
@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 29))
def test_with_history_everything_ends_up_in_order(arrived: list[int], asked_at: int) -> None:
    """Results arrive lossy, repeated and mixed up; with gaps filled from history all come out once, in order."""
    model = online()
    out = []
    for position, seq in enumerate(arrived):
        out += [one.record.seq for one in model.feed(TOPIC, to_json(rep(seq)), NOW)]
        if position % asked_at == 0:
            out += ask(model, max(arrived))
    out += ask(model, max(arrived, default=1))
    if arrived:
        model.reconnected()
        out += ask(model, 31)
        assert out == list(range(1, 32))
    assert model.lost == 0


def test_without_history_the_rest_goes_on_and_the_loss_is_counted() -> None:
    """A node that never said it is online, as a replay, is not asked: what is missing is counted, nothing waits."""
    model = Model()
    out = []
    for seq in (1, 2, 5, 6):
        out += model.feed(TOPIC, to_json(rep(seq)), NOW)
        out += model.settle(NOW)
    assert [one.record.seq for one in out] == [1, 2, 5, 6]
    assert model.lost == 2
    assert model.asks(model.nodes["gym"], NOW) is None


def test_a_gap_waits_for_a_node_that_is_offline_but_not_for_ever() -> None:
    """A daemon that restarts is asked when it is back; one that stays away holds nothing up after a minute."""
    model = online()
    model.feed(TOPIC, to_json(rep(1)), NOW)
    assert ask(model, 1) == [1]
    model.feed(TOPIC, to_json(rep(3)), NOW)
    model.feed(f"{ROOT}/bridge/state", b'{"state":"offline"}', NOW)
    assert model.settle(NOW) == []
    assert model.settle(Now(130.0, 0.0)) == []
    assert [one.record.seq for one in model.settle(Now(161.0, 0.0))] == [3]


def test_a_node_that_does_not_answer_is_left_alone_for_a_while() -> None:
    """After silence nothing waits, and half a minute later it may be asked again."""
    model = online()
    model.feed(TOPIC, to_json(rep(4)), NOW)
    model.mute(model.nodes["gym"], "silent", NOW)
    assert [one.record.seq for one in model.settle(NOW)] == [4]
    model.feed(TOPIC, to_json(rep(6)), NOW)
    assert model.asks(model.nodes["gym"], NOW) is None
    assert [one.record.seq for one in model.settle(NOW)] == [6]
    model.feed(TOPIC, to_json(rep(8)), NOW)
    assert model.asks(model.nodes["gym"], Now(131.0, 0.0)) is not None


def test_a_sensor_is_there_only_if_its_node_is() -> None:
    """Availability of the node and of the device count together: the last will speaks for all of its sensors."""
    model = online()
    node = model.nodes["gym"]
    model.feed(f"{LEFT}/availability", ONLINE, NOW)
    device = node.devices["kim-left"]
    assert node.there(device)
    model.feed(f"{ROOT}/bridge/state", b'{"state":"offline"}', NOW)
    assert node.there(device) is False
    model.feed(f"{ROOT}/bridge/state", ONLINE, NOW)
    model.feed(f"{LEFT}/availability", b'{"state":"offline"}', NOW)
    assert node.there(device) is False


def test_both_legs_of_an_athlete_are_one_group() -> None:
    """Devices are grouped by who wears them, by their side; a device of nobody stands for itself."""
    model = online()
    for side, battery in (("left", 80.0), ("right", 20.0)):
        state = {"side": side, "athlete": "kim", "battery_percent": battery, "something": ["new"]}
        model.feed(f"{ROOT}/kim-{side}/state", msgspec.json.encode(state), NOW)
    model.feed(f"{ROOT}/spare/availability", ONLINE, NOW)
    kim, spare = groups(model, NOW.s)
    assert (kim.name, spare.name, spare.athlete) == ("kim", "spare", False)
    assert kim.left is not None
    assert kim.right is not None
    assert (kim.left.device.slug, kim.right.device.state.battery_percent) == ("kim-left", 20.0)
    assert [group.name for group in groups(model, NOW.s, athletes=["kim"])] == ["kim"]
    assert groups(model, NOW.s, nodes=["lab"]) == []


def test_the_running_set_is_that_of_the_newest_session() -> None:
    """What history brings of an earlier session does not replace what is shown; a new session does."""
    model = Model()
    model.feed(TOPIC, to_json(rep(50, session="b", id="b/50", set=2, end_utc="2026-01-02T10:00:00Z")), NOW)
    model.feed(TOPIC, to_json(rep(49, session="a", id="a/49", set=9, end_utc="2026-01-01T10:00:00Z")), NOW)
    device = model.nodes["gym"].devices["kim-left"]
    assert [one.session for one in device.reps] == ["b"]
    model.feed(TOPIC, to_json(rep(51, session="c", id="c/51", set=1, end_utc="2026-01-03T10:00:00Z")), NOW)
    assert [one.session for one in device.reps] == ["c"]


def test_results_of_device_and_athlete_are_counted_apart() -> None:
    """A device and an athlete may have the same name; events count with their device though they come by the bridge."""
    model = Model()
    pair = make(Pair, id="s/kim/pair/1", athlete="kim", seq=1)
    event = make(Event, id="s/kim/event/1", device="kim", seq=2)
    out = model.feed(f"{ROOT}/athlete/kim/pair", to_json(pair), NOW)
    out += model.feed(f"{ROOT}/kim/rep", to_json(rep(1, device="kim", id="s/kim/rep/1")), NOW)
    out += model.feed(f"{ROOT}/bridge/event", to_json(event), NOW)
    out += model.settle(NOW)
    assert sorted(model.nodes["gym"].sources) == [("kim", False), ("kim", True)]
    assert {one.record.id for one in out} == {pair.id, event.id, "s/kim/rep/1"}
    assert model.lost == 0


def test_what_a_broker_had_kept_is_shown_but_comes_out_with_its_past() -> None:
    """The last set is retained: at once in the picture, and in the lines where its `seq` puts it, once."""
    model = online()
    done = make(Set, id="s/kim-left/set/1", device="kim-left", seq=3, athlete="kim")
    assert model.feed(f"{LEFT}/set", to_json(done), NOW, retained=True) == []
    assert [one.closed.id for one in model.sets] == [done.id]
    model.feed(f"{LEFT}/set", to_json(done), NOW)
    assert [one.closed.id for one in model.sets] == [done.id]
    assert [one.record.seq for one in model.settle(NOW)] == []
    assert model.asks(model.nodes["gym"], NOW) is not None


def test_alerts_are_kept_by_their_time_and_none_is_of_the_future() -> None:
    """An alert of the past stands below newer ones; one whose clock is wrong does not stay on top for ever."""
    model = Model()
    for seq, at in ((1, "2100-01-01T00:00:00Z"), (2, "2020-01-01T00:00:00Z"), (3, "not a time")):
        alert = make(Alert, id=f"a/{seq}", seq=seq, device="kim-left", known_at_utc=at)
        model.feed(f"{LEFT}/alert", to_json(alert), NOW)
    assert [told.alert.seq for told in model.alerts] == [2, 1, 3]
    assert all(told.utc_s <= NOW.utc_s for told in model.alerts)


TOPICS = st.sampled_from(
    [
        *(topic.replace("+", "gym") for topic in filters("ankled", [])),
        TOPIC,
        f"{LEFT}/set",
        f"{LEFT}/state",
        f"{LEFT}/live",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from([*msgspec.structs.asdict(rep(1)), "schema", "state"]), JSON, max_size=5)


@given(st.lists(st.tuples(TOPICS | st.text(max_size=40), st.binary(max_size=60) | JSON | FIELDS), max_size=12))
def test_no_message_disturbs_the_model(messages: list[tuple[str, object]]) -> None:
    """Garbage on any topic, and records with any field replaced, never raise; what is in order stays in order."""
    model = online()
    for topic, content in messages:
        payload = content if isinstance(content, bytes) else msgspec.json.encode(content)
        model.feed(topic, payload, NOW)
        if isinstance(content, dict):
            wild = msgspec.json.decode(to_json(rep(1))) | content
            model.feed(TOPIC, msgspec.json.encode(wild), NOW)
        groups(model, NOW.s)
    model.feed(TOPIC, to_json(rep(1)), NOW)
    model.settle(NOW)


@pytest.mark.parametrize(
    "payload",
    [b"x" * 1_000_000, b"[" * 60_000, b'{"state":"\xff"}', b'{"schema":"ankled.rep/2"}', b"", b"null", b'"\\ud800"'],
    ids=["a megabyte", "nested", "no text", "a newer schema", "cleared", "null", "half a character"],
)
def test_what_cannot_be_read_is_counted_or_ignored(payload: bytes) -> None:
    """Nothing of it is taken in, on any kind of topic."""
    model = online()
    for topic in (TOPIC, f"{LEFT}/availability", f"{ROOT}/bridge/event", f"{ROOT}/bridge/state"):
        model.feed(topic, payload, NOW)
    assert model.results == 0
    assert model.nodes["gym"].online
    assert model.unread == (4 if payload else 0)


def test_a_record_of_somebody_else_does_not_count() -> None:
    """A record names its device: on the topic of another it is not taken in, nor is a set among repetitions."""
    model = online()
    model.feed(f"{ROOT}/other/rep", to_json(rep(1)), NOW)
    model.feed(TOPIC, to_json(make(Set, device="kim-left")), NOW)
    model.feed(TOPIC, to_json(make(Event, device="kim-left")), NOW)
    assert (model.results, model.unread) == (0, 3)


@pytest.mark.parametrize(
    "topic",
    ["ankled/gym", "ankled/GYM/left/rep", "ankled/bridge/left/rep", "ankled/gym/athlete/rep", "ankled/gym/a b/rep",
     "ankled/gym/\x1b[2J/rep", "ankled/gym/athlete/kim/rep", "other/gym/left/rep", "ankled/gym/left/rep/more"],
)  # fmt: skip
def test_other_topics_are_none_of_ours(topic: str) -> None:
    """What is no place of the tree is ignored."""
    assert place("ankled", topic) is None


def test_memory_is_bounded_in_nodes_and_devices() -> None:
    """Thousands of made-up names replace each other; who is heard of lately stays."""
    model = online()
    for number in range(2000):
        model.feed(f"ankled/node-{number}/left/availability", ONLINE, Now(101.0 + number, 0.0))
        model.feed(f"{ROOT}/device-{number}/availability", ONLINE, Now(101.0 + number, 0.0))
    assert len(model.nodes) <= 64
    assert len(model.nodes["gym"].devices) <= 256
    assert len(model.nodes["gym"].sources) <= 512
    assert "device-1999" in model.nodes["gym"].devices
