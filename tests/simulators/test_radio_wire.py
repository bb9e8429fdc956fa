"""A second process: controllers over sockets, clients that die, a simulator that goes, and the kernel's virtual HCI."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bumble.transport.common import StreamPacketSink

from ankled.simulators.radio.connection import Timing
from ankled.simulators.radio.errors import LostError, RadioError
from ankled.simulators.radio.virtual import run_virtual
from ankled.simulators.radio.wire import connect, parse_spec, serve
from ankled.simulators.radio.world import World
from tests.simulators.beeper import Beeper, Session, beeper, found, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]

CLIENT = """
import asyncio, sys
from bleak import BleakClient, BleakScanner
from ankled.simulators.radio.backend import backends
from ankled.simulators.radio.wire import connect
from tests.simulators.beeper import COMMAND, DATA

async def main(spec, address):
    scanner, client = backends(await connect(spec, name="daemon"))
    device = await BleakScanner.find_device_by_address(address, backend=scanner)
    async with BleakClient(device, backend=client) as session:
        counted = 0
        def data(_characteristic, _data):
            nonlocal counted
            counted += 1
            if counted == 20:
                print("streaming", flush=True)
        await session.start_notify(DATA, data)
        await session.write_gatt_char(COMMAND, b"r\\x64", response=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_client_elsewhere_scans_connects_and_streams(kind: str, tmp_path: Path) -> None:
    """The same as in the simulator's own process, through a socket."""

    async def run() -> None:
        async with (
            world("left", "right") as air,
            serve(air, _spec(kind, tmp_path), slots=1) as where,
            await connect(where) as central,
        ):
            async with Session(await found(air, central), central, air) as session:
                await session.stream(100)
                await asyncio.sleep(3.0)
                assert session.numbers == list(range(len(session.numbers)))
                assert len(session.numbers) > 280
                assert session.client.mtu_size == 247
            assert len(session.lost_s) == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(run())


def _spec(kind: str, folder: Path) -> str:
    return f"unix:{folder / 'hci'}" if kind == "unix" else "tcp:127.0.0.1:0"


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        yield line.decode().strip()


async def test_a_client_that_is_killed_leaves_room_for_its_successor(tmp_path: Path) -> None:
    """SIGKILL in mid-stream, twice: the device sees a time-out, advertises, and the next client connects to it."""
    async with world(timing=Timing(supervision_s=2.0)) as air, serve(air, _spec("unix", tmp_path)) as where:
        address = air.server("left").placing.address
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CLIENT, where, address, stdout=asyncio.subprocess.PIPE, cwd=ROOT
            )
            async with asyncio.timeout(60.0):
                assert [line async for line in _first(_lines(process))] == ["streaming"]
            process.send_signal(signal.SIGKILL)
            await process.wait()
            assert air.server("left").connected, "nobody told the device"
        async with (
            asyncio.timeout(60.0),
            await connect(where, name="successor") as central,
            Session(await found(air, central, timeout_s=30.0), central, air) as session,
        ):
            await session.stream(100)
            await asyncio.sleep(0.5)
            assert session.numbers[:10] == list(range(10))
        assert beeper(air).calls.count("disconnect") == 3


async def _first(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        return


def test_the_links_of_a_dead_client_are_dropped_even_if_nobody_comes_after_it(tmp_path: Path) -> None:
    """The device is free once its supervision timeout has passed, without anybody having reset the controller."""

    async def run() -> None:
        async with world(timing=Timing(supervision_s=2.0)) as air, serve(air, _spec("unix", tmp_path)) as where:
            central = await connect(where)
            await central.connect(air.server("left").placing.address, 1.0)
            sink = central._transport.sink
            assert isinstance(sink, StreamPacketSink)
            sink.transport.abort()
            await asyncio.sleep(1.9)
            assert beeper(air).connected
            await asyncio.sleep(0.2)
            assert not beeper(air).connected
            await found(air, await air.central())
            await central.close()

    run_virtual(run())


def test_one_client_at_a_time(tmp_path: Path) -> None:
    """A second one is told, the first one notices nothing, and later the second gets its turn."""

    async def run() -> None:
        async with world() as air, serve(air, _spec("unix", tmp_path)) as where:
            async with (
                await connect(where) as central,
                Session(await found(air, central), central, air) as session,
            ):
                with pytest.raises(LostError, match="hung up"):
                    await connect(where, name="second")
                await session.stream(100)
                await asyncio.sleep(1.0)
                assert len(session.numbers) > 90
            await asyncio.sleep(0.1)
            async with await connect(where, name="second") as central:
                await found(air, central)

    run_virtual(run())


def test_a_simulator_that_goes_ends_everything_at_the_client(tmp_path: Path) -> None:
    """The link is lost, its callback comes, and closing is quick."""

    async def run() -> None:
        async with world() as air:
            async with serve(air, _spec("unix", tmp_path)) as where:
                central = await connect(where)
                session = Session(await found(air, central), central, air)
                await session.client.connect()
            await asyncio.sleep(0.1)
            assert central.lost
            assert len(session.lost_s) == 1
            before_s = air.now_s
            await session.client.disconnect()
            await central.close()
            assert air.now_s == before_s
            with pytest.raises(RadioError, match="nobody exports a controller at unix:"):
                await connect(where)

    run_virtual(run())


def test_a_client_that_speaks_no_hci_is_hung_up_on(tmp_path: Path) -> None:
    """And the next one is served."""

    async def run() -> None:
        async with world() as air, serve(air, _spec("unix", tmp_path)) as where:
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "hci"))
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b"", "the end, and no answer"
            writer.close()
            await asyncio.sleep(0.1)
            async with await connect(where) as central:
                await found(air, central)

    run_virtual(run())


def test_a_client_that_does_not_read_makes_the_sensor_overflow_and_not_the_simulator(tmp_path: Path) -> None:
    """Its socket fills, the controller takes nothing from the air, the FIFO loses; nothing grows without bound."""

    async def run() -> None:
        air = World()
        air.add("left", Beeper(size=240))
        async with (
            air,
            serve(air, _spec("unix", tmp_path)) as where,
            await connect(where) as central,
            Session(await found(air, central), central, air) as session,
        ):
            await session.stream(250)
            await asyncio.sleep(1.0)
            sink = central._transport.sink
            assert isinstance(sink, StreamPacketSink)
            assert isinstance(sink.transport, asyncio.Transport)
            sink.transport.pause_reading()
            await asyncio.sleep(60.0)
            link = air.air.links[0]
            assert link.central.station.congested
            assert air.server("left").host.waiting < 64
            assert len(link.peripheral.queue) <= 64
            sink.transport.resume_reading()
            await asyncio.sleep(2.0)
            assert session.numbers[-1] > 250 * 60
            assert session.numbers == sorted(set(session.numbers))

    run_virtual(run())


def test_a_socket_file_that_a_dead_simulator_left_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    """Nobody takes over a controller that is in use."""

    async def run() -> None:
        spec = _spec("unix", tmp_path)
        async with world() as air:
            async with serve(air, spec, label="first"):
                with pytest.raises(RadioError, match="somebody else exports"):
                    async with serve(air, spec, label="second"):
                        pass
            assert not (tmp_path / "hci").exists(), "it cleans up after itself"
            left = socket.socket(socket.AF_UNIX)
            left.bind(str(tmp_path / "hci"))
            left.close()
            async with serve(air, spec, label="third") as where, await connect(where) as central:
                await found(air, central)
            with pytest.raises(RadioError, match="cannot export a controller at unix:"):
                async with serve(air, f"unix:{tmp_path / 'no' / 'folder'}", label="fourth"):
                    pass

    run_virtual(run())


@pytest.mark.parametrize(
    "spec", ["", "unix:", "tcp:8.8.8.8:80", "tcp:0.0.0.0:80", "tcp:127.0.0.1:x", "tcp:127.0.0.1:99999", "hci0", "usb:0"]
)
def test_an_address_that_is_none_is_told_with_what_is_allowed(spec: str) -> None:
    """Only this machine: nothing on the way is authenticated."""
    with pytest.raises(RadioError, match="is no address of a controller; allowed are unix:PATH, tcp:"):
        parse_spec(spec)
