"""The command line for tests: run in this process, or as a user's shell would."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ankled.daemon.cli import main
from ankled.daemon.logs import unconfigure

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


def _ours(record: logging.LogRecord) -> bool:
    """Leave out what the collector finds of the clients of earlier tests, which would stand in what a command says."""
    return "never retrieved" not in str(record.msg) or "MqttCodeError" not in str(record.msg)


logging.getLogger("asyncio").addFilter(_ours)

PROGRAM = str(Path(sys.executable).with_name("ankled"))


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, object]]:
        """The lines of standard output, each one JSON object."""
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


class Shell:
    """Runs commands in this process."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, *words: object) -> Done:
        """Run `ankled WORDS` and return how it ended."""
        self._captured.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:  # after --help and the like
            code = int(left.code or 0)
        finally:
            unconfigure()
        return Done(code, *self._captured.readouterr())

    def refused(self, *words: object, code: int) -> str:
        """Run a command that must fail in one sentence, with nothing on standard output; return the sentence."""
        done = self(*words)
        assert done.code == code, done
        assert not done.out
        assert done.err.startswith("ankled: "), done.err
        assert done.err.count("\n") == 1, done.err
        assert "Traceback" not in done.err
        return done.err


@contextlib.contextmanager
def started(*words: object, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Start `ankled WORDS` as a process of its own that does not outlive the test, whatever becomes of that."""
    with spawn(*words, **options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def spawn(*words: object, **options: object) -> subprocess.Popen[str]:
    """Start `ankled WORDS` as a process of its own, both outputs through pipes unless told otherwise."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([PROGRAM, *map(str, words)], **pipes)  # type: ignore[call-overload]  # its overloads know no options in a dict
