"""Every link of a page to a file of this tree, or to a heading, leads there; every path that a page names exists."""

from __future__ import annotations

import re
from functools import cache

from tests.docs.pages import ROOT, blocks_of, inline, pages

_LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page, made as GitHub makes them."""
    found: dict[str, int] = {}
    made = set()
    code = {n for b in blocks_of("", text) for n in range(b.line, b.line + len(b.lines))}
    for number, line in enumerate(text.splitlines(), 1):
        if number not in code and (heading := re.match(r"#+ (.*)", line)):
            plain = re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-")
            count = found[plain] = found.get(plain, -1) + 1
            made.add(f"{plain}-{count}" if count else plain)
    return made


def broken(page: str, text: str) -> list[str]:
    """Return the links of a page that lead nowhere in this tree."""
    code = {n for b in blocks_of(page, text) for n in range(b.line, b.line + len(b.lines))}
    links = [
        link
        for number, line in enumerate(text.splitlines(), 1)
        if number not in code
        for link in _LINK.findall(line)
        if not re.match(r"[a-z]+:", link)
    ]
    wrong = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        known = target.is_file() and target.suffix == ".md" and anchor in anchors(target.read_text(encoding="utf-8"))
        if not target.exists() or (anchor and not known):
            wrong.append(f"{page}: {link}")
    return wrong


def test_links_lead_somewhere() -> None:
    """Relative paths and #anchors, on every page."""
    assert [one for page, text in pages().items() for one in broken(page, text)] == []
    assert broken("README.md", "[a](docs/none.md) [b](#no-such) [c](docs/bridge.md#no-such)") != []


def test_every_page_can_be_found() -> None:
    """A page that no other page links to would be read by nobody."""
    linked = {
        (ROOT / page).parent.joinpath(link.partition("#")[0]).resolve()
        for page, text in pages().items()
        for link in _LINK.findall(text)
        if not re.match(r"[a-z]+:", link)
    }
    assert [page for page in pages() if page != "README.md" and (ROOT / page).resolve() not in linked] == []


def test_paths_in_sentences_exist() -> None:
    """`docs/...`, `systemd/...`, `tests/...` and `daemon/...` in inline code are files or folders of this tree."""
    named = {
        line.text for line in inline() if re.fullmatch(r"(docs|systemd|tests|daemon|benchmarks)/[\w./-]+", line.text)
    }
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
