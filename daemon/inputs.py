"""Inputs: everything that can alter a result, and nothing else. What the capture stores and replay feeds again.

Every input carries `host_ns`, nanoseconds on the host's CLOCK_BOOTTIME (for an imported recording: the file's own
time). The dispatcher numbers them; order and number are part of the truth.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from ankled.daemon.settings import PipelineSettings
from ankled.drivers.samples import Samples


class _Input(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    host_ns: int


class Notification(_Input, frozen=True, kw_only=True):
    """A value a characteristic sent, stamped in the callback."""

    device: str
    epoch: int
    characteristic: str
    data: bytes


class ReadResult(_Input, frozen=True, kw_only=True):
    """The answer to a read; `error` says why there is none."""

    device: str
    epoch: int
    characteristic: str
    data: bytes
    error: str | None = None


class WriteResult(_Input, frozen=True, kw_only=True):
    """The end of a write; `error` says why it failed."""

    device: str
    epoch: int
    characteristic: str
    error: str | None = None


class Link(_Input, frozen=True, kw_only=True):
    """The radio link of a device came up or went down. Each link is one epoch.

    `services` are the UUIDs of the GATT services that were found on it, `mtu` is the size of an ATT packet on this
    link, `reason` says why it went down.
    """

    device: str
    epoch: int
    up: bool
    address: str
    name: str
    driver: str
    services: tuple[str, ...] = ()
    mtu: int = 23
    reason: str | None = None


class Dropped(_Input, frozen=True, kw_only=True):
    """The bounded queue in front of the dispatcher was full: so many inputs of this device were lost."""

    device: str
    count: int


class Command(_Input, frozen=True, kw_only=True):
    """A request of a user that alters results, such as marking a set or setting the mass of a weight."""

    name: str
    device: str | None
    arguments: dict[str, str | float | int | bool | None]


class Config(_Input, frozen=True, kw_only=True):
    """The resolved settings from here on. The first input of every session."""

    settings: PipelineSettings


class State(_Input, frozen=True, kw_only=True):
    """The whole state of the pipeline, so that a file that begins in mid-session replays identically."""

    version: str
    data: bytes


class ClockAnchor(_Input, frozen=True, kw_only=True):
    """The wall clock at `host_ns`: UTC in nanoseconds since 1970. Holds for later records."""

    utc_ns: int


class Tick(_Input, frozen=True, kw_only=True):
    """Time passed. The pipeline reads no clock: rest that closes a set arrives as a tick."""


class Stop(_Input, frozen=True, kw_only=True):
    """The session ends: close what is open."""

    reason: str


Input: TypeAlias = (
    Notification
    | ReadResult
    | WriteResult
    | Link
    | Dropped
    | Samples
    | Command
    | Config
    | State
    | ClockAnchor
    | Tick
    | Stop
)
