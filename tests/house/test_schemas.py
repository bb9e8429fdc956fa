"""The committed JSON Schemas and the AsyncAPI document say what the daemon publishes and takes."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

import msgspec
import pytest

from ankled.daemon.asyncapi.asked import ASKED, Refusal
from ankled.daemon.asyncapi.fields import definitions, unit
from ankled.daemon.asyncapi.payloads import contents
from ankled.daemon.asyncapi.published import PUBLISHED
from ankled.daemon.mqtt.topics import Topics, discovery
from ankled.daemon.records import Alert, Pair, Record, Rep, Session, to_json
from ankled.daemon.requests.forms import FORMS
from ankled.daemon.schemas import write, written
from tests.daemon.records import make
from tests.house import tree

if TYPE_CHECKING:
    from pathlib import Path

DOCS = tree.ROOT / "docs"
DOCUMENT = json.loads((DOCS / "asyncapi.json").read_bytes())
EXAMPLES: dict[str, list[Any]] = json.loads((DOCS / "examples" / "messages.json").read_bytes())
TOPICS = Topics(node="gym")
PLACES = {"base": "ankled", "node": "gym", "device": "left", "athlete": "kim", "id": "ankled-gym"}
# What each message of the document carries.
CARRIED = (
    {one.key: one.content for one in PUBLISHED}
    | {f"request_{one.form.name}": one.request for one in ASKED}
    | {f"response_{one.form.name}": one.answer for one in ASKED}
    | {"refused": Refusal}
)


def test_the_committed_files_are_those_of_the_structs() -> None:
    """A changed struct changes its schema and the document in the same commit: `make schemas`."""
    made = written(DOCS)
    assert {path for path in made if path.parent.name == "schemas"} == set((DOCS / "schemas").iterdir())
    assert [tree.shown(path) for path, content in made.items() if path.read_bytes() != content] == []


def test_everything_that_is_sent_or_taken_has_a_schema_of_its_own() -> None:
    """One file for each record, each topic of the daemon and each request and answer, with an `$id` nobody else has."""
    schemas = {path.stem: json.loads(path.read_bytes()) for path in (DOCS / "schemas").iterdir()}
    assert set(schemas) == set(contents())
    assert {schema["$id"] for schema in schemas.values()} == {f"urn:ankled:schema:{stem}" for stem in schemas}
    tags = {str(record.__struct_config__.tag) for record in get_args(Record)}
    assert tags <= {schema["title"] for schema in schemas.values()}
    assert [stem for stem, schema in schemas.items() if not schema.get("description")] == []


@pytest.mark.parametrize("record", get_args(Record), ids=lambda record: record.__name__)
def test_a_record_has_exactly_the_required_keys(record: type[Record]) -> None:
    """Every key is always present, also those whose value is null or a default."""
    published: dict[str, Any] = json.loads(to_json(make(record)))
    stem = published["schema"].removeprefix("ankled.").replace("/", "-")
    schema = json.loads((DOCS / "schemas" / f"{stem}.json").read_bytes())
    assert list(published) == schema["required"] == list(schema["properties"])
    assert msgspec.json.decode(to_json(make(record)), type=Record) == make(record)


def test_units_and_definitions_reach_the_schema() -> None:
    """A unit is read off the end of a name; a definition is what docs/records.md says of the field."""
    assert unit("sway_jerk_rms_mps3") == "m/s³"
    assert unit("lateral_force_impulse_n_s") == "N s"
    assert unit("quality") is None
    said = definitions((DOCS / "records.md").read_text(encoding="utf-8"))
    assert {"ankled.rep/1", "ankled.standing/1", "ankled.set/1", "ankled.alert/1"} <= set(said)
    assert set(Rep.__struct_fields__) == set(said["ankled.rep/1"])
    field = DOCUMENT["components"]["schemas"]["Rep"]["properties"]["rom_deg"]
    assert field["x-unit"] == "°"
    assert field["description"].startswith("range of the segment's inclination")


def test_every_topic_is_in_the_document() -> None:
    """A name that `Topics` knows is published on, or said to be unused; a line in the table is all that it takes."""
    named = {
        f"{whose}_{name}"
        for whose in ("bridge", "device", "athlete")
        for name in get_args(get_type_hints(getattr(Topics, whose), localns={"Literal": Literal})["name"])
    }
    assert named == {one.key for one in PUBLISHED}
    addresses = {key: channel["address"].format(**PLACES) for key, channel in DOCUMENT["channels"].items()}
    told = {f"bridge_{one.name}": TOPICS.bridge(one.name) for one in PUBLISHED if one.whose == "bridge"}  # type: ignore[arg-type]  # its names are those of the table, see above
    told |= {f"device_{one.name}": TOPICS.device("left", one.name) for one in PUBLISHED if one.whose == "device"}  # type: ignore[arg-type]  # the same
    told |= {f"athlete_{one.name}": TOPICS.athlete("kim", one.name) for one in PUBLISHED if one.whose == "athlete"}  # type: ignore[arg-type]  # the same
    told |= {f"request_{form.name}": TOPICS.request(form.name) for form in FORMS}
    told |= {f"response_{form.name}": TOPICS.response(form.name) for form in FORMS}
    assert addresses == told | {"homeassistant_discovery": discovery("ankled-gym")}


@pytest.mark.parametrize("kind", get_args(Record), ids=lambda record: record.__name__)
def test_the_table_sends_as_the_daemon_does(kind: type[Record]) -> None:
    """Topic, quality of service and retention of each record are those of `Topics.topic_for`."""
    owner = {"athlete": "kim"} if kind in {Pair, Session} else {"device": "left"}
    others = [make(Alert, device=None, athlete="kim")] if kind is Alert else []
    for record in (make(kind, **owner), *others):
        route = TOPICS.topic_for(record)
        (one,) = (p for p in PUBLISHED if p.address.format(**PLACES) == route.topic)
        assert (one.content, one.qos, one.retain) == (kind, route.qos, route.retain)
        binding = DOCUMENT["operations"][f"send_{one.key}"]["bindings"]["mqtt"]
        assert (binding["qos"], binding["retain"]) == (route.qos, route.retain)


def test_the_document_holds_together() -> None:
    """Each reference leads somewhere, parameters are those of the address, replies belong to their requests."""
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)):
        assert reference.startswith("#/")
        place = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    for channel in DOCUMENT["channels"].values():
        assert set(channel["parameters"]) == set(re.findall(r"{(\w+)}", channel["address"]))
    used = {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()}
    used |= {
        operation["reply"]["channel"]["$ref"] for operation in DOCUMENT["operations"].values() if "reply" in operation
    }
    assert used == {f"#/channels/{name}" for name in DOCUMENT["channels"]}
    for form in FORMS:
        operation = DOCUMENT["operations"][f"answer_{form.name}"]
        assert operation["reply"]["channel"] == {"$ref": f"#/channels/response_{form.name}"}
        assert len(operation["reply"]["messages"]) == 2
    assert set(DOCUMENT["components"]["messages"]) == {*CARRIED, "homeassistant_discovery"}


def test_what_is_published_has_examples() -> None:
    """An example for each topic, for the refusal of a request, and of each request with its answer or of neither."""
    names = {one.key for one in PUBLISHED} | {"refused"}
    requests = {name for name in EXAMPLES if name.startswith("request_")}
    assert names <= set(EXAMPLES)
    assert set(EXAMPLES) - names == requests | {name.replace("request", "response", 1) for name in requests}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_examples_are_what_is_sent(name: str) -> None:
    """Each was sent once: it has the keys of today's struct, no more and no fewer."""
    assert EXAMPLES[name]
    for example in EXAMPLES[name]:
        read = msgspec.json.decode(json.dumps(example), type=CARRIED[name])
        if not name.startswith("request_"):
            assert json.loads(msgspec.json.encode(read)) == example


def test_documents_are_written_where_they_were_not(tmp_path: Path) -> None:
    """`make schemas` makes the folder of the schemas, and takes out what nothing has any more."""
    (tmp_path / "examples").mkdir()
    shutil.copy(DOCS / "records.md", tmp_path)
    shutil.copy(DOCS / "examples" / "messages.json", tmp_path / "examples")
    files = write(tmp_path)
    assert {path.name: path.read_bytes() for path in files} == {
        path.name: path.read_bytes()
        for path in [
            *(DOCS / "schemas").iterdir(),
            *(DOCS / name for name in ("asyncapi.json", "config.schema.json", "configuration.md")),
        ]
    }
    (tmp_path / "schemas" / "old-1.json").write_text("{}")
    write(tmp_path)
    assert not (tmp_path / "schemas" / "old-1.json").exists()
