"""The steps of the dialogue with a Movesense, what it waits for, and all that it remembers."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from ankled.drivers.movesense import resources, wire

Step = Literal[
    "idle",
    "opening",
    "hello",
    "acc_info",
    "gyro_info",
    "ranges",
    "subscribe",
    "pausing",
    "settling",
    "streaming",
    "restart",
]

ANSWER_S: Final = 3.0
"""How long an answer may take. Public clients wait 2 to 10 s; the sensor answers within a few connection events."""
SAMPLES_S: Final = 5.0
"""How long the first samples may take after a SUBSCRIBE was accepted."""
PAUSE_S: Final = 2.0
TRIES: Final = 3

GETS: Final[dict[Step, str]] = {
    "acc_info": resources.ACC_INFO,
    "gyro_info": resources.GYRO_INFO,
    "ranges": resources.IMU_CONFIG,
}
NEXT: Final[dict[Step, Step]] = {
    "hello": "acc_info",
    "acc_info": "gyro_info",
    "gyro_info": "ranges",
    "ranges": "subscribe",
}
FOR_GOOD: Final = (wire.BAD_REQUEST, wire.UNAUTHORISED, wire.FORBIDDEN, wire.NOT_FOUND, wire.NOT_IMPLEMENTED)
"""Answers that will be the same the next time."""


class DialogueState(msgspec.Struct):
    """Where the dialogue is.

    `asked` is the ref of the request without an answer, 0 if there is none; `too_many` says that the last subscription
    was answered with 429. `rates_hz` and the lists of ranges are what the sensor offers, empty while it has not said.
    """

    step: Step = "idle"
    last_ref: int = 0
    asked: int = 0
    stream_ref: int = 0
    tries: int = 0
    too_many: bool = False
    rates_hz: list[float] = []
    acc_ranges_g: list[float] = []
    gyr_ranges_dps: list[float] = []
    acc_range_g: float | None = None
    gyr_range_dps: float | None = None

    @property
    def streaming(self) -> bool:
        """Whether samples have come from this subscription."""
        return self.step == "streaming"
