"""Controllers: what the stock virtual controller lacks, command by command."""

from __future__ import annotations

import asyncio

import pytest
from bumble import hci

from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.errors import LinkLostError, RadioError, SlotsError
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.world import World
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
