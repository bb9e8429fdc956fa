"""What a configuration file that is read again changes: which keys can hold at once, and which need a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.config import Config, InvalidConfigError


def in_effect(running: Config, read: Config, *, policy: bool) -> Config:
    """Return the running configuration with those keys of the new one that can hold at once.

    `policy` says whether somebody takes a new value of `requests`.
    """
    return replace(
        running,
        adopt=read.adopt,
        requests=read.requests if policy else running.requests,
        session=read.session,
        radio=replace(running.radio, allow=read.radio.allow, block=read.radio.block),
        log=replace(running.log, level=read.log.level, levels=read.log.levels),
        pipeline_=read.pipeline_,
        devices=read.devices,
    )


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
