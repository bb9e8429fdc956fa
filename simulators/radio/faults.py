"""Faults of radio and sensors, on demand or by a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from ankled.simulators.radio.script import EVERY, Fault, Kind, check_device, grammar, parse_script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.simulators.radio.server import Server
    from ankled.simulators.radio.world import World

Undo = Callable[[], None]

__all__ = ["Fault", "Faults", "grammar", "parse_script"]


class Faults:
    """Plays faults to a world. A context manager: a script's times count from entering; leaving ends what still lasts.

    `done` tells what began and ended, with the radio's time.
    """

    def __init__(self, world: World, script: Iterable[Fault] = ()) -> None:
        """Raise ScriptError for a device that is not in the world."""
        self.done: list[tuple[float, str]] = []
        self._world = world
        self._script = tuple(script)
        self._timers: list[asyncio.TimerHandle] = []
        self._lasting: dict[int, tuple[str, Callable[[], None]]] = {}
        self._count = 0
        for fault in self._script:
            check_device(fault.device, world.labels)

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        self._timers += [loop.call_at(start_s + fault.at_s, self.apply, fault) for fault in self._script]
        return self

    def __exit__(self, *_exception: object) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for number in tuple(self._lasting):
            self._end(number)

    def apply(self, fault: Fault) -> None:
        """Let a fault happen now, whatever its `at_s`; it ends by itself. Raises ScriptError."""
        check_device(fault.device, self._world.labels)
        for label in self._world.labels if fault.device == EVERY else (fault.device,):
            self.done.append((self._world.now_s, f"{fault.kind} {label}"))
            undo = _DEEDS[fault.kind](self._world.server(label), fault.amount or 0.0)
            if undo is not None and fault.duration_s is not None:
                self._count += 1
                self._lasting[self._count] = (f"end of {fault.kind} {label}", undo)
                timer = asyncio.get_running_loop().call_later(fault.duration_s, self._end, self._count)
                self._timers.append(timer)

    def _end(self, number: int) -> None:
        told, undo = self._lasting.pop(number)
        self.done.append((self._world.now_s, told))
        undo()


def _out_of_range(server: Server, _amount: float) -> Undo:
    server.controller.away += 1

    def back() -> None:
        server.controller.away -= 1

    return back


def _absent(server: Server, _amount: float) -> Undo:
    server.controller.away += 1
    server.restart()

    def switched_on() -> None:
        server.controller.away -= 1
        server.restart()  # its clock stood still while it was off

    return switched_on


def _link_loss(server: Server, _amount: float) -> None:
    server.lose_links()


def _zombie(server: Server, _amount: float) -> Undo:
    server.hang(on=True)
    return partial(server.hang, on=False)


def _bursts(server: Server, interval_s: float) -> Undo:
    server.stretch(interval_s)
    return partial(server.stretch, None)


def _lost_packets(server: Server, share: float) -> Undo:
    server.lost_share = share
    return partial(setattr, server, "lost_share", 0.0)


def _duplicates(server: Server, share: float) -> Undo:
    server.doubled_share = share
    return partial(setattr, server, "doubled_share", 0.0)


def _overrun(server: Server, samples: float) -> None:
    server.peripheral.board.lose(int(samples))


def _reset(server: Server, _amount: float) -> None:
    server.restart()


def _low_battery(server: Server, percent: float) -> None:
    server.peripheral.board.battery_percent = percent


def _refusals(server: Server, commands: float) -> None:
    server.peripheral.refusals += int(commands)


_DEEDS: Final[dict[Kind, Callable[[Server, float], Undo | None]]] = {
    "out_of_range": _out_of_range,
    "absent": _absent,
    "link_loss": _link_loss,
    "zombie": _zombie,
    "bursts": _bursts,
    "lost_packets": _lost_packets,
    "duplicates": _duplicates,
    "overrun": _overrun,
    "reset": _reset,
    "low_battery": _low_battery,
    "refusals": _refusals,
}
