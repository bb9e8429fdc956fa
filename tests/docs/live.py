"""Documented command lines against a real broker and sensors on a radio of software: rewritten, started, ended."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.daemon.brokers import HOST, find, free_port
from tests.daemon.commands import PROGRAM
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON_S = 90  # how long anything may take on a machine with other things to do
SIDES = ("left", "right")


class Place:
    """A folder with a configuration, a broker's port and a radio, in which lines of the documentation are run."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.radio = f"unix:{folder / 'radio'}"
        self.pseudonym = ""
        (folder / "bin").mkdir()
        # A monitor runs until it is told to stop: its process id is left behind, for it is not the shell's child alone.
        wrapper = folder / "bin" / "ankled"
        wrapper.write_text(f'#!/bin/sh\necho $$ >> {folder}/pids\nexec {PROGRAM} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)

    @property
    def url(self) -> str:
        """Where the broker is."""
        return f"mqtt://{HOST}:{self.port}"

    def rewritten(self, text: str) -> str:
        """Return a documented line with this broker, this radio and these files; nothing else is altered."""
        text = re.sub(r"mqtt://(localhost|127\.0\.0\.1):1883", self.url, text).replace("/etc/ankled/", "")
        text = text.replace("unix:/tmp/ankled-radio", self.radio).replace("127.0.0.1 1883", f"{HOST} {self.port}")
        text = text.replace("--broker embedded", f"--broker embedded:{free_port()}")
        text = re.sub(r"\b(mosquitto_(?:sub|pub|rr)) ", rf"\1 -h {HOST} -p {self.port} ", text)
        text = re.sub(r"^python docs/", f"{sys.executable} {ROOT}/docs/", text)
        text = re.sub(r"^ankled monitor(?!.*--broker)", f"ankled monitor --broker {self.url}", text)
        text = text.replace("| grep ", "| grep --line-buffered ").replace("| jq ", "| jq --unbuffered ")  # into a pipe
        return text.replace("athlete-3f9c02d1", self.pseudonym).removesuffix("&").strip()

    def words(self, text: str) -> list[str]:
        """Return the words behind `ankled`, for a line that goes to no shell."""
        return shlex.split(self.rewritten(text))[1:]

    def configure(self, addresses: dict[str, str]) -> None:
        """Write ankled.toml: both sensors on one athlete. How they sit is known, so that the first strides count."""
        lines = ["node = 'gym'", "requests = 'all'", "[mqtt]", f"broker = '{self.url}'"]
        for side in SIDES:
            lines += ["[[devices]]", f"slug = '{side}'", f"address = '{addresses[side]}'", f"side = '{side}'"]
            lines += ["athlete = 'kim'", "mass_kg = 1.814", "mount = { left = [0, 1, 0], up = [0, 0, 1] }"]
        (self.folder / "ankled.toml").write_text("\n".join(lines), encoding="utf-8")

    @contextlib.contextmanager
    def shell(self, text: str) -> Iterator[subprocess.Popen[str]]:
        """Run a line by bash, in the folder, as a process group that does not outlive the block."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}:{Path(str(find('mosquitto_sub'))).parent}"
        with subprocess.Popen(
            ["bash", "-c", f"set -o pipefail; {text}"],
            cwd=self.folder,
            env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def interrupt(self) -> None:
        """Press Ctrl-C in every ankled that the shells have begun."""
        for line in (self.folder / "pids").read_text(encoding="utf-8").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(line), signal.SIGINT)


def line_with(process: subprocess.Popen[str], text: str, *, err: bool = False) -> str:
    """Return the first line that a process writes with a text in it."""
    stream = process.stderr if err else process.stdout
    assert stream is not None
    heard = []
    deadline_s = time.monotonic() + SOON_S
    while time.monotonic() < deadline_s:
        heard.append(stream.readline())
        assert heard[-1], heard
        if text in heard[-1]:
            return heard[-1]
    raise TimeoutError(text, heard)
