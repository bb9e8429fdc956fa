"""What a sensor says of itself, and the records that follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from ankled.daemon.records import Event, Live, Side
from ankled.drivers.units import DEG_RAD, G_MPS2

if TYPE_CHECKING:
    from ankled.daemon.pipeline.context import Context, Numbers
    from ankled.daemon.settings import DeviceSettings
    from ankled.drivers.messages import Event as SensorEvent
    from ankled.drivers.messages import Value

Happening: TypeAlias = Literal["connected", "disconnected", "sensor_error", "inputs_lost"]

_FULL_SCALE: Final = 0.9995
"""A reading of 16 bits at the end of its range is one step short of it on the upper side."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a sensor has said that touches results; None where it has said nothing."""

    rate_hz: float | None = None
    acc_range_g: float | None = None
    gyr_range_dps: float | None = None
    mass_kg: float | None = None
    side: Side | None = None

    def after(self, event: SensorEvent) -> Said:
        """Return what holds after an event."""
        value = event.value
        if event.name == "settings":
            return msgspec.structs.replace(
                self,
                rate_hz=_number(value.get("rate_hz")) or self.rate_hz,
                acc_range_g=_number(value.get("acc_range_g")),
                gyr_range_dps=_number(value.get("gyr_range_dps")),
            )
        if event.name == "info":
            mass_kg = _number(value.get("mass_kg"))
            side = value.get("side")
            return msgspec.structs.replace(
                self,
                mass_kg=mass_kg if mass_kg is not None and 0.0 < mass_kg <= 50.0 else self.mass_kg,  # noqa: PLR2004  (as the configuration allows)
                side="left" if side == "left" else "right" if side == "right" else self.side,
            )
        return self

    def applied(self, device: DeviceSettings) -> DeviceSettings:
        """Return settings with what was said; what a user has configured stands, but for the rate: that is a fact."""
        changes: dict[str, object] = {}
        if self.rate_hz is not None:
            changes["rate_hz"] = self.rate_hz
        if device.acc_range_mps2 is None and self.acc_range_g is not None:
            changes["acc_range_mps2"] = self.acc_range_g * G_MPS2 * _FULL_SCALE
        if device.gyr_range_rad_s is None and self.gyr_range_dps is not None:
            changes["gyr_range_rad_s"] = self.gyr_range_dps * DEG_RAD * _FULL_SCALE
        if device.mass_source == "default" and self.mass_kg is not None:
            changes |= {"mass_kg": self.mass_kg, "mass_source": "device"}
        if device.side == "unknown" and self.side is not None:
            changes["side"] = self.side
        return msgspec.structs.replace(device, **changes) if changes else device


def event_of(  # noqa: PLR0913, PLR0917  (what the record names)
    what: Happening,
    slug: str,
    numbers: Numbers,
    context: Context,
    host_ns: int,
    detail: dict[str, float | str],
) -> Event:
    """Return the record of something that happened to a device."""
    return Event(
        id=f"{context.session}/{slug}/event/{numbers.next('event')}",
        seq=numbers.next_seq(),
        session=context.session,
        node=context.node,
        device=slug,
        event=what,
        known_at_s=context.seconds(host_ns),
        detail=detail,
    )


def detail_of(event: SensorEvent) -> dict[str, float | str]:
    """Return the value of an event as a record holds it: numbers and texts."""
    return {
        key: float(value) if isinstance(value, int | float) else str(value)
        for key, value in event.value.items()
        if value is not None
    }


def live_of(event: SensorEvent, device: DeviceSettings, context: Context, host_ns: int) -> Live:
    """Return the record of a measurement that the sensor has made itself."""
    value = event.value
    time_s = context.seconds(host_ns)
    running = value.get("running")
    return Live(
        session=context.session,
        node=context.node,
        device=device.slug,
        athlete=device.athlete,
        side=device.side,
        known_at_s=time_s,
        known_at_utc=context.utc(time_s),
        moving=None,
        activity=None,
        phase=None,
        set=None,
        index=None,
        cadence_per_min=_number(value.get("cadence_per_min")),
        angle_deg=None,
        angular_rate_rad_s=None,
        lateral_force_n=None,
        lateral_force_peak_n=None,
        sway_rms_mps2=None,
        quality=None,
        quality_reasons=[],
        axis_source=None,
        axis_uncertainty_deg=None,
        speed_mps=_number(value.get("speed_mps")),
        stride_length_m=_number(value.get("stride_length_m")),
        distance_m=_number(value.get("distance_m")),
        running=running if isinstance(running, bool) else None,
        trace=None,
    )


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
