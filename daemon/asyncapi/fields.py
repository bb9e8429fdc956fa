"""What is said of single fields: their unit, from their name, and their definition, from docs/records.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Definitions: TypeAlias = "Mapping[str, Mapping[str, str]]"
"""By name of the schema, by name of the field."""

# The longest ending that fits counts.
_UNITS: Final = {
    "_s": "s", "_ms": "ms", "_ns": "ns", "_hz": "Hz", "_per_min": "1/min", "_per_s": "1/s",
    "_m": "m", "_mps": "m/s", "_mps2": "m/s²", "_mps3": "m/s³", "_m2ps4": "m²/s⁴", "_m2ps5": "m²/s⁵",
    "_deg": "°", "_rad_s": "rad/s", "_dps": "°/s", "_kg": "kg", "_g": "9.80665 m/s²", "_n": "N", "_n_s": "N s",
    "_percent": "%", "_ppm": "ppm", "_dbm": "dBm", "_mb": "MB",
}  # fmt: skip
_BY_LENGTH: Final = sorted(_UNITS, key=len, reverse=True)
_HEADING = re.compile(r"^## .*`(ankled\.[a-z]+/\d+)`")
_ROW = re.compile(r"^\| (`.*?`) \|(?: .*?)?\| (.+) \|$")
_NAMES = re.compile(r"`([a-z0-9_]+)`")


def unit(field: str) -> str | None:
    """Return the unit that the name of a field ends in, if it does."""
    return next((_UNITS[ending] for ending in _BY_LENGTH if field.endswith(ending)), None)


def definitions(page: str) -> dict[str, dict[str, str]]:
    """Return the definitions that stand in the tables of a page, below the headings that name a record.

    Where a row defines several fields, the definition begins with their names, in whose order it goes.
    """
    found: dict[str, dict[str, str]] = {}
    schema: str | None = None
    for line in page.splitlines():
        if line.startswith("## "):
            heading = _HEADING.match(line)
            schema = heading[1] if heading and line.count("`") == 2 else None  # noqa: PLR2004 - one name, in two ticks
        elif schema is not None and (row := _ROW.match(line)):
            names = _NAMES.findall(row[1])
            text = row[2] if len(names) == 1 else f"{', '.join(names)}: {row[2]}"
            found.setdefault(schema, {}).update(dict.fromkeys(names, text))
    return found


def describe(definition: dict[str, Any], said: Mapping[str, str]) -> None:
    """Add unit and description to the properties of a JSON Schema, where there are any to add."""
    for name, field in definition.get("properties", {}).items():
        if "$ref" in field:  # older dialects ignore what stands beside a reference
            continue
        if name in said:
            field.setdefault("description", said[name])
        if (found := unit(name)) is not None:
            field["x-unit"] = found
