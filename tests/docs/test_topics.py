"""The tables of topics and docs/asyncapi.json name the same topics, and the pages no other."""

from __future__ import annotations

import json
import re

from tests.docs.pages import ROOT, pages

CHANNELS = json.loads((ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8"))["channels"]


def _addresses() -> set[str]:
    """Return the topics of the document, as the README writes them: below a node, requests by their pattern."""
    found = set()
    for channel in CHANNELS.values():
        topic = channel["address"].removeprefix("{base}/{node}/")
        found.add(re.sub(r"(request|response)/\w+$", r"\1/{name}", topic))
    return found


def test_the_table_of_readme_is_that_of_the_document() -> None:
    """Every topic that is published stands in README, and README promises no other."""
    table = pages()["README.md"].partition("| topic below ")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {re.sub(r"<(\w+)>", r"{\1}", topic) for cell in cells for topic in re.findall(r"`([^`]+)`", cell)}
    assert named == _addresses()


def test_topics_in_sentences_exist() -> None:
    """A filter that a page shows, such as ankled/+/+/rep, matches at least one topic of the document."""
    addresses = [f"ankled/gym/{one}" for one in _addresses() if not one.startswith("homeassistant")]
    wrong = []
    for page, text in pages().items():
        for shown in re.findall(r"(?<![\w./-])ankled/(?:[\w+{}<>-]+/)+(?:[\w+{}<>-]+|#)", text):
            if "/bridge/response/" in f"{shown}/" or shown.startswith("ankled/replay/"):
                continue  # an answer goes to any topic below; a replay's node is its own
            if not any(_meets(shown.split("/"), address.split("/")) for address in addresses):
                wrong.append(f"{page}: {shown}")
    assert wrong == []


def _meets(shown: list[str], address: list[str]) -> bool:
    """Tell whether a topic, a filter or a topic with placeholders stands for an address."""
    if shown[-1] == "#":
        return len(shown) - 1 <= len(address) and _meets(shown[:-1], address[: len(shown) - 1])
    return len(shown) == len(address) and all(
        at == 1 or a in {b, "+"} or a[0] in "<{" or b[0] == "{"
        for at, (a, b) in enumerate(zip(shown, address, strict=True))
    )
