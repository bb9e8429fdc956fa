"""JSON Schemas of the records, made from the same structs that encode them.

`make schemas` writes them into docs/schemas; a test holds the two equal.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

import msgspec

from ankled.daemon.records import Record

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def record_schemas() -> dict[str, bytes]:
    """Return one JSON Schema for each kind of record, by file name: `rep-1.json` for `ankled.rep/1`."""
    return {_file_name(record): _render(record) for record in get_args(Record)}


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema below `folder`, which is made if need be, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in record_schemas().items():
        path = folder / name
        path.write_bytes(content)
        written.append(path)
    return written


def _tag(record: type[msgspec.Struct]) -> str:
    return str(record.__struct_config__.tag)


def _file_name(record: type[msgspec.Struct]) -> str:
    return _tag(record).removeprefix("ankled.").replace("/", "-") + ".json"


def _render(record: type[msgspec.Struct]) -> bytes:
    (top,), definitions = msgspec.json.schema_components([record])
    for definition in definitions.values():
        _close(definition)
    name = top["$ref"].rpartition("/")[2]
    schema: dict[str, Any] = {"$schema": _DIALECT, **definitions.pop(name), "title": _tag(record)}
    if definitions:
        schema["$defs"] = definitions
    return json.dumps(schema, indent=2).encode() + b"\n"


def _close(definition: dict[str, Any]) -> None:
    """Require every property: msgspec describes what it would decode, where a field with a default may be absent."""
    if "properties" in definition:
        definition["required"] = list(definition["properties"])
        for field in definition["properties"].values():
            field.pop("default", None)


def main() -> None:
    """Write the schemas into the one folder named on the command line."""
    parser = argparse.ArgumentParser(description="Write one JSON Schema for each kind of record.")
    parser.add_argument("folder", type=Path)
    for path in write_schemas(parser.parse_args().folder):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
