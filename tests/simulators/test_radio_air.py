"""Air and controllers: what the stock virtual controller lacks, command by command and packet by packet."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from bumble import hci

from ankled.simulators.peripherals import model as m
from ankled.simulators.radio.advertising import ROOM, decode, encode
from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World, static_address
from tests.simulators.beeper import Beeper, Session, found, world

ABSENT = "C1:00:00:00:00:01"


@pytest.mark.parametrize("supervision_s", [2.0, 4.0])
def test_out_of_range_ends_the_link_for_both_after_the_supervision_timeout(supervision_s: float) -> None:
    """Both hosts get Connection Timeout, no sooner and not much later."""

    async def run() -> None:
        async with world(timing=Timing(supervision_s=supervision_s)) as air:
            central = await air.central()
            reasons: list[tuple[str, int]] = []
            server = air.server("left")
            for name, host in (("central", central.host), ("device", server.host)):
                host.on("disconnection", lambda _handle, reason, name=name: reasons.append((name, reason)))
            connection = await central.connect(server.placing.address, 1.0)
            server.controller.away = 1
            begun_s = air.now_s
            await asyncio.sleep(supervision_s - 0.1)
            assert not reasons
            await asyncio.sleep(0.2)
            timeout = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
            assert sorted(reasons) == [("central", timeout), ("device", timeout)]
            assert air.now_s - begun_s < supervision_s + 0.2
            await central.disconnect(connection)  # ends what has ended: no error

    run_virtual(run())


def test_a_shorter_absence_delays_and_loses_nothing() -> None:
    """Back before the supervision timeout, every sample arrives, in order and once."""

    async def run() -> None:
        air = World(timing=Timing(supervision_s=4.0))
        air.add("left", Beeper())
        async with air:
            central = await air.central()
            async with Session(await found(air, central), central, air) as session:
                await session.stream(20)
                await asyncio.sleep(2.0)
                air.server("left").controller.away = 1
                await asyncio.sleep(3.0)
                air.server("left").controller.away = 0
                await asyncio.sleep(2.0)
                assert session.numbers == list(range(len(session.numbers)))
                assert len(session.numbers) >= 135
                gaps = [after.at_s - before.at_s for before, after in itertools.pairwise(session.received)]
                assert max(gaps) == pytest.approx(3.0, abs=0.1)

    run_virtual(run())


def test_two_centrals_hear_what_is_in_their_own_range() -> None:
    """`separate` puts one pair out of range; everybody else goes on hearing both."""

    async def run() -> None:
        async with world() as air:
            near, far = await air.central("near"), await air.central("far")
            (far_controller,) = (one for one in air.air._members if one.name == "far")
            air.air.separate(air.server("left").controller, far_controller, apart=True)
            await found(air, near)
            with pytest.raises(AssertionError, match="not found"):
                await found(air, far, timeout_s=5.0)
            air.air.separate(air.server("left").controller, far_controller, apart=False)
            await found(air, far)

    run_virtual(run())


def test_rssi_is_that_of_the_device_and_can_change() -> None:
    """Both in advertisements and for a connection (HCI Read RSSI)."""

    async def run() -> None:
        air = World()
        address = air.add("left", Beeper(), rssi_dbm=-71)
        async with air:
            central = await air.central()
            await found(air, central)
            assert central.rssi_dbm(address) == -71
            air.server("left").controller.rssi_dbm = -88
            await found(air, central)
            assert central.rssi_dbm(address) == -88
            connection = await central.connect(address, 1.0)
            command = hci.HCI_Read_RSSI_Command(handle=connection.handle)
            assert (await central.host.send_sync_command(command)).rssi == -88

    run_virtual(run())


def test_the_scan_response_comes_to_active_scanners_only() -> None:
    """A name that does not fit into the advertisement is in the scan response, which a passive scanner never sees."""

    async def heard(*, active: bool) -> list[Any]:
        air = World()
        air.add("left", Beeper("A beeper with a long name"))
        seen: list[Any] = []
        async with air:
            central = await air.central()
            stop = await central.listen(seen.append, active=active)
            await asyncio.sleep(1.0)
            await stop()
        return seen

    active = run_virtual(heard(active=True))
    assert {one.name for one in active} == {"A beeper with a long name"}
    passive = run_virtual(heard(active=False))
    assert {one.name for one in passive} == {None}
    assert {one.manufacturer[0xFFFF] for one in passive} == {b"bp"}


def test_advertisements_come_at_their_interval_and_not_in_step() -> None:
    """100 ms plus up to 10 ms of random delay, which differs between devices."""

    async def run() -> None:
        async with world("left", "right") as air:
            central = await air.central()
            times: dict[str, list[float]] = {}
            stop = await central.listen(lambda one: times.setdefault(one.address, []).append(air.now_s))
            await asyncio.sleep(10.0)
            await stop()
            for each in times.values():
                steps = [after - before for before, after in itertools.pairwise(each)]
                assert min(steps) >= 0.1
                assert max(steps) <= 0.11 + 1e-9
            left, right = times.values()
            assert left[5:] != right[5:]

    run_virtual(run())


def test_what_is_advertised_reads_back_and_too_much_is_refused() -> None:
    """Services of both lengths, manufacturer data and name survive; what exceeds two packets is an error."""
    advertising = m.Advertising(
        name="Beeper", services=("0000180f-0000-1000-8000-00805f9b34fb",), manufacturer={0x0047: b"\x01\x02"}
    )
    first, second = encode(advertising)
    assert (len(second), len(first) <= ROOM) == (0, True)
    long = msgspec_replace(advertising, services=("61353090-8231-49cc-b57a-886370740041",))
    for one in (advertising, long):
        structures = [part for field in encode(one) for part in _split(field)]
        heard = decode("C0:00:00:00:00:00", -50, structures)
        assert (heard.name, heard.services, heard.manufacturer) == (one.name, one.services, one.manufacturer)
    with pytest.raises(RadioError, match="does not fit"):
        encode(msgspec_replace(advertising, name="n" * 40))


def msgspec_replace(advertising: m.Advertising, **changes: Any) -> m.Advertising:
    """Return an advertisement with changes."""
    fields = {name: getattr(advertising, name) for name in ("name", "services", "manufacturer")}
    return m.Advertising(**{**fields, **changes})


def _split(data: bytes) -> list[tuple[int, bytes]]:
    parts = []
    while data:
        length = data[0]
        parts.append((data[1], data[2 : 1 + length]))
        data = data[1 + length :]
    return parts


def test_addresses_are_random_static_and_stay_the_same() -> None:
    """The two highest bits are set, and a label always has the same address."""
    addresses = {static_address(f"sensor {number}") for number in range(200)}
    assert len(addresses) == 200
    assert all(int(address[:2], 16) >> 6 == 3 for address in addresses)
    assert static_address("left") == static_address("left")
