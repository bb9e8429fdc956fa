"""A machine whose D-Bus and bluetoothd are processes that come and go, and a daemon on it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec

from tests.daemon.commands import spawn
from tests.drivers.bluez_double import CONFIGURATION, answers

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
PODS: Final = {"left": "C0:11:22:33:44:55", "right": "C0:11:22:33:44:66"}
SOON_S: Final = 60.0


class Machine:
    """An asynchronous context manager; nothing runs at its beginning, and nothing is left at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = folder / "bus"
        self._bus: subprocess.Popen[str] | None = None
        self._bluez: subprocess.Popen[str] | None = None
        self.daemon: subprocess.Popen[str] | None = None
        self._all: list[subprocess.Popen[str]] = []
        self.environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._socket}"}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in reversed(self._all):
            process.kill()
            with process:  # closes its pipes and waits for its end
                pass

    async def start_bus(self) -> None:
        """Start D-Bus."""
        configuration = self.folder / "bus.conf"
        configuration.write_text(CONFIGURATION.format(socket=self._socket), encoding="utf-8")
        self._socket.unlink(missing_ok=True)
        words = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile"]
        self._bus = subprocess.Popen(words, text=True)  # noqa: ASYNC220  (as quick as starting a thread for it)
        self._all.append(self._bus)
        await until(lambda: answers(self._socket))

    def kill_bus(self) -> None:
        """End D-Bus, and with it bluetoothd."""
        assert self._bus is not None
        self._bus.kill()
        self._bus.wait(10)
        if self._bluez is not None:
            self._bluez.wait(10)

    async def start_bluez(self) -> None:
        """Start bluetoothd."""
        words = [sys.executable, "-m", "tests.drivers.bluez_process", *PODS.values()]
        pipe = subprocess.PIPE
        self._bluez = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=self.environment, cwd=ROOT)  # noqa: ASYNC220  (as before)
        self._all.append(self._bluez)
        assert self._bluez.stdout is not None
        assert await asyncio.to_thread(self._bluez.stdout.readline) == "ready\n"

    def signal_bluez(self, number: signal.Signals) -> None:
        """Send bluetoothd a signal, and wait for its end where that is one."""
        assert self._bluez is not None
        self._bluez.send_signal(number)
        if number is signal.SIGKILL:
            self._bluez.wait(10)

    def tell_bluez(self, order: str) -> None:
        """Have something happen to the adapter or the sensors."""
        assert self._bluez is not None
        assert self._bluez.stdin is not None
        self._bluez.stdin.write(f"{order}\n")
        self._bluez.stdin.flush()

    def start_daemon(self, *words: object, **options: object) -> Log:
        """Start `ankled run` with both pods wanted."""
        lines = ["node = 'gym'", "[capture]", f"folder = '{self.folder / 'captures'}'"]
        lines += ["[state]", f"folder = '{self.folder / 'state'}'"]
        for slug, address in PODS.items():
            lines += ["[[devices]]", f"slug = '{slug}'", f"address = '{address}'", "driver = 'rsc'", f"side = '{slug}'"]
        config = self.folder / "ankled.toml"
        config.write_text("\n".join(lines))
        path = self.folder / "log"
        words = ("run", "--config", config, "--broker", "mqtt://127.0.0.1:1", *words)
        with path.open("w") as log:
            self.daemon = spawn(*words, stderr=log, env=self.environment, **options)
        self._all.append(self.daemon)
        return Log(path, self.daemon)


class Log:
    """What a daemon has logged. Whoever waits for a line goes on behind it."""

    def __init__(self, path: Path, process: subprocess.Popen[str]) -> None:
        self._path = path
        self._process = process
        self._read = 0

    @property
    def lines(self) -> list[dict[str, object]]:
        """Everything."""
        return [
            msgspec.json.decode(line) for line in self._path.read_text().splitlines(keepends=True) if line[-1] == "\n"
        ]

    async def told(self, *words: str, times: int = 1) -> None:
        """Wait until lines behind the last one waited for hold some words."""
        left = times

        def found() -> bool:
            nonlocal left
            assert self._process.poll() is None, self._path.read_text()
            lines = self.lines
            while left and self._read < len(lines):
                text = msgspec.json.encode(lines[self._read]).decode()
                self._read += 1
                left -= all(word in text for word in words)
            return not left

        await until(found)

    async def online(self) -> None:
        """Wait until both pods stream, from now on."""
        await self.told('"event":"sensor online"', times=len(PODS))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(SOON_S):
        while not condition():  # noqa: ASYNC110  (what is waited for sends no event)
            await asyncio.sleep(0.05)
