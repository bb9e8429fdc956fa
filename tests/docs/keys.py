"""Every key of the configuration, found in the structs: path, type, default, values it takes and refuses."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import inspect

from ankled.daemon.config import Config
from ankled.daemon.config.walk import fits, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICE = "devices"
TEXTS = ("other", "C0:11:22:33:44:77", "180D", "12:00", "1.2.3", "2026-01-01T00:00:00Z")
"""Candidates for a key that takes text; the first that its pattern allows and that is not its default is used."""
OWN: dict[str, Any] = {
    "mqtt.broker": "mqtts://other.example.org",
    "mqtt.fallbacks": ["mqtt://10.0.0.2:1883"],
    "devices[].driver": "movesense",
}
"""Values for keys that a rule holds against more than their type."""


class Key(NamedTuple):
    """A key: its path in the file, where [] stands for each table of an array, and its unwrapped type."""

    path: str
    kind: inspect.Type
    default: Any


def keys(kind: inspect.Type | None = None, path: str = "") -> Iterator[Key]:
    """Yield every key that takes a value; the keys of a table within a device, too."""
    struct = inspect.type_info(Config) if kind is None else kind
    assert isinstance(struct, inspect.StructType)
    for field in struct.fields:
        at = f"{path}.{field.encode_name}" if path else field.encode_name
        inner, _ = unwrap(field.type)
        if isinstance(inner, inspect.StructType):
            yield from keys(inner, at)
        elif isinstance(inner, inspect.VarTupleType) and isinstance(
            item := unwrap(inner.item_type)[0], inspect.StructType
        ):
            yield from keys(item, f"{at}[]")
        else:
            yield Key(at, inner, field.default)


def legal(key: Key) -> Any:  # noqa: PLR0911 - one for each kind
    """Return a value that the type allows and that is not the default, drawn from its bounds."""
    kind = key.kind
    if key.path in OWN:
        return OWN[key.path]
    match kind:
        case inspect.BoolType():
            return key.default is not True
        case inspect.LiteralType():
            return next((value for value in kind.values if value != key.default), key.default)  # there may be one only
        case inspect.IntType() | inspect.FloatType():
            return next((value for value in _bounds(kind) if fits(value, kind) and value != key.default), key.default)
        case inspect.StrType():
            return next(value for value in TEXTS if fits(value, kind) and value != key.default)
        case inspect.VarTupleType():
            return [legal(Key(key.path, unwrap(kind.item_type)[0], None))]
        case inspect.TupleType():
            return [0.5] * len(kind.item_types)
        case inspect.DictType():
            name, inner = unwrap(kind.key_type)[0], unwrap(kind.value_type)[0]
            return {legal(Key(key.path, name, None)): legal(Key(key.path, inner, None))}
    message = f"{key.path} has a type that no value is known for: {kind!r}"
    raise TypeError(message)


def single(key: Key) -> bool:
    """Tell whether a key takes one value only, its default."""
    kind = key.kind
    if isinstance(kind, inspect.LiteralType):
        return len(kind.values) == 1
    return isinstance(kind, inspect.IntType) and kind.ge is not None and kind.ge == kind.le


def illegal(key: Key) -> list[Any]:
    """Return values that the type does not allow: the next beyond each bound, and one of another type."""
    kind = key.kind
    match kind:
        case inspect.IntType() | inspect.FloatType():
            return [*(value for value in _bounds(kind) if not fits(value, kind)), "much"]
        case inspect.BoolType():
            return ["yes", 1]
        case inspect.LiteralType():
            return ["nonsense", 1]
        case inspect.StrType():
            return [1, *(text for text in ("", "\n", "/ /", "x" * 2000) if not fits(text, kind))]
        case inspect.VarTupleType():
            return [1, [1]]
    return [1, [1.0]]


def _bounds(kind: inspect.IntType | inspect.FloatType) -> list[float]:
    """Return the bounds, what lies just inside and just outside of them."""
    step = 1 if isinstance(kind, inspect.IntType) else 0.005
    found: list[float] = []
    for bound in (kind.ge, kind.gt):
        if bound is not None:
            found += [bound + step, bound, bound - step]
    for bound in (kind.le, kind.lt):
        if bound is not None:
            found += [bound - step, bound, bound + step]
    whole = isinstance(kind, inspect.IntType)
    return [int(value) if whole else round(float(value), 6) for value in found if math.isfinite(value)]


def toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {toml(one)}' for name, one in value.items())} }}"
    return json.dumps(value)


def written(key: Key, value: Any, also: str = "") -> str:
    """Return a file that sets one key; a device gets what it needs beside it."""
    table, _, name = key.path.rpartition(".")
    if not table:
        return f"{name} = {toml(value)}\n"
    if not table.startswith(f"{DEVICE}[]"):
        return f"[{table}]\n{name} = {toml(value)}\n{also}"
    needed = {"slug": "left", "name": "Left"}
    lines = [f"{k} = {toml(v)}" for k, v in needed.items() if k != name]
    inner = table.removeprefix(f"{DEVICE}[]").removeprefix(".")
    pair = {"left": [0.0, 1.0, 0.0], "up": [0.0, 0.0, 1.0]} | {name: value}
    lines.append(
        f"{inner} = {{ {', '.join(f'{k} = {toml(v)}' for k, v in pair.items())} }}"
        if inner
        else f"{name} = {toml(value)}"
    )
    return f"[[{DEVICE}]]\n" + "\n".join(lines) + f"\n{also}"


def value_at(config: Config, path: str) -> Any:
    """Return what a loaded configuration has at a path."""
    found: Any = config
    for name in path.replace("[]", ".0").split("."):
        found = found[int(name)] if name.isdigit() else getattr(found, "pipeline_" if name == "pipeline" else name)
    return plain(found)


def plain(value: Any) -> Any:
    """Return a value as a file has it: arrays as lists."""
    return msgspec.json.decode(msgspec.json.encode(value))
