"""Read a configuration file: every error in it is found in one go and named by file, key and value."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from ankled.daemon.config.problems import Problem, join
from ankled.daemon.config.rules import clashes, device_rules, mqtt_rules, node_rules
from ankled.daemon.config.schema import Config, DeviceConfig, MqttConfig
from ankled.daemon.config.walk import mismatches
from ankled.daemon.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class InvalidConfigError(ConfigError):
    """The file holds errors: one line for each, and `problems` for whoever wants them apart."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems; the message is all of them."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(path: Path | str, *, drivers: Collection[str] | None = None) -> Config:
    """Return the configuration in `path`, or raise InvalidConfigError with everything that is wrong in it.

    `drivers` are the names of the driver registry; without them `driver` keys are not compared with it.
    """
    data, problems = _examine(Path(path), drivers)
    if problems:
        raise InvalidConfigError(tuple(problems))
    return msgspec.convert(data, Config)


def check(path: Path | str, *, drivers: Collection[str] | None = None) -> tuple[Problem, ...]:
    """Return everything that is wrong in the file; nothing means that it can be used."""
    return tuple(_examine(Path(path), drivers)[1])


def _examine(path: Path, drivers: Collection[str] | None) -> tuple[dict[str, Any], list[Problem]]:
    data, message = _read(path)
    if message:
        return {}, [Problem(file=str(path), key="", message=message)]
    found = list(mismatches(data, inspect.type_info(Config)))
    found += _across(data, {key for key, _ in found}, drivers)
    return data, [Problem(file=str(path), key=key, message=text) for key, text in found]


def _read(path: Path) -> tuple[dict[str, Any], str]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        return {}, f"cannot be read: {error.strerror or error}"
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        byte = raw[error.start]
        return {}, f"is not UTF-8 text: byte 0x{byte:02x} at line {line}, column {column}; save it as UTF-8"
    try:
        return tomllib.loads(text), ""
    except tomllib.TOMLDecodeError as error:
        return {}, f"is not TOML: {error}"
    except ValueError:  # Python's own limit, against numbers that take minutes to read
        return {}, "holds a number of thousands of digits"
    except RecursionError:
        return {}, "holds arrays or tables that are nested too deeply"


def _across(data: dict[str, Any], wrong: set[str], drivers: Collection[str] | None) -> Iterator[tuple[str, str]]:
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
