"""A driver and a simulated device talk without a radio: every value arrives at the next connection event."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ankled.drivers import messages as m
from ankled.simulators.peripherals.board import Board
from ankled.simulators.peripherals.model import AttError
from ankled.simulators.peripherals.motion import stage
from ankled.simulators.scenarios import find

if TYPE_CHECKING:
    from ankled.drivers.driver import Driver
    from ankled.simulators.peripherals.model import Peripheral

OutputT = TypeVar("OutputT")


def board(scenario: str = "walk", *, begins_s: float | None = 0.0, **traits: object) -> Board:
    """Return a board on the left leg of a scenario that begins at `begins_s`."""
    shared, motions = stage(find(scenario))
    shared.begins_s = begins_s
    return Board(motions["left"], **traits)  # type: ignore[arg-type]  # named as the board names them


@dataclass
class Conversation:
    """Plays central for a driver. `outputs` is what the driver gave, with the time; `sent` what was written."""

    driver: Driver  # type: ignore[type-arg]  # of any state
    peripheral: Peripheral
    mtu: int = 247
    interval_s: float = 0.03
    now_s: float = 0.0
    outputs: list[tuple[float, m.DriverOutput]] = field(default_factory=list)
    written: list[tuple[str, bytes]] = field(default_factory=list)
    hung_up: m.HangUp | None = None
    _actions: deque[m.DriverOutput] = field(default_factory=deque)
    _due: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Connect and start."""
        self.peripheral.connect(self.mtu, self.now_s)
        self._take(self.driver.start())

    def run(self, duration_s: float) -> None:
        """Let time pass, one connection event after the other."""
        end_s = self.now_s + duration_s
        while self.now_s < end_s and self.hung_up is None:
            self.now_s += self.interval_s
            self._act()
            for name, due_s in sorted(self._due.items(), key=lambda item: item[1]):
                if due_s <= self.now_s and self._due.get(name) == due_s:
                    del self._due[name]
                    self._take(self.driver.feed(m.Timeout(name=name)))
            self._act()
            for out in self.peripheral.advance(self.now_s):
                assert out.characteristic in self.peripheral.subscribed
                assert len(out.data) <= self.mtu - 3, "a value must fit into one packet of the link"
                self._take(self.driver.feed(m.Notification(characteristic=out.characteristic, data=out.data)))

    def all(self, kind: type[OutputT]) -> list[OutputT]:
        """Return the outputs of one kind."""
        return [output for _, output in self.outputs if isinstance(output, kind)]

    def events(self, name: str) -> list[dict[str, m.Value]]:
        """Return the values of the events of one name."""
        return [event.value for event in self.all(m.Event) if event.name == name]

    def stacked(self, what: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return acc, gyr or time_s of all blocks that have it, as one array."""
        parts = [getattr(block, what) for block in self.all(m.Block)]
        return np.concatenate([part for part in parts if part is not None])

    def _take(self, outputs: list[m.DriverOutput]) -> None:
        self.outputs += [(self.now_s, output) for output in outputs]
        self._actions.extend(output for output in outputs if not isinstance(output, m.Block | m.Event | m.Beat))

    def _act(self) -> None:
        while self._actions:
            match self._actions.popleft():
                case m.Subscribe(characteristic=uuid, on=on):
                    self.peripheral.subscribe(uuid, on=on, now_s=self.now_s)
                    self._take(self.driver.feed(m.WriteResult(characteristic=uuid)))
                case m.Read(characteristic=uuid):
                    self._take(self.driver.feed(self._read(uuid)))
                case m.Write(characteristic=uuid, data=data):
                    self.written.append((uuid, data))
                    self._take(self.driver.feed(self._write(uuid, data)))
                case m.Deadline(name=name, after_s=None):
                    self._due.pop(name, None)
                case m.Deadline(name=name, after_s=float() as after_s):
                    self._due[name] = self.now_s + after_s
                case m.HangUp() as hang_up:
                    self.hung_up = hang_up
                    return

    def _read(self, uuid: str) -> m.ReadResult:
        try:
            return m.ReadResult(characteristic=uuid, data=self.peripheral.read(uuid, self.now_s))
        except AttError as error:
            return m.ReadResult(characteristic=uuid, error=str(error))

    def _write(self, uuid: str, data: bytes) -> m.WriteResult:
        try:
            self.peripheral.write(uuid, data, self.now_s)
        except AttError as error:
            return m.WriteResult(characteristic=uuid, error=str(error))
        return m.WriteResult(characteristic=uuid)
