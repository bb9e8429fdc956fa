"""Adapters that fail, hear nothing or hold links of somebody else; and the quiet in which devices are connected."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError

from ankled.daemon.live.options import Admission, Limits, Wanted
from ankled.drivers.driver import Advertisement
from ankled.drivers.link import Backend, Handle, Scanner
from ankled.drivers.messages import HangUp
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World, static_address
from tests.daemon.tiny import Bench, TinySensor, adapter, running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bleak.backends.client import BaseBleakClient

    from ankled.drivers.driver import Advertisement

LEFT, RIGHT = Wanted(slug="left", name="Tiny left"), Wanted(slug="right", name="Tiny right")
OFF = BleakBluetoothNotAvailableError("No powered adapters", BleakBluetoothNotAvailableReason.POWERED_OFF)
NO_BLUETOOTHD = BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["org.bluez was not provided"])
BUSY = BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])


class Spy:
    """What the radio is asked to do, and what it is told to answer."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.mute = False
        self.scanning = False
        self.starts = 0
        self.connecting = 0
        self.most_connecting = 0
        self.scanned_while_connecting = False
        self.held: list[tuple[Advertisement, Handle]] = []
        self.power_cycles = 0
        self.close_takes_s = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiedBackend(Backend):
    """An adapter of the radio of software that can fail, and that answers what else only BlueZ does."""

    spy: Spy = field(default_factory=Spy)

    async def held(self, services: frozenset[str]) -> list[tuple[Advertisement, Handle]]:
        """Return what the spy was told."""
        assert services
        return self.spy.held

    async def power_cycle(self) -> None:
        """Count."""
        self.spy.power_cycles += 1


async def spied(world: World, name: str = "hci0") -> tuple[SpiedBackend, Spy]:
    """Return an adapter whose scanner and clients are watched."""
    spy = Spy()
    base_scanner, base_client = backends(await world.central(name))

    class Ears(base_scanner):  # type: ignore[misc, valid-type]  # made by a function
        """Fails when told to."""

        async def start(self) -> None:
            if spy.failure is not None:
                raise spy.failure
            spy.starts += 1
            spy.scanning = True
            spy.scanned_while_connecting |= spy.connecting > 0
            await super().start()

        async def stop(self) -> None:
            spy.scanning = False
            await super().stop()

        def call_detection_callbacks(self, *heard: Any) -> None:
            if not spy.mute:
                super().call_detection_callbacks(*heard)

    class Client(base_client):  # type: ignore[misc, valid-type]  # made by a function
        """Fails when told to."""

        async def connect(self, *arguments: Any, **options: Any) -> None:
            if spy.failure is not None:
                raise spy.failure
            spy.connecting += 1
            spy.most_connecting = max(spy.most_connecting, spy.connecting)
            spy.scanned_while_connecting |= spy.scanning
            try:
                await super().connect(*arguments, **options)
            finally:
                spy.connecting -= 1

        async def disconnect(self) -> None:
            await asyncio.sleep(spy.close_takes_s)
            await super().disconnect()

    client: type[BaseBleakClient] = Client
    return SpiedBackend(adapter=name, scanner=Ears, client=client, spy=spy), spy


def play(scenario: Callable[[World, Bench, Spy], Coroutine[None, None, None]], *labels: str, **options: Any) -> Bench:
    """Run a scenario with sensors and one watched adapter."""

    async def run() -> Bench:
        world = World()
        for label in labels:
            world.add(label, TinySensor(f"Tiny {label}"))
        async with world:
            backend, spy = await spied(world)
            wanted = options.pop("wanted", [LEFT, RIGHT])
            prepare: Callable[[Spy], None] = options.pop("prepare", lambda _spy: None)
            prepare(spy)
            bench = Bench(wanted, {"hci0": backend}, **options)
            async with running(bench):
                await scenario(world, bench, spy)
        return bench

    return run_virtual(run())


def test_one_connects_at_a_time_and_nobody_scans_meanwhile() -> None:
    """Eight sensors appear at once: they get the air to themselves one after the other."""
    wanted = [Wanted(slug=f"s{number}", name=f"Tiny {number}") for number in range(7)]

    async def scenario(_world: World, bench: Bench, spy: Spy) -> None:
        await bench.until(lambda: all(len(bench.packets(one.slug)) > 5 for one in wanted))
        assert spy.most_connecting == 1
        assert not spy.scanned_while_connecting
        assert not spy.scanning

    play(scenario, *(str(number) for number in range(7)), wanted=wanted)


def test_scanning_goes_on_while_somebody_is_missing() -> None:
    """And with adoption always, for others may come."""

    async def scenario(_world: World, bench: Bench, spy: Spy) -> None:
        await bench.until(lambda: len(bench.packets()) > 5)
        assert spy.scanning
        assert bench.supervisor.status().adapters[0].state == "scanning"

    play(scenario, "left")
    play(scenario, "left", wanted=[LEFT], admission=Admission(adopt="known-drivers"))


@pytest.mark.parametrize("failure", [OFF, NO_BLUETOOTHD, BUSY, FileNotFoundError("no system bus")], ids=str)
def test_an_adapter_that_is_not_there_is_waited_for(failure: Exception) -> None:
    """Nothing exits: it is tried again with growing waits, health says why, and all begins when it comes."""

    async def scenario(_world: World, bench: Bench, spy: Spy) -> None:
        await asyncio.sleep(300.0)
        (status,) = bench.supervisor.status().adapters
        assert status.state == "down"
        assert status.last_error is not None
        assert bench.status().state == "waiting"
        assert bench.supervisor.heartbeat_s < 10.0
        spy.failure = None
        await bench.until(lambda: len(bench.packets()) > 5)
        assert bench.supervisor.status().adapters[0].last_error is None

    def fail(spy: Spy) -> None:
        spy.failure = failure

    bench = play(scenario, "left", "right", prepare=fail)
    told = [one.text for one in bench.notices if one.device is None]
    assert len(told) == 2, "once when it fails, once when it works again"


def test_an_adapter_that_goes_away_is_waited_for() -> None:
    """Whoever cannot be connected to because the adapter fails is not blamed for it: no back-off of its own."""

    async def scenario(world: World, bench: Bench, spy: Spy) -> None:
        await bench.until(lambda: bench.status().online)
        spy.failure = OFF
        world.server("left").lose_links()
        await asyncio.sleep(120.0)
        assert bench.status().state == "waiting"
        assert bench.supervisor.status().adapters[0].state == "down"
        attempts = bench.status().attempts
        spy.failure = None
        await bench.until(lambda: bench.status().online)
        assert bench.status().attempts == attempts + 1

    play(scenario, "left", wanted=[LEFT])


def test_an_adapter_that_fails_while_connecting_is_down() -> None:
    """The error of the client is the adapter's; nobody else is sent to it until a scan has begun anew."""

    async def scenario(_world: World, bench: Bench, spy: Spy) -> None:
        await bench.until(lambda: spy.scanning)
        spy.failure = OFF
        await bench.until(lambda: bench.supervisor.status().adapters[0].state == "down")
        await asyncio.sleep(60.0)
        assert sum(bench.status(slug).attempts for slug in ("left", "right")) <= 2
        spy.failure = None
        await bench.until(lambda: all(bench.status(slug).online for slug in ("left", "right")))

    play(scenario, "left", "right")


def test_closing_takes_its_time_and_the_link_is_down_all_the_same() -> None:
    """What comes until the device is disconnected belongs to no link: offline at once, and no input after the end."""

    async def scenario(_world: World, bench: Bench, spy: Spy) -> None:
        await bench.until(lambda: bench.status().online)
        spy.close_takes_s = 3.0
        bench.supervisor.act("left", 1, HangUp(reason="enough"))
        await asyncio.sleep(1.0)
        assert not bench.status().online
        assert bench.supervisor.status().adapters[0].taken == ("left",)
        assert [one.up for one in bench.links()] == [True, False]
        await bench.until(lambda: bench.status().epoch == 2)

    play(scenario, "left", wanted=[LEFT])


def test_a_deaf_scanner_is_restarted_then_its_adapter_switched_off_and_on() -> None:
    """90 s without any advertisement: restart. The fourth time, with no link that could be lost, a power cycle."""

    async def scenario(_world: World, bench: Bench, spy: Spy) -> None:
        spy.mute = True
        await asyncio.sleep(1.0)
        begun = spy.starts
        await asyncio.sleep(90.0)
        assert spy.starts == begun + 1
        await bench.until(lambda: spy.power_cycles == 1, 400.0)
        assert bench.supervisor.status().adapters[0].restarts == 4
        assert bench.supervisor.status().adapters[0].power_cycles == 1
        spy.mute = False
        await bench.until(lambda: bench.status().online)

    def mute(spy: Spy) -> None:
        spy.mute = True

    play(scenario, "left", wanted=[LEFT], prepare=mute)


def test_a_deaf_scanner_costs_no_link() -> None:
    """While another sensor streams over the adapter it is not switched off, nor is anybody told; restarts are few."""

    async def scenario(_world: World, bench: Bench, spy: Spy) -> None:
        await bench.until(lambda: bench.status().online)
        spy.mute = True
        told = len(bench.notices)
        await asyncio.sleep(700.0)
        assert bench.supervisor.status().adapters[0].restarts == 3, "after 90, 180 and 360 s"
        assert spy.power_cycles == 0
        assert len(bench.links()) == 1
        assert len(bench.notices) == told

    play(scenario, "left")


def test_a_link_that_a_killed_predecessor_left_is_taken_over() -> None:
    """BlueZ holds the device, so it does not advertise: it is found among the connected ones, and connected to."""
    left = Wanted(slug="left", address=static_address("left"))

    async def scenario(world: World, bench: Bench, spy: Spy) -> None:
        await asyncio.sleep(60.0)
        assert bench.status().state == "waiting"
        heard: list[tuple[Advertisement, Handle]] = []
        scanner = Scanner(await adapter(world, "other"), lambda *one: heard.append(one))
        await scanner.start()
        await bench.until(lambda: bool(heard))
        await scanner.stop()
        seen, handle = heard[0]
        spy.held = [(msgspec.structs.replace(seen, rssi_dbm=None), handle)]
        await bench.until(lambda: bench.status().online, Limits().held_s + 10.0)
        bench.supervisor.want([left, RIGHT])
        for name in ("Other", "Tiny right"):
            spy.held = [(msgspec.structs.replace(seen, name=name), handle)]
            await asyncio.sleep(100.0)
            assert bench.status().name == "Tiny left", "that it is held is no news of a device that is ours"
            assert bench.status("right").attempts == 0, "and it is nobody else's"
        assert len(bench.links()) == 1

    def mute(spy: Spy) -> None:
        spy.mute = True

    play(scenario, "left", wanted=[left], prepare=mute)
