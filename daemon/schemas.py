"""What the daemon publishes and takes, as documents made from the same structs that are sent.

`make schemas` writes them below docs: schemas/*.json, a JSON Schema each, and asyncapi.json, which holds them all; of
the configuration configuration.md, and config.schema.json for editors. A test holds the files equal to the structs.
Definitions come from docs/records.md, examples from docs/examples/messages.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ankled.daemon.asyncapi.document import document
from ankled.daemon.asyncapi.fields import definitions
from ankled.daemon.asyncapi.payloads import contents, lone_schema
from ankled.daemon.config import editors
from ankled.daemon.config.document import page


def written(docs: Path) -> dict[Path, bytes]:
    """Return every file that is made below the folder `docs`, with what belongs into it."""
    said = definitions((docs / "records.md").read_text(encoding="utf-8"))
    examples = json.loads((docs / "examples" / "messages.json").read_bytes())
    schemas = {
        docs / "schemas" / f"{stem}.json": _render(lone_schema(stem, struct, said))
        for stem, struct in contents().items()
    }
    return schemas | {
        docs / "asyncapi.json": _render(document(examples, said)),
        docs / "config.schema.json": _render(editors.schema()),
        docs / "configuration.md": page().encode(),
    }


def write(docs: Path) -> list[Path]:
    """Write every file, remove schemas that nothing has any more, and return the files."""
    files = written(docs)
    (docs / "schemas").mkdir(exist_ok=True)
    for old in set((docs / "schemas").iterdir()) - set(files):
        old.unlink()
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def _render(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def main() -> None:
    """Write below the one folder named on the command line."""
    parser = argparse.ArgumentParser(description="Write the JSON Schemas and the AsyncAPI document.")
    parser.add_argument("docs", type=Path)
    for path in write(parser.parse_args().docs):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
