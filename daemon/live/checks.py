"""Whether a device that was connected to is what its driver takes it for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ankled.daemon.live.options import Limits
    from ankled.drivers.driver import DriverInfo
    from ankled.drivers.link import Connection

_LOOK_EVERY_S: Final = 0.1


async def unfit(connection: Connection, info: DriverInfo, limits: Limits) -> str | None:
    """Return why a driver cannot work on this connection, or None. The size of packets is given time to grow."""
    if missing := [uuid for uuid in info.services if uuid not in connection.services]:
        return f"it has no service {' and no '.join(missing)}, which the driver {info.name} needs"
    for _ in range(round(limits.mtu_s / _LOOK_EVERY_S)):
        if connection.mtu >= info.min_mtu:
            return None
        await asyncio.sleep(_LOOK_EVERY_S)
    if connection.mtu >= info.min_mtu:
        return None
    return f"packets of {connection.mtu} bytes are all it agrees to; the driver {info.name} needs {info.min_mtu}"
