"""Simulated devices on the air: connection events, order, MTU, indications, errors, and the life of a world."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from bleak.exc import BleakGATTProtocolError

from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
from tests.simulators.beeper import (
    ANSWER,
    COMMAND,
    DATA,
    LONG,
    LONG_VALUE,
    Beeper,
    Session,
    beeper,
    found,
    world,
)


def test_samples_come_in_bursts_at_connection_events() -> None:
    """At 100 Hz and 30 ms three packets come together, every 30 ms."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                await session.stream(100)
                await asyncio.sleep(3.0)
            bursts = [len(list(group)) for _, group in itertools.groupby(one.at_s for one in session.received)]
            assert bursts[1:-1] == [3] * len(bursts[1:-1])
            times = [at_s for at_s, _ in itertools.groupby(one.at_s for one in session.received)]
            steps = [after - before for before, after in itertools.pairwise(times)]
            assert steps == pytest.approx([0.03] * len(steps))
            assert session.numbers == list(range(len(session.numbers)))
            assert len(session.numbers) >= 290

    run_virtual(run())


@pytest.mark.parametrize(("asked_s", "expected_s"), [(None, 0.05), (0.015, 0.015)])
def test_the_device_is_asked_once_at_each_connection_event(asked_s: float | None, expected_s: float) -> None:
    """The interval is the central's, or what the device asks for."""

    async def run() -> None:
        air = World(timing=Timing(interval_s=0.05))
        air.add("left", Beeper(), interval_s=asked_s)
        async with air:
            central = await air.central()
            async with Session(await found(air, central), central, air):
                await asyncio.sleep(2.0)
            steps = [after - before for before, after in itertools.pairwise(beeper(air).advanced_s)]
            assert steps == pytest.approx([expected_s] * len(steps))

    run_virtual(run())


def test_requests_are_answered_at_once_unless_the_air_is_paced() -> None:
    """Paced, a read takes two connection events, as on a real link; else it takes no time."""

    async def read_s(*, paced: bool) -> float:
        async with world(paced=paced) as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                begun_s = air.now_s
                assert await session.client.read_gatt_char("2a19") == bytes([87])
                return air.now_s - begun_s

    assert run_virtual(read_s(paced=False)) == 0.0
    assert run_virtual(read_s(paced=True)) == pytest.approx(0.06)


@pytest.mark.parametrize(("offered", "agreed"), [(247, 247), (23, 23), (160, 160)])
def test_the_mtu_is_what_both_can(offered: int, agreed: int) -> None:
    """BlueZ offers 517; the device hears of 23 first and then of what was agreed on."""

    async def run() -> None:
        air = World()
        air.add("left", Beeper(), mtu=offered)
        async with air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                assert session.client.mtu_size == agreed
                characteristic = session.client.services.get_characteristic(COMMAND)
                assert characteristic is not None
                assert characteristic.max_write_without_response_size == agreed - 3
                assert await session.client.read_gatt_char(LONG) == LONG_VALUE
            assert beeper(air).calls == [
                "connect 23",
                *([f"connect {agreed}"] if agreed > 23 else ["connect 23"]),
                "disconnect",
            ]

    run_virtual(run())


def test_refusals_come_back_as_att_errors() -> None:
    """The code is the device's own."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                for data, code in ((b"?", 0x0D), (b"r\x64", 0x80)):
                    beeper(air).refusals = int(code == 0x80)
                    with pytest.raises(BleakGATTProtocolError) as refused:
                        await session.command(data)
                    assert refused.value.code == code
                with pytest.raises(BleakGATTProtocolError) as refused:
                    await session.client.read_gatt_char(DATA)
                assert refused.value.code == 0x02
                with pytest.raises(BleakGATTProtocolError) as refused:
                    await session.client.write_gatt_char(LONG, b"1", response=True)
                assert refused.value.code == 0x03
                await session.command(b"r\x64")

    run_virtual(run())


def test_indications_wait_for_each_other_and_keep_their_order() -> None:
    """Three commands, three answers, none lost, none twice; a write without response is a command too."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                await session.listen()
                await session.command(b"r\x64")
                await session.command(b"s")
                await session.client.write_gatt_char(COMMAND, b"r\x0a", response=False)
                await asyncio.sleep(0.1)
                assert session.answers == [b"did r", b"did s", b"did r"]
                await session.client.stop_notify(ANSWER)
                await session.command(b"s")
                await asyncio.sleep(0.1)
                assert len(session.answers) == 3

    run_virtual(run())


def test_an_indication_nobody_confirms_holds_back_the_next() -> None:
    """One at a time per connection: Core 5.4, Vol 3, Part F, 3.4.7.2."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                await session.listen()
                central.host.deaf = True  # so it confirms nothing
                await session.client.write_gatt_char(COMMAND, b"r\x64", response=False)
                await session.client.write_gatt_char(COMMAND, b"s", response=False)
                await asyncio.sleep(1.0)
                assert len(air.server("left")._outbox) == 1
                central.host.deaf = False

    run_virtual(run())


def test_after_a_disconnection_the_device_is_found_again_and_begins_afresh() -> None:
    """Subscriptions do not outlive the connection, numbers begin at zero."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            for _ in range(3):
                async with Session(await found(air, central), central, air) as session:
                    assert not beeper(air).subscribed
                    await session.stream(50)
                    await asyncio.sleep(1.0)
                    assert session.numbers[:3] == [0, 1, 2]
            assert beeper(air).calls.count("disconnect") == 3

    run_virtual(run())


def test_a_central_that_takes_nothing_makes_the_fifo_overflow() -> None:
    """While packets wait in the device's stack its samples stay in the FIFO of 64, and the oldest are lost."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                await session.stream(100)
                await asyncio.sleep(1.0)
                (controller,) = (end.station for end in (link.central for link in air.air.links))
                controller.congested = True
                await asyncio.sleep(10.0)
                before = len(session.numbers)
                controller.relieve()
                await asyncio.sleep(1.0)
            steps = [after - before for before, after in itertools.pairwise(session.numbers)]
            assert steps.count(1) == len(steps) - 1, "in order, once, with one gap"
            assert max(steps) > 800
            assert len(session.numbers) - before < 250

    run_virtual(run())
