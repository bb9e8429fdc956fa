"""The live view on a terminal: draws the picture a few times a second, when there is something new to see."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec
from rich.live import Live

from ankled.daemon.monitor import terminal
from ankled.daemon.monitor.view import Shown, View
from ankled.daemon.monitor.watch import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ankled.daemon.monitor.collect import Model, Ordered

_FRAME_S: Final = 0.25
_CLOCK_S: Final = 1.0
"""A picture without news is drawn anew so often: the clock moves, and what is old grows dim."""
_NOTE_S: Final = 10.0


class Screen:
    """Shows a model until somebody quits. Results show by the model; it keeps the last note itself."""

    def __init__(self, console: Console, model: Model, shown: Shown) -> None:
        self._console = console
        self._model = model
        self._shown = shown
        self._view = View(console, model)
        self._note = ""
        self._note_s = 0.0
        self._page: int | None = None
        self._stir = asyncio.Event()
        self._quit = self._suspended = False

    def ready(self, results: list[Ordered]) -> None:
        """Do nothing: the model has them."""

    def note(self, text: str) -> None:
        """Show a sentence for a while."""
        self._note, self._note_s = text, time.monotonic()
        self._stir.set()

    async def run(self, away: Callable[[], str]) -> None:
        """Draw until somebody quits; `away` tells why there is no broker."""
        with terminal.signals(resized=self._stir.set, suspended=self._suspend):
            while not self._quit:
                self._suspended = False
                live = Live(console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop")
                with terminal.keys(self._pressed), live:
                    await self._draw(live, away)
                if self._suspended:
                    terminal.sleep_in_background()

    async def _draw(self, live: Live, away: Callable[[], str]) -> None:
        """Draw until somebody quits or wants the terminal back."""
        drawn: tuple[object, ...] = ()
        while not (self._quit or self._suspended):
            moment = now()
            note = self._note if moment.s - self._note_s < _NOTE_S else ""
            shown = msgspec.structs.replace(self._shown, away=away(), note=note, page=self._page)
            news = (self._model.version, shown, self._console.size, int(moment.utc_s / _CLOCK_S))
            if news != drawn:
                drawn = news
                live.update(self._view.picture(shown, moment), refresh=True)
            self._stir.clear()
            try:
                async with asyncio.timeout(_FRAME_S):
                    await self._stir.wait()
            except TimeoutError:
                continue

    def _pressed(self, key: str) -> None:
        """Turn pages, or end."""
        if key == "q":
            self._quit = True
        elif key in {"n", "p"}:
            shown = self._view.page if self._page is None else self._page
            self._page = max(0, shown + (1 if key == "n" else -1))
        elif key == "a":
            self._page = None
        self._stir.set()

    def _suspend(self) -> None:
        self._suspended = True
        self._stir.set()
