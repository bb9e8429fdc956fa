"""The supervisor on the radio of software, under a virtual clock: who is connected to, what comes in, what goes out."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.inputs import Link, ReadResult, WriteResult
from ankled.daemon.live.options import Limits
from ankled.daemon.live.supervisor import Supervisor
from ankled.drivers.messages import Deadline, HangUp, Read, Subscribe, Write
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import BATTERY_LEVEL
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.scenes import LEFT, RIGHT, both
from tests.daemon.tiny import COMMAND, DATA, INFO, QUICK, SERVICE, Bench, TinySensor, adapter, now_ns, running

if TYPE_CHECKING:
    from ankled.drivers.messages import Action


def test_a_wanted_sensor_is_connected_to_and_streams() -> None:
    """Link up with what was found on it, then every notification in order, each stamped and of this epoch."""

    async def scenario() -> None:
        world, sensor = World(), TinySensor("Tiny left")
        address = world.add("left", sensor)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)})
            async with running(bench):
                await bench.until(lambda: len(bench.packets()) >= 50)
                status = bench.status()
                assert (status.state, status.online, status.epoch, status.attempts) == ("streaming", True, 1, 1)
                assert (status.address, status.driver, status.mtu, status.rssi_dbm) == (address, "tiny", 247, -60)
                assert status.packet_age_s is not None
                assert status.packet_age_s <= 0.2
        up = bench.inputs[0]
        assert isinstance(up, Link)
        assert (up.up, up.epoch, up.address, up.name, up.driver) == (True, 1, address, "Tiny left", "tiny")
        assert up.mtu == 247
        assert {SERVICE, sig(0x180F)} <= set(up.services)
        numbers = [int.from_bytes(one.data, "little") for one in bench.packets()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert {one.characteristic for one in bench.packets()} == {DATA}
        assert bench.downs() == ["not wanted any more"]

    run_virtual(scenario())


def test_actions_are_carried_out_one_after_the_other_each_with_its_result() -> None:
    """In the order asked for, whatever they are; a write goes the way that the characteristic offers."""

    async def scenario() -> None:
        world, sensor = World(), TinySensor("Tiny left")
        world.add("left", sensor)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)})
            bench.greet = [
                Read(characteristic=BATTERY_LEVEL),
                Write(characteristic=COMMAND, data=b"one", response=False),
                Write(characteristic=QUICK, data=b"two", response=True),
                Subscribe(characteristic=DATA),
                Write(characteristic=COMMAND, data=b"three"),
                Subscribe(characteristic=DATA, on=False),
            ]
            async with running(bench):
                await bench.until(lambda: len(bench.results()) == 6)
                assert not sensor.subscribed
        assert sensor.commands == [b"one", b"two", b"three"]
        assert [type(one) for one in bench.results()] == [ReadResult] + [WriteResult] * 5
        assert [one.characteristic for one in bench.results()] == [BATTERY_LEVEL, COMMAND, QUICK, DATA, COMMAND, DATA]
        assert not any(one.error for one in bench.results())
        assert isinstance(first := bench.results()[0], ReadResult)
        assert first.data == bytes([87])

    run_virtual(scenario())


def test_what_cannot_be_done_has_a_result_that_says_so_and_the_link_stays() -> None:
    """Refusals by the device, characteristics that are not there or do not offer it: errors for the driver to judge."""

    async def scenario() -> None:
        world, sensor = World(), TinySensor("Tiny left")
        sensor.refusals = 1
        world.add("left", sensor)
        nowhere = sig(0x2A53)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)})
            bench.greet = [
                Write(characteristic=COMMAND, data=b"refused"),
                Read(characteristic=nowhere),
                Read(characteristic=COMMAND),
                Subscribe(characteristic=COMMAND),
                Write(characteristic=DATA, data=b""),
                Subscribe(characteristic=DATA),
            ]
            async with running(bench):
                await bench.until(lambda: len(bench.packets()) > 5)
        errors = [one.error for one in bench.results()]
        assert "Unlikely" in str(errors[0])
        assert nowhere in str(errors[1])
        assert all("offers" in str(error) for error in errors[2:5])
        assert errors[5] is None
        assert len(bench.links()) == 2

    run_virtual(scenario())


def test_a_deadline_is_not_for_the_radio_and_late_actions_do_nothing() -> None:
    """Deadlines belong to the core. Actions for a link that is over are counted and dropped."""

    async def scenario() -> None:
        world, sensor = World(), TinySensor("Tiny left")
        world.add("left", sensor)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)})
            async with running(bench):
                await bench.until(lambda: len(bench.packets()) > 0)
                with pytest.raises(TypeError, match="Deadline"):
                    bench.supervisor.act("left", 1, Deadline(name="x", after_s=1.0))
                for slug, epoch in (("left", 0), ("left", 2), ("nobody", 1)):
                    bench.supervisor.act(slug, epoch, Write(characteristic=COMMAND, data=b"late"))
                await asyncio.sleep(1.0)
                assert bench.supervisor.status().late_actions == 3
        assert not sensor.commands

    run_virtual(scenario())


@pytest.mark.parametrize(("lasting", "least_s", "most_s"), [(False, 0.5, 3.0), (True, 150.0, 302.0)])
def test_hang_up_drops_the_link_and_waits(*, lasting: bool, least_s: float, most_s: float) -> None:
    """What was asked for before is done; the reason is the driver's; a lasting one is minutes to the next try."""

    async def scenario() -> None:
        world, sensor = World(), TinySensor("Tiny left")
        world.add("left", sensor)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)})
            bench.greet = [Write(characteristic=COMMAND, data=b"first"), HangUp(reason="no such rate", lasting=lasting)]
            async with running(bench):
                await bench.until(lambda: len(bench.links()) == 2)
                await bench.until(lambda: bench.status().last_error == "no such rate")
                await bench.until(lambda: len(bench.links()) >= 3, 400.0)
        _, down, again = bench.links()[:3]
        assert least_s <= (again.host_ns - down.host_ns) * 1e-9 <= most_s
        assert bench.downs()[0] == "no such rate"
        assert sensor.commands[0] == b"first"

    run_virtual(scenario())


def test_two_sensors_stream_side_by_side_over_one_adapter() -> None:
    """One connects after the other, and then nobody is waited for: the scanner rests."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: all(len(bench.packets(slug)) > 20 for slug in ("left", "right")))
        (status,) = bench.supervisor.status().adapters
        assert (status.state, sorted(status.taken)) == ("resting", ["left", "right"])
        assert bench.supervisor.heartbeat_s <= 6.0

    both(scenario)


def test_a_removed_device_is_put_to_rest_and_a_changed_one_begins_anew() -> None:
    """The farewell reaches the sensor before the link goes down; the others do not notice."""
    goodbye: list[Action] = [Write(characteristic=COMMAND, data=b"rest"), Subscribe(characteristic=DATA, on=False)]

    async def scenario(world: World, bench: Bench) -> None:
        await bench.until(lambda: all(len(bench.packets(slug)) > 5 for slug in ("left", "right")))
        bench.supervisor.want([RIGHT])
        await bench.until(lambda: len(bench.supervisor.status().devices) == 1)
        sensor = world.server("left").peripheral
        assert isinstance(sensor, TinySensor)
        assert sensor.commands == [b"rest"]
        assert not sensor.connected
        bench.supervisor.want([msgspec.structs.replace(RIGHT, driver="tiny")])
        await bench.until(lambda: len(bench.links("right")) == 3)

    bench = both(scenario, farewell=lambda slug: goodbye if slug == "left" else [])
    left = [one for one in bench.inputs if getattr(one, "device", "") == "left"]
    assert [type(one) for one in left[-3:]] == [WriteResult, WriteResult, Link]


def test_a_farewell_has_a_deadline() -> None:
    """A sensor that does not answer keeps nobody from stopping."""

    async def scenario(world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        world.server("left").hang(on=True)
        begun_s = asyncio.get_running_loop().time()
        bench.supervisor.want([])
        stopped_s = await bench.until(lambda: not bench.supervisor.status().devices)
        assert stopped_s - begun_s <= Limits().farewell_s + 1.0

    both(scenario, wanted=[LEFT], farewell=lambda _slug: [Write(characteristic=COMMAND, data=b"rest")])


def test_a_supervisor_without_devices_stops_at_once() -> None:
    """Nothing to put to rest; no adapter is touched."""

    async def scenario() -> None:
        bench = Bench([], {})
        async with running(bench):
            await asyncio.sleep(1.0)
        assert not bench.inputs

    run_virtual(scenario())


def test_inputs_are_stamped_when_they_arrive() -> None:
    """The stamp of a notification is taken in the callback, and never later than what is put."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 20)

    bench = both(scenario, wanted=[LEFT])
    stamps = [one.host_ns for one in bench.packets()]
    gaps = {after - before for before, after in pairwise(stamps)}
    assert min(gaps) >= 90_000_000
    assert max(gaps) <= 130_000_000


def test_a_flood_of_actions_ends_the_link() -> None:
    """A driver that asks for more than it can get is defective: its link ends rather than the memory."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 0)
        for _ in range(1000):
            bench.supervisor.act("left", 1, Read(characteristic=BATTERY_LEVEL))
        await bench.until(lambda: "at once" in str(bench.downs()[:1]))

    both(scenario, wanted=[LEFT])


def test_the_supervisor_may_be_cancelled() -> None:
    """Cut short, it still disconnects and says that the links are down."""

    async def scenario() -> None:
        world, sensor = World(), TinySensor("Tiny left")
        world.add("left", sensor)
        async with world:
            bench = Bench([LEFT], {"hci": await adapter(world)})
            task = asyncio.create_task(bench.supervisor.run())
            await bench.until(lambda: len(bench.packets()) > 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not sensor.connected
            assert [one.up for one in bench.links()] == [True, False]

    run_virtual(scenario())


def test_the_defaults_of_the_callbacks_do_nothing() -> None:
    """Who does not care for states and notices need not take them."""

    async def scenario() -> None:
        world = World()
        world.add("left", TinySensor("Tiny left"))
        async with world:
            inputs: list[object] = []
            some = asyncio.Event()

            def put(item: object) -> None:
                inputs.append(item)
                some.set()

            supervisor = Supervisor(
                backends={"hci": await adapter(world)},
                devices=[LEFT],
                sensors_for=lambda _seen: ["tiny"],
                info_of=lambda _name: INFO,
                put=put,
                now_ns=now_ns,
            )
            task = asyncio.create_task(supervisor.run())
            await some.wait()
            supervisor.stop()
            await task
        assert len(inputs) == 2

    run_virtual(scenario())
