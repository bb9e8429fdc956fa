"""Running Speed and Cadence, the Bluetooth SIG's service of footpods: a source of cadence and speed, not of samples.

Sources: Running Speed and Cadence Service 1.0 and the GATT Specification Supplement (A), tests of two public
implementations (B). The instantaneous cadence counts steps of both feet per minute, although the pod sits on one foot:
walkers send 100 to 130, runners 150 to 190. So it is `cadence_per_min` of our records as it stands, no factor of 2.

Events: `cadence` for each measurement, about one a second; `info` with `features` or `sensor_location`; `error`.
There are no samples, hence no `settings`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo
from ankled.drivers.errors import DecodeError
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from ankled.drivers.messages import DriverInput, DriverOutput

SERVICE: Final = sig(0x1814)
MEASUREMENT: Final = sig(0x2A53)
FEATURE: Final = sig(0x2A54)
LOCATION: Final = sig(0x2A5D)

_HAS_STRIDE, _HAS_DISTANCE, _RUNNING = 1, 2, 4
_HEAD = struct.Struct("<BHB")
_SPEED_PER_MPS = 256.0
_STRIDE_PER_M = 100.0
_DISTANCE_PER_M = 10.0

FEATURES: Final = ("stride_length", "distance", "walk_run", "calibration", "multiple_locations")
"""Bits of 2A54, from the lowest on."""
LOCATIONS: Final = (
    "other", "top of shoe", "in shoe", "hip", "front wheel", "left crank", "right crank", "left pedal", "right pedal",
    "front hub", "rear dropout", "chainstay", "rear wheel", "rear hub", "chest", "spider", "chain ring",
)  # fmt: skip
"""Values of 2A5D, from 0 on; the list is shared with bicycles."""

_TRIES = 3
_ANSWER_S = 5.0
_AGAIN_S = 1.0


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What 2A53 says; None for what its flags do not announce. `distance_m` counts since the pod was reset."""

    cadence_per_min: int
    speed_mps: float
    stride_length_m: float | None = None
    distance_m: float | None = None
    running: bool | None = False


def decode_measurement(data: bytes) -> Measurement:
    """Return a measurement: flags u8, speed u16 / 256 m/s, cadence u8, by the flags stride u16 cm, distance u32 dm.

    Bytes beyond that belong to flags which are reserved today; the service wants both ignored.
    """
    flags = data[0] if data else 0
    needed = _HEAD.size + 2 * bool(flags & _HAS_STRIDE) + 4 * bool(flags & _HAS_DISTANCE)
    if len(data) < needed:
        raise DecodeError(f"the measurement has {len(data)} bytes; its flags 0x{flags:02x} promise {needed}")
    _, speed, cadence = _HEAD.unpack_from(data)
    at = _HEAD.size
    stride = distance = None
    if flags & _HAS_STRIDE:
        stride = int.from_bytes(data[at : at + 2], "little") / _STRIDE_PER_M
        at += 2
    if flags & _HAS_DISTANCE:
        distance = int.from_bytes(data[at : at + 4], "little") / _DISTANCE_PER_M
    return Measurement(
        cadence_per_min=cadence,
        speed_mps=speed / _SPEED_PER_MPS,
        stride_length_m=stride,
        distance_m=distance,
        running=bool(flags & _RUNNING),
    )


def encode_measurement(said: Measurement) -> bytes:
    """Return the value of 2A53: rounded to its resolution and cut off at its range; the distance begins anew."""
    flags = _RUNNING if said.running else 0
    rest = b""
    if said.stride_length_m is not None:
        flags |= _HAS_STRIDE
        rest += struct.pack("<H", _fit(said.stride_length_m * _STRIDE_PER_M, 16))
    if said.distance_m is not None:
        flags |= _HAS_DISTANCE
        rest += struct.pack("<I", round(said.distance_m * _DISTANCE_PER_M) % 2**32)
    return _HEAD.pack(flags, _fit(said.speed_mps * _SPEED_PER_MPS, 16), _fit(said.cadence_per_min, 8)) + rest


def _fit(value: float, bits: int) -> int:
    return min(max(round(value), 0), (1 << bits) - 1)


def decode_feature(data: bytes) -> dict[str, bool]:
    """Return which features 2A54 (u16) names."""
    if len(data) != 2:  # noqa: PLR2004  (a u16)
        raise DecodeError(f"the features have 2 bytes, these {len(data)}")
    bits = int.from_bytes(data, "little")
    return {name: bool(bits >> bit & 1) for bit, name in enumerate(FEATURES)}


def encode_feature(features: dict[str, bool]) -> bytes:
    """Return the value of 2A54."""
    return struct.pack("<H", sum(1 << bit for bit, name in enumerate(FEATURES) if features.get(name)))


def decode_location(data: bytes) -> str:
    """Return where 2A5D (u8) says that the pod sits."""
    if len(data) != 1:
        raise DecodeError(f"a sensor location has 1 byte, this one {len(data)}")
    return LOCATIONS[data[0]] if data[0] < len(LOCATIONS) else "other"


def encode_location(location: str) -> bytes:
    """Return the value of 2A5D."""
    return bytes([LOCATIONS.index(location)])


class RscState(msgspec.Struct):
    """`tries` counts subscriptions asked for; `tells_running` what the features said of the running flag, if read."""

    tries: int = 0
    tells_running: bool | None = None


class RunningSpeedCadence(Driver[RscState]):
    """Subscribes to the measurements. A pod whose features lack walking or running gets `running` null."""

    info = DriverInfo(
        name="rsc",
        title="Footpod (Running Speed and Cadence, Bluetooth SIG)",
        kind="sensor",
        services=(SERVICE,),
        characteristics={"measurement": MEASUREMENT, "feature": FEATURE, "sensor_location": LOCATION},
        advertised_services=(SERVICE,),
        streams=("cadence",),
        longest_gap_s=3.0,
    )
    State: ClassVar = RscState

    def start(self) -> list[DriverOutput]:
        """Read what the pod can do, then subscribe."""
        return [m.Read(characteristic=FEATURE), m.Read(characteristic=LOCATION), *self._subscribe()]

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Take one input and return what follows. Feature and location may be missing or refused: then nothing."""
        match item:
            case (
                m.Notification(characteristic=uuid, data=data)
                | m.ReadResult(characteristic=uuid, data=data, error=None)
            ):
                return self._value(uuid, data)
            case m.WriteResult(characteristic=uuid, error=error) if uuid == MEASUREMENT:
                return self._refused(error) if error else [m.Deadline(name="subscribed", after_s=None)]
            case m.Timeout(name="subscribed"):
                if self.state.tries < _TRIES:
                    return self._subscribe()
                return [m.HangUp(reason="the footpod does not take a subscription to its measurements")]
        return []

    def _subscribe(self) -> list[DriverOutput]:
        self.state.tries += 1
        return [m.Subscribe(characteristic=MEASUREMENT), m.Deadline(name="subscribed", after_s=_ANSWER_S)]

    def _refused(self, error: str) -> list[DriverOutput]:
        """Try again in a moment; the deadline counts the tries."""
        said = f"the footpod refuses a subscription to its measurements: {error}"
        return [
            m.Event(name="error", value={"message": said}),
            m.Deadline(name="subscribed", after_s=_AGAIN_S) if self.state.tries < _TRIES else m.HangUp(reason=said),
        ]

    def _value(self, uuid: str, data: bytes) -> list[DriverOutput]:
        if uuid == MEASUREMENT:
            said = decode_measurement(data)
            if self.state.tells_running is False:
                said = msgspec.structs.replace(said, running=None)
            return [m.Event(name="cadence", value=msgspec.structs.asdict(said))]
        if uuid == FEATURE:
            features = decode_feature(data)
            self.state.tells_running = features["walk_run"]
            return [m.Event(name="info", value={"features": {**features}})]
        if uuid == LOCATION:
            return [m.Event(name="info", value={"sensor_location": decode_location(data)})]
        return []
