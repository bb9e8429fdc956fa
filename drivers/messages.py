"""What goes into a driver and what comes out of it: a state machine without I/O and without a clock.

A subscription is a write to a descriptor, so its end too arrives as a WriteResult that names the characteristic.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import numpy as np

from ankled.drivers.samples import FloatArray

_AXES = 3

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
"""What the value of an event may hold: what JSON can write. Units stand in the names of its keys."""


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """An input of a driver."""


class Notification(_Given, frozen=True, kw_only=True):
    """A characteristic sent this value, by notification or indication."""

    characteristic: str
    data: bytes


class ReadResult(_Given, frozen=True, kw_only=True):
    """A read has ended; `error` says why there is no value."""

    characteristic: str
    data: bytes = b""
    error: str | None = None


class WriteResult(_Given, frozen=True, kw_only=True):
    """A write or a subscription has ended; `error` says why it failed."""

    characteristic: str
    error: str | None = None


class Timeout(_Given, frozen=True, kw_only=True):
    """The time of the deadline of this name is over."""

    name: str


DriverInput: TypeAlias = Notification | ReadResult | WriteResult | Timeout


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An output of a driver. Actions are carried out one after the other, in their order."""


class Subscribe(_Wanted, frozen=True, kw_only=True):
    """Ask the device to send the values of a characteristic, or (`on` false) not to send them any more."""

    characteristic: str
    on: bool = True


class Read(_Wanted, frozen=True, kw_only=True):
    """Read a characteristic."""

    characteristic: str


class Write(_Wanted, frozen=True, kw_only=True):
    """Write a characteristic; without `response` the device does not acknowledge."""

    characteristic: str
    data: bytes
    response: bool = True


class Deadline(_Wanted, frozen=True, kw_only=True):
    """Feed Timeout(name) when `after_s` have passed. The same name again moves it, `after_s` None takes it back."""

    name: str
    after_s: float | None


class HangUp(_Wanted, frozen=True, kw_only=True):
    """Drop this connection, which is of no use. `lasting`: trying again soon will not help, as with a wrong setting."""

    reason: str
    lasting: bool = False


class Event(_Wanted, frozen=True, kw_only=True):
    """Something to know that is no sample.

    Names: `response`, `error` (`message`, a sentence), `battery` (`level` in percent, or null), `info`, `settings`,
    `status`, `cadence` (`cadence_per_min`, `speed_mps`). Before its first samples every sensor driver gives `settings`
    with `rate_hz` and, where there is one, `acc_range_g` and `gyr_range_dps`. `info` may hold `mass_kg` and `side` of
    the weight.
    """

    name: str
    value: dict[str, Value]


class Block(_Wanted, frozen=True, kw_only=True, eq=False):
    """Consecutive samples that one packet completed, in SI units.

    `acc` (n, 3) in m/s2 and `gyr` (n, 3) in rad/s in the sensor's axes; one of them is None where the device sends
    them apart. `time_s` (n,) is the sensor's own clock, unwrapped, ever growing; None where it sends no time. `missing`
    counts samples known to be lost right before these.
    """

    acc: FloatArray | None
    gyr: FloatArray | None
    time_s: FloatArray | None
    missing: int = 0

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together. These are mistakes of a driver, not of a device."""
        if self.acc is None and self.gyr is None:
            msg = "a block has neither acc nor gyr"
            raise ValueError(msg)
        count = len(self)
        for name, array, shape in (
            ("acc", self.acc, (count, _AXES)),
            ("gyr", self.gyr, (count, _AXES)),
            ("time_s", self.time_s, (count,)),
        ):
            if array is not None and (array.shape != shape or array.dtype != np.float64):
                msg = f"{name} is {array.dtype} of shape {array.shape}: float64 of shape {shape} is needed"
                raise ValueError(msg)
        if self.missing < 0:
            msg = f"missing is {self.missing}: a count is 0 or more"
            raise ValueError(msg)

    def __len__(self) -> int:
        """Return the number of samples."""
        array = self.gyr if self.acc is None else self.acc
        return 0 if array is None else len(array)


class Beat(_Wanted, frozen=True, kw_only=True):
    """What the sensor's clock showed, on the scale of the blocks' times, when it handed this packet to the radio.

    Packets of samples often come at the same few moments of the connection's interval, and then nobody can tell how
    long they waited. Beats that come at ever other moments tell.
    """

    time_s: float


Action: TypeAlias = Subscribe | Read | Write | Deadline | HangUp
DriverOutput: TypeAlias = Action | Event | Block | Beat
