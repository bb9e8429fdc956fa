"""JSON Schemas of everything that is sent or taken: as parts of one document, or each on its own."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from ankled.daemon.asyncapi.asked import ASKED, Refusal
from ankled.daemon.asyncapi.fields import describe
from ankled.daemon.asyncapi.published import PUBLISHED
from ankled.daemon.records import Live, Record
from ankled.daemon.requests.forms import Past

if TYPE_CHECKING:
    from ankled.daemon.asyncapi.fields import Definitions

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PAST: Final = tuple(record for record in get_args(Record) if record is not Live)
"""What `history` gives: all but what is only of the moment."""
_IN_DOCUMENT: Final = "#/components/schemas/{name}"


def contents() -> dict[str, type[msgspec.Struct]]:
    """Return everything that is sent or taken, by the stem of its schema's file: `rep-1` for `ankled.rep/1`."""
    found: dict[str, type[msgspec.Struct]] = {}
    for one in PUBLISHED:
        tag = _tag(one.content)
        found[one.key.replace("_", "-") if tag is None else _stem(tag)] = one.content
    for request in ASKED:
        name = request.form.name.replace("_", "-")
        found |= {f"request-{name}": request.request, f"response-{name}": request.answer}
    return found | {"response-error": Refusal}


def document_schemas(said: Definitions) -> tuple[dict[type[msgspec.Struct], dict[str, Any]], dict[str, Any]]:
    """Return a reference to the schema of each struct, and all the schemas, for one document that holds both."""
    structs = list(dict.fromkeys([*contents().values(), *get_args(Record)]))
    references, definitions = msgspec.json.schema_components(structs, ref_template=_IN_DOCUMENT)
    found = dict(zip(structs, references, strict=True))
    _finish(definitions, said, [found[record] for record in _PAST])
    return found, dict(sorted(definitions.items()))


def lone_schema(stem: str, struct: type[msgspec.Struct], said: Definitions) -> dict[str, Any]:
    """Return the schema of a struct as a document of its own; records that it holds are named by their `$id`."""
    (top,), definitions = msgspec.json.schema_components([struct])
    _finish(definitions, said, [{"$ref": _id(_stem(str(_tag(record))))} for record in _PAST])
    name = top["$ref"].rpartition("/")[2]
    head = {"$schema": DIALECT, "$id": _id(stem)}
    schema: dict[str, Any] = head | definitions.pop(name) | {"title": _tag(struct) or stem}
    return schema | {"$defs": definitions} if definitions else schema


def _finish(definitions: dict[str, Any], said: Definitions, records: list[dict[str, Any]]) -> None:
    """Say what is known of each field, and that whatever the daemon sends has every key."""
    requests = {one.request.__name__ for one in ASKED}
    for name, definition in definitions.items():
        if name not in requests:
            _close(definition)
        if "description" in definition:
            definition["description"] = cleandoc(definition["description"])
        tag = definition.get("properties", {}).get("schema", {}).get("enum", [""])[0]
        describe(definition, said.get(tag, {}))
        if name == Past.__name__:  # holds a record as it was published, which msgspec does not look into
            definition["properties"]["record"] = {"oneOf": records}


def _close(definition: dict[str, Any]) -> None:
    """Require every property: msgspec describes what it would decode, where a field with a default may be absent."""
    if "properties" in definition:
        definition["required"] = list(definition["properties"])
        for field in definition["properties"].values():
            field.pop("default", None)


def _tag(struct: type[msgspec.Struct]) -> str | None:
    tag = struct.__struct_config__.tag
    return None if tag is None else str(tag)


def _stem(tag: str) -> str:
    return tag.removeprefix("ankled.").replace("/", "-")


def _id(stem: str) -> str:
    return f"urn:ankled:schema:{stem}"
