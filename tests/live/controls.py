"""Requests to a live run: its control with everything about it, and a board that keeps what the broker would."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ankled.daemon.live.athletes import Athletes
from ankled.daemon.live.changes import Changes, ChangesFile
from ankled.daemon.live.control import Control
from ankled.daemon.live.crew import Crew
from ankled.daemon.live.recorder import Recorder
from ankled.daemon.live.roster import Roster, resolve
from ankled.daemon.requests.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ankled.daemon.config import Config
    from tests.live.runs import Run

TAKES = {form.name: form.takes for form in FORMS}
GIVES = {form.name: form.gives for form in FORMS}


class Board:
    """Notes what was to be forgotten, in order."""

    def __init__(self) -> None:
        self.cleared: list[str] = []

    def clear(self, topic: str) -> None:
        """Note it."""
        self.cleared.append(topic)

    def allow(self, topic: str) -> None:
        """Note that it may be held again."""
        self.cleared = [one for one in self.cleared if one != topic]


class Desk:
    """Asks a control as the desk would."""

    def __init__(
        self,
        live: Run,
        roster: Roster,
        state: Path | None = None,
        captures: Path | None = None,
        reread: Callable[[], Config] | None = None,
    ) -> None:
        self.live = live
        self.board = Board()
        service = live.live.service
        crew = Crew(service=service, supervisor=live.live.supervisor, topics=live.live.topics, board=self.board)
        self.recorder = None if captures is None else Recorder(captures, "test")
        if self.recorder is not None:
            self.recorder.record_to = service.record_to
        self.control = Control(
            roster=roster,
            crew=crew,
            changes=ChangesFile(None if state is None else state / "changes.json"),
            athletes=Athletes(None, pseudonyms=False),
            recorder=self.recorder,
            reread=reread,
        )

    async def ask(self, name: str, **fields: Any) -> Any:
        """Make a request and return its answer, which is of the kind that its form names."""
        answer = await self.control.handlers()[name](TAKES[name](**fields))
        assert isinstance(answer, GIVES[name])
        return answer

    async def at(self, time_s: float) -> None:
        """Wait until so long after the scenario began."""
        begins_s = await self.live.world.begun()
        await asyncio.sleep(begins_s + time_s - self.live.world.now_s)


def asking(
    config: Config, work: Callable[[Desk], Awaitable[None]], **parts: Any
) -> tuple[Roster, Callable[[Run], Awaitable[None]]]:
    """Return the roster to run with and what to do meanwhile; a request that fails ends the run."""
    roster = resolve(config, parts.pop("changes", Changes()))

    async def meanwhile(live: Run) -> None:
        await work(Desk(live, roster, **parts))

    return roster, meanwhile
