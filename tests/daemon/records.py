"""Records made up for tests: every field filled by its type."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from ankled.daemon.records import Rep

T = TypeVar("T", bound=msgspec.Struct)


def make(kind: type[T], /, **given: object) -> T:
    """Return a record with the given fields, and every other filled with something its type allows."""
    return msgspec.convert(_least(kind) | given, kind)


@functools.cache
def _least(kind: type[msgspec.Struct]) -> dict[str, object]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return {str(info.tag_field): info.tag} | {one.name: _some(one.type) for one in info.fields if one.required}


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


def stride(side: str, contact_s: float, **given: object) -> Rep:
    """Return a stride of one second that ends with a contact: 0.62 s on the ground, 0.38 s in the air."""
    fields: dict[str, object] = {
        "id": f"{side}/{contact_s:g}", "device": side, "side": side, "kind": "stride", "index": 1, "first": False,
        "start_s": contact_s - 1.0, "end_s": contact_s, "initial_contact_s": contact_s, "known_at_s": contact_s + 0.1,
        "toe_off_s": contact_s - 0.38, "duration_s": 1.0, "contact_time_s": 0.62, "rom_deg": 70.0,
        "lateral_force_peak_n": 5.0, "lateral_force_impulse_n_s": 2.0, "bandwidth_hz": 20.0,
    }  # fmt: skip
    return make(Rep, **(fields | given))


def lift(side: str, index: int, start_s: float, **given: object) -> Rep:
    """Return a repetition of two seconds."""
    fields: dict[str, object] = {
        "id": f"{side}/{start_s:g}", "device": side, "side": side, "kind": "rep", "index": index, "first": None,
        "start_s": start_s, "end_s": start_s + 2.0, "known_at_s": start_s + 2.1, "duration_s": 2.0, "rom_deg": 40.0,
        "lateral_force_peak_n": 5.0, "lateral_force_impulse_n_s": 2.0, "bandwidth_hz": 20.0, "initial_contact_s": None,
    }  # fmt: skip
    return make(Rep, **(fields | given))
