"""What adapters and devices need of the supervisor that owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankled.daemon.inputs import Input
    from ankled.daemon.live.adapter import Adapter
    from ankled.daemon.live.device import Device
    from ankled.daemon.live.options import Limits
    from ankled.daemon.live.status import Level
    from ankled.drivers.driver import Advertisement, DriverInfo
    from ankled.drivers.link import Handle
    from ankled.drivers.messages import Action


class Owner(Protocol):
    """The supervisor, seen from below."""

    limits: Limits

    def now_ns(self) -> int:
        """Return the host's time, in ns."""

    def now_s(self) -> float:
        """Return the host's time, in s."""

    def put(self, item: Input) -> None:
        """Take an input."""

    def farewell(self, slug: str) -> Iterable[Action]:
        """Return what puts a sensor to rest."""

    def info_of(self, driver: str) -> DriverInfo:
        """Return what a driver says of itself."""

    def needed(self) -> bool:
        """Tell whether there is somebody to scan for."""

    def heard(self, adapter: Adapter, seen: Advertisement, handle: Handle) -> None:
        """Take an advertisement."""

    def next_epoch(self, slug: str) -> int:
        """Count the links of a device."""

    def room(self, device: Device, adapter: Adapter) -> str | None:
        """Return why an adapter has no slot for a device, or None."""

    def freed(self) -> None:
        """Take note of a slot that became free."""

    def changed(self, device: Device) -> None:
        """Take note of a new state."""

    def tell(self, device: str | None, level: Level, text: str) -> None:
        """Tell something at once."""
