"""The source of a live device: a defective plug-in costs its own link, repeats are known where they can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np
import pytest

from ankled.daemon.inputs import Config, Link, Notification
from ankled.daemon.pipeline import Core, source
from ankled.daemon.pipeline.repeats import Repeats
from ankled.daemon.records import Event
from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo
from tests.daemon.wearers import settings

if TYPE_CHECKING:
    from ankled.drivers.messages import DriverInput, DriverOutput

ONE = np.ones((1, 3))


class _State(msgspec.Struct):
    pass


class Clumsy(Driver[_State]):
    """A plug-in that breaks the rules in the way that its packet names."""

    info: ClassVar[DriverInfo] = DriverInfo(
        name="clumsy",
        title="",
        kind="sensor",
        services=(),
        characteristics={"data": "c"},
        streams=("acc", "gyr"),
        rates_hz=(50.0,),
    )
    State: ClassVar[type[msgspec.Struct]] = _State

    def start(self) -> list[DriverOutput]:
        """Ask for data."""
        return [m.Subscribe(characteristic="c")]

    def feed(self, item: DriverInput) -> list[DriverOutput]:
        """Do what no driver may."""
        match item:
            case m.Notification(data=b"raises"):
                raise KeyError(item.characteristic)
            case m.Notification(data=b"no settings"):
                return [m.Block(acc=ONE, gyr=ONE, time_s=None)]
            case m.Notification(data=b"empty"):
                none = np.zeros((0, 3))
                return [
                    m.Event(name="settings", value={"rate_hz": 100.0}),
                    m.Block(acc=none, gyr=none, time_s=None),
                ]
            case _:
                return []


@pytest.mark.parametrize("how", [b"raises", b"no settings", b"empty"])
def test_a_defective_driver_costs_its_own_link(how: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a plug-in does wrong, it is told, its link is dropped for long, and nothing is raised."""
    monkeypatch.setattr(source, "find", lambda _name: Clumsy)
    acted: list[tuple[str, int, m.Action]] = []
    core = Core(act=lambda slug, epoch, action: acted.append((slug, epoch, action)))
    core.feed(Config(host_ns=0, settings=settings()))
    core.feed(Link(host_ns=0, device="left", epoch=1, up=True, address="a", name="n", driver="clumsy"))
    records = core.feed(Notification(host_ns=1, device="left", epoch=1, characteristic="c", data=how))
    told = [one for one in records if isinstance(one, Event) and one.event == "sensor_error"]
    assert len(told) == 1
    assert "driver clumsy failed" in str(told[0].detail)
    hung_up = [action for _, _, action in acted if isinstance(action, m.HangUp)]
    assert len(hung_up) == 1
    assert hung_up[0].lasting


def test_packets_of_one_sample_are_never_taken_for_repeats() -> None:
    """At rest two frames of a sensor may be the same; packets of several samples with their noise are not."""
    repeats = Repeats()
    packet = Notification(host_ns=0, device="left", epoch=1, characteristic="c", data=bytes(20))
    again = Notification(host_ns=1_000_000, device="left", epoch=1, characteristic="c", data=bytes(20))
    assert not repeats.twice(packet)
    assert not repeats.twice(again)
    repeats.state.several = True
    assert repeats.twice(again)
