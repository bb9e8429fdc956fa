"""The whole picture: alerts on top, athletes below, in pages and more closely where they would not fit."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from ankled.daemon.monitor import plots, tables
from ankled.daemon.monitor.groups import groups
from ankled.daemon.monitor.panel import NARROWEST, height, panel

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ankled.daemon.monitor.collect import Model
    from ankled.daemon.monitor.groups import Group, Leg
    from ankled.daemon.monitor.people import Node, Now, Told

_ALERTS: Final = 3
_ALERT_S: Final = 600.0
"""How long an alert stays on top."""
_NEW_S: Final = 60.0
_TURN_S: Final = 8.0
"""How long a page is shown, unless somebody turns it."""
_LEAST_SETS: Final = 3
_SIGNS: Final = {"warning": "!", "notice": "i"}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown of whom, and how the watch goes. `page` None: they turn by themselves."""

    broker: str
    nodes: tuple[str, ...] = ()
    athletes: tuple[str, ...] = ()
    away: str = ""
    note: str = ""
    page: int | None = None


class View:
    """Draws a model for a console."""

    def __init__(self, console: Console, model: Model) -> None:
        self._console = console
        self._model = model
        self._ascii = console.options.ascii_only
        self.page = 0
        """The page that was drawn last."""

    def picture(self, shown: Shown, now: Now) -> RenderableType:
        """Return the picture for the console as large as it is now."""
        width, lines = self._console.size
        people = groups(self._model, now.s, shown.nodes, shown.athletes)
        alerts = self._alerts(shown, now)
        room = max(1, lines - 2 - len(alerts))
        across = max(1, width // NARROWEST)
        high = room // height(live=self._model.live)
        fits = across * high
        if not people:
            body: RenderableType = Text(f"\n  {self._silence(shown)}", no_wrap=False)
            pages, page = 1, 0
        elif len(people) <= fits and width >= NARROWEST:
            across = min(across, -(-len(people) // high))
            body = self._panels(people, width, across)
            pages, page = 1, 0
        else:
            split = _pages(people, max(1, room - tables.HEAD))
            pages = len(split)
            page = (int(now.s / _TURN_S) if shown.page is None else shown.page) % pages
            body = tables.compact(split[page], width, ascii_only=self._ascii)
        self.page = page
        foot = self._foot(shown, page, pages)
        used = len(self._console.render_lines(body, self._console.options.update(height=None)))
        sets, lines_of_sets = self._sets(shown, room - used)
        below = [sets] if lines_of_sets else []
        used += lines_of_sets
        space = [Text("\n" * (room - used - 1))] if used < room else []
        return Stack(self._head(shown, now), *alerts, body, *below, *space, foot)

    def _silence(self, shown: Shown) -> str:
        if shown.athletes:
            return f"Nothing of {', '.join(shown.athletes)} was heard yet."
        where = " or ".join(f"{self._model.base}/{node}" for node in shown.nodes) or self._model.base
        return f"Nothing is published below {where} yet. Is the daemon (ankled run, or ankled demo) at this broker?"

    def _head(self, shown: Shown, now: Now) -> Text:
        clock = f"{datetime.fromtimestamp(now.utc_s).astimezone():%H:%M:%S}"
        states = {True: "online", False: "OFFLINE", None: "heard"}
        nodes = ", ".join(
            f"{plots.plain(node.name, 24)} {_heard(node, now) or states[node.online]}"
            for name, node in sorted(self._model.nodes.items())
            if not shown.nodes or name in shown.nodes
        )
        return self._ends(Text.assemble(("ankled monitor", "bold"), f"  {shown.broker}  {nodes}"), Text(clock))

    def _foot(self, shown: Shown, page: int, pages: int) -> Text:
        model = self._model
        parts = [
            f"{model.results} result{'' if model.results == 1 else 's'}",
            f"{model.lost} missing" if model.lost else "none missing",
        ]
        if model.unread:
            parts.append(f"{model.unread} messages not understood")
        if shown.note:
            parts.append(plots.plain(shown.note, 200))
        keys = "q quit" if pages == 1 else f"page {page + 1} of {pages}  n next  p back  a all in turn  q quit"
        return self._ends(Text(", ".join(parts), "dim"), Text(keys, "dim"))

    def _ends(self, left: Text, right: Text) -> Text:
        """Return a line with one text at either end; the left one gives way."""
        width = self._console.width
        room = max(0, width - right.cell_len - 1)
        left.truncate(room, overflow="ellipsis", pad=True)
        line = left.append(" ").append(right)
        line.truncate(width)
        line.no_wrap = True
        return line

    def _alerts(self, shown: Shown, now: Now) -> list[Text]:
        """Return what to look at first: that the broker is away, then the newest alerts."""
        lines = []
        if shown.away:
            lines.append(Text(f"! broker away: {plots.plain(shown.away, 400)}; trying again", "bold reverse"))
        told = [
            told
            for told in self._model.alerts
            if now.utc_s - told.utc_s < _ALERT_S
            and (not shown.nodes or told.node in shown.nodes)
            and (not shown.athletes or told.alert.athlete in shown.athletes)
        ]
        lines += [self._alert(one, now) for one in reversed(told[-_ALERTS:])]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return lines

    def _alert(self, told: Told, now: Now) -> Text:
        alert = told.alert
        clock = f"{datetime.fromtimestamp(told.utc_s).astimezone():%H:%M:%S}"
        who = plots.plain(alert.athlete or alert.device or "", 24)
        side = "" if alert.side == "unknown" else f" {alert.side}"
        style = "dim" if now.utc_s - told.utc_s > _NEW_S else "bold" if alert.severity == "warning" else ""
        return Text(f"{_SIGNS[alert.severity]} {clock}  {who}{side}: {plots.plain(alert.message, 300)}", style)

    def _panels(self, people: list[Group], width: int, across: int) -> RenderableType:
        table = Table.grid()
        each = width // across
        for _ in range(across):
            table.add_column(width=each)
        drawn = [panel(group, each, live=self._model.live, ascii_only=self._ascii) for group in people]
        for first in range(0, len(drawn), across):
            row = drawn[first : first + across]
            table.add_row(*row, *[""] * (across - len(row)))
        return table

    def _sets(self, shown: Shown, room: int) -> tuple[RenderableType, int]:
        """Return the latest sets, newest first, and how many lines they take, where there is room for some."""
        sets = [
            one
            for one in self._model.sets
            if (not shown.nodes or one.node in shown.nodes)
            and (not shown.athletes or one.closed.athlete in shown.athletes)
        ]
        if room < _LEAST_SETS or not sets or self._console.width < NARROWEST:
            return "", 0
        chosen = sets[:-room:-1]
        return tables.closed(chosen), len(chosen) + 1


def _heard(node: Node, now: Now) -> str:
    """Return when a node was heard last, where it should have been heard since."""
    silent_s = node.silent_s(now.s)
    return "" if silent_s is None else f"heard {plots.age(silent_s)}"


def _pages(people: list[Group], most: int) -> list[list[tuple[Group, Leg | None]]]:
    """Return the legs of each page, `most` at most; both of an athlete on the same one where they fit."""
    split: list[list[tuple[Group, Leg | None]]] = [[]]
    for group in people:
        rows: list[tuple[Group, Leg | None]] = [(group, leg) for leg in group.legs or (None,)]
        if split[-1] and len(split[-1]) + len(rows) > most:
            split.append([])
        for row in rows:
            if len(split[-1]) >= most:
                split.append([])
            split[-1].append(row)
    return split
