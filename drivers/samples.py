"""Samples: what a driver makes of packets, and what a recording holds. SI units only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

FloatArray: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_AXES = 3


class Samples(msgspec.Struct, frozen=True, kw_only=True, eq=False, tag="samples", tag_field="type"):
    """Consecutive samples of one device.

    `acc` has shape (n, 3) in m/s2; `gyr` shape (n, 3) in rad/s, or None for a device without a gyroscope.
    `time_s` has shape (n,), seconds on the session's clock for an imported recording and on the sensor's own clock
    for a live one, or None when the sensor sends no time. `missing` counts samples known to be lost before these.
    `host_ns` is the arrival time of the packet that completed them.

    Two are equal when every bit is: a NaN equals the same NaN, and 0.0 is not -0.0.
    """

    device: str
    host_ns: int
    time_s: FloatArray | None
    acc: FloatArray
    gyr: FloatArray | None
    missing: int = 0

    def __post_init__(self) -> None:
        """Refuse shapes and types that do not belong together."""
        count = len(self.acc)
        _check("acc", self.acc, (count, _AXES))
        if self.gyr is not None:
            _check("gyr", self.gyr, (count, _AXES))
        if self.time_s is not None:
            _check("time_s", self.time_s, (count,))
        if self.missing < 0:
            msg = f"missing is {self.missing}: a count is 0 or more"
            raise ValueError(msg)

    def __eq__(self, other: object) -> bool:
        """Compare bit for bit."""
        if not isinstance(other, Samples):
            return NotImplemented
        return (
            (self.device, self.host_ns, self.missing) == (other.device, other.host_ns, other.missing)
            and _same(self.time_s, other.time_s)
            and _same(self.acc, other.acc)
            and _same(self.gyr, other.gyr)
        )

    def __hash__(self) -> int:
        """Agree with equality without reading the arrays."""
        return hash((self.device, self.host_ns, self.missing, len(self.acc)))


def _check(name: str, array: FloatArray, shape: tuple[int, ...]) -> None:
    if array.dtype != np.float64 or array.shape != shape:
        msg = f"{name} is {array.dtype} of shape {array.shape}: float64 of shape {shape} is needed"
        raise ValueError(msg)
    if not (array.flags.c_contiguous and array.flags.aligned):
        msg = f"{name} is not one block of memory in C order, as the kernels need it"
        raise ValueError(msg)


def _same(left: FloatArray | None, right: FloatArray | None) -> bool:
    if left is None or right is None:
        return left is right
    return left.shape == right.shape and left.tobytes() == right.tobytes()
