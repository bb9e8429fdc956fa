"""The drivers' decoders: whole conversations of packets, answers and time-outs, most of them nearly right."""

from __future__ import annotations

import json
import math
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from tests.drivers.contract import DRIVERS, converse, usual
from tests.drivers.twin import Twin
from tests.fuzz.mutate import mutated

if TYPE_CHECKING:
    import random

    from ankled.drivers.driver import Driver

_MOST_OUTPUTS = 500
_MOST_SAMPLES = 2000
_LARGEST = 1e9
"""The widest whole numbers times the largest factor of any protocol; beyond it only floats could reach."""
_TIMEOUTS = ("answer", "start", "read_again", "subscribed", "never heard of")

Step = tuple[str, str, bytes, bool]
"""Notification, read, write or timeout; characteristic or name; data; whether it failed."""


class Case(msgspec.Struct, array_like=True):
    """An input: a driver, whether it is in the midst of its stream, and what it is fed."""

    driver: str
    streaming: bool
    steps: list[Step]


class _Ear(Twin):
    """Notes everything that a driver is fed."""

    def __init__(self, driver: Driver[Any]) -> None:
        super().__init__(driver)
        self.steps: list[Step] = []

    def feed(self, item: m.DriverInput) -> list[m.DriverOutput]:
        match item:
            case m.Notification():
                self.steps.append(("n", item.characteristic, item.data, False))
            case m.ReadResult():
                self.steps.append(("r", item.characteristic, item.data, item.error is not None))
            case m.WriteResult():
                self.steps.append(("w", item.characteristic, b"", item.error is not None))
            case m.Timeout():
                self.steps.append(("t", item.name, b"", False))
        return self.driver.feed(item)


class Packets:
    """Draws conversations and feeds them."""

    @cached_property
    def _heard(self) -> dict[str, tuple[bytes, list[Step]]]:
        """For each driver what it remembers after three seconds, and what it was fed until then."""
        heard = {}
        for name, one in DRIVERS.items():
            ear = _Ear(one())
            converse(ear, usual(name), 3.0)
            heard[name] = (ear.snapshot(), ear.steps)
        return heard

    @cached_property
    def _real(self) -> list[bytes]:
        """Packets of real devices, where there is a file of them on this machine."""
        named = os.environ.get("ANKLED_VECTORS")
        if not named:
            return []
        lines = Path(named).read_text(encoding="utf-8").splitlines()
        return [data for line in lines if line.strip() for data in _hexes(json.loads(line))]

    def draw(self, rng: random.Random) -> bytes:
        """Return a conversation: a piece of a real one with some steps spoilt."""
        name = rng.choice(list(DRIVERS))
        said = self._heard[name][1]
        streaming = rng.random() < 0.5
        start = rng.randrange(len(said)) if streaming else 0
        steps = said[start : start + rng.randrange(1, 40)]
        packets = [data for _, _, data, _ in said if data] + self._real
        uuids = sorted(DRIVERS[name].info.characteristics.values())
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(steps) + 1)
            luck = rng.random()
            if luck < 0.5 and at < len(steps) and steps[at][2]:
                kind, uuid, data, failed = steps[at]
                steps[at] = (kind, uuid, mutated(rng, data, packets, 600), failed)
            elif luck < 0.7:
                data = mutated(rng, rng.choice(packets or [b""]), packets, 600)
                steps.insert(at, (rng.choice("nr"), rng.choice(uuids), data, rng.random() < 0.1))
            elif luck < 0.8:
                steps.insert(at, ("w", rng.choice(uuids), b"", rng.random() < 0.5))
            elif luck < 0.9:
                steps.insert(at, ("t", rng.choice(_TIMEOUTS), b"", False))
            elif at < len(steps):
                steps[at:at] = steps[at : at + 1] if rng.random() < 0.5 else rng.sample(steps, len(steps))[:4]
        return msgspec.msgpack.encode(Case(name, streaming, steps))

    def run(self, data: bytes) -> None:
        """Feed a conversation; everything that comes out is sound, and what is remembered can be saved."""
        case = msgspec.msgpack.decode(data, type=Case)
        driver = DRIVERS[case.driver]()
        if case.streaming:
            driver.restore(self._heard[case.driver][0])
        else:
            _sound(driver.start())
        for step in case.steps:
            try:
                given = driver.feed(_item(step))
            except DecodeError as error:
                said = str(error)
            else:
                _sound(given)
                continue
            assert said, "a refusal says why"
            assert "\n" not in said, "in one line"
        other = DRIVERS[case.driver]()
        other.restore(driver.snapshot())
        assert other.snapshot() == driver.snapshot()
        _sound(driver.stop())


def _hexes(value: object) -> list[bytes]:
    """Return whatever in a vector reads as bytes."""
    if isinstance(value, dict):
        return [data for one in value.values() for data in _hexes(one)]
    if isinstance(value, list):
        return [data for one in value for data in _hexes(one)]
    try:
        return [bytes.fromhex(value)] if isinstance(value, str) and len(value) > 2 else []
    except ValueError:
        return []


def _item(step: Step) -> m.DriverInput:
    kind, name, data, failed = step
    error = "refused" if failed else None
    match kind:
        case "n":
            return m.Notification(characteristic=name, data=data)
        case "r":
            return m.ReadResult(characteristic=name, data=b"" if failed else data, error=error)
        case "w":
            return m.WriteResult(characteristic=name, error=error)
        case _:
            return m.Timeout(name=name)


def _sound(given: list[m.DriverOutput]) -> None:
    """Check what a driver gives."""
    assert len(given) <= _MOST_OUTPUTS, f"{len(given)} outputs of one input"
    for one in given:
        match one:
            case m.Block():
                assert 0 < len(one) <= _MOST_SAMPLES, f"a block of {len(one)} samples"
                for values in (one.acc, one.gyr):
                    if values is not None:
                        assert np.isfinite(values).all(), "measured values are finite"
                        assert np.abs(values).max() <= _LARGEST, "no sensor measures so much"
                if one.time_s is not None:
                    assert np.isfinite(one.time_s).all()
                    assert (np.diff(one.time_s) > 0.0).all(), "time grows within a block"
            case m.Event():
                _finite(one.value)
                msgspec.json.encode(one.value)
            case m.Beat():
                assert math.isfinite(one.time_s)
            case m.Deadline():
                assert one.after_s is None or 0.0 <= one.after_s < 3600.0
            case m.Write():
                assert len(one.data) <= 512, "an attribute holds no more"
            case _:
                pass


def _finite(value: m.Value) -> None:
    if isinstance(value, float):
        assert math.isfinite(value), "an event holds what JSON can write"
    elif isinstance(value, dict):
        for one in value.values():
            _finite(one)
    elif isinstance(value, list):
        for one in value:
            _finite(one)
