"""What an OpenAnkle device says of itself: UUIDs, formats, capabilities, status; decoders with their encoders.

Everything here follows docs/openankle.md, which is the source (A: the profile is our own). Little-endian throughout.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

import msgspec

from ankled.drivers.errors import DecodeError


def _uuid(number: int) -> str:
    """Return a UUID of the profile's own random base."""
    return f"5fdf{number:04x}-43eb-45b3-ac3b-dcd8394c1add"


SERVICE: Final = _uuid(0x0001)
CAPABILITIES: Final = _uuid(0x0002)
CONTROL: Final = _uuid(0x0003)
DATA: Final = _uuid(0x0004)
STATUS: Final = _uuid(0x0005)
CLOCK: Final = _uuid(0x0006)
"""Optional, and there if the capabilities say so."""

MAJOR: Final = 1
MINOR: Final = 0
"""Version of the profile that this package speaks."""

RATES_HZ: Final = (50.0, 100.0, 200.0, 400.0)
ACC_RANGES_G: Final = (2.0, 4.0, 8.0, 16.0)
GYR_RANGES_DPS: Final = (125.0, 250.0, 500.0, 1000.0, 2000.0)
"""What may be offered. A code is a place in these tuples, a mask has bit k set for code k."""

MAX_SAMPLES: Final = 20
"""Most samples of a packet: with a period that is 5 % off, the last one still comes before the next packet."""
MAX_MASS_G: Final = 50_000

_SHORTEST_NS, _LONGEST_NS = 1_500_000, 25_000_000

Side = Literal["left", "right", "unknown"]
Activity = Literal["idle", "streaming"]

_SIDES: tuple[Side, ...] = ("unknown", "left", "right")
_ACTIVITIES: tuple[Activity, ...] = ("idle", "streaming")
_CAPABILITIES = struct.Struct("<10B")
_STATUS = struct.Struct("<4BHHIHB")


class Format(msgspec.Struct, frozen=True):
    """What is sampled: nominal rate, Hz, and full scale of the words on the wire, g and deg/s."""

    rate_hz: float
    acc_range_g: float
    gyr_range_dps: float


FORMATS: Final = {
    rate | acc << 2 | gyr << 4: Format(rate_hz, acc_range_g, gyr_range_dps)
    for rate, rate_hz in enumerate(RATES_HZ)
    for acc, acc_range_g in enumerate(ACC_RANGES_G)
    for gyr, gyr_range_dps in enumerate(GYR_RANGES_DPS)
}
"""Every format by its byte: bits 0-1 the rate's code, 2-3 the accelerometer's, 4-6 the gyroscope's, bit 7 zero."""
_BYTES = {form: byte for byte, form in FORMATS.items()}


def encode_format(form: Format) -> int:
    """Return the byte of a format. Raises KeyError for one that the profile does not have."""
    return _BYTES[form]


def decode_format(byte: int) -> Format:
    """Return the format of a byte."""
    form = FORMATS.get(byte)
    if form is None:
        raise DecodeError(
            f"format 0x{byte:02x} is not known; bit 7 is zero and bits 4 to 6 are a gyroscope code 0 to 4"
        )
    return form


def nominal_period_ns(form: Format) -> int:
    """Return the period of a format's nominal rate."""
    return round(1e9 / form.rate_hz)


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a device can do; the same as long as its firmware runs.

    `weight_settable`: mass and side can be set; `weight_kept`: they survive the power being off; `identifies`: it can
    show itself, as by a lamp; `tells_clock`: it says now and then what its clock shows.
    """

    major: int = MAJOR
    minor: int = MINOR
    firmware: tuple[int, int, int] = (0, 0, 0)
    rates_hz: tuple[float, ...] = RATES_HZ
    acc_ranges_g: tuple[float, ...] = ACC_RANGES_G
    gyr_ranges_dps: tuple[float, ...] = GYR_RANGES_DPS
    weight_settable: bool = True
    weight_kept: bool = True
    identifies: bool = True
    tells_clock: bool = True
    max_samples: int = MAX_SAMPLES


def encode_capabilities(can: Capabilities) -> bytes:
    """Return the value of the capabilities characteristic."""
    return _CAPABILITIES.pack(
        can.major,
        can.minor,
        *can.firmware,
        _mask(can.rates_hz, RATES_HZ),
        _mask(can.acc_ranges_g, ACC_RANGES_G),
        _mask(can.gyr_ranges_dps, GYR_RANGES_DPS),
        can.weight_settable | can.weight_kept << 1 | can.identifies << 2 | can.tells_clock << 3,
        can.max_samples,
    )


def decode_capabilities(data: bytes) -> Capabilities:
    """Return what the capabilities characteristic says. Of another major version only the versions are read."""
    _long_enough("the capabilities have", data, _CAPABILITIES.size)
    major, minor, *firmware, rates, accs, gyrs, features, most = _CAPABILITIES.unpack_from(data)
    versions = (int(firmware[0]), int(firmware[1]), int(firmware[2]))
    if major != MAJOR:
        return Capabilities(major=major, minor=minor, firmware=versions)
    if not 1 <= most <= MAX_SAMPLES:
        raise DecodeError(f"the capabilities say at most {most} samples a packet; allowed are 1 to {MAX_SAMPLES}")
    return Capabilities(
        major=major,
        minor=minor,
        firmware=versions,
        rates_hz=_chosen("rate", rates, RATES_HZ),
        acc_ranges_g=_chosen("accelerometer range", accs, ACC_RANGES_G),
        gyr_ranges_dps=_chosen("gyroscope range", gyrs, GYR_RANGES_DPS),
        weight_settable=bool(features & 1),
        weight_kept=bool(features & 2),
        identifies=bool(features & 4),
        tells_clock=bool(features & 8),
        max_samples=most,
    )


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How a device is.

    `overrun`: samples were lost inside it since Start, `lost` of them (65535: that many or more). `form` and
    `period_ns` are what it samples by or would after Start; `samples_per_packet` is 0 while idle. `boot` counts its
    starts. `mass_g` is None when nobody has said it.
    """

    activity: Activity = "idle"
    overrun: bool = False
    imu_fault: bool = False
    low_battery: bool = False
    form: Format = Format(100.0, 16.0, 2000.0)
    samples_per_packet: int = 0
    boot: int = 0
    lost: int = 0
    period_ns: int = 10_000_000
    mass_g: int | None = None
    side: Side = "unknown"


def encode_status(status: Status) -> bytes:
    """Return the value of the status characteristic."""
    return _STATUS.pack(
        _ACTIVITIES.index(status.activity),
        status.overrun | status.imu_fault << 1 | status.low_battery << 2,
        encode_format(status.form),
        status.samples_per_packet,
        status.boot,
        min(status.lost, 0xFFFF),
        status.period_ns,
        *encode_weight(status.mass_g, status.side),
    )


def decode_status(data: bytes) -> Status:
    """Return what the status characteristic says."""
    _long_enough("the status has", data, _STATUS.size)
    activity, flags, form, samples, boot, lost, period_ns, mass_g, side = _STATUS.unpack_from(data)
    if activity >= len(_ACTIVITIES):
        raise DecodeError(f"the status says state {activity}; allowed are 0 (idle) and 1 (streaming)")
    return Status(
        activity=_ACTIVITIES[activity],
        overrun=bool(flags & 1),
        imu_fault=bool(flags & 2),
        low_battery=bool(flags & 4),
        form=decode_format(form),
        samples_per_packet=samples,
        boot=boot,
        lost=lost,
        period_ns=checked_period(period_ns),
        mass_g=None if mass_g == 0 else decode_mass(mass_g),
        side=decode_side(side),
    )


def encode_weight(mass_g: int | None, side: Side) -> tuple[int, int]:
    """Return the words for a mass, in g, and a side."""
    return mass_g or 0, _SIDES.index(side)


def decode_mass(mass_g: int) -> int:
    """Return a mass in g that an ankle weight can have."""
    if not 1 <= mass_g <= MAX_MASS_G:
        raise DecodeError(f"the mass is {mass_g} g; allowed are 1 to {MAX_MASS_G}, and 0 for not known")
    return mass_g


def decode_side(side: int) -> Side:
    """Return the leg that a code stands for."""
    if side >= len(_SIDES):
        raise DecodeError(f"the side is {side}; allowed are 0 (unknown), 1 (left) and 2 (right)")
    return _SIDES[side]


def checked_period(period_ns: int) -> int:
    """Return a sample period if it is one that the profile can have: those of 40 to 667 Hz."""
    if not _SHORTEST_NS <= period_ns <= _LONGEST_NS:
        raise DecodeError(f"the period is {period_ns} ns; allowed are {_SHORTEST_NS} to {_LONGEST_NS}")
    return period_ns


def _long_enough(what: str, data: bytes, size: int) -> None:
    """Refuse what is cut short. A later minor version may append bytes, so longer is right."""
    if len(data) < size:
        raise DecodeError(f"{what} {len(data)} bytes; at least {size} are needed")


def _mask(chosen: tuple[float, ...], known: tuple[float, ...]) -> int:
    return sum(1 << known.index(value) for value in chosen)


def _chosen(what: str, mask: int, known: tuple[float, ...]) -> tuple[float, ...]:
    """Return what a mask offers. Bits of later versions are left out."""
    chosen = tuple(value for code, value in enumerate(known) if mask >> code & 1)
    if not chosen:
        raise DecodeError(f"the capabilities offer no {what} of {', '.join(f'{one:g}' for one in known)}")
    return chosen
