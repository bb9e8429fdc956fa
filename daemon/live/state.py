"""The state of each sensor as it is told on its topics: whether it is there, and what is known about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from ankled.daemon.live.status import DeviceStatus
    from ankled.daemon.pipeline import Core
    from ankled.drivers.messages import Event, Value

ONLINE: Final = b'{"state":"online"}'
OFFLINE: Final = b'{"state":"offline"}'

_TEXTS: Final = ("manufacturer", "model", "serial", "firmware", "hardware", "software")
_LEAST_S: Final = 10.0
"""How long figures that always move, such as the signal, wait for the next report."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the topic `state` of a device holds. Times in ms; null is what is not known.

    `clock_uncertainty_ms` is how far the times of this sensor may be off those of others. `missing` counts samples
    replaced by interpolation, `undecodable` packets that were not understood, both of this session and this link.
    """

    device: str
    link: str
    address: str | None
    name: str | None
    driver: str | None
    adapter: str | None
    rssi_dbm: int | None
    battery_percent: float | None
    manufacturer: str | None
    model: str | None
    serial: str | None
    firmware: str | None
    hardware: str | None
    software: str | None
    side: str
    athlete: str | None
    mass_kg: float
    mass_source: str
    rate_hz: float | None
    acc_range_g: float | None
    gyr_range_dps: float | None
    clock_uncertainty_ms: float | None
    clock_skew_ppm: float | None
    missing: int
    undecodable: int
    reconnects: int
    last_error: str | None


class Reports:
    """Puts together what the sensors say, what the supervisor knows and what the core has found."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._battery: dict[str, float | None] = {}
        self._texts: dict[str, dict[str, str]] = {}
        self._told: dict[str, tuple[Report, float]] = {}

    def note(self, slug: str, event: Event) -> None:
        """Take in what a sensor says of itself."""
        value = event.value
        if event.name == "battery":
            self._battery[slug] = _number(value.get("level"))
        elif event.name == "info":
            texts = self._texts.setdefault(slug, {})
            texts |= {name: text for name in _TEXTS if isinstance(text := value.get(name), str)}

    def battery_percent(self, slug: str) -> float | None:
        """Return what a sensor last said of its battery."""
        return self._battery.get(slug)

    def forget(self, slug: str) -> None:
        """Forget a sensor."""
        for known in (self._battery, self._texts, self._told):
            known.pop(slug, None)

    def fresh(self, status: DeviceStatus, now_s: float) -> Report | None:
        """Return the report of a device if it is worth telling: at once when a fact changed, else now and then."""
        report = self._report(status)
        told = self._told.get(status.slug)
        if told is not None:
            old, at_s = told
            if report == old or (now_s - at_s < _LEAST_S and _facts(report) == _facts(old)):
                return None
        self._told[status.slug] = (report, now_s)
        return report

    def _report(self, status: DeviceStatus) -> Report:
        slug = status.slug
        device = self._core.device_settings(slug)
        said = self._core.said(slug)
        source = self._core.links.get(slug)
        clock = None if source is None else source.clock
        pipeline = self._core.devices.get(slug)
        texts = self._texts.get(slug, {})
        return Report(
            device=slug,
            link=status.state,
            address=status.address,
            name=status.name,
            driver=status.driver,
            adapter=status.adapter,
            rssi_dbm=status.rssi_dbm,
            battery_percent=self._battery.get(slug),
            **{name: texts.get(name) for name in _TEXTS},
            side=device.side,
            athlete=device.athlete,
            mass_kg=device.mass_kg,
            mass_source=device.mass_source,
            rate_hz=device.rate_hz,
            acc_range_g=said.acc_range_g,
            gyr_range_dps=said.gyr_range_dps,
            clock_uncertainty_ms=_rounded(None if clock is None else clock.uncertainty_s, 1e3, 0.5),
            clock_skew_ppm=_rounded(None if clock is None else clock.skew_ppm, 1.0, 5.0),
            missing=0 if pipeline is None else pipeline.counts["missing"],
            undecodable=0 if source is None else source.undecodable,
            reconnects=status.reconnects,
            last_error=status.last_error,
        )


def _facts(report: Report) -> tuple[object, ...]:
    """Return what is told at once when it changes."""
    return (
        report.link,
        report.address,
        report.driver,
        report.battery_percent,
        report.firmware,
        report.side,
        report.athlete,
        report.mass_kg,
        report.rate_hz,
        report.last_error,
    )


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _rounded(value: float | None, factor: float, step: float) -> float | None:
    """Return value * factor to the nearest step: figures that tremble should not be told each time."""
    return None if value is None else round(value * factor / step) * step
