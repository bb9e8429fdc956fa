"""drivers/README.md is right: its example works as it stands, its links lead somewhere, its table is complete."""

from __future__ import annotations

import re
import sys
import types
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Driver, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.registry import BUILT_IN, GROUP, collect, sensor_for
from ankled.simulators.imu import IDEAL
from tests.drivers.conversation import Conversation, board

DRIVERS = Path(__file__).resolve().parents[2] / "drivers"


@cache
def text() -> str:
    """Return the document."""
    return (DRIVERS / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def thingy(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Return the example, driver and device, as a module that can be imported."""
    module = types.ModuleType("ankled_thingy")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in re.findall(r"```python\n(.*?)```", text(), re.DOTALL):
        exec(compile(block, "drivers/README.md", "exec"), vars(module))  # noqa: S102  (the text is what is tested)
    return module


def talk_with(thingy: Any, options: Options | None = None, **how: Any) -> Conversation:
    """Return a conversation with a device on a walker's leg, which has begun."""
    device = thingy.SimulatedThingy(board(errors=IDEAL), "Thingy")
    device.refusals = how.pop("refusals", 0)
    talk = Conversation(thingy.Thingy(options), device, mtu=23)
    talk.begin()
    return talk


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 200.0])
def test_the_example_streams(thingy: Any, rate_hz: float) -> None:
    """Settings come first, then every sample, as measured within the resolution; stop() ends it."""
    talk = talk_with(thingy, Options(rate_hz=rate_hz))
    talk.run(4.0)
    said = [one for _, one in talk.outputs if isinstance(one, m.Block | m.Event)]
    assert isinstance(said[0], m.Event)
    assert said[0].value["rate_hz"] == rate_hz
    acc = talk.stacked("acc")
    assert len(acc) == pytest.approx(3.9 * rate_hz, rel=0.03)
    ours = talk.peripheral.board
    true, _ = ours._motion.at(ours.radio_s(ours._times(np.arange(len(acc)))))
    np.testing.assert_allclose(acc, np.clip(true, -32 * 9.80665, 32 * 9.80665), rtol=0, atol=0.51 * 9.80665 / 1024)
    talk._take(talk.driver.stop())
    talk.run(1.0)
    assert not talk.peripheral.streaming


def test_the_example_refuses(thingy: Any) -> None:
    """Truncated packets, options it lacks, a device that does not take its settings, one that is silent."""
    with pytest.raises(DecodeError, match="has 18 bytes, this packet 17"):
        thingy.Thingy().feed(m.Notification(characteristic=thingy.RAW, data=bytes(17)))
    with pytest.raises(OptionsError):
        thingy.Thingy(Options(rate_hz=25.0))
    talk = talk_with(thingy, refusals=1)
    talk.run(1.0)
    assert talk.hung_up is not None
    mute = type("Mute", (thingy.SimulatedThingy,), {"advance": lambda _self, _now_s: []})
    silent = Conversation(thingy.Thingy(), mute(board(), "Thingy"))
    silent.begin()
    silent.run(20.0)
    assert silent.hung_up == m.HangUp(reason="it was started and sends nothing")


def test_the_example_can_be_plugged_in(thingy: Any) -> None:
    """By the entry point that the text names it is found, matches its device, and takes no other driver's."""
    (line,) = re.findall(r'^thingy = "(.*)"$', text(), re.MULTILINE)
    assert f'[project.entry-points."{GROUP}"]' in text()
    found = collect([EntryPoint(name="thingy", value=line, group=GROUP)])
    assert found.warnings == ()
    driver: type[Driver[Any]] = found.drivers["thingy"]
    seen = Advertisement(address="C0:00:00:00:00:01", name="Thingy", services=(thingy.ADVERTISED,))
    assert driver.matches(seen)
    assert sensor_for(seen) == []


def test_every_driver_stands_in_the_table() -> None:
    """The table names each registered driver once, with its MTU, and where its code is."""
    rows = {row[0]: row for row in re.findall(r"^\| \[(\w+)\]\((\S+)\) \|(.*)\|$", text(), re.MULTILINE)}
    there = {name: (path, cells.split("|")) for name, path, cells in rows.values() if (DRIVERS / path).exists()}
    drivers = {one.info.name: one.info for one in BUILT_IN}
    assert drivers.keys() == {name for name in there if name not in {"messages", "driver"}}
    for name, info in drivers.items():
        _, cells = there[name]
        assert int(cells[6]) == info.min_mtu, name


def test_links_lead_somewhere() -> None:
    """Every relative link names a file or a folder."""
    links = re.findall(r"\]\(([^)#]+)\)", text())
    assert len(links) > 15
    assert not [link for link in links if not (DRIVERS / link).exists()]
