"""The keys of the configuration structs, one by one, with their types and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect

from ankled.daemon.asyncapi.fields import unit
from ankled.daemon.config.schema import Config
from ankled.daemon.config.walk import describe, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator


_UNITS: Final = {"_min": "min", "_h": "h", "_days": "days", "_gb": "GB"}
"""Of times that are long; results have none such."""


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A key that holds no further keys; of devices `devices.side`, whichever device it is of."""

    path: str
    kind: inspect.Type
    default: Any
    required: bool

    @property
    def unit(self) -> str:
        """The unit that its name ends in, or nothing."""
        return unit(self.path) or next((of for end, of in _UNITS.items() if self.path.endswith(end)), "")

    @property
    def allowed(self) -> str:
        """What it takes, in words."""
        return describe(self.kind)


def leaves(kind: inspect.Type | None = None, path: str = "") -> Iterator[Leaf]:
    """Yield every key, in the order of the structs."""
    kind = unwrap(inspect.type_info(Config) if kind is None else kind)[0]
    if not isinstance(kind, inspect.StructType):
        return
    for field in kind.fields:
        name = f"{path}{field.encode_name}"
        inner = unwrap(field.type)[0]
        if isinstance(inner, inspect.VarTupleType):
            inner = unwrap(inner.item_type)[0]
        if isinstance(inner, inspect.StructType):
            yield from leaves(inner, f"{name}.")
        else:
            default = None if field.default is msgspec.NODEFAULT else field.default
            if field.default_factory is dict:
                default = {}
            yield Leaf(path=name, kind=field.type, default=default, required=field.required)


def values(config: Config) -> Iterator[tuple[str, object]]:
    """Yield (path, value) of every key of a configuration, None where it is not set, passwords as stars."""
    shown = msgspec.structs.replace(config, mqtt=config.mqtt.public())
    yield from _values(msgspec.to_builtins(shown), "")


def _values(data: dict[str, Any], path: str) -> Iterator[tuple[str, object]]:
    for key, value in data.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            yield from _values(value, f"{name}.")
        elif key == "devices":
            for index, device in enumerate(value):
                yield from _values(device, f"{name}[{index}].")
        else:
            yield name, value
