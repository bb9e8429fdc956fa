"""How the fields of a form and of its answer read in a document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
from msgspec import inspect

from ankled.daemon.config.walk import allowed, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator


def fields(struct: type[msgspec.Struct]) -> Iterator[tuple[str, str, str]]:
    """Yield of every field that a request takes its name, what is allowed, and what holds without it."""
    for field in msgspec.structs.fields(struct):
        kind = inspect.type_info(field.type)
        plain, description = unwrap(kind)
        words = (description or allowed(plain)) + (" or null" if nullable(kind) else "")
        if field.required:
            without = "needed"
        elif field.default is msgspec.UNSET:
            without = "as it is"
        else:
            without = f"`{json.dumps(field.default)}`"
        yield field.encode_name, words, without


def nullable(kind: inspect.Type) -> bool:
    """Tell whether null is allowed."""
    return isinstance(kind, inspect.UnionType) and any(isinstance(one, inspect.NoneType) for one in kind.types)


def shape(kind: inspect.Type) -> str:
    """Return what an answer looks like: JSON with words where the values stand."""
    plain, _ = unwrap(kind)
    match plain:
        case inspect.StructType():
            inner = ", ".join(f'"{field.encode_name}": {shape(field.type)}' for field in plain.fields)
            text = f"{{{inner}}}"
        case inspect.VarTupleType():
            text = f"[{shape(plain.item_type)}, ...]"
        case inspect.LiteralType():
            text = " or ".join(json.dumps(value) for value in plain.values)
        case inspect.BoolType():
            text = "true or false"
        case inspect.IntType() | inspect.FloatType():
            text = "number"
        case inspect.RawType():
            text = "the record"
        case _:
            text = "text"
    return f"{text} or null" if nullable(kind) else text
