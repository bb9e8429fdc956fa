"""What the MetaMotion's tests share: packets in, outputs out, and a conversation of which everything is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.metamotion import wire
from ankled.drivers.metamotion.driver import MetaMotion
from ankled.simulators.peripherals.board import Board
from ankled.simulators.peripherals.metamotion import SimulatedMetaMotion
from ankled.simulators.peripherals.motion import Motion
from tests.drivers.conversation import Conversation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.drivers.driver import Options
    from ankled.drivers.metamotion.wire import Axis3
    from ankled.simulators.peripherals.board import Taken

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

ACC_IS, GYR_IS = "03800101", "13800001"
ACC_SET, GYR_SET = "0383280c", "13832800"
"""The BMI160 at 100 Hz, 16 g, 2000 degrees per second, which nobody has to ask for."""


def say(driver: MetaMotion, *values: str) -> list[m.DriverOutput]:
    """Let the device send these values, in hexadecimal digits."""
    return [
        output
        for value in values
        for output in driver.feed(m.Notification(characteristic=wire.DATA, data=bytes.fromhex(value)))
    ]


def begun(*values: str, options: Options | None = None) -> MetaMotion:
    """Return a driver that has started, subscribed and heard these values."""
    driver = MetaMotion(options)
    driver.start()
    driver.feed(m.WriteResult(characteristic=wire.DATA))
    say(driver, *values)
    return driver


def streaming() -> MetaMotion:
    """Return a driver that waits for samples of a BMI160."""
    driver = begun(ACC_IS, GYR_IS, ACC_SET, GYR_SET)
    assert driver.state.phase == "streaming"
    return driver


def written(outputs: Iterable[m.DriverOutput]) -> list[str]:
    """Return what is written."""
    return [output.data.hex() for output in outputs if isinstance(output, m.Write)]


def hung_up(outputs: Iterable[m.DriverOutput]) -> m.HangUp:
    """Return the one HangUp."""
    (found,) = [output for output in outputs if isinstance(output, m.HangUp)]
    return found


def packet(stream: str, number: int, chip: str = "bmi160") -> str:
    """Return a packed packet whose samples are `number`, in hexadecimal digits."""
    sensor = next(one for one in wire.SENSORS if (one.chip, one.stream) == (chip, stream))
    return bytes([sensor.module, sensor.packed]).hex() + np.full(9, number, "<i2").tobytes().hex()


def decode(context: dict[str, Any], *values: bytes) -> list[m.DriverOutput]:
    """Return what `ankled decode metamotion data ...` would be made of."""
    driver = MetaMotion.for_decoding(context)
    return [output for data in values for output in driver.feed(m.Notification(characteristic=wire.DATA, data=data))]


def block(outputs: list[m.DriverOutput]) -> m.Block:
    """Return the one block."""
    (found,) = [output for output in outputs if isinstance(output, m.Block)]
    return found


def event(outputs: list[m.DriverOutput]) -> m.Event:
    """Return the one event."""
    (found,) = [output for output in outputs if isinstance(output, m.Event)]
    return found


class Ramp(Motion):
    """A motion that is never twice the same, so that each sample tells when it was taken."""

    def __init__(self) -> None:
        """Nobody wears it."""

    def at(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return readings whose first axis leaves the smaller ranges and whose second grows."""
        acc = np.column_stack([90.0 * np.sin(7.0 * time_s), 1.5 * time_s, 9.81 + 0.0 * time_s])
        gyr = np.column_stack([20.0 * np.cos(5.0 * time_s), 0.2 * time_s, 0.5 * np.sin(time_s)])
        return acc, gyr


class Watched:
    """A conversation on the smallest link, and all that the board measured meanwhile."""

    def __init__(self, options: Options | None = None, *, on: Board | None = None, **traits: Any) -> None:
        here = on or Board(Ramp(), skew_ppm=40.0)
        self.taken: list[Taken] = []
        take = here.take

        def watched(count: int) -> Taken:
            self.taken.append(take(count))
            return self.taken[-1]

        here.take = watched  # type: ignore[method-assign]  # to see what the sensor saw
        self.device = SimulatedMetaMotion(here, **traits)
        self.options = options
        self.talk = self.connected()

    def connected(self, now_s: float = 0.0) -> Conversation:
        """Begin a connection with a new driver."""
        self.talk = Conversation(MetaMotion(self.options), self.device, mtu=23, now_s=now_s)
        return self.talk

    def measured(self, stream: Axis3) -> Floats:
        """Return what the board measured, in its order, as far as the range goes."""
        step = self.device.sensors[stream].step
        values = np.concatenate([one.acc if stream == "acc" else one.gyr for one in self.taken])
        return np.clip(values, -32768 * step, 32767 * step)

    def place(self, stream: Axis3, values: Floats) -> int:
        """Return which measured sample the first of these is; all of them must be within half a step."""
        measured, near = self.measured(stream), 0.5001 * self.device.sensors[stream].step
        last = len(measured) - len(values)
        first = np.flatnonzero(np.abs(measured[: last + 1] - values[0]).max(axis=1) <= near)
        found = [int(at) for at in first if np.abs(measured[at : at + len(values)] - values).max() <= near]
        assert len(found) == 1
        return found[0]

    def blocks(self, stream: Axis3) -> list[m.Block]:
        """Return the blocks of a stream."""
        return [one for one in self.talk.all(m.Block) if (one.acc is not None) == (stream == "acc")]

    def places(self, stream: Axis3, last: int = 0) -> list[int]:
        """Return the places of all blocks of a stream, or of the last ones."""
        both = [(one.acc, one.gyr) for one in self.blocks(stream)[-last:]]
        return [self.place(stream, values) for pair in both for values in pair if values is not None]

    def missing(self, stream: Axis3) -> list[int]:
        """Return what the blocks of a stream say is missing."""
        return [one.missing for one in self.blocks(stream)]
