"""One announcement of each kind, for every test of them."""

from __future__ import annotations

from typing import Any

import msgspec

from ankled.daemon.homeassistant import announcement
from ankled.daemon.homeassistant.announcement import Announcement, Site
from ankled.daemon.homeassistant.others import HealthField
from ankled.daemon.live.state import Report
from ankled.daemon.mqtt.topics import Topics

SITE = Site(topics=Topics(node="gym"))
REPORT = Report(
    device="left",
    link="streaming",
    address="C0:11:22:33:44:55",
    name="Movesense 174630000192",
    driver="movesense",
    adapter="hci0",
    rssi_dbm=-61,
    battery_percent=81.0,
    manufacturer="Movesense",
    model="HR+",
    serial="174630000192",
    firmware="2.3.1",
    hardware="F",
    software=None,
    side="left",
    athlete="kim",
    mass_kg=1.814,
    mass_source="configured",
    rate_hz=104.0,
    acc_range_g=8.0,
    gyr_range_dps=2000.0,
    clock_uncertainty_ms=3.5,
    clock_skew_ppm=10.0,
    missing=4,
    undecodable=0,
    reconnects=1,
    last_error=None,
)
NOT_KNOWN = (
    *("address", "name", "driver", "adapter", "rssi_dbm", "battery_percent", "athlete", "rate_hz"),
    *("manufacturer", "model", "serial", "firmware", "hardware"),
    *("acc_range_g", "gyr_range_dps", "clock_uncertainty_ms", "clock_skew_ppm"),
)
UNKNOWN = msgspec.structs.replace(REPORT, **dict.fromkeys(NOT_KNOWN))
HEALTH = (
    HealthField("uptime_s", "s", "count"),
    HealthField("memory_mib", "MiB", "level"),
    HealthField("latency.p99_ms", "ms", "level"),
    HealthField("queue.waiting", None, "level"),
    HealthField("samples_hz", "Hz", "level", shown=False),
    HealthField("resets_hz", "Hz", "count"),
    HealthField("dropped", None, "count"),
    HealthField("adapter", None, "text"),
    HealthField("strange_furlong", "furlong", "level"),
)

ALL = {
    "sensor": announcement.sensor(SITE, REPORT, "Left weight"),
    "unknown": announcement.sensor(SITE, UNKNOWN),
    "athlete": announcement.athlete(SITE, "kim"),
    "bridge": announcement.bridge(SITE),
    "health": announcement.bridge(SITE, HEALTH),
}


def message(one: Announcement) -> Any:
    """Return the payload as whoever reads its JSON sees it."""
    return msgspec.json.decode(one.payload)
