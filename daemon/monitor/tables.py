"""Many athletes, small: a line for each leg; and the sets that were closed lately."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from ankled.daemon.monitor import plots
from ankled.daemon.monitor.panel import QUANTITIES, STYLE, number

if TYPE_CHECKING:
    from ankled.daemon.monitor.groups import Group, Leg
    from ankled.daemon.monitor.people import Closed

HEAD: Final = 2
"""Lines above the first leg."""
_WIDE: Final = 80
_HEADS: Final = (("cad.\n/min", 5), ("range\ndeg", 5), ("lat.\nN", 6), ("sway\nm/s2", 5))
_WHO: Final = 16
"""As many as a pseudonym has."""
_NARROW_WHO: Final = 12
_PLOTS: Final = (QUANTITIES[1], QUANTITIES[2], QUANTITIES[3])
_LEAST_PLOT: Final = 6
_MOST_PLOT: Final = 24


def compact(rows: list[tuple[Group, Leg | None]], width: int, *, ascii_only: bool = False) -> Table:
    """Return a table of legs; narrow terminals get the most important columns, wide ones plots."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    wide = width >= _WIDE
    shown = QUANTITIES if wide else QUANTITIES[:3]
    table.add_column("\nwho", no_wrap=True, max_width=_WHO if wide else _NARROW_WHO, overflow="ellipsis")
    table.add_column("\nleg", no_wrap=True, width=5)
    table.add_column("\nset", justify="right", no_wrap=True, width=3)
    table.add_column("\nlast", no_wrap=True, width=10 if wide else 7, overflow="ellipsis")
    for head, columns in _HEADS[: len(shown)]:
        table.add_column(head, justify="right", no_wrap=True, width=columns)
    plot = min(_MOST_PLOT, (width - _WIDE - 4) // len(_PLOTS) - 1)
    drawn = _PLOTS if plot >= _LEAST_PLOT else ()
    for quantity in drawn:
        table.add_column(quantity.label.partition(" ")[0], no_wrap=True, width=plot)
    if wide:
        table.add_column("range\nR-L %", justify="right", no_wrap=True, width=5)
        table.add_column("batt\n%", justify="right", no_wrap=True, width=4)
        table.add_column("radio\ndBm", justify="right", no_wrap=True, width=5)
    before = None
    for group, leg in rows:
        first = group is not before
        before = group
        cells = [Text(plots.plain(group.name) if first else "", "bold")]
        if leg is not None:
            style = "" if leg.fresh else "dim"
            cells += _place(leg, style)
            cells += [Text(number(leg, quantity), style) for quantity in shown]
            for quantity in drawn:
                values = [getattr(rep, quantity.field) for rep in leg.device.current] if leg.device.reps else []
                course = [abs(value) if quantity.signed and value is not None else value for value in values]
                side = STYLE.get(leg.device.side, "")
                cells.append(Text(plots.spark(course, plot, ascii_only=ascii_only), style or side))
            cells += _rest(group, leg, style, first=first) if wide else []
        table.add_row(*cells)
    return table


def closed(sets: list[Closed]) -> Table:
    """Return a table of sets that were closed."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in ("set closed", "who", "leg", "set", "count", "movement", "slower", "fatigue"):
        right = head in {"set", "count", "slower"}
        table.add_column(head, justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    for one in sets:
        done = one.closed
        loss = done.velocity_loss_percent
        table.add_row(
            f"{datetime.fromtimestamp(one.utc_s).astimezone():%H:%M:%S}",
            Text(plots.plain(done.athlete or done.device, _WHO)),
            Text(done.side if done.side in STYLE else "?", STYLE.get(done.side, "")),
            plots.plain(str(done.set), 4),
            plots.plain(f"{done.count} {'strides' if done.of == 'stride' else 'reps'}", 12),
            Text(plots.plain(done.movement, 20).replace("_", " ")),
            "-" if loss is None else f"{plots.figure(loss, 0)} %",
            Text(done.fatigue, "" if done.fatigue in {"none", "unknown"} else "bold"),
        )
    return table


def _place(leg: Leg, style: str) -> list[Text]:
    """Return which leg, which set, and what was last in it."""
    side, counted = leg.device.side, leg.count
    if leg.there is False:
        last = Text("OFFLINE", "bold reverse")
    elif leg.done is not None:
        last = Text("done", style)
    else:
        last = Text("-" if counted is None else f"{counted[2]} {counted[1]}", style)
    number_of_set = "-" if counted is None else plots.plain(str(counted[0]), 3)
    return [Text(side if side in STYLE else "?", style or STYLE.get(side, "")), Text(number_of_set, style), last]


def _rest(group: Group, leg: Leg, style: str, *, first: bool) -> list[Text]:
    """Return how the legs compare, and how the sensor does."""
    pair = group.both.pair if group.both is not None and first else None
    index = None if pair is None or pair.rom is None else pair.rom.mean_index_percent
    state = leg.device.state
    figures = ("" if index is None else f"{plots.figure(index, 0)}", plots.figure(state.battery_percent, 0))
    return [*(Text(text, style) for text in figures), Text(plots.figure(state.rssi_dbm, 0), style)]
