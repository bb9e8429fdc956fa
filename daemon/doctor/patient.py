"""What is examined: a configuration, and the machine it is for."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.config import Config
from ankled.daemon.config.layers import DEFAULT, Layer, default_file, of_environment, of_files
from ankled.daemon.config.load import examine
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    from ankled.daemon.config import Problem

_SERVICE: Final = "ankled"
_HOME: Final = "var/lib/ankled"
"""Where relative paths of the service's configuration begin: the working directory in its unit."""


class Patient:
    """The configuration as it is, or as far as it can be read; `root` is where the machine's own files begin."""

    def __init__(self, path: Path | None = None, broker: str | None = None, root: Path = Path("/")) -> None:
        """Read the configuration. What is wrong in it is a finding; a wrong `broker` raises UsageError."""
        if broker is not None:
            BrokerAddress.parse(broker)  # a mistake is told of the option
        self.root = root
        self.broker = broker
        self.path = default_file(os.environ) if path is None else path
        self.of_service = self.path is not None and self.path.absolute() == DEFAULT
        self.closed = self._enter() if self.of_service else None
        """Why what the daemon has stored cannot be looked at; None if it can."""
        found = examine(self.path, drivers=registered().drivers)
        self.config = found.config or Config()
        self.problems: tuple[Problem, ...] = found.problems
        self.warnings: tuple[Problem, ...] = found.warnings
        self.heard: dict[str, bytes] = {}
        """What the broker keeps of the daemon: `info` and `health`, once the broker was asked."""

    def _enter(self) -> str | None:
        """Go where the service works, so that relative paths mean what they mean to it."""
        home = self.root / _HOME
        try:
            os.chdir(home)
        except FileNotFoundError:
            return f"the service is not installed: there is no {home}"
        except OSError:
            return f"{home} is not for {user()}; examine it as the service does: sudo -u {_SERVICE} ankled doctor"
        return None

    def layers(self) -> list[Layer]:
        """Return the tables of the file, its drop-ins and the environment, wrong or not; none if a file is no TOML."""
        read = list(of_files(self.path))
        if any(not isinstance(one, Layer) for one in read):
            return []
        return [one for one in (*read, *of_environment(os.environ)) if isinstance(one, Layer)]

    @property
    def sound(self) -> bool:
        """Whether the configuration can be used: what depends on it is not tried otherwise."""
        return not self.problems

    @property
    def shown(self) -> str:
        """The configuration's file, as a sentence or a command names it."""
        return "FILE.toml" if self.path is None else str(self.path)

    def folders(self) -> dict[str, Path]:
        """Return the folders that the daemon writes to, but the cache of kernels."""
        found = {}
        if self.config.state.enabled:
            found["state"] = Path(self.config.state.folder)
        if self.config.capture.enabled:
            found["capture"] = Path(self.config.capture.folder)
        return found

    def text(self, name: str) -> str | None:
        """Return a small file of the machine, stripped; None where it cannot be read."""
        try:
            return (self.root / name).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None


def user() -> str:
    """Return who we are; a number where that has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
