"""The simulated MetaMotion by itself: different rates, accounters, what it is seen as, commands that make no sense."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement
from ankled.drivers.metamotion import commands, wire
from ankled.drivers.metamotion.driver import MetaMotion
from ankled.simulators.peripherals.model import AttError
from tests.drivers.conversation import Conversation
from tests.drivers.metamotion_talk import Watched

ACC = wire.ACCELEROMETER


def test_slower_sensor_takes_every_other_sample() -> None:
    """With different rates the slower sensor's samples are part of the faster one's."""
    device = Watched().device
    device.connect(23, 0.0)
    device.subscribe(wire.DATA, on=True, now_s=0.0)
    acc, gyr = (device.sensors[stream].wire for stream in ("acc", "gyr"))
    for sensor, rate_hz in ((acc, 50.0), (gyr, 200.0)):
        full = sensor.default_range
        for command in [commands.config(sensor, rate_hz, full), *commands.start(sensor)]:
            device.write(wire.COMMAND, command, 0.0)
    sent = [one.data for one in device.advance(3.0)]
    counts = [sum(data[0] == sensor.module for data in sent) for sensor in (acc, gyr)]
    assert counts[0] == 50
    assert 190 <= counts[1] <= 200


def test_accounter_counts_on_the_device() -> None:
    """The device's accounters, both kinds, decode to its own clock and to whole numbers."""
    watched = Watched()
    device = watched.device
    acc = device.sensors["acc"].wire
    device.connect(23, 0.0)
    device.subscribe(wire.DATA, on=True, now_s=0.0)
    for counts in (False, True):
        device.write(wire.COMMAND, commands.accounter(ACC, acc.single, 6, count=counts), 0.0)
    assert [one.data.hex() for one in device.advance(0.0)] == ["090200", "090201"]
    enable = [bytes([wire.PROCESSOR, wire.PROCESSOR_NOTIFY_ENABLE, number, 1]) for number in (0, 1)]
    for command in [*enable, bytes([wire.PROCESSOR, wire.PROCESSOR_NOTIFY, 1]), *commands.start(acc)[1:]]:
        device.write(wire.COMMAND, command, 0.0)
    sent = [one.data for one in device.advance(1.005)]
    assert len(sent) == 200
    timer, counter = MetaMotion.for_decoding({}), MetaMotion.for_decoding({"mode": "count"})
    times, numbers = [], []
    for data in sent:
        driver = timer if data[2] == 0 else counter
        said, block = driver.feed(m.Notification(characteristic=wire.DATA, data=data))
        assert isinstance(said, m.Event)
        assert isinstance(block, m.Block)
        if block.time_s is None:
            numbers.append(said.value["count"])
        else:
            times.append(block.time_s[0])
    assert numbers == list(range(100))
    np.testing.assert_allclose(times, watched.taken[0].time_s, atol=wire.TICK_S)


def test_what_the_device_is_seen_as() -> None:
    """Its advertisement is the driver's, its table has what the driver needs, its strings name the model."""
    device = Watched(chip="bmi270").device
    seen = device.advertising
    advertisement = Advertisement(address="C0:00:00:00:00:01", name=seen.name, services=seen.services)
    assert MetaMotion.matches(advertisement)
    there = {one.uuid: one for service in device.services for one in service.characteristics}
    assert set(MetaMotion.info.characteristics.values()) <= set(there)
    assert set(MetaMotion.info.services) <= {service.uuid for service in device.services}
    assert device.read("00002a24-0000-1000-8000-00805f9b34fb", 0.0) == b"8"
    assert device.read("00002a19-0000-1000-8000-00805f9b34fb", 0.0) == bytes([87])
    with pytest.raises(AttError):
        device.read(wire.DATA, 0.0)


@given(values=st.lists(st.binary(max_size=24), max_size=20))
def test_any_command_leaves_the_device_whole(values: list[bytes]) -> None:
    """Commands that make no sense are refused by length or ignored; afterwards the device streams as ever."""
    device = Watched().device
    device.connect(23, 0.0)
    for data in values:
        fits = 2 <= len(data) <= 20
        with nullcontext() if fits else pytest.raises(AttError):
            device.write(wire.COMMAND, data, 0.0)
    with pytest.raises(AttError):
        device.write(wire.DATA, b"\x03\x04", 0.0)
    device.advance(0.1)
    device.disconnect(0.1)
    talk = Conversation(MetaMotion(), device, mtu=23, now_s=0.2)
    talk.begin()
    talk.run(0.5)
    assert talk.all(m.Block)
