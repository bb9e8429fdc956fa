"""The model of a monitor: fed with messages, asked for what to show and for what is missing. It neither waits nor asks.

Its memory is bounded, whatever is published: of too many nodes, devices or athletes those unheard of for longest go.
"""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from ankled.daemon.monitor import heard
from ankled.daemon.monitor.heard import Availability, DeviceState, Moment
from ankled.daemon.monitor.people import Both, Closed, Device, Node, Now, Source, Told, is_newer, utc_s
from ankled.daemon.records import Alert, Pair, Rep, Session, Set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ankled.daemon.monitor.heard import Place, Result
    from ankled.daemon.requests.forms import History

_NODES: Final = 64
_OWNERS: Final = 256
_ALERTS: Final = 64
_SETS: Final = 64
_PATIENCE_S: Final = 60.0
"""How long a gap waits for a node that is offline."""
_MUTE_S: Final = 30.0
"""After so long a node that did not answer is asked again."""


class Ordered(NamedTuple):
    """A result whose turn has come: all before it of the same source are out, or cannot be had."""

    node: str
    record: Result


class _Heard(Protocol):
    heard_s: float


H = TypeVar("H", bound=_Heard)
K = TypeVar("K")


class Model:
    """What is known of every node. `version` counts what changed."""

    def __init__(self, base: str = "ankled") -> None:
        self.base = base
        self.nodes: dict[str, Node] = {}
        self.alerts: list[Told] = []
        """In the order of their times."""
        self.sets: list[Closed] = []
        self.live = False
        """Whether anybody tells of the moment."""
        self.version = 0
        self.results = 0
        self.unread = 0
        """Messages on our topics that could not be understood."""

    @property
    def repeats(self) -> int:
        """How many results came more than once."""
        return sum(source.sequence.repeats for _, source in self.sources())

    @property
    def lost(self) -> int:
        """How many results are missing and cannot be had."""
        return sum(source.sequence.lost for _, source in self.sources())

    def sources(self) -> Iterator[tuple[Node, Source]]:
        """Yield everybody who counts results."""
        for node in self.nodes.values():
            for source in node.sources.values():
                yield node, source

    def feed(self, topic: str, payload: bytes, now: Now, *, retained: bool = False) -> list[Ordered]:
        """Take in a message and return the results whose turn has come. Messages of others are none of our business."""
        where = heard.place(self.base, topic)
        if where is None or where.what == heard.HISTORY or not payload:
            if where is not None and where.what == "state" and where.owner:
                self._removed(where)
            return []
        if heard.is_result(where):
            record = heard.result(where, payload)
            if record is not None:
                return self._result(where.node, record, now, past=retained, retained=retained)
        elif self._state(where, payload, now):
            self.version += 1
            return []
        self.unread += 1
        return []

    def past(self, node: Node, told: History, now: Now) -> list[Ordered]:
        """Take in results of the past, and return those whose turn has come."""
        ready = []
        for one in told.results:
            where = heard.place(self.base, one.topic)
            # a broker that joins others may have put a node's topics below another name
            place = None if where is None else where._replace(node=node.name)
            record = None if place is None or not heard.is_result(place) else heard.result(place, bytes(one.record))
            if record is None:
                self.unread += 1
            else:
                ready += self._result(node.name, record, now, past=True)
        return ready

    def reconnected(self) -> None:
        """Note a new connection: something may have been missed of every source, and who was mute may answer now."""
        for node, source in self.sources():
            source.sequence.behind = True
            node.mute, node.mute_until_s = "", 0.0

    def mute(self, node: Node, reason: str, now: Now) -> None:
        """Ask a node no more for a while."""
        node.mute, node.mute_until_s = reason, now.s + _MUTE_S
        self.version += 1

    def asks(self, node: Node, now: Now) -> Source | None:
        """Return a source of whose past something is wanted, where its node can be asked."""
        if not self._answers(node, now):
            return None
        return next((source for source in node.sources.values() if source.sequence.behind or source.sequence.gap), None)

    @staticmethod
    def _answers(node: Node, now: Now) -> bool:
        """Tell whether a node may be asked; one that never said that it is online, as a replay, answers nothing."""
        return bool(node.online) and now.s >= node.mute_until_s

    def settle(self, now: Now) -> list[Ordered]:
        """Give up what nobody can be asked for; return the results whose turn has come by that."""
        ready = []
        for node, source in self.sources():
            sequence = source.sequence
            if sequence.gap is None:
                source.gap_since_s = None
            elif source.gap_since_s is None:
                source.gap_since_s = now.s
            waited_s = 0.0 if source.gap_since_s is None else now.s - source.gap_since_s
            awaited = node.online is False and sequence.next is not None and waited_s < _PATIENCE_S
            if not (self._answers(node, now) or awaited):
                ready += self.give_up(node, source)
        return ready

    def give_up(self, node: Node, source: Source) -> list[Ordered]:
        """Do without what is missing of a source; return the results whose turn has come by that."""
        sequence = source.sequence
        freed = sequence.begin()
        while sequence.gap is not None:
            freed += sequence.give_up()
        sequence.behind = False
        return _ordered(node, freed)

    def covered(self, node: Node, source: Source, upto: int) -> list[Ordered]:
        """Note that the past of a source was told up to a `seq`; return the results whose turn has come by that."""
        return _ordered(node, source.sequence.covered(upto))

    def begin(self, node: Node, source: Source, otherwise: int | None) -> list[Ordered]:
        """Note that the last results of a source were told; return them in order, and let what comes follow them."""
        return _ordered(node, source.sequence.begin(otherwise))

    def athlete(self, node: str, record: Result) -> str | None:
        """Return whom a result is about; an event knows its device alone."""
        named = getattr(record, "athlete", None)
        known = self.nodes.get(node)
        device = known.devices.get(str(getattr(record, "device", None))) if known is not None else None
        return named if named is not None or device is None else device.athlete

    def _result(self, name: str, record: Result, now: Now, *, past: bool, retained: bool = False) -> list[Ordered]:
        """Take in a result. What a broker had kept is shown; its turn comes with the past it belongs to."""
        node = self._node(name, now)
        owner, athlete = heard.source(record)
        source = self._source(node, owner, now, athlete=athlete)
        if retained:
            self._keep(node, record, now, past=True)
            return []
        new, freed = source.sequence.take(record.id, record.seq, record)
        if new:
            self.results += 1
            self.version += 1
            self._keep(node, record, now, past=past)
            if not source.sequence.behind:  # nothing of the past is wanted: it begins with what comes
                freed += source.sequence.begin()
        return _ordered(node, freed)

    def _keep(self, node: Node, record: Result, now: Now, *, past: bool) -> None:
        match record:
            case Rep():
                self._device(node, record.device, now).take_rep(record, now, past=past)
            case Set():
                self._device(node, record.device, now).take_set(record, past=past)
                if all(known.closed.id != record.id for known in self.sets):  # the broker keeps the last, too
                    at_s = utc_s(record.end_utc)
                    done = Closed(node.name, record, now.utc_s if at_s is None else min(at_s, now.utc_s))
                    insort(self.sets, done, key=attrgetter("utc_s"))
                    del self.sets[:-_SETS]
            case Pair():
                both = self._both(node, record.athlete, now)
                if both.pair is None or is_newer(record, both.pair, past=past):
                    both.pair = record
            case Session():
                both = self._both(node, record.athlete, now)
                if both.session is None or is_newer(record, both.session, past=past):
                    both.session = record
            case Alert():
                at_s = utc_s(record.known_at_utc)
                told = Told(node.name, record, now.utc_s if at_s is None else min(at_s, now.utc_s))
                insort(self.alerts, told, key=attrgetter("utc_s"))
                del self.alerts[:-_ALERTS]
            case _:
                pass

    def _state(self, where: Place, payload: bytes, now: Now) -> bool:
        """Take in what is told of a node or a device; return whether it was understood."""
        node = self._node(where.node, now)
        if where.what == "health":
            node.tells = True
            return True
        if where.what == "availability" or not where.owner:
            said = heard.read(payload, Availability)
            if said is None or said.state not in {"online", "offline"}:
                return False
            if where.owner:
                self._device(node, where.owner, now).available = said.state == "online"
            else:
                node.online = said.state == "online"
                node.mute, node.mute_until_s = "", 0.0
            return True
        device = self._device(node, where.owner, now)
        if where.what == "state":
            state = heard.read(payload, DeviceState)
            device.state = device.state if state is None else state
            if state is not None and state.athlete is not None:
                self._both(node, state.athlete, now)
            return state is not None
        moment = heard.read(payload, Moment)
        if moment is not None:
            device.take_moment(moment, now)
            self.live = True
        return moment is not None

    def _removed(self, where: Place) -> None:
        """Show a device no more: the broker was told to forget its state."""
        node = self.nodes.get(where.node)
        if node is not None and node.devices.pop(where.owner, None) is not None:
            self.version += 1

    def _node(self, name: str, now: Now) -> Node:
        return _entry(self.nodes, name, lambda: Node(name), _NODES, now)

    def _device(self, node: Node, slug: str, now: Now) -> Device:
        self._source(node, slug, now, athlete=False)
        return _entry(node.devices, slug, lambda: Device(slug), _OWNERS, now)

    def _both(self, node: Node, slug: str, now: Now) -> Both:
        self._source(node, slug, now, athlete=True)
        return _entry(node.athletes, slug, lambda: Both(slug), _OWNERS, now)

    @staticmethod
    def _source(node: Node, owner: str, now: Now, *, athlete: bool) -> Source:
        return _entry(node.sources, (owner, athlete), lambda: Source(owner, athlete=athlete), 2 * _OWNERS, now)


def _ordered(node: Node, records: list[Result]) -> list[Ordered]:
    return [Ordered(node.name, record) for record in records]


def _entry(table: dict[K, H], key: K, make: Callable[[], H], most: int, now: Now) -> H:
    """Return what a table holds at a key, made where it holds nothing; then, in a full one, the oldest goes."""
    if key not in table:
        if len(table) >= most:
            del table[min(table, key=lambda known: table[known].heard_s)]
        table[key] = make()
    found = table[key]
    found.heard_s = now.s
    return found
