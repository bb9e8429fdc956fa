"""Hold a parsed file against the structs and find every mismatch, where msgspec itself would stop at the first."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

from msgspec import inspect

from ankled.daemon.config.problems import guess, join, one_of, show

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST: Final = sys.float_info.max


def mismatches(value: object, kind: inspect.Type, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (key path, message) for everything in `value` that does not fit `kind`."""
    kind, description = unwrap(kind)
    match kind:
        case inspect.StructType() if isinstance(value, dict):
            yield from _table(value, kind, path)
        case inspect.VarTupleType() if isinstance(value, list):
            for index, item in enumerate(value):
                yield from mismatches(item, kind.item_type, f"{path}[{index}]")
        case inspect.TupleType() if isinstance(value, list) and len(value) == len(kind.item_types):
            for index, (item, item_type) in enumerate(zip(value, kind.item_types, strict=True)):
                yield from mismatches(item, item_type, f"{path}[{index}]")
        case _ if not fits(value, kind):
            yield path, f"is {show(value)}; allowed is {description or allowed(kind)}"


def _table(value: dict[str, Any], kind: inspect.StructType, path: str) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field for field in kind.fields}
    for key, item in value.items():
        if key in fields:
            yield from mismatches(item, fields[key].type, join(path, key))
        else:
            yield join(path, key), "is not a known key" + guess(key, fields)
    for name, field in fields.items():
        if field.required and name not in value:
            yield join(path, name), f"is missing; it must be {_describe(field.type)}"


def unwrap(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """Take off the description and `| None`, which is said elsewhere: TOML has no null, and a request may have one."""
    description = ""
    while True:
        if isinstance(kind, inspect.Metadata):
            description = str((kind.extra_json_schema or {}).get("description", description))
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            (kind,) = (member for member in kind.types if not isinstance(member, inspect.NoneType))
        else:
            return kind, description


def _describe(kind: inspect.Type) -> str:
    kind, description = unwrap(kind)
    return description or allowed(kind)


def fits(value: object, kind: inspect.Type) -> bool:
    """Tell whether a value is of an unwrapped type of one value."""
    match kind:
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.LiteralType():
            return isinstance(value, str) and value in kind.values
        case inspect.StrType():
            # `$` alone would let a line feed pass at the end
            return (
                isinstance(value, str)
                and (kind.pattern is None or re.fullmatch(kind.pattern, value) is not None)
                and (kind.max_length is None or len(value) <= kind.max_length)
            )
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool) and _in_range(value, kind)
        case inspect.FloatType():
            return isinstance(value, (int, float)) and not isinstance(value, bool) and _in_range(value, kind)
        case inspect.StructType() | inspect.VarTupleType() | inspect.TupleType():
            return False  # the value is not a table, or not an array of this length: the walk takes those
        case _:
            msg = f"the configuration structs use a type the check does not know: {kind!r}"
            raise TypeError(msg)


def _in_range(value: float, kind: inspect.IntType | inspect.FloatType) -> bool:
    return (
        -_LARGEST <= value <= _LARGEST  # also no NaN; `math.isfinite` fails at whole numbers beyond all floats
        and (kind.gt is None or value > kind.gt)
        and (kind.ge is None or value >= kind.ge)
        and (kind.lt is None or value < kind.lt)
        and (kind.le is None or value <= kind.le)
    )


def allowed(kind: inspect.Type) -> str:
    """Return what an unwrapped type allows, in words."""
    match kind:
        case inspect.BoolType():
            text = "true or false"
        case inspect.LiteralType():
            text = one_of(kind.values)
        case inspect.StrType():
            text = "text" if kind.pattern is None else f"text of the form {kind.pattern}"
        case inspect.IntType() | inspect.FloatType():
            text = _range(kind)
        case inspect.TupleType():
            text = f"an array of {len(kind.item_types)} numbers"
        case inspect.VarTupleType():
            text = "an array of tables, each begun by its name in [[double brackets]]"
        case _:
            text = "a table"
    return text


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    words = ["a whole number" if isinstance(kind, inspect.IntType) else "a number"]
    for bound, word in ((kind.gt, "above"), (kind.ge, "from"), (kind.lt, "below"), (kind.le, "to")):
        if bound is not None:
            words.append(f"{word} {bound}" if isinstance(kind, inspect.IntType) else f"{word} {bound:.12g}")
    return " ".join(words)
