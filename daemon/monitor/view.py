"""The whole picture: alerts on top, athletes below, in pages and more closely where they would not fit."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from ankled.daemon.monitor import plots
from ankled.daemon.monitor.groups import groups
from ankled.daemon.monitor.panel import HEIGHT, NARROWEST, QUANTITIES, STYLE, number, panel

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ankled.daemon.monitor.collect import Model
    from ankled.daemon.monitor.groups import Group, Leg
    from ankled.daemon.monitor.people import Now, Told

_ALERTS: Final = 3
_ALERT_S: Final = 600.0
"""How long an alert stays on top."""
_NEW_S: Final = 60.0
_TURN_S: Final = 8.0
"""How long a page is shown, unless somebody turns it."""
_NARROW: Final = 64
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
        width, height = self._console.size
        people = groups(self._model, now.s, shown.nodes, shown.athletes)
        alerts = self._alerts(shown, now)
        room = max(1, height - 2 - len(alerts))
        across = max(1, width // NARROWEST)
        fits = across * (room // HEIGHT)
        if not people:
            body: RenderableType = Text(f"\n  {self._silence(shown)}", no_wrap=False)
            pages, page = 1, 0
        elif len(people) <= fits and width >= NARROWEST:
            across = min(across, -(-len(people) // (room // HEIGHT)))
            body = self._panels(people, width, across)
            pages, page = 1, 0
        else:
            rows = [(group, leg) for group in people for leg in group.legs or (None,)]
            most = max(1, room - 1)
            pages = -(-len(rows) // most)
            page = (int(now.s / _TURN_S) if shown.page is None else shown.page) % pages
            body = self._compact(rows[page * most : (page + 1) * most], width)
        self.page = page
        foot = self._foot(shown, page, pages)
        used = len(self._console.render_lines(body, self._console.options.update(height=None)))
        space = [Text("\n" * (room - used - 1))] if used < room else []
        return Stack(self._head(shown, now), *alerts, body, *space, foot)

    def _silence(self, shown: Shown) -> str:
        if shown.athletes:
            return f"Nothing of {', '.join(shown.athletes)} was heard yet."
        where = " or ".join(f"{self._model.base}/{node}" for node in shown.nodes) or self._model.base
        return f"Nothing is published below {where} yet. Is the daemon (ankled run, or ankled demo) at this broker?"

    def _head(self, shown: Shown, now: Now) -> Text:
        clock = f"{datetime.fromtimestamp(now.utc_s).astimezone():%H:%M:%S}"
        states = {True: "online", False: "OFFLINE", None: "heard"}
        nodes = ", ".join(
            f"{plots.plain(node.name, 24)} {states[node.online]}"
            for name, node in sorted(self._model.nodes.items())
            if not shown.nodes or name in shown.nodes
        )
        return self._ends(Text.assemble(("ankled monitor", "bold"), f"  {shown.broker}  {nodes}"), Text(clock))

    def _foot(self, shown: Shown, page: int, pages: int) -> Text:
        model = self._model
        parts = [f"{model.results} results", f"{model.lost} missing" if model.lost else "none missing"]
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
        drawn = [panel(group, each, ascii_only=self._ascii) for group in people]
        for first in range(0, len(drawn), across):
            row = drawn[first : first + across]
            table.add_row(*row, *[""] * (across - len(row)))
        return table

    def _compact(self, rows: list[tuple[Group, Leg | None]], width: int) -> RenderableType:
        """Return a table with a line for each leg; narrow terminals get the most important columns."""
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
        wide = width >= _NARROW
        plot = min(24, max(0, width - 72) // 2)
        for name in ("who", "leg", "set", "count"):
            table.add_column(name, no_wrap=True, max_width=16 if name == "who" else None, overflow="ellipsis")
        for quantity in QUANTITIES if wide else QUANTITIES[:3]:
            table.add_column(quantity.label.replace("cadence ", ""), justify="right", no_wrap=True)
        if plot >= 4:  # noqa: PLR2004 - fewer columns show no course
            table.add_column("lateral N", no_wrap=True, width=plot)
            table.add_column("sway", no_wrap=True, width=plot)
        if wide:
            table.add_column("range R-L", justify="right", no_wrap=True)
            table.add_column("batt", justify="right", no_wrap=True)
            table.add_column("dBm", justify="right", no_wrap=True)
        before = None
        for group, leg in rows:
            table.add_row(*self._row(group, leg, plot, wide=wide, first=group is not before))
            before = group
        return table

    def _row(self, group: Group, leg: Leg | None, plot: int, *, wide: bool, first: bool) -> list[Text]:
        who = Text(plots.plain(group.name, 64) if first else "", "bold")
        if leg is None:
            return [who]
        style, side = "" if leg.fresh else "dim", leg.device.side
        counted, done = leg.count, leg.done
        if leg.there is False:
            count = "OFFLINE"
        elif done is not None:
            count = "done"
        else:
            count = "-" if counted is None else f"{counted[2]} {counted[1]}"
        cells = [side, "-" if counted is None else str(counted[0]), count]
        cells += [number(leg, quantity) for quantity in (QUANTITIES if wide else QUANTITIES[:3])]
        texts = [who, *(Text(cell, style) for cell in cells)]
        texts[1].stylize(STYLE.get(side, ""))
        if leg.there is False:
            texts[3].stylize("bold reverse")
        if plot >= 4:  # noqa: PLR2004 - as above
            for quantity in QUANTITIES[2:]:
                values = [getattr(rep, quantity.field) for rep in leg.device.current] if leg.device.reps else []
                texts.append(Text(plots.spark(values, plot, ascii_only=self._ascii), style or STYLE.get(side, "")))
        if wide:
            pair = group.both.pair if group.both is not None and first else None
            index = None if pair is None or pair.rom is None else pair.rom.mean_index_percent
            texts.append(Text("" if index is None else f"{plots.figure(index, 0)} %"))
            state = leg.device.state
            texts.append(Text("-" if state.battery_percent is None else f"{plots.figure(state.battery_percent, 0)} %"))
            texts.append(Text(plots.figure(state.rssi_dbm, 0)))
        return texts
