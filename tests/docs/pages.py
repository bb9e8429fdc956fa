"""The documentation as its tests read it: pages, code blocks, command lines and pieces of inline code."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("ankled", "make", "mosquitto_sub", "mosquitto_pub", "mosquitto_rr", "systemctl", "journalctl")


class Block(NamedTuple):
    """A code block: where it stands, its language (indented ones have none), its lines without the indentation."""

    page: str
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines) + "\n"


class Line(NamedTuple):
    """A command line as it is typed: without a prompt, the folder of the program, and a comment behind it."""

    page: str
    line: int
    text: str


@cache
def pages() -> dict[str, str]:
    """Return every page by its path: README.md, docs and drivers/README.md."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "drivers" / "README.md"]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def blocks_of(page: str, text: str) -> list[Block]:
    """Return the code blocks of a page: between fences, and indented by four after an empty line."""
    found: list[Block] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        begun = at
        if fence := re.match(r"( *)(```+|~~~+)(\w*)", lines[at]):
            at += 1
            while not lines[at].strip().startswith(fence[2]):
                at += 1
            inside = [line.removeprefix(fence[1]) for line in lines[begun + 1 : at]]
            found.append(Block(page, begun + 2, fence[3], tuple(inside)))
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at].strip()):
                at += 1
            inside = [line.strip() for line in lines[begun:at] if line.strip()]
            found.append(Block(page, begun + 1, "", tuple(inside)))
            continue
        at += 1
    return found


@cache
def blocks() -> tuple[Block, ...]:
    """Return the code blocks of all pages."""
    return tuple(block for page, text in pages().items() for block in blocks_of(page, text))


def commands_of(block: Block) -> list[Line]:
    """Return the command lines of a block; what is continued by a backslash or is a here-document is one."""
    found: list[Line] = []
    lines = list(enumerate(block.lines, block.line))
    while lines:
        number, text = lines.pop(0)
        while text.endswith("\\") and lines:
            text = f"{text[:-1].rstrip()} {lines.pop(0)[1].strip()}"
        if here := re.search(r"<<-?['\"]?(\w+)", text):
            while lines:
                text += f"\n{lines.pop(0)[1]}"
                if text.endswith(f"\n{here[1]}"):
                    break
        text = re.sub(r"\s+#\s.*$", "", text.strip().removeprefix("$ ")) if "\n" not in text else text
        text = re.sub(r"(?<!\S)(?:\S*/)?bin/(?=ankled\b|python\b)", "", text)
        if text and not text.startswith("#"):
            found.append(Line(block.page, number, text))
    return found


@cache
def command_lines() -> tuple[Line, ...]:
    """Return every line of every block that is for a shell: fenced as such, without a language, or indented."""
    shells = {"", "sh", "bash", "console", "shell"}
    return tuple(line for block in blocks() if block.language in shells for line in commands_of(block))


@cache
def inline() -> tuple[Line, ...]:
    """Return every piece of inline code, outside the blocks."""
    found = []
    for page, text in pages().items():
        inside = {n for b in blocks_of(page, text) for n in range(b.line - 1, b.line + len(b.lines) + 1)}
        for number, line in enumerate(text.splitlines(), 1):
            if number not in inside:
                found += [Line(page, number, code) for code in re.findall(r"`([^`\n]+)`", line)]
    return tuple(found)
