"""The JSON Schema of the configuration, which editors complete and check TOML by (Taplo, Even Better TOML)."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, Final

import msgspec

from ankled.daemon.config.keys import KEYS
from ankled.daemon.config.leaves import leaves
from ankled.daemon.config.schema import Config

# Of the older dialects, which these editors know best.
_DIALECT: Final = "http://json-schema.org/draft-07/schema#"


def schema() -> dict[str, Any]:
    """Return the schema as a document of its own, tables within it where they are used."""
    (top,), definitions = msgspec.json.schema_components([Config], ref_template="{name}")
    found = _table(definitions[top["$ref"]], definitions, "")
    return {"$schema": _DIALECT, "$id": "urn:ankled:schema:config"} | found | {"title": "Configuration of ankled"}


def _table(table: dict[str, Any], definitions: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the schema of a table with its keys described, and without null, which TOML has not."""
    fields = {}
    units = {leaf.path: leaf.unit for leaf in leaves()}
    for name, field in table["properties"].items():
        here = f"{path}{name}"
        fields[name] = _field(field, definitions, here)
        if here in KEYS:
            key = KEYS[here]
            after = "Applied by a reload." if key.reload == "now" else "Needs a restart."
            says = fields[name].get("description")
            allowed = f" Allowed: {says}." if says else ""
            fields[name]["description"] = f"{key.told}{allowed} {after}"
            if units[here]:
                fields[name]["x-unit"] = units[here]
    return table | {"description": cleandoc(table["description"]), "properties": fields, "additionalProperties": False}


def _field(field: dict[str, Any], definitions: dict[str, Any], path: str) -> dict[str, Any]:
    if "anyOf" in field:
        (given,) = (one for one in field["anyOf"] if one.get("type") != "null")
        field = {name: value for name, value in field.items() if name != "anyOf"} | given
    if field.get("default", 0) is None:  # a key that is not set
        field = {name: value for name, value in field.items() if name != "default"}
    if "$ref" in field:
        return _table(definitions[field["$ref"]], definitions, f"{path}.")
    if "items" in field and isinstance(field["items"], dict):
        return field | {"items": _field(field["items"], definitions, path)}
    if "prefixItems" in field:  # a later dialect's word
        inner = [_field(one, definitions, path) for one in field["prefixItems"]]
        field = {name: value for name, value in field.items() if name != "prefixItems"}
        return field | {"items": inner, "additionalItems": False}
    return dict(field)
