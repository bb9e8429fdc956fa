"""Every request there is: its name, who may make it, what it takes and what it gives. Documentation is made from it.

A request is a JSON object on `bridge/request/<name>`. Beside the fields of its form it may carry `transaction`, which
its answer on `bridge/response/<name>` repeats.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from ankled.daemon.live.status import Nearby
from ankled.daemon.loglines.parts import Level
from ankled.daemon.records import Side
from ankled.daemon.settings import Slug

Transaction: TypeAlias = (
    Annotated[str, msgspec.Meta(max_length=128)] | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
)
Label: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="1 to 64 characters (no control characters)",
    ),
]
MassKg: TypeAlias = Annotated[float, msgspec.Meta(gt=0.0, le=50.0)]
Address: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$",
        description="a Bluetooth address such as C0:11:22:33:44:55, or the UUID that macOS gives instead",
    ),
]


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request takes. Unknown fields are errors."""


class Nothing(_Form, frozen=True, kw_only=True):
    """No fields."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether all is well, and if not, one sentence for each thing that is not."""

    healthy: bool
    problems: tuple[str, ...]


class HistoryForm(_Form, frozen=True, kw_only=True):
    """Which results: those of a device or an athlete with a `seq` above `after_seq`, at most `limit`."""

    source: Slug
    after_seq: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One result as it was published: where, and the record itself."""

    topic: str
    record: msgspec.Raw


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Results in the order of their `seq`.

    `more`: there are others behind them, to be had with `after_seq` = the last one's. `latest_seq`: the highest there
    is of this source, null where it has none. `oldest_seq`: the lowest that is still kept; what lies below is gone.
    """

    source: str
    results: tuple[Past, ...]
    more: bool
    oldest_seq: int | None
    latest_seq: int | None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A device that is wanted. `origin`: from the configuration, by a request, or by the rule of adoption."""

    slug: str
    label: str | None
    origin: Literal["configured", "requested", "adopted"]
    paused: bool
    """Whether it was told to stay disconnected."""
    address: str | None
    name: str | None
    driver: str | None
    side: Side
    athlete: str | None
    mass_kg: float
    mass_source: str
    link: str


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """The devices that are wanted, and everything that was heard lately; also the content of `bridge/devices`."""

    devices: tuple[Listed, ...]
    nearby: tuple[Nearby, ...]


class LogLevelForm(_Form, frozen=True, kw_only=True):
    """What is logged from now on: of one part of the daemon, else of all that have no level of their own."""

    level: Level
    part: str | None = None


class LogLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged from now on; `part` is null for all that have no level of their own."""

    level: Level
    part: str | None


class DeviceForm(_Form, frozen=True, kw_only=True):
    """Which device."""

    device: Slug


class AdoptForm(_Form, frozen=True, kw_only=True):
    """A device that is near: its address, and what to call it. Without a `slug` one is made from the address."""

    address: Address
    slug: Slug | None = None
    label: Label | None = None
    driver: Slug | None = None
    side: Side = "unknown"
    athlete: Slug | None = None
    mass_kg: MassKg | None = None


class RenameForm(_Form, frozen=True, kw_only=True):
    """What a device is called where people read it; its slug, and so its topics, stay. Null: no label."""

    device: Slug
    label: Label | None


class WeightForm(_Form, frozen=True, kw_only=True):
    """What is known of a weight and who wears it; what is left out stays as it is, a null athlete is nobody."""

    device: Slug
    mass_kg: MassKg | msgspec.UnsetType = msgspec.UNSET
    side: Side | msgspec.UnsetType = msgspec.UNSET
    athlete: Slug | msgspec.UnsetType | None = msgspec.UNSET


class MarkSetForm(_Form, frozen=True, kw_only=True):
    """End the running set, and begin the next with the coming repetition: of a device, or of all of an athlete's."""

    device: Slug | None = None
    athlete: Slug | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """Which devices it was done for."""

    devices: tuple[str, ...]


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Whether what is heard is recorded, and the name of the file, which lies in the capture folder."""

    recording: bool
    file: str | None


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration keys whose new values hold now, and those that need a restart."""

    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `safe` ones can neither alter what is stored nor lose anything.

    Those that are not `read_only` are done one after the other, and one that is repeated within a few seconds is
    answered again and not done again.
    """

    name: str
    level: Literal["safe", "all"]
    read_only: bool
    takes: type[msgspec.Struct]
    gives: type[msgspec.Struct]
    summary: str


def _reads(name: str, takes: type[_Form], gives: type[msgspec.Struct], summary: str) -> Form:
    return Form(name=name, level="safe", read_only=True, takes=takes, gives=gives, summary=summary)


def _safe(name: str, takes: type[_Form], gives: type[msgspec.Struct], summary: str) -> Form:
    return Form(name=name, level="safe", read_only=False, takes=takes, gives=gives, summary=summary)


def _all(name: str, takes: type[_Form], gives: type[msgspec.Struct], summary: str) -> Form:
    return Form(name=name, level="all", read_only=False, takes=takes, gives=gives, summary=summary)


FORMS: Final = (
    _reads("health_check", Nothing, Health, "Tell whether all is well."),
    _reads("history", HistoryForm, History, "Give results that a subscriber has missed."),
    _reads("devices", Nothing, Devices, "List the devices that are wanted and those that are near."),
    _safe("mark_set", MarkSetForm, Done, "End the running set."),
    _all("log_level", LogLevelForm, LogLevel, "Log more, or less, of everything or of one part."),
    _all("adopt", AdoptForm, Done, "Connect to a device that is near, now and after every restart."),
    _all("rename", RenameForm, Done, "Call a device something else."),
    _all("remove", DeviceForm, Done, "Let go of a device that was adopted, and of what the broker holds of it."),
    _all("connect", DeviceForm, Done, "Connect to a device that was told to stay disconnected."),
    _all("disconnect", DeviceForm, Done, "Disconnect from a device until told to connect."),
    _all("set_weight", WeightForm, Done, "Set the mass, side or athlete of a weight."),
    _all("recalibrate", DeviceForm, Done, "Find anew how a sensor sits on its leg."),
    _all("recording_start", Nothing, Recording, "Record what is heard."),
    _all("recording_stop", Nothing, Recording, "Record no more."),
    _all("reload", Nothing, Reloaded, "Read the configuration again."),
)
