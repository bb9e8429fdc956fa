"""What is examined: a configuration, and the machine it is for."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.config import Config, InvalidConfigError, load
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    from ankled.daemon.config import Problem

INSTALLED: Final = "etc/ankled/ankled.toml"
"""The configuration of the service, below the root: examined where none is named and this one is there."""


class Patient:
    """The configuration as it is, or as far as it can be read; `root` is where the machine's own files begin."""

    def __init__(self, path: Path | None = None, broker: str | None = None, root: Path = Path("/")) -> None:
        """Read the configuration. What is wrong in it is a finding; a wrong `broker` raises UsageError."""
        if broker is not None:
            BrokerAddress.parse(broker)  # a mistake is told of the option
        self.root = root
        self.broker = broker
        installed = root / INSTALLED
        self.path = installed if path is None and os.access(installed, os.R_OK) else path
        self.problems: tuple[Problem, ...] = ()
        self.config = Config()
        try:
            if self.path is not None:
                self.config = load(self.path, drivers=registered().drivers)
        except InvalidConfigError as error:
            self.problems = error.problems
        self.heard: dict[str, bytes] = {}
        """What the broker keeps of the daemon: `info` and `health`, once the broker was asked."""

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
