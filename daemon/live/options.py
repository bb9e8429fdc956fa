"""What the connection policy is told: the devices that are wanted, who else may come in, and its figures."""

from __future__ import annotations

from typing import Literal

import msgspec


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A device to connect to, found by its address or else by the name it advertises. `driver` None: by its looks.

    `rate_hz`: the rate it is asked for, None for its driver's own.
    """

    slug: str
    address: str | None = None
    name: str | None = None
    driver: str | None = None
    rate_hz: float | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Tells some devices from others, by any of: address, pattern of the name (`*`, `?`, `[...]`), service UUID."""

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it tells nothing."""
        return not (self.addresses or self.names or self.services)


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Who may come in. Whom `block` meets is never connected to, wanted or not.

    With `known-drivers`, devices that nobody asked for are adopted when exactly one driver knows them: `most` at once,
    and where `allow` is not empty only those it meets.
    """

    adopt: Literal["none", "known-drivers"] = "none"
    allow: Rule = Rule()
    block: Rule = Rule()
    most: int = 16


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the policy. All times in s."""

    slots: int = 7
    """Connections that an adapter is trusted with; typical controllers hold 5 to 7. Fewer once it has refused one."""
    connect_s: float = 20.0
    """How long connecting and discovering may take."""
    request_s: float = 5.0
    """How long a read, a write or a subscription may take."""
    mtu_s: float = 2.0
    """How long the size of packets may take to grow to what the driver needs."""
    farewell_s: float = 2.0
    """How long the driver may take to put the sensor to rest before a wanted disconnect."""
    fresh_s: float = 30.0
    """How old a sighting may be for a connection to be tried."""
    unknown_s: float = 10.0
    """How long a device may be looked at before somebody is told that no driver, or more than one, knows it."""
    steady_s: float = 30.0
    """After so long with packets a link counts as good: back-off begins anew."""
    silent_s: float = 3.0
    """Least time without a packet after which a sensor is offline."""
    start_s: float = 10.0
    """How long a sensor may take from the connection to its first packet."""
    probe_every_s: float = 10.0
    """How often a silent sensor is asked whether it is still there."""
    asleep_s: float = 60.0
    """How long a sensor is kept that answers and sends nothing; then the link is made anew."""
    deaf_s: float = 90.0
    """After so long without any advertisement the scanner is restarted."""
    deaf_most_s: float = 1800.0
    """Restarts that do not help become rarer; at least one in so long."""
    deaf_restarts: int = 3
    """After so many such restarts in vain, with no link left to lose, the adapter is switched off and on."""
    power_cycle_s: float = 600.0
    """Least time between the first two such; it doubles while they do not help."""
    power_cycle_most_s: float = 14400.0
    """And grows to so much."""
    held_s: float = 15.0
    """How often, while somebody is waited for, bluetoothd is asked for devices that it is still connected to."""
    forget_s: float = 600.0
    """After so long unseen, an adopted device is let go, and what was heard of a strange one is forgotten."""
