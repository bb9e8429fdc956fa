"""The content of `bridge/info`: what this daemon is. No secret, and no path of its machine."""

from __future__ import annotations

import platform
from importlib.metadata import version
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from ankled.daemon.bridge.health import BridgeHealth
from ankled.daemon.bridge.journal import LogLine
from ankled.daemon.moments import Imu
from ankled.daemon.records import Record
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTANCE: Final = token_hex(4)


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The machine, as far as it explains anything: what it runs, not what it is called."""

    system: str
    release: str
    machine: str
    python: str


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What it does beside computing: which requests it takes, and what it publishes and keeps."""

    requests: str
    adopt: str
    imu: bool
    log: str
    homeassistant: bool
    capture: bool


class Info(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.info/1"):
    """What this daemon is. `config` is a digest that changes with any setting; `schemas` are those it publishes.

    `instance` is new with every start: two of them in turns are two daemons of one name.
    """

    version: str
    node: str
    instance: str
    base: str
    config: str
    protocol: str
    schemas: tuple[str, ...]
    drivers: tuple[str, ...]
    capabilities: Capabilities
    host: Host


def schemas() -> tuple[str, ...]:
    """Return the names of all schemas that are published."""
    structs: tuple[Any, ...] = (*get_args(Record), Imu, BridgeHealth, Info, LogLine)
    return tuple(sorted(str(one.__struct_config__.tag) for one in structs))


def info(node: str, base: str, config: str, capabilities: Capabilities, *, protocol: str) -> Info:
    """Return what is told of this process."""
    found: Mapping[str, object] = registered().drivers
    return Info(
        version=version("ankled"),
        node=node,
        instance=_INSTANCE,
        base=base,
        config=config,
        protocol=protocol,
        schemas=schemas(),
        drivers=tuple(sorted(found)),
        capabilities=capabilities,
        host=Host(
            system=platform.system(),
            release=platform.release(),
            machine=platform.machine(),
            python=platform.python_version(),
        ),
    )
