"""A central that outlives its controller: when the simulator in the other process has ended, the next one is found."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ankled.simulators.radio.errors import LostError, RadioError
from ankled.simulators.radio.wire import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.simulators.radio.central import Central

_LOOK_S: Final = 1.0


class Redial:
    """Gives the central on the controller that is there now; to be closed at the end."""

    def __init__(self, spec: str, central: Central) -> None:
        self._spec = spec
        self._central = central
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, spec: str) -> Redial:
        """Open the controller that is exported there. Raises RadioError."""
        return cls(spec, await connect(spec))

    async def now(self) -> Central:
        """Return the central, a new one where the controller has gone. Raises LostError while there is none."""
        async with self._turn:
            if self._central.lost:
                await self._central.close()
                try:
                    self._central = await connect(self._spec)
                except RadioError as error:
                    raise LostError(str(error)) from error
            return self._central

    async def watch(self, changed: Callable[[], None]) -> None:
        """Until cancelled, call `changed` when the controller has gone, and when there is one again."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._central.lost:
                changed()
                await self._come_back()
                changed()

    async def _come_back(self) -> None:
        while True:
            with suppress(RadioError):
                await self.now()
                return
            await asyncio.sleep(_LOOK_S)

    async def close(self) -> None:
        """End all connections and let go of the controller."""
        await self._central.close()
