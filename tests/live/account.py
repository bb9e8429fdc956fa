"""An exact account of the samples of a live run: every one bears a number, from the board to the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.decoded import Decoder
from ankled.daemon.dispatcher import Dispatcher
from ankled.daemon.inputs import Notification
from ankled.daemon.pipeline import Core
from ankled.daemon.records import Event, Live, to_json
from ankled.simulators.mounts import MOUNTS
from ankled.simulators.radio.controller import DEFAULT_SLOTS
from ankled.simulators.radio.faults import parse_script
from ankled.simulators.radio.outfit import parse_sensor, worn
from tests.live.runs import BOOT_NS, NS, config_for, run

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.drivers.samples import FloatArray
    from ankled.simulators.peripherals.board import Board, Taken
    from ankled.simulators.radio.controller import AirController
    from ankled.simulators.radio.world import World
    from tests.live.runs import Run

ONLINE = b'{"state":"online"}'
VALUES = frozenset({0x1B, 0x1D})
"""ATT opcodes of notifications and indications."""
_SPAN = 4096
_STEP_RAD_S = 0.008
"""What a number is worth as an angular rate: more than two steps of any sensor at 2000 deg/s."""


class Numbers:
    """Lets a board hand out samples whose angular rate about x is their number; notes when each was taken."""

    def __init__(self, board: Board) -> None:
        self._time_s: list[FloatArray] = []
        self.count = 0
        take = board.take

        def numbered(count: int) -> Taken:
            taken = take(count)
            gyr = np.array(taken.gyr)
            gyr[:, 0] = ((self.count + np.arange(len(gyr))) % _SPAN - _SPAN // 2) * _STEP_RAD_S
            self.count += len(gyr)
            self._time_s.append(board.radio_s(taken.time_s))
            return taken._replace(gyr=gyr)

        board.take = numbered  # type: ignore[method-assign]  # the one way out of a board

    @property
    def time_s(self) -> FloatArray:
        """When each sample was taken."""
        return np.concatenate(self._time_s) if self._time_s else np.zeros(0)


def numbers_in(gyr_x: FloatArray) -> FloatArray:
    """Return the numbers that angular rates stand for; they may step back a little, never far ahead."""
    marks = np.rint(gyr_x / _STEP_RAD_S).astype(int) + _SPAN // 2
    turns = np.cumsum(np.diff(marks, prepend=marks[:1]) < -_SPAN // 2)
    return np.asarray(marks + _SPAN * turns, dtype=np.int64)


class Ear:
    """Notes the values that the radio hands to the host of the central, by device."""

    def __init__(self, world: World) -> None:
        self.heard: dict[str, list[bytes]] = {label: [] for label in world.labels}
        labels = {world.address(label): label for label in world.labels}
        make = world.adapter

        def listening(label: str, *, slots: int = DEFAULT_SLOTS) -> AirController:
            controller = make(label, slots=slots)
            pass_on = controller.on_fragment

            def noted(end: Any, continues: bool, data: bytes) -> None:
                if data[2:4] == b"\x04\x00" and data[4] in VALUES:
                    self.heard[labels[end.peer_address.to_string(False)]].append(bytes(data[7:]))
                pass_on(end, continues, data)

            controller.on_fragment = noted  # type: ignore[method-assign]  # listens in, changes nothing
            return controller

        world.adapter = listening  # type: ignore[method-assign]  # the same


@dataclass
class Device:
    """What became of the samples of one device."""

    taken_s: FloatArray
    heard: FloatArray
    """The numbers of the samples in the order in which the pipeline got them."""
    time_s: FloatArray
    """Their times in the pipeline."""
    arrived_s: FloatArray
    """When the packets came that brought them."""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def unheard_s(self) -> FloatArray:
        """When the samples were taken that the pipeline never got."""
        return np.delete(self.taken_s, np.unique(self.heard))

    def unheard_outside(self, *windows: tuple[float, float]) -> int:
        """Return how many of those were taken outside of these times, beginning and end of the run left aside."""
        rest_s = self.unheard_s
        for begin_s, end_s in windows:
            rest_s = rest_s[(rest_s < begin_s) | (rest_s > end_s)]
        return len(rest_s)


@dataclass
class Played:
    """A run and its account."""

    run: Run
    devices: dict[str, Device]

    def online(self, label: str = "left") -> list[tuple[float, bool]]:
        """Return when the device was said to be there, and when not."""
        return [(time_s, payload == ONLINE) for time_s, payload in self.run.kept.of(f"{label}/availability")]

    def states(self, label: str = "left") -> list[tuple[float, dict[str, Any]]]:
        """Return what was told on the topic `state`."""
        return [(time_s, msgspec.json.decode(payload)) for time_s, payload in self.run.kept.of(f"{label}/state")]

    def events(self, label: str = "left") -> list[tuple[float, str, dict[str, Any]]]:
        """Return the records of what happened to a device: when they came, what, and the detail."""
        records = [(time_s, one) for time_s, one in self.run.kept.records if isinstance(one, Event)]
        return [(time_s, one.event, one.detail) for time_s, one in records if one.device == label]

    def after(self, time_s: float, *, online: bool, label: str = "left") -> float:
        """Return how long after `time_s` the device was next said to be there, or not to be."""
        told = self.online(label)
        return next(at_s for at_s, there in told if at_s > time_s - 1e-3 and there is online) - time_s


def play(
    sensors: str,
    script: str,
    duration_s: float,
    path: Path,
    *,
    numbered: bool = True,
    complete: bool = True,
    **run_with: Any,
) -> Played:
    """Run sensors, such as "left=polar right=witmotion", through a script; what belongs to every run is checked here.

    The capture replays to the same bytes; every value that the radio delivered is in it; every sample in it reaches the
    pipeline once. `complete` false: values may be lost on the way.
    """
    scenario = run_with.pop("scenario", "stand")
    configured = run_with.pop("configured", config_for)
    parsed = [parse_sensor(text) for text in sensors.split()]
    world = worn(scenario, parsed, seed=3, mount=MOUNTS["oblique"], skew_ppm=50.0, interval_s=0.03, begin="at once")
    numbers = {label: Numbers(world.peripheral(label).board) for label in world.labels} if numbered else {}
    ear = Ear(world)
    faults = parse_script(script.replace("; ", "\n"), world.labels)
    capture = path / "live.mcap"
    live = run(world, duration_s, faults=faults, capture=capture, config=configured(world), **run_with)
    entries = list(CaptureReader(capture))
    items = [entry.item for entry in entries]
    for label in world.labels:
        captured = [one.data for one in items if isinstance(one, Notification) and one.device == label]
        assert captured == ear.heard[label] or (not complete and len(captured) < len(ear.heard[label]))
    replayed = Dispatcher(Core()).replay(entries)
    assert [to_json(record) for record in replayed if not isinstance(record, Live)] == live.kept.lines()
    return Played(live, {label: _device(label, items, one, live) for label, one in numbers.items()})


def _device(label: str, items: list[Any], numbers: Numbers, live: Run) -> Device:
    decode = Decoder()
    samples = [one for item in items for one in decode(item) if one.device == label]
    heard = numbers_in(np.concatenate([np.zeros(0), *(one.gyr[:, 0] for one in samples if one.gyr is not None)]))
    time_s = np.concatenate([np.zeros(0), *(one.time_s for one in samples if one.time_s is not None)])
    device = live.live.service.core.devices.get(label)
    counts = {} if device is None else device.counts
    if counts:
        again = len(heard) - len(np.unique(heard))
        assert counts["repeated"] + counts["backwards"] == again, "whatever comes twice is taken once"
        assert counts["not_finite"] == 0
    first = np.unique(heard, return_index=True)[1]
    assert np.all(np.diff(first) > 0), "in the order in which they were taken"
    assert np.all(np.diff(time_s[first]) > 0.0), "and time never runs back"
    arrived_s = np.array([(one.host_ns - BOOT_NS) / NS for one in samples])
    return Device(numbers.time_s, heard, time_s, arrived_s, counts)
