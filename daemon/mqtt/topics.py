"""Every topic the daemon uses, as functions of base, node and device, and which record goes where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ankled.daemon.errors import UsageError
from ankled.daemon.records import Alert, Event, Live, Pair, Record, Rep, Session, Set
from ankled.daemon.settings import RESERVED_SLUGS
from ankled.daemon.standing import Standing

if TYPE_CHECKING:
    from typing import Literal

_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_BASE = re.compile(r"[a-z0-9_-]{1,64}(/[a-z0-9_-]{1,64}){0,3}")
_NOT_SLUG = re.compile(r"[^a-z0-9_-]+")
_LONGEST_SLUG = 64


class Route(NamedTuple):
    """Where a record is published: topic, quality of service, and whether the broker keeps it for late subscribers."""

    topic: str
    qos: Literal[0, 1]
    retain: bool


class Topics(msgspec.Struct, frozen=True, kw_only=True):
    """The topics below `base/node`. Raises UsageError for anything that is not a slug."""

    base: str = "ankled"
    node: str

    def __post_init__(self) -> None:
        """Check both names, so that no topic can hold a wildcard or an empty level."""
        if not _BASE.fullmatch(self.base):
            msg = f'the base topic is "{self.base}"; allowed are one to four levels of a-z, 0-9, _ and -, parted by /'
            raise UsageError(msg)
        _slug("node", self.node)

    @property
    def root(self) -> str:
        """The topic above all others of this node."""
        return f"{self.base}/{self.node}"

    def bridge(self, name: Literal["state", "info", "health", "devices", "event", "logging"]) -> str:
        """Return the topic where the daemon speaks of itself."""
        return f"{self.root}/bridge/{name}"

    def request(self, name: str) -> str:
        """Return the topic a command arrives on; `+` as the name gives the filter for all of them."""
        return f"{self.root}/bridge/request/{name if name == '+' else _slug('request', name)}"

    def response(self, name: str) -> str:
        """Return the topic a command is answered on."""
        return f"{self.root}/bridge/response/{_slug('response', name)}"

    def device(
        self,
        device: str,
        name: Literal["availability", "state", "live", "imu", "rep", "standing", "set", "alert"],
    ) -> str:
        """Return a topic of one device."""
        return f"{self.root}/{_slug('device', device)}/{name}"

    def athlete(self, athlete: str, name: Literal["pair", "session", "alert"]) -> str:
        """Return a topic of both legs of an athlete together."""
        return f"{self.root}/athlete/{_slug('athlete', athlete)}/{name}"

    def topic_for(self, record: Record) -> Route:
        """Return where a record goes: results at least once, and the last set and session are kept."""
        match record:
            case Rep():
                topic = self.device(record.device, "rep")
            case Standing():
                topic = self.device(record.device, "standing")
            case Set():
                topic = self.device(record.device, "set")
            case Pair():
                topic = self.athlete(record.athlete, "pair")
            case Session():
                topic = self.athlete(record.athlete, "session")
            case Alert():
                topic = self._alert(record)
            case Event():
                topic = self.bridge("event")
            case Live():
                return Route(self.device(record.device, "live"), 0, retain=False)
        return Route(topic, 1, retain=isinstance(record, Set | Session))

    def _alert(self, record: Alert) -> str:
        if record.device is not None:
            return self.device(record.device, "alert")
        if record.athlete is not None:
            return self.athlete(record.athlete, "alert")
        msg = f'the alert "{record.id}" names neither a device nor an athlete; one of them is needed'
        raise ValueError(msg)


def discovery(device_id: str, prefix: str = "homeassistant") -> str:
    """Return the topic on which Home Assistant learns of a device; `+` as the id gives the filter for all of them."""
    return f"{prefix}/device/{device_id if device_id == '+' else _slug('device', device_id)}/config"


def slugify(text: str) -> str:
    """Return a slug made of any text, such as the stem of a file; text without a usable character gives `device`."""
    slug = _NOT_SLUG.sub("-", text.lower()).strip("-")[:_LONGEST_SLUG].rstrip("-") or "device"
    return f"{slug}-1" if slug in RESERVED_SLUGS else slug


def _slug(what: str, text: str) -> str:
    if not _SLUG.fullmatch(text) or text in RESERVED_SLUGS:
        msg = (
            f'the {what} is "{text}"; allowed are 1 to 64 characters of a-z, 0-9, _ and -, '
            f"and not {' or '.join(sorted(RESERVED_SLUGS))}"
        )
        raise UsageError(msg)
    return text
