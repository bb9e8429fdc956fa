"""The supervisor on the radio of software, under a virtual clock: who is connected to, what comes in, what goes out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from ankled.daemon.inputs import Link, ReadResult, WriteResult
from ankled.daemon.live.options import Admission, Limits, Rule, Wanted
from ankled.daemon.live.supervisor import Supervisor
from ankled.drivers.messages import Deadline, HangUp, Read, Subscribe, Write
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import BATTERY_LEVEL
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.daemon.tiny import COMMAND, DATA, INFO, QUICK, SERVICE, Bench, TinySensor, adapter, now_ns, running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ankled.drivers.messages import Action

LEFT = Wanted(slug="left", name="Tiny left")
RIGHT = Wanted(slug="right", name="Tiny right")


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
    """The driver's reason is the link's; a lasting one is not tried again for minutes. What it asked for before is done."""

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


def both(scenario: Callable[[World, Bench], Coroutine[None, None, None]], **options: object) -> Bench:
    """Run a scenario with two sensors and one adapter."""

    async def run() -> Bench:
        world = World()
        for label in ("left", "right"):
            world.add(label, TinySensor(f"Tiny {label}"))
        async with world:
            wanted = options.pop("wanted", [LEFT, RIGHT])
            slots = options.pop("slots", 7)
            bench = Bench(wanted, {"hci": await adapter(world, slots=slots)}, **options)  # type: ignore[arg-type]
            async with running(bench):
                await scenario(world, bench)
        return bench

    return run_virtual(run())


def test_two_sensors_stream_side_by_side_over_one_adapter() -> None:
    """One connects after the other, and then nobody is waited for: the scanner rests."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: all(len(bench.packets(slug)) > 20 for slug in ("left", "right")))
        (status,) = bench.supervisor.status().adapters
        assert (status.state, sorted(status.taken)) == ("resting", ["left", "right"])
        assert bench.supervisor.heartbeat_s <= 6.0

    both(scenario)


def test_our_own_limit_of_slots_is_kept_and_explained() -> None:
    """The second sensor waits without being tried, says why, and comes in when the first one is let go."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 20)
        (first,) = {one.device for one in bench.packets()}
        second = "right" if first == "left" else "left"
        await bench.until(lambda: bench.status(second).last_error is not None)
        assert bench.status(second).state == "waiting"
        assert bench.status(second).attempts == 0
        assert f"no connection left: {first}" in str(bench.status(second).last_error)
        bench.supervisor.want([LEFT if second == "left" else RIGHT])
        await bench.until(lambda: len(bench.packets(second)) > 5)

    bench = both(scenario, limits=Limits(slots=1))
    assert len([one for one in bench.notices if "no connection left" in one.text]) == 1


def test_a_controller_that_refuses_one_more_is_believed() -> None:
    """Its limit is learned from the refusal; the sensor waits and is not tried again in vain."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: bench.supervisor.status().adapters[0].slots == 1)
        await asyncio.sleep(100.0)
        attempts = sorted(bench.status(slug).attempts for slug in ("left", "right"))
        assert attempts == [1, 1]

    both(scenario, slots=1)


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


def test_adoption_takes_known_devices_and_lets_go_of_those_long_gone() -> None:
    """Under the slug of the address, up to the most; block and allow lists are heeded; a lost one is forgotten."""

    async def scenario(world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        (status,) = bench.supervisor.status().devices
        assert status.adopted
        assert status.name == "Tiny left"
        world.server("left").controller.away += 1
        await bench.until(lambda: not bench.supervisor.status().devices, 70.0)

    admission = Admission(adopt="known-drivers", block=Rule(names=("*right",)))
    both(scenario, wanted=[], admission=admission, limits=Limits(forget_s=60.0))


def test_the_adopted_leave_room_for_the_wanted() -> None:
    """The last slot is kept for a configured sensor, though it is not there yet."""

    async def scenario(_world: World, bench: Bench) -> None:
        await asyncio.sleep(30.0)
        assert not bench.links()
        bench.supervisor.want([])
        await bench.until(lambda: len(bench.packets()) > 5)

    absent = Wanted(slug="absent", address="C0:00:00:00:00:00")
    admission = Admission(adopt="known-drivers", allow=Rule(names=("*left",)))
    both(scenario, wanted=[absent], admission=admission, limits=Limits(slots=1))


def test_a_wanted_device_that_was_adopted_becomes_the_wanted_one() -> None:
    """When the configuration names it, its link under the slug of its address ends, and one under its name begins."""

    async def scenario(world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        address = world.server("left").placing.address
        bench.supervisor.want([Wanted(slug="mine", address=address)])
        await bench.until(lambda: len(bench.packets("mine")) > 5)

    admission = Admission(adopt="known-drivers", allow=Rule(names=("*left",)))
    bench = both(scenario, wanted=[], admission=admission)
    assert [one.up for one in bench.links()] == [True, False, True, False]


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (msgspec.structs.replace(INFO, services=(SERVICE, sig(0x1814))), ["no service", "1814"]),
        (msgspec.structs.replace(INFO, min_mtu=400), ["247 bytes", "400"]),
    ],
    ids=["service", "mtu"],
)
def test_a_device_that_does_not_fit_its_driver_never_comes_up(info: object, words: list[str]) -> None:
    """Required services and the size of packets are checked first; the reason is told once, and it waits for minutes."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: bench.status().state == "backoff")
        assert (bench.status().retry_s or 0.0) > 140.0
        await asyncio.sleep(310.0)
        assert bench.status().attempts == 2

    bench = both(scenario, wanted=[LEFT], info_of=lambda _name: info)
    assert not bench.inputs
    told = [one.text for one in bench.notices if one.device == "left"]
    assert len(told) == 1
    assert all(word in told[0] for word in words)


@pytest.mark.parametrize(("drivers", "words"), [(["tiny", "rsc"], "tiny, rsc"), ([], "no driver")])
def test_without_one_driver_nothing_is_taken_and_somebody_is_told(drivers: list[str], words: str) -> None:
    """Not at once: the next advertisement may say more. Then a warning, and no connection."""

    async def scenario(_world: World, bench: Bench) -> None:
        await asyncio.sleep(Limits().unknown_s - 1.0)
        assert not bench.notices
        await bench.until(lambda: len(bench.notices) == 1)
        await asyncio.sleep(100.0)
        assert bench.status().attempts == 0

    bench = both(scenario, wanted=[LEFT], sensors_for=lambda _seen: drivers)
    (notice,) = bench.notices
    assert notice.level == "warning"
    assert words in notice.text


def test_of_two_devices_with_one_name_the_one_in_use_is_kept() -> None:
    """A name that two devices bear cannot swap them: the second is left alone, and a warning asks for addresses."""

    async def scenario() -> None:
        world = World()
        sensors = [TinySensor("Tiny left"), TinySensor("Tiny left")]
        for label, sensor in zip("ab", sensors, strict=True):
            world.add(label, sensor)
        async with world:
            bench = Bench([LEFT, Wanted(slug="absent", address="C0:00:00:00:00:00")], {"hci": await adapter(world)})
            async with running(bench):
                await bench.until(lambda: len(bench.packets()) > 20)
                for server in world.servers.values():
                    server.lose_links()
                await bench.until(lambda: len(bench.links()) == 3)
        assert sorted(sensor.links for sensor in sensors) == [0, 2]
        assert any("tell them apart by address" in one.text for one in bench.notices)

    run_virtual(scenario())


def test_the_louder_of_two_adapters_with_a_free_slot_connects() -> None:
    """Each adapter has its own scanner and slots; what one cannot hold the other one takes."""

    async def scenario() -> None:
        world = World()
        for label in ("left", "right"):
            world.add(label, TinySensor(f"Tiny {label}"))
        async with world:
            adapters = {name: await adapter(world, name) for name in ("hci0", "hci1")}
            bench = Bench([LEFT, RIGHT], adapters, limits=Limits(slots=1))
            async with running(bench):
                await bench.until(lambda: all(len(bench.packets(slug)) > 5 for slug in ("left", "right")))
                assert {bench.status(slug).adapter for slug in ("left", "right")} == {"hci0", "hci1"}
                assert all(len(one.taken) == 1 for one in bench.supervisor.status().adapters)

    run_virtual(scenario())


def test_nearby_tells_everybody_who_was_heard() -> None:
    """Also strangers, with the drivers that know them and whose they are."""

    async def scenario(_world: World, bench: Bench) -> None:
        absent = Wanted(slug="absent", address="C0:00:00:00:00:00")
        bench.supervisor.want([absent, RIGHT])
        await asyncio.sleep(2.0)
        found = {one.name: one for one in bench.supervisor.nearby()}
        assert found["Tiny left"].slug is None
        assert found["Tiny right"].slug == "right"
        assert found["Tiny left"].drivers == ("tiny",)
        assert found["Tiny left"].rssi_dbm == -60
        assert found["Tiny left"].age_s < 1.0

    both(scenario, wanted=[])


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
    gaps = {after - before for before, after in zip(stamps, stamps[1:], strict=False)}
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
            supervisor = Supervisor(
                backends={"hci": await adapter(world)},
                devices=[LEFT],
                sensors_for=lambda _seen: ["tiny"],
                info_of=lambda _name: INFO,
                put=inputs.append,
                now_ns=now_ns,
            )
            task = asyncio.create_task(supervisor.run())
            while not inputs:
                await asyncio.sleep(0.1)
            supervisor.stop()
            await task
        assert len(inputs) == 2

    run_virtual(scenario())
