"""What Home Assistant shows of an athlete, both legs together, and of the bridge: the daemon itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from ankled.daemon.homeassistant.payload import Entity
from ankled.daemon.homeassistant.sensors import ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterable

_measured = partial(Entity, state_class="measurement")
_rarely = partial(_measured, shown=False)
_balance = partial(_measured, icon="mdi:scale-balance")

ATHLETE: Final = (
    _balance("symmetry_range", "Range symmetry", "pair", "rom.mean_index_percent", "%", None, 1),
    _balance("symmetry_force", "Force symmetry", "pair", "force.mean_index_percent", "%", None, 1),
    _balance("symmetry_time", "Time symmetry", "pair", "time.mean_index_percent", "%", None, 1),
    _balance("load_left", "Load left", "pair", "load_left_percent", "%", None, 1),
    _balance("load_right", "Load right", "pair", "load_right_percent", "%", None, 1),
    _measured("cadence", "Cadence", "pair", "cadence_per_min", "1/min", None, 1, icon="mdi:metronome"),
    _rarely("symmetry_contact_time", "Contact time symmetry", "pair", "contact_time.mean_index_percent", "%", None, 1),
    _rarely("symmetry_impulse", "Impulse symmetry", "pair", "impulse.mean_index_percent", "%", None, 1),
    _rarely("step_time_left", "Step time left", "pair", "step_time_left_s", "s", "duration", 3),
    _rarely("step_time_right", "Step time right", "pair", "step_time_right_s", "s", "duration", 3),
    _rarely("double_support", "Double support", "pair", "double_support_s", "s", "duration", 3),
    _measured("session_sets", "Session sets", "session", "sets", icon="mdi:counter"),
    _measured("session_reps", "Session repetitions", "session", "reps", icon="mdi:counter"),
    _measured("session_strides", "Session strides", "session", "strides", icon="mdi:counter"),
    ALERTS,
)

_info = partial(Entity, category="diagnostic", shown=False)

BRIDGE: Final = (
    Entity(
        "connected",
        "Connected",
        "bridge/state",
        "state",
        None,
        "connectivity",
        platform="binary_sensor",
        category="diagnostic",
        apart=True,
    ),
    _info("version", "Version", "bridge/info", "version", icon="mdi:tag-outline"),
    _info("config", "Configuration digest", "bridge/info", "config", icon="mdi:file-cog-outline"),
)

Kind: TypeAlias = Literal["level", "count", "text"]

_CLASSES: Final = {
    "B": "data_size",
    "kB": "data_size",
    "KiB": "data_size",
    "MB": "data_size",
    "MiB": "data_size",
    "ms": "duration",
    "s": "duration",
    "min": "duration",
    "h": "duration",
    "d": "duration",
    "Hz": "frequency",
    "dBm": "signal_strength",
    "°C": "temperature",
    "B/s": "data_rate",
    "kB/s": "data_rate",
}
"""What a figure of health is, by its unit."""
_GROWING: Final = frozenset({"data_size", "duration"})
"""Those that Home Assistant lets only go up."""


class HealthField(NamedTuple):
    """A figure of `bridge/health`: its key there (a path such as `latency.p99_ms`), its unit, and what it is.

    level: it goes up and down; count: it only goes up, and begins again with the process; text has no unit. `shown`
    is false for what is wanted rarely.
    """

    key: str
    unit: str | None
    kind: Kind
    shown: bool = True


def health_entities(fields: Iterable[HealthField]) -> tuple[Entity, ...]:
    """Return the entities of the figures of `bridge/health`."""
    return tuple(_health_entity(field) for field in fields)


def _health_entity(field: HealthField) -> Entity:
    words = field.key.replace(".", " ").replace("_", " ")
    if field.unit is not None and words.endswith(f" {field.unit.lower()}"):
        words = words[: -len(field.unit) - 1]
    device_class = _CLASSES.get(field.unit or "")
    return Entity(
        f"health_{field.key.replace('.', '_')}",
        words[:1].upper() + words[1:],
        "bridge/health",
        field.key,
        field.unit,
        None if field.kind == "count" and device_class not in _GROWING else device_class,
        state_class={"level": "measurement", "count": "total_increasing", "text": None}[field.kind],
        category="diagnostic",
        shown=field.shown,
    )
