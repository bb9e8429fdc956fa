"""`ankled forget`: everything that is stored of an athlete, here and at the broker, found, shown and removed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.cli.recordings import existing
from ankled.daemon.config import Config, load
from ankled.daemon.errors import AnkledError, BrokerError, OutboxError, RecordingError, UsageError
from ankled.daemon.forget import recordings, retained, stored
from ankled.daemon.live import athletes, launch
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.outbox.lock import Lock

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ankled.daemon.forget.recordings import Finding
    from ankled.daemon.forget.stored import Stored
    from ankled.daemon.mqtt.broker_url import BrokerAddress

_UNSEEN: Final = (
    "{url} shows nothing retained below {root}/, not even bridge/state: either it holds nothing, or this user may not "
    "read there; let it read {root}/# and forget once more"
)
_SLUG: Final = re.compile(r"[a-z0-9_-]{1,64}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("athlete", metavar="ATHLETE", help="as configured, or the pseudonym that results bear")
    parser.add_argument("--config", type=existing, metavar="FILE.toml", help="that of the daemon")
    parser.add_argument("--broker", metavar="mqtt://HOST:PORT", help="the broker to clear (default: as configured)")
    parser.add_argument("--dry-run", action="store_true", help="show what would be removed, and remove nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Find, show, ask, remove."""
    if not _SLUG.fullmatch(arguments.athlete):
        message = f'the athlete is "{arguments.athlete}"; allowed are 1 to 64 characters of a-z, 0-9, _ and -'
        raise UsageError(message)
    given = load(arguments.config)
    addresses = (given.mqtt if arguments.broker is None else given.mqtt.at(arguments.broker)).addresses()
    folder = Path(given.state.folder)
    ids = athletes.known_as(arguments.athlete, folder / athletes.NAME)
    # nothing is made by looking: without a key there is no pseudonym that anything could bear
    keyed = (folder / athletes.NAME).exists() and given.athletes.pseudonyms
    config = athletes.Athletes(folder / athletes.NAME, pseudonyms=keyed).hide(given)
    work = _Forgetting(config, folder, addresses, ids)
    with _alone(folder / launch.OUTBOX, dry_run=arguments.dry_run):
        work.look()
        if arguments.dry_run or not work.anything:
            work.show("would remove" if arguments.dry_run else "found")
            return work.code
        _ask(work, yes=arguments.yes)
        work.remove()
    return work.code


class _Forgetting:
    """What is found, and what becomes of it. `left` is what could not be looked at or removed, in sentences."""

    def __init__(
        self, config: Config, folder: Path, addresses: tuple[BrokerAddress, ...], ids: tuple[str, ...]
    ) -> None:
        self._config = config
        self._folder = folder
        self._outbox = folder / launch.OUTBOX
        # an embedded one forgets everything when it ends
        self._addresses = [one for one in addresses if not one.embedded]
        self._topics = Topics(base=config.mqtt.base, node=config.node)
        self._ids = ids
        self._files: list[Finding] = []
        self._stored: Stored | None = None
        self._retained: dict[BrokerAddress, list[str]] = {}
        self._left: list[str] = []
        self.code = 0

    @property
    def anything(self) -> bool:
        """Whether there is something to remove."""
        kept = self._stored
        return bool(self._files or self._retained or (kept and (kept.rows or kept.changed or kept.axes or kept.aside)))

    def look(self) -> None:
        """Find everything."""
        for path in sorted(Path(self._config.capture.folder).glob("*.mcap")):
            try:
                if (found := recordings.look(path, self._ids)) is not None:
                    self._files.append(found)
            except RecordingError as error:
                self._leave(error)
        self._stored = stored.look(self._folder, self._outbox, self._config, self._ids)
        for address in self._addresses:
            try:
                held, seen = asyncio.run(self._held(address))
            except BrokerError as error:
                self._leave(error)
                continue
            if held:
                self._retained[address] = held
            if not seen:
                self._leave(BrokerError(_UNSEEN.format(url=address.url, root=self._topics.root)))

    def show(self, word: str) -> None:
        """Print what there is, a line each; what is left, and what nobody here may alter, to standard error."""
        lines = [line for one in self._files for line in _told(one)]
        kept = self._stored
        if kept is not None:
            if kept.rows:
                lines.append(f"{kept.rows} results in {self._outbox}")
            lines += [f"the athlete that a request gave {slug}" for slug in kept.changed]
            lines += [f"the axes that are kept of {slug}" for slug in kept.axes]
            lines += [f"{path}, damaged and put aside, which may hold more" for path in kept.aside]
        lines += [f"retained at {address.url}: {topic}" for address, held in self._retained.items() for topic in held]
        for line in lines or ["nothing"]:
            sys.stdout.write(f"{word}: {line}\n")
        sys.stdout.flush()
        self._warn()

    def remove(self) -> None:
        """Remove everything, and print it."""
        done = []
        for one in self._files:
            try:
                recordings.remove(one, self._ids)
                done.append(one)
            except RecordingError as error:
                self._leave(error)
        self._files = done
        topics: set[str] = set()
        if self._stored is not None:
            topics = stored.remove(self._stored, self._folder, self._outbox, self._ids)
        for address in self._addresses:
            if not (held := sorted({*self._retained.pop(address, ()), *topics})):
                continue
            try:
                asyncio.run(retained.clear(address, held, timeout_s=self._config.mqtt.timeout_s))
                self._retained[address] = held
            except BrokerError as error:
                self._leave(error)
        self.show("removed")

    async def _held(self, address: BrokerAddress) -> tuple[list[str], bool]:
        prefix = self._config.homeassistant.prefix
        return await retained.held(address, self._topics, prefix, self._ids, timeout_s=self._config.mqtt.timeout_s)

    def _leave(self, error: AnkledError) -> None:
        self.code = max(self.code, error.exit_code if isinstance(error, BrokerError) else AnkledError.exit_code)
        if str(error) not in self._left:
            self._left.append(str(error))

    def _warn(self) -> None:
        for sentence in self._left:
            sys.stderr.write(f"ankled: left: {sentence}\n")
        if self._stored is not None and self._stored.configured:
            keys = ", ".join(self._stored.configured)
            sys.stderr.write(f"ankled: the configuration still names this athlete, at {keys}: remove it there\n")


def _told(one: Finding) -> Iterator[str]:
    if one.alone:
        yield f"{one.path}"
    elif one.devices:
        yield f"what {', '.join(one.devices)} recorded, from {one.path}"
    else:
        yield f"their numbers, from {one.path}"
    if one.others:
        yield f"in it also what {', '.join(one.others)} did with the same weight"


def _ask(work: _Forgetting, *, yes: bool) -> None:
    """Ask whether to go on. Raises UsageError where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        message = "nothing is removed without being asked for: --yes does it, --dry-run shows what"
        raise UsageError(message)
    work.show("to remove")
    sys.stdout.write("Remove all of this, for good? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        message = "nothing was removed"
        raise AnkledError(message)


@contextlib.contextmanager
def _alone(outbox: Path, *, dry_run: bool) -> Iterator[None]:
    """Keep a daemon from starting meanwhile. Raises OutboxError while one runs: it would go on writing."""
    if dry_run or not outbox.parent.is_dir():
        yield
        return
    try:
        lock = Lock(outbox)
    except OutboxError as error:
        message = f"nothing is removed while a daemon runs, for it would go on writing: {error}"
        raise OutboxError(message) from error
    with lock:
        yield
