"""Who takes part, and what the processes tell at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from ankled.simulators.wearer import Side

Told: TypeAlias = Literal["results", "live", "imu"]
"""What is published: results alone; the live stream and health too; decoded samples as well."""

NODE: Final = "bench"
READY: Final = "ready"
"""What a process says once it does its work."""


def labels(count: int) -> list[str]:
    """Return the names of so many sensors: pairs of a left and a right one."""
    return [f"{'right' if number % 2 else 'left'}-{number // 2}" for number in range(count)]


def side_of(label: str) -> Side:
    """Return the leg that a sensor is on."""
    return "left" if label.startswith("left") else "right"


class Completed(msgspec.Struct, frozen=True, array_like=True):
    """A repetition: its id, when the notification that completed it arrived, when its record went to the publisher."""

    id: str
    host_ns: int
    handed_ns: int


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon tells. `decoded` counts samples by sensor, `missing` those it knows to lack, `dropped` inputs.

    `moments` live and imu messages were sent within the `streamed_s` from the first to the last.
    """

    completed: list[Completed]
    decoded: dict[str, int]
    missing: int
    dropped: int
    most_waiting: int
    packets: int
    moments: int
    streamed_s: float


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What the radio tells: samples that each sensor sent, and those it lost itself before."""

    sent: dict[str, int]
    overrun: dict[str, int]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the subscriber tells: when the repetition of each id first came."""

    arrived_ns: dict[str, int]
