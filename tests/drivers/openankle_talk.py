"""What the tests of OpenAnkle share: conversations with a device, and answers of a device that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle.packets import encode_beat, encode_packet
from ankled.simulators.peripherals.openankle import SimulatedOpenAnkle
from tests.drivers.conversation import Conversation

if TYPE_CHECKING:
    from ankled.drivers.driver import Options

FORM = wire.Format(100.0, 16.0, 2000.0)
BYTE = wire.encode_format(FORM)
ONE_OF_EACH = wire.Capabilities(
    rates_hz=(50.0,),
    acc_ranges_g=(4.0,),
    gyr_ranges_dps=(500.0,),
    weight_settable=False,
    weight_kept=False,
    identifies=False,
    tells_clock=False,
    max_samples=1,
)


def talk_with(device: SimulatedOpenAnkle, options: Options | None = None, *, mtu: int = 247) -> Conversation:
    """Return a conversation that has begun."""
    talk = Conversation(OpenAnkle(options), device, mtu=mtu)
    talk.begin()
    return talk


def device_of(talk: Conversation) -> SimulatedOpenAnkle:
    """Return the device of a conversation."""
    assert isinstance(talk.peripheral, SimulatedOpenAnkle)
    return talk.peripheral


def indices(talk: Conversation) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the number of each sample of one run, those that are missing counted."""
    blocks = talk.all(m.Block)
    lost = np.repeat(np.cumsum([block.missing for block in blocks]), [len(block) for block in blocks])
    return np.asarray(lost + np.arange(len(lost)), dtype=np.int64)


def messages(talk: Conversation) -> list[m.Value]:
    """Return the sentences of all errors."""
    return [value["message"] for value in talk.events("error")]


def opened(options: Options | None = None, can: wire.Capabilities | None = None) -> OpenAnkle:
    """Return a driver that has read an idle device and configures it."""
    driver = OpenAnkle(options)
    driver.start()
    driver.feed(
        m.ReadResult(characteristic=wire.CAPABILITIES, data=wire.encode_capabilities(can or wire.Capabilities()))
    )
    driver.feed(m.ReadResult(characteristic=wire.STATUS, data=wire.encode_status(wire.Status(boot=7))))
    return driver


def answered(driver: OpenAnkle, result: c.Result = c.Result.SUCCESS) -> list[m.DriverOutput]:
    """Return what follows when the device answers the command that it owes an answer to."""
    waiting, tag = driver.state.waiting, driver.state.tag
    started = None
    if waiting == c.Op.START and result == c.Result.SUCCESS:
        started = c.Started(form=FORM, samples_per_packet=8, period_ns=10_000_000)
    answer = c.Response(op=waiting, tag=tag, result=result, started=started)
    return driver.feed(m.Notification(characteristic=wire.CONTROL, data=c.encode_response(answer)))


def streaming(options: Options | None = None) -> OpenAnkle:
    """Return a driver whose device streams."""
    driver = opened(options)
    answered(driver)
    answered(driver)
    assert driver.state.step == "streaming"
    return driver


def packet(first: int, time_us: int, count: int = 2, boot: int = 7, form: int = BYTE) -> m.Notification:
    """Return a packet of zeros."""
    return m.Notification(
        characteristic=wire.DATA, data=encode_packet(first, form, boot, time_us, np.zeros((count, 6), "<i2"))
    )


def beat(time_us: int, boot: int = 7) -> m.Notification:
    """Return a beat of the clock."""
    return m.Notification(characteristic=wire.CLOCK, data=encode_beat(time_us, boot))


def clock_of(outputs: list[m.DriverOutput]) -> list[float]:
    """Return the times of all beats among outputs."""
    return [one.time_s for one in outputs if isinstance(one, m.Beat)]


def named(outputs: list[m.DriverOutput], name: str) -> list[dict[str, m.Value]]:
    """Return the values of the events of one name."""
    return [one.value for one in outputs if isinstance(one, m.Event) and one.name == name]


def only_block(outputs: list[m.DriverOutput]) -> m.Block:
    """Return the one block among outputs."""
    (block,) = [one for one in outputs if isinstance(one, m.Block)]
    return block
