"""Faults on the air: what each does to a client that streams, and that it ends."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from bleak.exc import BleakGATTProtocolError

from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.errors import ScriptError
from ankled.simulators.radio.faults import Fault, Faults, parse_script
from ankled.simulators.radio.virtual import run_virtual
from tests.simulators.beeper import Session, beeper, found, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ankled.simulators.radio.central import Central
    from ankled.simulators.radio.world import World

Scene = tuple["World", "Central", Session, Faults]


def play(script: str, scene: Callable[[World, Central, Session, Faults], Awaitable[None]], **options: Any) -> None:
    """Stream at 100 Hz from the left of two devices, and play a script from when the stream begins."""

    async def run() -> None:
        async with world("left", "right", timing=Timing(supervision_s=2.0), **options) as air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                await session.stream(100)
                with Faults(air, parse_script(script, air.labels)) as faults:
                    await scene(air, central, session, faults)

    run_virtual(run())


def _steps(session: Session) -> list[int]:
    return [after - before for before, after in itertools.pairwise(session.numbers)]


def test_out_of_range_loses_the_link_and_the_device_comes_back() -> None:
    """Nobody finds it while it is away; it goes on with its clock; then it is found again."""

    async def scene(air: World, central: Central, session: Session, _faults: Faults) -> None:
        clock = beeper(air).board.clock_s
        await asyncio.sleep(1.0)
        before_s = clock(air.now_s) - air.now_s
        await asyncio.sleep(3.0)
        assert session.lost_s
        with pytest.raises(AssertionError, match="not found"):
            await found(air, central, timeout_s=4.0)
        await found(air, central, timeout_s=3.0)
        assert clock(air.now_s) - air.now_s == pytest.approx(before_s), "its clock was not touched"

    play("1 out_of_range left 8", scene)


def test_absent_is_off_and_begins_anew() -> None:
    """The central sees a time-out; minutes later the device is there, its clock at zero."""

    async def scene(air: World, central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(1.1)
        assert not beeper(air).connected, "a device that is off knows of no connection"
        assert not session.lost_s, "and the central not yet that it is off"
        await asyncio.sleep(3.0)
        assert session.lost_s
        await asyncio.sleep(177.0)
        await found(air, central, timeout_s=1.0)
        assert beeper(air).board.clock_s(air.now_s) < 2.0

    play("1 absent left 180", scene)


def test_link_loss_is_seen_by_both_at_once() -> None:
    """As if the supervision timeout had just passed; the device advertises again."""

    async def scene(air: World, central: Central, session: Session, _faults: Faults) -> None:
        begun_s = air.now_s
        await asyncio.sleep(1.05)
        assert session.lost_s == [pytest.approx(begun_s + 1.0, abs=0.01)]
        assert not beeper(air).connected
        async with Session(await found(air, central, timeout_s=1.0), central, air) as again:
            await again.stream(100)
            await asyncio.sleep(1.0)
            assert len(again.received) > 90

    play("1 link_loss left", scene)


def test_a_zombie_stays_connected_and_says_nothing() -> None:
    """No data, no answer, and the link is up all the while; afterwards the device goes on."""

    async def scene(_air: World, _central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(1.1)
        before = len(session.received)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.client.read_gatt_char("2a19"), 5.0)
        assert session.client.is_connected
        assert len(session.received) == before
        await asyncio.sleep(6.0)
        assert len(session.received) > before + 100
        assert sum(step > 1 for step in _steps(session)) == 1, "its FIFO has overflown once"

    play("1 zombie left 10", scene)


def test_bursts_bring_all_samples_but_seldom() -> None:
    """Connection events every 0.4 s, nothing lost, and back to 30 ms."""

    async def scene(_air: World, _central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(8.0)
        times = [at_s for at_s, _ in itertools.groupby(one.at_s for one in session.received)]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert sum(gap == pytest.approx(0.4) for gap in gaps) >= 11
        assert gaps[-1] == pytest.approx(0.03)
        assert set(_steps(session)) == {1}

    play("1 bursts left 5 0.4", scene)


def test_bursts_outlast_a_connection() -> None:
    """A link made while they last has them too."""

    async def scene(air: World, central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(1.5)
        await session.client.disconnect()
        async with Session(await found(air, central), central, air) as again:
            await again.stream(100)
            await asyncio.sleep(2.0)
            times = {one.at_s for one in again.received}
            assert 3 <= len(times) <= 6

    play("1 bursts left 60 0.5", scene)


def test_bursts_do_not_keep_a_dead_link_alive() -> None:
    """The central of a device that has restarted times out when it should, however events are stretched."""

    async def scene(air: World, _central: Central, session: Session, _faults: Faults) -> None:
        begun_s = air.now_s
        await asyncio.sleep(20.0)
        assert session.lost_s == [pytest.approx(begun_s + 12.0, abs=0.8)]

    play("10 reset left\n10.1 bursts left 60 0.7", scene)


def test_packets_get_lost_inside_the_sensor() -> None:
    """About the given share, only while it lasts."""

    async def scene(_air: World, _central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(14.0)
        lost = [number for number in range(max(session.numbers)) if number not in set(session.numbers)]
        assert 70 < len(lost) < 130
        assert min(lost) >= 95
        assert max(lost) <= 1105

    play("1 lost_packets left 10 0.1", scene)


def test_packets_come_twice() -> None:
    """Each of them while it lasts, in order."""

    async def scene(_air: World, _central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(4.0)
        steps = _steps(session)
        assert set(steps) == {0, 1}
        assert 190 <= steps.count(0) <= 210

    play("1 duplicates left 2 1", scene)


def test_an_overrun_leaves_a_gap_of_its_size() -> None:
    """The next 37 samples are missing, and nothing else."""

    async def scene(_air: World, _central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(3.0)
        assert sorted(set(_steps(session))) == [1, 38]

    play("1 overrun left 37", scene)


def test_a_reset_device_is_silent_until_the_link_times_out() -> None:
    """It advertises at once while the central still thinks that it is connected; its clock begins at zero."""

    async def scene(air: World, _central: Central, session: Session, _faults: Faults) -> None:
        begun_s = air.now_s
        await asyncio.sleep(1.5)
        assert session.client.is_connected
        assert not beeper(air).connected
        assert air.server("left").controller.le_legacy_advertiser.enabled
        await asyncio.sleep(2.0)
        assert session.lost_s == [pytest.approx(begun_s + 3.0, abs=0.1)]
        assert beeper(air).board.clock_s(air.now_s) == pytest.approx(2.5, abs=0.1)

    play("1 reset left", scene)


def test_the_battery_and_refusals_are_the_devices_own() -> None:
    """The level reads back; the given number of commands is refused, and the next one is not."""

    async def scene(_air: World, _central: Central, session: Session, _faults: Faults) -> None:
        await asyncio.sleep(1.1)
        assert await session.client.read_gatt_char("2a19") == bytes([7])
        for _ in range(2):
            with pytest.raises(BleakGATTProtocolError):
                await session.command(b"s")
        await session.command(b"s")

    play("1 low_battery left 7\n1 refusals left 2", scene)


def test_faults_overlap_and_end_each_by_itself() -> None:
    """A device that is out of range for two reasons is back when both are over."""

    async def scene(air: World, central: Central, _session: Session, faults: Faults) -> None:
        await asyncio.sleep(8.0)
        with pytest.raises(AssertionError, match="not found"):
            await found(air, central, timeout_s=2.0)
        await asyncio.sleep(3.0)
        await found(air, central, timeout_s=1.0)
        told = ["out_of_range left", "absent left", "end of out_of_range left", "end of absent left"]
        assert [what for _, what in faults.done] == told

    play("1 out_of_range left 5\n2 absent left 9", scene)


def test_leaving_ends_what_still_lasts() -> None:
    """And what has not begun never does."""

    async def scene(air: World, _central: Central, _session: Session, _faults: Faults) -> None:
        with Faults(air, parse_script("0.5 zombie * 60\n5 reset left", air.labels)) as more:
            await asyncio.sleep(1.0)
            assert air.server("left").host.deaf
            assert air.server("right").host.deaf
        assert not air.server("left").host.deaf
        assert not air.server("right").host.deaf
        calls = list(beeper(air).calls)
        await asyncio.sleep(10.0)
        assert beeper(air).calls == calls
        assert len(more.done) == 4

    play("", scene)


def test_faults_happen_on_demand_and_need_a_device() -> None:
    """`apply` is now, whatever `at_s` says; an unknown device is refused, in a script before anything happens."""

    async def scene(air: World, _central: Central, session: Session, faults: Faults) -> None:
        faults.apply(Fault(at_s=99.0, kind="link_loss", device="left"))
        await asyncio.sleep(0.1)
        assert not session.client.is_connected
        nobody = Fault(at_s=0.0, kind="reset", device="nobody")
        with pytest.raises(ScriptError, match='no device "nobody"; allowed: left, right'):
            faults.apply(nobody)
        with pytest.raises(ScriptError, match="nobody"):
            Faults(air, [nobody])

    play("", scene)
