"""The kernel's virtual HCI as the host of a simulated controller."""

from __future__ import annotations

import asyncio
import os
import tty
from typing import TYPE_CHECKING

import pytest
from bumble import hci

from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.wire import connect, serve
from tests.simulators.beeper import world

if TYPE_CHECKING:
    from pathlib import Path


async def test_vhci_without_the_kernel_module_is_one_clear_sentence(tmp_path: Path) -> None:
    """Serving says what to load, connecting says what to use instead."""
    async with world() as air:
        with pytest.raises(RadioError, match="is not there: load the kernel module hci_vhci"):
            async with serve(air, f"vhci:{tmp_path / 'vhci'}"):
                pass
        (tmp_path / "folder").mkdir()
        with pytest.raises(RadioError, match="cannot open"):
            async with serve(air, f"vhci:{tmp_path / 'folder'}", label="folder"):
                pass
    with pytest.raises(RadioError, match="use bleak without a backend"):
        await connect("vhci")


async def _read(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        async with asyncio.timeout(20.0):
            await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 64)


async def test_the_kernel_gets_a_controller() -> None:
    """A pseudo terminal plays /dev/vhci: it is told of a new controller, resets it and gets the answer."""
    kernel, simulator = os.openpty()
    tty.setraw(kernel)
    tty.setraw(simulator)
    try:
        async with world() as air, serve(air, f"vhci:{os.ttyname(simulator)}"):
            assert await _read(kernel) == bytes([0xFF, 0x00])
            os.write(kernel, bytes([0xFF, 0x00, 0x00, 0x00]))
            await asyncio.sleep(0.2)  # the kernel hands out one packet a read, a terminal whatever is there
            os.write(kernel, bytes(hci.HCI_Reset_Command()))
            answer = hci.HCI_Packet.from_bytes(await _read(kernel))
            assert isinstance(answer, hci.HCI_Command_Complete_Event)
            assert answer.command_opcode == hci.HCI_RESET_COMMAND
    finally:
        os.close(kernel)
        os.close(simulator)
