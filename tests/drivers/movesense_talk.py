"""The other side of a Movesense driver: a sensor that offers everything, played by a test."""

from __future__ import annotations

from typing import Any

import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.movesense import Movesense, motion, resources, wire
from ankled.drivers.movesense.wire import Code


def feed(driver: Movesense, data: bytes, characteristic: str = wire.DATA) -> list[m.DriverOutput]:
    """Feed a notification."""
    return driver.feed(m.Notification(characteristic=characteristic, data=data))


def only_event(outputs: list[m.DriverOutput]) -> m.Event:
    """Return the event that is all there is."""
    (event,) = outputs
    assert isinstance(event, m.Event)
    return event


def blocks(outputs: list[m.DriverOutput]) -> list[m.Block]:
    """Return the blocks."""
    return [one for one in outputs if isinstance(one, m.Block)]


RATES: dict[str, Any] = {"SampleRates": [13, 26, 52, 104], "Ranges": [2, 4, 8, 16]}

OFFERS: dict[str, dict[str, Any]] = {
    resources.ACC_INFO: RATES,
    resources.GYRO_INFO: RATES | {"Ranges": [125, 2000]},
    resources.IMU_CONFIG: {"AccRange": 8, "GyroRange": 2000, "MagnRange": 400},
}


def asked(outputs: list[m.DriverOutput]) -> list[wire.Command]:
    """Return the commands that go out."""
    return [wire.decode_command(one.data) for one in outputs if isinstance(one, m.Write)]


def hung_up(outputs: list[m.DriverOutput]) -> m.HangUp:
    """Return the end, which must be there."""
    (end,) = (one for one in outputs if isinstance(one, m.HangUp))
    return end


def events(outputs: list[m.DriverOutput], name: str) -> list[dict[str, m.Value]]:
    """Return the values of events."""
    return [one.value for one in outputs if isinstance(one, m.Event) and one.name == name]


def opened(rate_hz: float | None = None) -> tuple[Movesense, list[m.DriverOutput]]:
    """Return a driver whose notifications are on, and what it did then."""
    driver = Movesense(Options(rate_hz=rate_hz))
    assert driver.start()[0] == m.Subscribe(characteristic=wire.DATA)
    return driver, driver.feed(m.WriteResult(characteristic=wire.DATA))


def answer(driver: Movesense, outputs: list[m.DriverOutput], *, until: Code = Code.SUBSCRIBE) -> list[m.DriverOutput]:
    """Answer as a sensor does that offers everything, up to a request, and return what goes out with that."""
    while (last := asked(outputs)[-1]).code != until:
        data = wire.encode_hello(last.ref, 2, ("0001", "Flash"))
        if last.code == Code.GET:
            path = last.path or ""
            data = wire.encode_response(last.ref, 200, resources.encode(path, OFFERS[path]))
        outputs = feed(driver, data)
    return outputs


def subscribing(rate_hz: float | None = None) -> tuple[Movesense, wire.Command]:
    """Return a driver that has just asked for its subscription, and that request."""
    driver, outputs = opened(rate_hz)
    return driver, asked(answer(driver, outputs))[-1]


def packets(ref: int, stamp_ms: int, count: int = 8) -> list[bytes]:
    """Return the notifications of one payload."""
    rng = np.random.default_rng(stamp_ms)
    acc, gyr = rng.normal(0.0, 5.0, (count, 3)), rng.normal(0.0, 2.0, (count, 3))
    return wire.encode_data(ref, motion.encode(stamp_ms, acc, gyr))


def streaming() -> tuple[Movesense, int]:
    """Return a driver with a granted subscription, and its ref."""
    driver, last = subscribing()
    feed(driver, wire.encode_response(last.ref, 200))
    return driver, last.ref
