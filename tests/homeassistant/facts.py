"""What Home Assistant 2025.4.4 allows, as far as it concerns us: read from its code, which test_schemas.py compares.

Unit `None` in a set: a value without one is allowed. Device classes that we do not use are left out.
"""

from __future__ import annotations

from typing import NamedTuple


class Allowed(NamedTuple):
    """The units and state classes that may go with a device class of a sensor."""

    units: frozenset[str]
    state_classes: frozenset[str]


MEASURED = frozenset({"measurement"})
COUNTED = frozenset({"measurement", "measurement_angle", "total", "total_increasing"})

SENSOR_CLASSES = {
    "battery": Allowed(frozenset({"%"}), MEASURED),
    "signal_strength": Allowed(frozenset({"dB", "dBm"}), MEASURED),
    "frequency": Allowed(frozenset({"GHz", "Hz", "MHz", "kHz"}), MEASURED),
    "duration": Allowed(frozenset({"d", "h", "min", "ms", "s"}), COUNTED),
    "weight": Allowed(
        frozenset({"g", "kg", "lb", "mg", "oz", "st"}), frozenset({"measurement", "total", "total_increasing"})
    ),
    "distance": Allowed(frozenset({"cm", "ft", "in", "km", "m", "mi", "mm", "nmi", "yd"}), COUNTED),
    "speed": Allowed(
        frozenset({"Beaufort", "ft/s", "in/d", "in/h", "in/s", "km/h", "kn", "m/s", "mm/d", "mm/h", "mm/s", "mph"}),
        MEASURED,
    ),
    "temperature": Allowed(frozenset({"K", "°C", "°F"}), MEASURED),
    "data_rate": Allowed(
        frozenset({"B/s", "GB/s", "GiB/s", "Gbit/s", "KiB/s", "MB/s", "MiB/s", "Mbit/s", "bit/s", "kB/s", "kbit/s"}),
        MEASURED,
    ),
    "data_size": Allowed(
        frozenset({f"{size}{unit}" for size in ("", "k", "M", "G", "T", "P", "E", "Z", "Y") for unit in ["B"]})
        | {f"{size}iB" for size in ("K", "M", "G", "T", "P", "E", "Z", "Y")}
        | {"bit", "kbit", "Mbit", "Gbit"},
        COUNTED,
    ),
    "enum": Allowed(frozenset(), frozenset()),
}
BINARY_SENSOR_CLASSES = {"connectivity"}

_ANY = {
    *("availability", "device_class", "enabled_by_default", "entity_category", "icon", "name"),
    *("platform", "state_topic", "unique_id", "value_template"),
}
KEYS = {
    "sensor": _ANY | {"options", "state_class", "suggested_display_precision", "unit_of_measurement"},
    "binary_sensor": _ANY | {"payload_off", "payload_on"},
    "event": _ANY | {"event_types"},
}
"""The keys that we use of those that each platform knows."""

DEVICE_KEYS = {
    *("identifiers", "name", "manufacturer", "model", "serial_number", "sw_version", "hw_version", "via_device"),
}
ORIGIN_KEYS = {"name", "sw_version"}
MESSAGE_KEYS = {"device", "origin", "availability", "availability_mode", "components"}

TOPIC = r"(?:(?P<node_id>[a-zA-Z0-9_-]+)/)?(?P<object_id>[a-zA-Z0-9_-]+)/config"
"""What follows `homeassistant/device/`."""
