"""Every command line in README and docs is tried by somebody, and every command and option is documented."""

from __future__ import annotations

import re
import shlex

import msgspec
import pytest

from ankled.daemon.cli.main import COMMANDS, EXIT_CODES, _parse
from ankled.daemon.cli.reference import document
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests import forms
from ankled.daemon.requests.faults import TRANSACTION
from ankled.daemon.requests.reading import fields_of, transaction_of
from tests.docs import table
from tests.docs.pages import ROOT, Line, blocks_of, command_lines, commands_of, inline, pages
from tests.docs.parsers import every_option, options, parsers
from tests.docs.table import ELSEWHERE, MAKE, PARSED, REQUEST, lines_of, row_of


def shown(line: Line) -> str:
    """Return a line as a failing test names it."""
    return f"{line.page}:{line.line}: {line.text}"


def test_every_command_line_is_classified() -> None:
    """A command that is added to a page is tried by a test from then on: whoever adds it says how, in table.py."""
    assert [shown(line) for line in command_lines() if row_of(line) is None] == []
    assert {line.page for line in command_lines()} >= {"README.md", "docs/privacy.md", "drivers/README.md"}
    assert all(row.why for row in table.TABLE if row.how in {ELSEWHERE, PARSED})


def test_a_new_command_is_not_overlooked() -> None:
    """A line of an indented block, of a fence for a shell, or continued on the next line, is found as a whole."""
    text = "x\n\n    $ .venv/bin/ankled fly --high  # soon\n\n```sh\nankled fly \\\n  --low\n```\n* list\n    no code\n"
    blocks = blocks_of("x.md", text)
    assert [block.language for block in blocks] == ["", "sh"]
    lines = [line for block in blocks for line in commands_of(block)]
    assert [line.text for line in lines] == ["ankled fly --high", "ankled fly --low"]
    assert [row_of(line) for line in lines] == [None, None]


@pytest.mark.parametrize("line", [x for x in command_lines() if x.text.split()[0] == "ankled"], ids=shown)
def test_the_parser_takes_it(line: Line) -> None:
    """Each documented line of ankled, whether it is run elsewhere or not, is one that the real parser accepts."""
    if (row := row_of(line)) is None or row.how == table.PICTURE:
        assert set(re.findall(r"--[a-z-]+", line.text)) <= every_option()
        return
    words = shlex.split(re.split(r"\s[|&>]", line.text)[0])
    if words[1] == "service" and "service" not in COMMANDS:
        pytest.fail("there is no command `ankled service`")
    assert callable(_parse(words[1:]).run)


def test_make_targets_exist() -> None:
    """What is to be made is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {line.text.split()[1] for line in lines_of(MAKE)}
    named |= {line.text.split()[1] for line in inline() if re.fullmatch(r"make [a-z-]+.*", line.text)}
    assert named <= targets


@pytest.mark.parametrize("line", lines_of(REQUEST), ids=shown)
def test_requests_are_forms(line: Line) -> None:
    """Topic and payload of a documented request are what the daemon takes, and the answer's topic belongs to it."""
    words = shlex.split(line.text)
    topics = Topics(node="gym")
    topic = words[words.index("-t") + 1]
    name = topic.rpartition("/")[2]
    assert topic == f"{topics.root}/bridge/request/{name}"
    form = next(form for form in forms.FORMS if form.name == name)
    fields = fields_of(words[words.index("-m") + 1].encode())
    transaction_of(fields)
    assert isinstance(msgspec.convert({k: v for k, v in fields.items() if k != TRANSACTION}, form.takes), form.takes)
    if "-e" in words:
        assert words[words.index("-e") + 1] == f"{topics.root}/bridge/response/{name}"


def test_inline_commands_exist() -> None:
    """What a sentence names, `ankled X --option`, is a command that has the option; a bare `--option` is of one."""
    wrong = []
    for line in inline():
        words = line.text.replace("\\|", "|").split()
        named = {re.split(r"[=\]]", word)[0] for word in words if word.startswith("--")}
        if words[0] == "ankled" and len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1]):
            name = " ".join(words[1:3]) if " ".join(words[1:3]) in parsers() else words[1]
            if name not in parsers() or not named <= options(name):
                wrong.append(shown(line))
        elif words[0].startswith("--") and not named <= every_option() | OTHERS:
            wrong.append(shown(line))
    assert wrong == []


OTHERS: set[str] = set()
"""Options of other programs that a sentence names alone."""


def test_every_option_is_documented() -> None:
    """docs/commands.md is what the parsers say (`make commands` writes it); another page is about each command."""
    assert pages()["docs/commands.md"] == document()
    text = pages()["docs/commands.md"]
    for name in parsers():
        section = text.partition(f"## `ankled {name}`\n")[2]
        assert section, name
        missing = {o for o in options(name) if f"`{o}" not in text}
        assert not missing, name
    others = "\n".join(text for page, text in pages().items() if page != "docs/commands.md")
    assert [name for name in COMMANDS if f"ankled {name}" not in others] == []


def test_exit_codes_are_the_documented_ones() -> None:
    """README and `--help`, from which docs/commands.md is made, list the same codes."""
    said = re.search(r"Exit codes: (.*?)\.\n", pages()["README.md"], flags=re.DOTALL)
    assert said

    def codes(text: str) -> dict[str, str]:
        return dict(re.findall(r"(\d+) ([^,;]+)", " ".join(text.split())))

    assert codes(said[1]).keys() == codes(EXIT_CODES).keys()
