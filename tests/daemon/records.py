"""Records made up for tests: every field filled by its type."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T", bound=msgspec.Struct)


def make(kind: type[T], /, **given: object) -> T:
    """Return a record with the given fields, and every other filled with something its type allows."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = {field.name: _some(field.type) for field in info.fields if field.required}
    return msgspec.convert({str(info.tag_field): info.tag, **fields, **given}, kind)


def _some(kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    some: dict[type[inspect.Type], Any] = {
        inspect.UnionType: None,
        inspect.StrType: "x",
        inspect.IntType: 1,
        inspect.FloatType: 0.5,
        inspect.BoolType: True,
        inspect.ListType: [],
        inspect.DictType: {},
    }
    return some[type(kind)]
