"""How things stand: what the supervisor tells of its devices and adapters, and what it finds worth telling at once."""

from __future__ import annotations

from typing import Literal

import msgspec

DeviceState = Literal["waiting", "connecting", "starting", "streaming", "silent", "backoff"]
Level = Literal["info", "warning", "error"]
AdapterState = Literal["starting", "scanning", "paused", "resting", "down"]


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One device. Times are on the host's clock in ns, ages in s; `epoch` counts its links in this process.

    waiting: not seen, or no slot; connecting; starting: connected, no packet yet; streaming: online; silent: connected
    and without packets; backoff: will be tried again after `retry_s`.
    """

    slug: str
    state: DeviceState
    since_ns: int
    epoch: int
    adopted: bool
    address: str | None
    name: str | None
    driver: str | None
    adapter: str | None
    rssi_dbm: int | None
    mtu: int | None
    attempts: int
    """How many times a connection was tried."""
    reconnects: int
    """How many links there were after the first."""
    packets: int
    packet_age_s: float | None
    retry_s: float | None
    last_error: str | None

    @property
    def online(self) -> bool:
        """Whether data prove that it is there; what `availability` tells."""
        return self.state == "streaming"


class AdapterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter. resting: nobody is waited for; paused: a device is being connected; down: `last_error` says why."""

    name: str
    state: AdapterState
    since_ns: int
    last_error: str | None
    slots: int
    """How many connections it is trusted with."""
    taken: tuple[str, ...]
    """The devices that hold one."""
    restarts: int
    """How many times its scanner was restarted because it heard nothing."""
    power_cycles: int
    heard: int
    """How many advertisements it heard."""


class SupervisorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at once. `strays`: operations of bleak that do not end, a sign that bluetoothd hangs."""

    devices: tuple[DeviceStatus, ...]
    adapters: tuple[AdapterStatus, ...]
    strays: int
    late_actions: int
    """Actions of drivers for links that had ended before they came."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell at once, in one sentence. Not an input: it alters no result."""

    host_ns: int
    device: str | None
    level: Level
    text: str


class Nearby(msgspec.Struct, frozen=True, kw_only=True):
    """A device that was heard. `slug` is whose it is, `drivers` are those that know it."""

    address: str
    name: str | None
    rssi_dbm: int | None
    services: tuple[str, ...]
    slug: str | None
    drivers: tuple[str, ...]
    adapter: str
    age_s: float
