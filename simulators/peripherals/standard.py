"""What most devices have besides their own service: a battery and a device information service.

A simulated device takes the parts into its own table and asks them first:

    self._battery = BatteryPart(board)
    self._information = InformationPart(model="Pod", serial="0001")
    services = (..., self._battery.service, self._information.service)
    read: self._battery.read(uuid), self._information.read(uuid): bytes, or None when it is not theirs
    advance: [*self._battery.advance(self.subscribed), ...]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ankled.drivers import battery, device_information
from ankled.simulators.peripherals.model import BATTERY_LEVEL, BATTERY_SERVICE, Characteristic, Outgoing, Service

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from ankled.simulators.peripherals.board import Board


class BatteryPart:
    """A battery service that tells of each change of its board's battery, once somebody has subscribed."""

    service: ClassVar[Service] = BATTERY_SERVICE

    def __init__(self, board: Board) -> None:
        self._board = board
        self._told: bytes | None = None

    def read(self, characteristic: str) -> bytes | None:
        """Return the level, or None for a characteristic that is not the battery's."""
        if characteristic != BATTERY_LEVEL:
            return None
        return battery.encode_level(round(self._board.battery_percent))

    def advance(self, subscribed: AbstractSet[str]) -> list[Outgoing]:
        """Return the level when it is not what was told last; a new subscriber is told at once."""
        if BATTERY_LEVEL not in subscribed:
            self._told = None
            return []
        level = self.read(BATTERY_LEVEL)
        if level is None or level == self._told:
            return []
        self._told = level
        return [Outgoing(characteristic=BATTERY_LEVEL, data=level)]


class InformationPart:
    """A device information service with these strings, by their names in `drivers.device_information.STRINGS`.

    `terminated` ends them with a NUL, as some devices do.
    """

    def __init__(self, *, system_id: str | None = None, terminated: bool = False, **strings: str) -> None:
        uuids = device_information.STRINGS
        self._values = {
            uuids[key]: device_information.encode_text(text, terminated=terminated) for key, text in strings.items()
        }
        if system_id is not None:
            self._values[device_information.SYSTEM_ID] = device_information.encode_system_id(system_id)

    @property
    def service(self) -> Service:
        """The service with the characteristics that have a value."""
        return Service(
            uuid=device_information.SERVICE,
            characteristics=tuple(Characteristic(uuid=uuid, properties=("read",)) for uuid in self._values),
        )

    def read(self, characteristic: str) -> bytes | None:
        """Return a value, or None for a characteristic that is not here."""
        return self._values.get(characteristic)
