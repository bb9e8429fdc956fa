"""Whom the supervisor connects to, by which adapter, and when it had better not: on the radio of software."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from ankled.daemon.live.options import Admission, Limits, Rule, Wanted
from ankled.drivers.uuids import sig
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World, static_address
from tests.daemon.scenes import LEFT, RIGHT, both
from tests.daemon.tiny import INFO, SERVICE, Bench, TinySensor, adapter, running


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


def test_no_more_are_adopted_than_allowed() -> None:
    """In a busy gym the daemon does not gather what it can get."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        await asyncio.sleep(10.0)
        assert len(bench.supervisor.status().devices) == 1

    both(scenario, wanted=[], admission=Admission(adopt="known-drivers", most=1))


def test_who_is_known_to_two_drivers_is_not_adopted_and_told_once() -> None:
    """Which driver is for a person to say; the warning does not repeat with each advertisement."""

    async def scenario(_world: World, bench: Bench) -> None:
        await asyncio.sleep(20.0)
        assert not bench.supervisor.status().devices

    admission = Admission(adopt="known-drivers", allow=Rule(names=("*left",)))
    bench = both(scenario, wanted=[], admission=admission, sensors_for=lambda _seen: ["tiny", "rsc"])
    (notice,) = bench.notices
    assert "tiny, rsc" in notice.text


def test_adoption_may_be_ended() -> None:
    """A reload with another policy lets go of those that nobody asked for."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: len({one.device for one in bench.packets()}) == 2)
        bench.supervisor.want([], Admission(adopt="none"))
        await bench.until(lambda: not bench.supervisor.status().devices)

    both(scenario, wanted=[], admission=Admission(adopt="known-drivers"))


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


@pytest.mark.parametrize(
    "mine", [Wanted(slug="mine", address=static_address("left").lower()), Wanted(slug="mine", name="Tiny left")]
)
def test_a_wanted_device_that_was_adopted_becomes_the_wanted_one(mine: Wanted) -> None:
    """When the configuration names it, its link under the slug of its address ends, and one under its name begins."""

    async def scenario(_world: World, bench: Bench) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        bench.supervisor.want([mine])
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
    """Required services and the size of packets are checked first; the reason is told once, and minutes pass."""

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
