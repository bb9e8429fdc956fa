"""Settings: what the pipeline needs to know about a device and its wearer, whoever says it.

A configuration file, the options of `replay` and a captured Config all end in these structs; they carry the defaults.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from ankled.daemon.records import Side

Slug: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,64}$", description="1 to 64 characters of a-z, 0-9, _ and -")
]
Movement: TypeAlias = Literal["auto", "gait", "reps"]
PlannedSets: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100)]
RangeDeg: TypeAlias = Annotated[float, msgspec.Meta(gt=0.0, le=180.0)]
Vector: TypeAlias = tuple[float, float, float]

RESERVED_SLUGS = frozenset({"bridge", "athlete"})


class Mount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the sensor sits on the leg: two leg axes written in the sensor's frame.

    `left` points to the wearer's left (leg axis y), `up` along the shank to the knee (leg axis z). They are
    normalised, and `up` is made perpendicular to `left`.
    """

    left: Vector
    up: Vector


class DeviceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device as the pipeline sees it.

    `rate_hz` is null until told, found from the samples' times, or said by the sensor. What is set here of `rate_hz`,
    `acc_range_g` and `gyr_range_dps` is asked of a live sensor; `acc_range_mps2` and `gyr_range_rad_s` are where its
    readings end. `planned_sets` and `target_range_deg` are what the wearer is to do: they alter alerts alone.
    `stored_axes` are those that an earlier session found on this device: they stand in for a mount until walking shows
    where the weight sits now.
    """

    slug: Slug
    side: Side = "unknown"
    athlete: Slug | None = None
    mass_kg: Annotated[float, msgspec.Meta(gt=0.0, le=50.0)] = 1.0
    mass_source: Literal["default", "configured", "device", "request"] = "default"
    movement: Movement = "auto"
    exercise: str | None = None
    planned_sets: PlannedSets | None = None
    target_range_deg: RangeDeg | None = None
    mount: Mount | None = None
    stored_axes: Mount | None = None
    rate_hz: Annotated[float, msgspec.Meta(ge=10.0, le=2000.0)] | None = None
    acc_range_g: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    gyr_range_dps: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    acc_range_mps2: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    gyr_range_rad_s: Annotated[float, msgspec.Meta(gt=0.0)] | None = None


class PipelineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can alter a result, resolved: the content of a captured Config.

    `origin_ns` is the host time that session times count from; null: that of the first Config. `last_seqs` are the
    numbers that devices and athletes were given last, by earlier runs: theirs go on from there.
    """

    node: Slug = "ankled"
    session: str = "session"
    origin_ns: int | None = None
    set_rest_s: Annotated[float, msgspec.Meta(ge=1.0, le=600.0)] = 10.0
    devices: tuple[DeviceSettings, ...] = ()
    last_seqs: dict[str, int] = {}
