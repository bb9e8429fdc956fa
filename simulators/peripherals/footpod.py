"""A simulated footpod: counts the swings that its own gyroscope feels, and tells cadence and speed once a second.

The pod does not know how it sits on the foot: in walking and running nearly all of the rotation is about one axis, and
the swing forward is its faster half. Speed follows from cadence by the walk ratio (step length over step rate), which
is about 0.0065 m min over the speeds people choose (Sekiya and Nagasaki, Gait & Posture 1998): what a cheap pod does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from ankled.drivers import rsc
from ankled.simulators.peripherals.model import Advertising, AttError, Characteristic, Outgoing, Peripheral, Service
from ankled.simulators.peripherals.standard import BatteryPart, InformationPart

if TYPE_CHECKING:
    from ankled.simulators.peripherals.board import Board
    from ankled.simulators.smooth import Floats

PERIOD_S: Final = 1.0
"""Time between two measurements."""
FEATURES: Final = {"stride_length": True, "distance": True, "walk_run": True}
WALK_RATIO_M_MIN: Final = 0.0065
RUNNING_PER_MIN: Final = 140
"""Nobody walks with that many steps a minute for long."""

_RATE_HZ = 50.0
_WINDOW_S = 4.0
_SMOOTH = 5
_SWING_RAD_S = 1.5
"""A slower movement of the foot is no step."""
_PATIENCE = 1.6
_PATIENCE_S = 0.3

_TABLE = Service(
    uuid=rsc.SERVICE,
    characteristics=(
        Characteristic(uuid=rsc.MEASUREMENT, properties=("notify",)),
        Characteristic(uuid=rsc.FEATURE, properties=("read",)),
        Characteristic(uuid=rsc.LOCATION, properties=("read",)),
    ),
)


class SimulatedFootpod(Peripheral):
    """Measures while somebody listens. The distance counts on over connections, until a reset."""

    driver: ClassVar[str] = "rsc"

    def __init__(self, board: Board, name: str = "Footpod 0001") -> None:
        super().__init__(board, name)
        self._battery = BatteryPart(board)
        self._information = InformationPart(
            manufacturer="Ankled", model="Simulated footpod", serial="0001", firmware="1.0", terminated=True
        )
        self._distance_m = 0.0
        self._due_s = 0.0
        self._clock_s: Floats = np.zeros(0)
        self._gyr: Floats = np.zeros((0, 3))

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        return (_TABLE, self._battery.service, self._information.service)

    @property
    def advertising(self) -> Advertising:
        """Its service and its name."""
        return Advertising(name=self.name, services=(rsc.SERVICE,))

    def reset(self, now_s: float) -> None:
        """Lose power for a moment, and with it the distance."""
        super().reset(now_s)
        self._distance_m = 0.0

    def subscribe(self, characteristic: str, *, on: bool, now_s: float) -> None:
        """Measure while somebody listens."""
        super().subscribe(characteristic, on=on, now_s=now_s)
        if characteristic != rsc.MEASUREMENT:
            return
        if on:
            self.board.begin(_RATE_HZ, now_s)
            self._clock_s, self._gyr = np.zeros(0), np.zeros((0, 3))
            self._due_s = now_s + PERIOD_S
        else:
            self.board.halt(now_s)

    def read(self, characteristic: str, now_s: float) -> bytes:  # noqa: ARG002  (as in the base class)
        """Return a value. Raises AttError."""
        if characteristic == rsc.FEATURE:
            return rsc.encode_feature(FEATURES)
        if characteristic == rsc.LOCATION:
            return rsc.encode_location("top of shoe")
        for part in (self._battery, self._information):
            if (value := part.read(characteristic)) is not None:
                return value
        raise AttError(AttError.READ_NOT_PERMITTED)

    def advance(self, now_s: float) -> list[Outgoing]:
        """Return a measurement each second, and the battery's level when it changes."""
        out = self._battery.advance(self.subscribed)
        if rsc.MEASUREMENT not in self.subscribed:
            return out
        if count := self.board.ready(now_s):
            taken = self.board.take(count)
            kept = int(_WINDOW_S * _RATE_HZ)
            self._clock_s = np.concatenate((self._clock_s, taken.time_s))[-kept:]
            self._gyr = np.concatenate((self._gyr, taken.gyr))[-kept:]
        if now_s >= self._due_s:
            self._due_s = max(self._due_s, now_s - PERIOD_S) + PERIOD_S
            out.append(Outgoing(characteristic=rsc.MEASUREMENT, data=self._measurement(self.board.clock_s(now_s))))
        return out

    def _measurement(self, clock_s: float) -> bytes:
        cadence = steps_per_minute(self._clock_s, self._gyr, clock_s)
        step_m = WALK_RATIO_M_MIN * cadence
        speed_mps = step_m * cadence / 60.0
        self._distance_m += speed_mps * PERIOD_S
        return rsc.encode_measurement(
            rsc.Measurement(
                cadence_per_min=round(cadence),
                speed_mps=speed_mps,
                stride_length_m=2.0 * step_m,
                distance_m=self._distance_m,
                running=cadence >= RUNNING_PER_MIN,
            )
        )


def steps_per_minute(clock_s: Floats, gyr: Floats, now_s: float) -> float:
    """Return the steps of both feet per minute by the swings in `gyr` (n, 3), rad/s; 0 when the foot has come to rest.

    A swing is a peak of the rate about the axis of most rotation, in its faster direction, of at least half the
    highest one's size.
    """
    if len(gyr) < _SMOOTH:
        return 0.0
    _, axes = np.linalg.eigh(gyr.T @ gyr)
    rate = gyr @ axes[:, -1]
    rate = np.convolve(rate * np.sign(np.sum(rate**3)), np.full(_SMOOTH, 1.0 / _SMOOTH), "same")
    inner = rate[1:-1]
    high = inner > max(_SWING_RAD_S, 0.5 * float(rate.max()))
    times = clock_s[1:-1][high & (inner >= rate[:-2]) & (inner > rate[2:])]
    if len(times) < 2:  # noqa: PLR2004  (an interval has two ends)
        return 0.0
    stride_s = float(times[-1] - times[0]) / (len(times) - 1)
    overdue = now_s - float(times[-1]) > _PATIENCE * stride_s + _PATIENCE_S
    return 0.0 if overdue else 2.0 * 60.0 / stride_s
