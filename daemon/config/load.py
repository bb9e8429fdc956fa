"""Read a configuration: every error in it is found in one go and named by file, line, key and value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from ankled.daemon.config import layers, variables
from ankled.daemon.config.merge import Merged
from ankled.daemon.config.migrations import migrate, newer
from ankled.daemon.config.problems import Found, Place, Problem, join
from ankled.daemon.config.rules import clashes, device_rules, mqtt_rules, node_rules
from ankled.daemon.config.schema import Config, DeviceConfig, MqttConfig
from ankled.daemon.config.walk import mismatches
from ankled.daemon.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


class InvalidConfigError(ConfigError):
    """The file holds errors: one line for each, and `problems` for whoever wants them apart."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems; the message is all of them."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a configuration has shown. Without problems there is a `config`."""

    config: Config | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    places: dict[str, Place]
    """Where each key that is set comes from, by its path; devices count as they do in `config`."""
    sources: tuple[str, ...]
    """The files and variables, in the order in which they count."""


def load(
    path: Path | str | None, *, drivers: Collection[str] | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Return the configuration in `path`, or raise InvalidConfigError with everything that is wrong in it.

    Its drop-ins and the environment count too; without a file they alone do. `drivers` are the names of the driver
    registry; without them `driver` keys are not compared with it.
    """
    found = examine(path, drivers=drivers, environ=environ)
    if found.config is None:
        raise InvalidConfigError(found.problems)
    return found.config


def check(
    path: Path | str | None, *, drivers: Collection[str] | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Problem, ...]:
    """Return everything that is wrong in the file; nothing means that it can be used."""
    return examine(path, drivers=drivers, environ=environ).problems


def examine(
    path: Path | str | None, *, drivers: Collection[str] | None = None, environ: Mapping[str, str] | None = None
) -> Examined:
    """Read file, drop-ins and environment, and return everything that there is to tell of them."""
    file = None if path is None else Path(path)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    read: list[layers.Layer] = []
    whole = True
    environment = layers.of_environment(os.environ if environ is None else environ)
    for layer in (*layers.of_files(file), *environment):
        wrong = layer if isinstance(layer, Problem) else newer(layer)
        if wrong is not None:
            problems.append(wrong)
            # without one of its files most of a configuration would seem to be wrong
            whole = whole and wrong.file.startswith(variables.PREFIX) and not wrong.key
        elif not isinstance(layer, Problem):
            warnings += migrate(layer)
            read.append(layer)
    merged = Merged(read)
    if whole:
        found = list(mismatches(merged.data, inspect.type_info(Config)))
        found += _across(merged.data, {one.key for one in found}, drivers)
        problems += [_problem(one, merged, str(file or "the configuration")) for one in found]
    return Examined(
        config=None if problems else msgspec.convert(merged.data, Config),
        problems=tuple(problems),
        warnings=tuple(warnings),
        places=merged.places,
        sources=tuple(layer.name for layer in read),
    )


def _problem(found: Found, merged: Merged, file: str) -> Problem:
    place = merged.place(found.key) or Place(file)
    return Problem(
        file=place.file,
        line=place.line,
        column=place.column,
        key=found.key,
        message=found.message,
        found=found.value or None,
        allowed=found.allowed or None,
        nearest=found.nearest or None,
    )


def _across(data: dict[str, Any], wrong: set[str], drivers: Collection[str] | None) -> Iterator[Found]:
    """Run the rules over the file less its wrong keys, so that one typo does not hide what else is wrong."""
    if "node" in data and "node" not in wrong:
        yield from node_rules(data["node"])
    if "mqtt" in data and "mqtt" not in wrong:
        yield from mqtt_rules(msgspec.convert(_sound(data["mqtt"], "mqtt", wrong), MqttConfig))
    if "devices" in data and "devices" not in wrong:
        devices = {}
        for index, table in enumerate(data["devices"]):
            path = f"devices[{index}]"
            if wrong.isdisjoint({path, f"{path}.slug"}):
                devices[index] = msgspec.convert(_sound(table, path, wrong), DeviceConfig)
                yield from device_rules(path, devices[index], table, drivers)
        yield from clashes(devices)


def _sound(table: dict[str, Any], path: str, wrong: set[str]) -> dict[str, Any]:
    """Return the table without the keys in or below which something is wrong."""

    def sound(key: str) -> bool:
        at = join(path, key)
        return not any(bad == at or bad.startswith((f"{at}.", f"{at}[")) for bad in wrong)

    return {key: value for key, value in table.items() if sound(key)}
