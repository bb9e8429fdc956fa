"""What is wrong with the fields of a request: all of it, each with what is allowed and the nearest that is."""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import msgspec
from msgspec import inspect

from ankled.daemon.config.walk import allowed, fits, unwrap
from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.topics import slugify
from ankled.daemon.requests.shape import nullable
from ankled.daemon.settings import RESERVED_SLUGS, Slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ankled.daemon.requests.forms import Form

TRANSACTION: Final = "transaction"
_SLUG_PATTERN: Final = get_args(Slug)[1].pattern
_PERSON: Final = "athlete"
_LONGEST: Final = 60
_MOST: Final = 5
"""Faults that are told; a request may be 64 KiB of them."""


def shown(value: object) -> str:
    """Return a value of a request as JSON has it, shortened; of objects and arrays only the kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    # shortened before it is quoted: a text may be all control characters
    text = json.dumps(value[:_LONGEST] if isinstance(value, str) else value, ensure_ascii=False)
    cut = len(text) > _LONGEST or (isinstance(value, str) and len(value) > _LONGEST)
    return f"{text[: _LONGEST - 3]}..." if cut else text


def listed(names: Iterable[str]) -> str:
    """Return `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of the known words that is spelt most like it, if any is."""
    near = get_close_matches(word[:_LONGEST].lower(), list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def filled(form: Form, fields: Mapping[str, object]) -> msgspec.Struct:
    """Return what a request asks for. Raises UsageError with everything that is wrong in it."""
    told = list(islice(_faults(form, fields), _MOST + 1))
    if told:
        more = "; and more" if len(told) > _MOST else ""
        message = f"{form.name} is not done: {'; '.join(told[:_MOST])}{more}"
        raise UsageError(message)
    asked = {name: value for name, value in fields.items() if name != TRANSACTION}
    try:
        return msgspec.convert(asked, form.takes)
    except msgspec.ValidationError as error:  # of a kind that the walk does not know
        message = f"{form.name} is not done: {error}"
        raise UsageError(message) from None


def _faults(form: Form, fields: Mapping[str, object]) -> Iterator[str]:
    known = _fields(form.takes)
    for name, value in fields.items():
        if name in known:
            yield from _unfit(name, value, known[name].kind)
        elif name != TRANSACTION:
            near = nearest(name, [*known, TRANSACTION])
            hint = f"did you mean {near}?" if near else f"allowed: {listed([*known, TRANSACTION])}"
            yield f"{shown(name)} is not a field of it ({hint})"
    for name, field in known.items():
        if field.required and name not in fields:
            yield f"{name} is missing, allowed is {_words(field.kind)}"


class _Field(NamedTuple):
    kind: inspect.Type
    required: bool


@cache
def _fields(takes: type[msgspec.Struct]) -> dict[str, _Field]:
    found = msgspec.structs.fields(takes)
    return {field.encode_name: _Field(inspect.type_info(field.type), field.required) for field in found}


def _unfit(name: str, value: object, kind: inspect.Type) -> Iterator[str]:
    """Yield what is wrong with one value, if anything is."""
    plain, _ = unwrap(kind)
    slug = isinstance(plain, inspect.StrType) and plain.pattern == _SLUG_PATTERN
    if slug and isinstance(value, str) and value in RESERVED_SLUGS:
        yield f"{name} is {shown(value)}, which is reserved, as are {listed(sorted(RESERVED_SLUGS - {value}))}"
    elif name == _PERSON and isinstance(value, str) and not fits(value, plain):
        yield f"{name} is a text that is not repeated, for all may read the answer; allowed is {_words(kind)}"
    elif not (fits(value, plain) or (value is None and nullable(kind))):
        # any text gives a slug; one of nothing usable gives a word that says nothing
        near = slugify(value[:_LONGEST]) if slug and isinstance(value, str) else "device"
        hint = "" if near == "device" else f', such as "{near}"'
        yield f"{name} is {shown(value)}, allowed is {_words(kind)}{hint}"


def _words(kind: inspect.Type) -> str:
    plain, description = unwrap(kind)
    return (description or allowed(plain)) + (" or null" if nullable(kind) else "")
