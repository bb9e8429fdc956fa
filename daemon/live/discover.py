"""What is near, for whoever wants to know before anything is configured: everybody heard, and who takes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.live.near import Heard, Near
from ankled.drivers.driver import Advertisement
from ankled.drivers.link import Connection, Scanner
from ankled.drivers.link_errors import LinkError
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ankled.drivers.link import Backend, Handle

_BATTERY: Final = sig(0x2A19)
_EVERYONE: Final = frozenset({sig(0x1800), sig(0x1801)})
_CONNECT_S: Final = 10.0
_REQUEST_S: Final = 3.0


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One device; by the adapter that hears it best. `drivers` know it; `connected`: it is in use, and was not heard.

    `battery_percent` is null where it was not asked for or not told; `problem` says why.
    """

    advertisement: Advertisement
    adapter: str
    drivers: tuple[str, ...]
    connected: bool = False
    battery_percent: int | None = None
    problem: str | None = None


async def discover(
    backends: Mapping[str, Backend],
    sensors_for: Callable[[Advertisement], list[str]],
    duration_s: float,
    *,
    battery: bool = False,
    now_s: Callable[[], float],
) -> list[Found]:
    """Listen for so long and return who is near, the loudest first.

    With `battery`, each device that a driver knows is connected to for a moment, one after the other. Raises LinkError
    when no adapter works; an adapter that does not is passed over while another one does.
    """
    survey = _Survey(now_s)
    await asyncio.gather(*(survey.listen(name, backend, duration_s) for name, backend in backends.items()))
    if len(survey.failures) == len(backends) > 0:
        raise survey.failures[0]
    best: dict[str, Heard] = {}
    for heard in survey.near:
        before = best.get(heard.advertisement.address)
        if before is None or _loudness(heard) > _loudness(before):
            best[heard.advertisement.address] = heard
    found = []
    for heard in sorted(best.values(), key=_loudness, reverse=True):
        seen = heard.advertisement
        one = Found(
            advertisement=seen,
            adapter=heard.adapter,
            drivers=tuple(sensors_for(seen)),
            connected=seen.address in survey.held,
        )
        if battery and one.drivers and not one.connected:
            one = await _ask_battery(backends[heard.adapter], heard.handle, one)
        found.append(one)
    return found


class _Survey:
    """What all adapters hear."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.near = Near(forget_s=float("inf"))
        self.held: set[str] = set()
        self.failures: list[LinkError] = []
        self._now_s = now_s

    async def listen(self, name: str, backend: Backend, duration_s: float) -> None:
        """Listen by one adapter."""

        def heard(seen: Advertisement, handle: Handle) -> None:
            self.near.hear(name, seen, handle, self._now_s())

        scanner = Scanner(backend, heard)
        try:
            await scanner.start()
            for seen, handle in await backend.held(_EVERYONE):
                self.held.add(seen.address)
                heard(seen, handle)
            await asyncio.sleep(duration_s)
        except LinkError as error:
            self.failures.append(error)
        finally:
            await scanner.stop()


async def _ask_battery(backend: Backend, handle: Handle, found: Found) -> Found:
    connection: Connection | None = None
    try:
        connection = await Connection.open(backend, handle, lambda: None, connect_s=_CONNECT_S, request_s=_REQUEST_S)
        level = await connection.read(_BATTERY)
    except LinkError as error:
        return msgspec.structs.replace(found, problem=str(error))
    finally:
        if connection is not None:
            await connection.close()
    if len(level) != 1:
        return msgspec.structs.replace(found, problem=f"its battery level is {len(level)} bytes long; 1 is allowed")
    return msgspec.structs.replace(found, battery_percent=level[0])


def _loudness(heard: Heard) -> int:
    rssi_dbm = heard.advertisement.rssi_dbm
    return -999 if rssi_dbm is None else rssi_dbm
