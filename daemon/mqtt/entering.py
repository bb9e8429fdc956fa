"""Connecting so that whoever waits for it can be cancelled, and no socket is left behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ankled.daemon.mqtt import sockets

if TYPE_CHECKING:
    from ankled.daemon.mqtt.connection import Client


async def enter(client: Client, timeout_s: float) -> None:
    """Connect, and leave no socket behind when that fails or is cancelled.

    The thread that connects cannot be cancelled. Left alone it would finish, and its client would live on unowned and
    throw out the next one of the same identifier; so a cancellation waits for it, which its own time-outs bound. Who
    cannot wait for that cancels again.
    """
    dialled = client.dialled  # made here, not in the thread
    entering = asyncio.create_task(client.__aenter__(), name="mqtt-connect")
    try:
        await asyncio.shield(entering)
        sockets.send_at_once(client._client.socket())  # noqa: SLF001 - aiomqtt does so for bare TCP only
    except asyncio.CancelledError:
        try:
            async with asyncio.timeout(2 * timeout_s):
                await dialled.wait()
        except TimeoutError:
            pass
        finally:
            entering.cancel()
            await asyncio.wait({entering}, timeout=timeout_s)
            if entering.done() and not entering.cancelled():
                entering.exception()  # seen: nobody is left to be told
            drop(client)
        raise
    except BaseException:
        drop(client)
        raise


def drop(client: Client) -> None:
    """Close the socket, which aiomqtt leaves open and watched when connecting or disconnecting fails."""
    for ended in (client._connected, client._disconnected):  # noqa: SLF001 - an error in them that nobody fetched
        if ended.done() and not ended.cancelled():  # would be logged as lost
            ended.exception()
    below = client._client  # noqa: SLF001 - neither library offers an abortive close
    if below.socket() is not None:
        below._sock_close()  # noqa: SLF001 - see above
