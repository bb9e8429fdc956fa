"""Controllers over a socket: the simulator in one process, the host that uses its radio in another, even one that dies.

Nothing on the way is authenticated, so addresses are those of this machine: a Unix socket, or a port of 127.0.0.1.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bumble.transport.tcp_client import open_tcp_client_transport
from bumble.transport.unix import open_unix_client_transport

from ankled.simulators.radio.central import Central
from ankled.simulators.radio.controller import DEFAULT_SLOTS
from ankled.simulators.radio.errors import RadioError
from ankled.simulators.radio.export import Export, to_kernel
from ankled.simulators.radio.world import static_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bumble.transport.common import Transport

    from ankled.simulators.radio.connection import Timing
    from ankled.simulators.radio.world import World

LOOPBACK: Final = "127.0.0.1"
OPENING_S: Final = 5.0
KERNEL: Final = "/dev/vhci"
_ALLOWED: Final = f"allowed are unix:PATH, tcp:{LOOPBACK}:PORT and vhci"


class Spec(NamedTuple):
    """Where a controller is: `kind` unix, tcp or vhci; `path` for all but tcp."""

    kind: str
    path: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"tcp:{LOOPBACK}:{self.port}" if self.kind == "tcp" else f"{self.kind}:{self.path}"


def parse_spec(text: str) -> Spec:
    """Return what `unix:PATH`, `tcp:127.0.0.1:PORT`, `vhci` or `vhci:PATH` means. Raises RadioError."""
    kind, _, rest = text.partition(":")
    if kind == "vhci":
        return Spec("vhci", rest or KERNEL)
    if kind == "unix" and rest:
        return Spec("unix", rest)
    host, _, port = rest.rpartition(":")
    if kind == "tcp" and host == LOOPBACK and port.isdecimal() and int(port) < 1 << 16:
        return Spec("tcp", port=int(port))
    raise RadioError(f'"{text}" is no address of a controller; {_ALLOWED}')


@asynccontextmanager
async def serve(world: World, spec: str, *, label: str = "adapter", slots: int = DEFAULT_SLOTS) -> AsyncIterator[str]:
    """Export one controller of a world, and give its address (of TCP port 0, the port that was free).

    One client at a time. When it dies its connections are dropped and the next may come. Raises RadioError.
    """
    where = parse_spec(spec)
    controller = world.adapter(label, slots=slots)
    try:
        if where.kind == "vhci":
            async with to_kernel(controller, where.path):
                yield str(where)
            return
        export = Export(controller)
        server, where = await _listen(export, where)
        try:
            yield str(where)
        finally:
            server.close()
            await export.close()
            if where.kind == "unix":
                _tidy(where.path)
    finally:
        world.air.leave(controller)


async def connect(
    spec: str, *, name: str = "central", address: str | None = None, timing: Timing | None = None
) -> Central:
    """Open the controller that another process exports, and return a central on it. Raises RadioError."""
    where = parse_spec(spec)
    if where.kind == "vhci":
        raise RadioError("a controller exported as vhci is an adapter of BlueZ: use bleak without a backend for it")
    try:
        async with asyncio.timeout(OPENING_S):
            transport = await _open(where)
    except (OSError, TimeoutError) as error:
        raise RadioError(f"nobody exports a controller at {where}: {error}") from error
    central = Central(name, address or static_address(name), transport, timing=timing)
    try:
        await central.start()
    except BaseException:
        await central.close()
        raise
    return central


async def _open(where: Spec) -> Transport:
    if where.kind == "tcp":
        return await open_tcp_client_transport(f"{LOOPBACK}:{where.port}")
    return await open_unix_client_transport(where.path)


async def _listen(export: Export, where: Spec) -> tuple[asyncio.Server, Spec]:
    loop = asyncio.get_running_loop()
    try:
        if where.kind == "tcp":
            server = await loop.create_server(export.port, LOOPBACK, where.port)
            return server, where._replace(port=server.sockets[0].getsockname()[1])
        if await _is_served(where.path):
            raise RadioError(f"somebody else exports a controller at {where}")
        return await loop.create_unix_server(export.port, where.path), where
    except OSError as error:
        raise RadioError(f"cannot export a controller at {where}: {error}") from error


async def _is_served(path: str) -> bool:
    """Tell whether anybody listens there: a socket file that a dead process left is replaced."""
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _tidy(path: str) -> None:
    """Remove the file of a socket that was closed, which newer Pythons do by themselves."""
    Path(path).unlink(missing_ok=True)
