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
from ankled.simulators.radio.errors import LinkLostError, RadioError, SlotsError
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World, static_address
from tests.simulators.beeper import Beeper, Session, beeper, found, world

ABSENT = "C1:00:00:00:00:01"


def test_a_connection_that_does_not_come_about_is_given_up_and_does_not_wedge_the_central() -> None:
    """LE Create Connection Cancel: after two absent devices the third, which is there, connects at once."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await central.connect(ABSENT, 3.0)
            assert air.now_s == pytest.approx(6.0, abs=0.1)
            connection = await central.connect(air.server("left").placing.address, 1.0)
            assert air.server("left").connected
            await central.disconnect(connection)

    run_virtual(run())


def test_cancelling_a_task_that_connects_leaves_nothing_behind() -> None:
    """The controller's pending connection is cancelled with the task, so that it does not come about later."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            air.server("left").controller.away = 1
            task = asyncio.create_task(central.connect(air.server("left").placing.address, 60.0))
            await asyncio.sleep(1.0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            air.server("left").controller.away = 0
            await asyncio.sleep(5.0)
            assert not air.server("left").connected

    run_virtual(run())


def test_a_reset_of_the_controller_frees_the_devices_after_their_supervision_timeout() -> None:
    """HCI Reset tells nobody: the device sees a time-out, then advertises, and a successor connects."""

    async def run() -> None:
        async with world(timing=Timing(supervision_s=2.0)) as air:
            central = await air.central()
            await central.connect(air.server("left").placing.address, 1.0)
            await asyncio.sleep(0.5)
            await central.host.send_sync_command(hci.HCI_Reset_Command())
            await asyncio.sleep(1.9)
            assert air.server("left").connected
            await asyncio.sleep(0.2)
            assert not air.server("left").connected
            successor = await air.central("successor")
            await found(air, successor)
            await successor.connect(air.server("left").placing.address, 1.0)

    run_virtual(run())


def test_data_travels_in_packets_of_251_bytes() -> None:
    """An ATT packet of the largest MTU takes three link-layer packets, and one of 244 bytes of data only one."""

    async def run() -> None:
        air = World()
        air.add("left", Beeper(size=240), mtu=247)
        async with air:
            central = await air.central()
            assert central.host.le_acl_packet_queue is not None
            assert central.host.le_acl_packet_queue.max_packet_size == 251
            async with Session(await found(air, central), central, air) as session:
                before = air.server("left").host.le_acl_packet_queue.queued  # type: ignore[union-attr]  # powered on
                await session.stream(100)
                await asyncio.sleep(1.0)
                sent = air.server("left").host.le_acl_packet_queue.queued - before  # type: ignore[union-attr]  # as above
                assert len(session.received) <= sent <= len(session.received) + 4

    run_virtual(run())


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


def test_connection_slots_are_limited_and_freed() -> None:
    """The eighth connection is refused; when one ends there is room again."""

    async def run() -> None:
        labels = [f"d{number}" for number in range(8)]
        async with world(*labels) as air:
            central = await air.central(slots=7)
            addresses = [air.server(label).placing.address for label in labels]
            connections = [await central.connect(address, 1.0) for address in addresses[:7]]
            with pytest.raises(SlotsError, match="slots are taken"):
                await central.connect(addresses[7], 1.0)
            await central.disconnect(connections[3])
            await central.connect(addresses[7], 1.0)

    run_virtual(run())


def test_a_disconnection_tells_both_sides_who_did_it() -> None:
    """The local host hears Terminated By Local Host, the remote one Remote User Terminated."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            server = air.server("left")
            connection = await central.connect(server.placing.address, 1.0)
            await asyncio.sleep(0)  # both sides have heard of it
            reasons: dict[str, int] = {}
            for name, host in (("central", central.host), ("device", server.host)):
                host.on("disconnection", lambda _handle, reason, name=name: reasons.__setitem__(name, reason))
            await central.disconnect(connection)
            await asyncio.sleep(0.1)
            assert reasons == {
                "central": hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR,
                "device": hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR,
            }
            assert beeper(air).calls[-1] == "disconnect"

    run_virtual(run())


def test_data_length_parameters_and_unknown_commands_are_answered() -> None:
    """LE Set Data Length is granted, Connection Update changes the interval, what nobody knows is refused."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            connection = await central.connect(air.server("left").placing.address, 1.0)
            await connection.set_data_length(251, 2120)
            await asyncio.sleep(0.01)
            assert connection.data_length.max_tx_octets == 251
            (link,) = air.air.links
            assert link.interval_s == pytest.approx(0.03)
            await connection.update_parameters(60.0, 60.0, 0, 3000)
            assert link.interval_s == pytest.approx(0.06)
            assert link.timing.supervision_s == pytest.approx(3.0)
            with pytest.raises(hci.HCI_Error) as sync:
                await central.host.send_sync_command(hci.HCI_Read_Local_OOB_Data_Command())
            with pytest.raises(hci.HCI_Error) as asynchronous:
                await central.host.send_async_command(hci.HCI_Read_Clock_Offset_Command(connection_handle=1))
            unknown = hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR
            assert (sync.value.error_code, asynchronous.value.error_code) == (unknown, unknown)

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


def test_what_does_not_answer_is_found_out_and_not_waited_for() -> None:
    """A GATT request on a zombie ends with its transaction's time-out, and the link with it."""

    async def run() -> None:
        async with world() as air:
            central = await air.central()
            async with Session(await found(air, central), central, air, transaction_s=5.0) as session:
                air.server("left").hang(on=True)
                with pytest.raises(TimeoutError, match="within 5 s"):
                    await session.client.read_gatt_char("2a19")
                assert not session.client.is_connected
            air.server("left").hang(on=False)
            assert issubclass(LinkLostError, RadioError)

    run_virtual(run())
