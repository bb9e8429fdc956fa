"""The parts of the daemon, and of the libraries under it, whose log level can be set apart from the rest."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Part: TypeAlias = Literal[
    "bridge", "capture", "homeassistant", "live", "mqtt", "outbox", "requests", "aiomqtt", "asyncio", "bleak"
]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]

Levels: TypeAlias = dict[Part, Level]
"""Of single parts; without one a part of ours follows the level of all, a library is heard from warnings on."""

PARTS: Final[dict[Part, tuple[str, ...]]] = {
    "bridge": ("ankled.daemon.bridge",),
    "capture": ("ankled.daemon.capture",),
    "homeassistant": ("ankled.daemon.homeassistant",),
    "live": ("ankled.daemon.live",),
    "mqtt": ("ankled.daemon.mqtt",),
    "outbox": ("ankled.daemon.outbox",),
    "requests": ("ankled.daemon.requests",),
    "aiomqtt": ("aiomqtt", "mqtt"),
    "asyncio": ("asyncio",),
    "bleak": ("bleak",),
}
"""The loggers of each part; its name is that of its folder, or of its library."""
