"""What a daemon keeps in its state folder from one run to the next, and the configuration as it holds with that."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ankled.daemon.live import athletes, axes, changes
from ankled.daemon.live.athletes import Athletes
from ankled.daemon.live.axes import StoredAxes
from ankled.daemon.live.changes import ChangesFile
from ankled.daemon.live.roster import resolve

if TYPE_CHECKING:
    from ankled.daemon.config import Config
    from ankled.daemon.loglines.parts import Level, Levels

log = structlog.stdlib.get_logger(__name__)


class Keeping:
    """The folder's content, read. `config` names athletes by their pseudonyms, `roster` has what requests changed."""

    def __init__(self, config: Config) -> None:
        """Read everything; what cannot be used is told by a warning. Raises ConfigError for a wrong key."""
        self._folder = Path(config.state.folder) if config.state.enabled else None
        self.athletes = Athletes(self._path(athletes.NAME), pseudonyms=config.athletes.pseudonyms)
        self.config = self.athletes.hide(config)
        self.changes = ChangesFile(self._path(changes.NAME))
        stored = self.changes.read()
        self.roster = resolve(self.config, stored)
        for told in self.roster.dropped:
            log.info("change dropped", reason=told)
        if self.roster.changes != stored:  # else one that was overtaken would come back with the old configuration
            with contextlib.suppress(OSError):  # of which the next change will tell
                self.changes.write(self.roster.changes)
        path = self._path(axes.NAME)
        self.axes = None if path is None else StoredAxes(path, self.roster.sensors())

    @property
    def recording(self) -> bool:
        """Whether to record from the start: as the last request said, else the configuration."""
        changed = self.roster.changes.recording
        return self.config.capture.enabled if changed is None else changed.now

    @property
    def log_level(self) -> Level:
        """What to log from the start: as the last request said, else the configuration."""
        changed = self.roster.changes.log_level
        return self.config.log.level if changed is None else changed.now

    @property
    def log_levels(self) -> Levels:
        """What to log of single parts from the start."""
        return self.roster.log_levels()

    def _path(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / name
