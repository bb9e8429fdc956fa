"""The committed JSON Schemas say what the daemon publishes."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from ankled.daemon.records import Alert, Event, Record, to_json
from ankled.daemon.schemas import record_schemas, write_schemas
from tests.house import tree

FOLDER = tree.ROOT / "docs" / "schemas"

ALERT = Alert(
    id="s/left/alert/1",
    seq=1,
    session="s",
    node="n",
    device="left",
    athlete=None,
    side="left",
    set=1,
    alert="slip",
    severity="warning",
    quantity="angle_deg",
    known_at_s=2.0,
    known_at_utc=None,
    about=["s/left/event/1"],
    message="The weight on the left leg turned by 20 degrees.",
    evidence={"angle_deg": 20.0},
)  # fmt: skip  (one line of values is enough)
EVENT = Event(
    id="s/left/event/1", seq=2, session="s", node="n", device="left", event="interrupted", known_at_s=3.0, detail={}
)


def test_the_committed_schemas_are_those_of_the_structs() -> None:
    """A changed struct changes its schema in the same commit: `make schemas`."""
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == record_schemas()


def test_every_kind_of_record_has_a_schema_of_its_own() -> None:
    """One file for each member of `Record`, titled with the name and version that its JSON carries."""
    titles = {json.loads(content)["title"] for content in record_schemas().values()}
    assert titles == {str(record.__struct_config__.tag) for record in get_args(Record)}


@pytest.mark.parametrize("record", [ALERT, EVENT], ids=["alert", "event"])
def test_a_record_has_exactly_the_required_keys(record: Record) -> None:
    """Every key is always present, also those whose value is null or a default."""
    published: dict[str, Any] = json.loads(to_json(record))
    kind = published["schema"].removeprefix("ankled.").replace("/", "-")
    schema = json.loads(record_schemas()[f"{kind}.json"])
    assert list(published) == schema["required"] == list(schema["properties"])
    assert msgspec.json.decode(to_json(record), type=Record) == record


def test_schemas_are_written_into_a_new_folder(tmp_path: Any) -> None:
    """`make schemas` works where docs/schemas does not exist yet."""
    written = write_schemas(tmp_path / "new" / "schemas")
    assert {path.name: path.read_bytes() for path in written} == record_schemas()
