"""What a configuration file that is read again changes: which keys can hold at once, and which need a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec.structs import fields, replace

from ankled.daemon.config.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.config import Config, InvalidConfigError

StructT = TypeVar("StructT", bound=msgspec.Struct)

DEVICES: Final = "devices"
"""They come, change and go as a whole: each of their keys can be applied."""
_FOLLOWED: Final = frozenset({"requests", "mqtt.publish_live", "mqtt.publish_imu"})


def in_effect(running: Config, read: Config, *, followed: bool) -> Config:
    """Return the running configuration with those keys of the new one that can hold at once: config/keys.py tells.

    `followed` says whether those are told who hold more than devices and sets.
    """
    return _taken(running, read, "", followed=followed)


def _taken(running: StructT, read: StructT, path: str, *, followed: bool) -> StructT:
    changes: dict[str, object] = {}
    for field in fields(running):
        name, old, new = f"{path}{field.encode_name}", getattr(running, field.name), getattr(read, field.name)
        if isinstance(old, msgspec.Struct):
            changes[field.name] = _taken(old, new, f"{name}.", followed=followed)
        elif name == DEVICES or (KEYS[name].reload == "now" and (followed or name not in _FOLLOWED)):
            changes[field.name] = new
    return replace(running, **changes)


def differences(old: Config, new: Config) -> tuple[str, ...]:
    """Return the keys whose values differ, such as `log.level`; of devices by their slugs: `devices.left.mass_kg`."""
    return tuple(sorted(_differences(_plain(old), _plain(new), "")))


def public(error: InvalidConfigError) -> str:
    """Return everything that is wrong in a file as one sentence for the broker: without paths, persons and secrets."""
    told = []
    for problem in error.problems:
        private = problem.key.startswith("mqtt") or problem.key.endswith(".athlete") or "athlete" in problem.message
        words = "is wrong; ankled check-config says how" if private else problem.message
        told.append(f"{problem.key} {words}" if problem.key else f"the file {words}")
    return f"the configuration is left as it was: {'; '.join(told)}"


def _plain(config: Config) -> dict[str, object]:
    data: dict[str, object] = msgspec.to_builtins(config)
    data["devices"] = {device.slug: msgspec.to_builtins(device) for device in config.devices}
    return data


def _differences(old: dict[str, object], new: dict[str, object], path: str) -> Iterator[str]:
    for key in old.keys() | new.keys():
        before, after, name = old.get(key), new.get(key), f"{path}{key}"
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict) and (path or key != "mount"):
            yield from _differences(before, after, f"{name}.")
        else:
            yield name
