"""One athlete, large: both legs side by side, quantity by quantity, and how they compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ankled.daemon.monitor import plots

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ankled.daemon.monitor.groups import Group, Leg
    from ankled.daemon.records import Pair, Symmetry

STYLE: Final = {"left": "#56b4e9", "right": "#e69f00"}
"""Sky blue and orange, which the colour-blind tell apart; every side is also named, and has its place."""
NARROWEST: Final = 76
_HEIGHT: Final = 9
_LABEL: Final = 12
_COMPARED: Final = 14
_NUMBER: Final = 7
_FULL_PERCENT: Final = 30.0
_LOW_BATTERY: Final = 15.0


class Quantity(NamedTuple):
    """A row: its label with the unit, the field of a repetition, digits, and the field of a pair that compares it."""

    label: str
    field: str
    digits: int
    compared: str | None
    signed: bool = False


QUANTITIES: Final = (
    Quantity("cadence /min", "cadence_per_min", 1, None),
    Quantity("range deg", "rom_deg", 0, "rom"),
    Quantity("lateral N", "lateral_force_peak_n", 1, "force", signed=True),
    Quantity("sway m/s2", "sway_rms_mps2", 2, None),
)


def height(*, live: bool) -> int:
    """Return how many lines a panel takes; one more where the angle is shown as it changes."""
    return _HEIGHT + live


def panel(group: Group, width: int, *, live: bool, ascii_only: bool = False) -> RenderableType:
    """Return the panel of an athlete."""
    room = max(12, (width - 4 - _LABEL - _COMPARED - 3) // 2)
    table = Table.grid(padding=(0, 1, 0, 0))
    for columns in (_LABEL, room, room, _COMPARED):
        table.add_column(width=columns, no_wrap=True, overflow="ellipsis")
    draw = _Drawing(room, ascii_only=ascii_only)
    pair = group.both.pair if group.both is not None else None
    unsided = any(leg.device.side not in STYLE for leg in group.legs)
    table.add_row(
        "",
        draw.sensor(group.left, "left", unsided=unsided),
        draw.sensor(group.right, "right", unsided=unsided),
        Text("right vs left", "dim"),
    )
    table.add_row("set", draw.count(group.left), draw.count(group.right), _pairs(pair))
    if live:
        table.add_row("angle deg", draw.now(group.left), draw.now(group.right), "")
    for quantity in QUANTITIES:
        table.add_row(
            quantity.label,
            draw.quantity(group.left, quantity, "left"),
            draw.quantity(group.right, quantity, "right"),
            draw.compared(pair, quantity),
        )
    table.add_row("load", *draw.load(pair), "")
    doing = next((plots.plain(leg.movement, 32) for leg in group.legs if leg.movement is not None), None)
    title = Text.assemble((plots.plain(group.name), "bold"), "" if doing is None else f"  {doing.replace('_', ' ')}")
    return Panel(
        table,
        title=title,
        title_align="left",
        subtitle=Text(_subtitle(group), "dim", no_wrap=True, overflow="ellipsis"),
        subtitle_align="right",
        width=width,
        height=height(live=live),
        border_style="" if any(leg.fresh for leg in group.legs) else "dim",
    )


def number(leg: Leg, quantity: Quantity) -> str:
    """Return a figure of the last repetition; of the moment, where the sensor tells of that alone."""
    device = leg.device
    value = getattr(device.reps[-1], quantity.field) if device.reps else None
    if value is None and device.moment is not None and leg.fresh:
        value = getattr(device.moment, quantity.field, None)
    return plots.figure(value, quantity.digits)


class _Drawing:
    """Draws the cells of a leg."""

    def __init__(self, room: int, *, ascii_only: bool) -> None:
        self._room = room
        self._ascii = ascii_only

    def sensor(self, leg: Leg | None, side: str, *, unsided: bool) -> Text:
        """Return which leg it is, whether its sensor is there, its battery and its signal."""
        if leg is None:
            return Text("its side is not set" if unsided else f"{side}: no sensor", "dim")
        state = leg.device.state
        side = leg.device.side if leg.device.side in STYLE else "side ?"
        cell = Text.assemble((side, f"bold {STYLE.get(side, '')}"))
        if leg.there is False:
            return cell.append(" OFFLINE", "bold reverse")
        if state.battery_percent is not None:
            low = state.battery_percent <= _LOW_BATTERY
            cell.append(f" {plots.figure(state.battery_percent, 0)} %{' LOW' if low else ''}", "bold" if low else "")
        if state.rssi_dbm is not None:
            cell.append(f" {plots.figure(state.rssi_dbm, 0)} dBm ")
            cell.append(plots.signal(state.rssi_dbm, ascii_only=self._ascii))
        return cell

    def count(self, leg: Leg | None) -> Text:
        """Return the set and how far it has come."""
        if leg is None:
            return Text("")
        counted, style = leg.count, _style(leg, "bold")
        if (done := leg.done) is not None and leg.device.closed is not None:
            return Text(self._ended(leg.device.closed.set, *done), style)
        if counted is None:
            return Text("no repetition yet", "dim")
        number, index, kind = counted
        ago = "" if leg.fresh else f", {plots.age(leg.age_s)}"
        return Text(f"{number}, {kind} {index}{ago}", style)

    def _ended(self, number: int, counted: str, fatigue: str) -> str:
        """Return how a set ended. Where not all of it has room, fatigue counts more: what was counted stands below."""
        whole = f"{number} done: {counted}, fatigue {fatigue}"
        if len(whole) <= self._room:
            return whole
        return f"{number} done: {counted}" if fatigue in {"none", "unknown"} else f"done, fatigue {fatigue}"

    def now(self, leg: Leg | None) -> Text:
        """Return the angle of the leg as it moves."""
        if leg is None or (moment := leg.moment) is None:
            return Text("")
        values = list(leg.device.angles)
        phase = plots.plain(leg.phase, 6)
        angle = plots.figure(moment.angle_deg, 0) if moment.angle_deg is not None else ""
        plot = plots.spark(_thinned(values, self._room - _NUMBER - 8), self._room, ascii_only=self._ascii)
        return Text(f"{angle:>{_NUMBER}} {phase:6} {plot}", _style(leg, ""))

    def quantity(self, leg: Leg | None, quantity: Quantity, side: str) -> Text:
        """Return a quantity of the last repetition, and its course over the set."""
        if leg is None:
            return Text("")
        values = [getattr(rep, quantity.field) for rep in leg.device.current] if leg.device.reps else []
        if quantity.signed:
            values = [None if value is None else abs(value) for value in values]
        plot = plots.spark(values, self._room - _NUMBER - 1, ascii_only=self._ascii)
        cell = Text(f"{number(leg, quantity):>{_NUMBER}} ", _style(leg, "bold"))
        return cell.append(plot, _style(leg, STYLE[side]))

    def compared(self, pair: Pair | None, quantity: Quantity) -> Text:
        """Return by how much the right leg has more than the left, in the mean over the last pairs."""
        if pair is None or quantity.compared is None:
            return Text("")
        symmetry: Symmetry | None = getattr(pair, quantity.compared)
        if symmetry is None:
            return Text("")
        percent = symmetry.mean_index_percent
        bar = plots.balance(percent, 7, _FULL_PERCENT, ascii_only=self._ascii)
        sign = "+" if percent > 0.0 else ""
        return Text(f"{sign + plots.figure(percent, 0):>4} % {bar}")

    def load(self, pair: Pair | None) -> tuple[Text, Text]:
        """Return how the load is shared out."""
        if pair is None or pair.load_left_percent is None or pair.load_right_percent is None:
            return Text(""), Text("")
        width = self._room - _NUMBER - 3
        left, right = (
            (share, plots.shares(share, width, ascii_only=self._ascii)[0])
            for share in (pair.load_left_percent, pair.load_right_percent)
        )
        return (
            Text(f"{plots.figure(left[0], 0):>{_NUMBER}} % ").append(left[1], STYLE["left"]),
            Text(f"{plots.figure(right[0], 0):>{_NUMBER}} % ").append(right[1], STYLE["right"]),
        )


def _style(leg: Leg, style: str) -> str:
    return style if leg.fresh else "dim"


def _pairs(pair: Pair | None) -> Text:
    counts = [s.pairs for s in (pair.rom, pair.time, pair.force) if s is not None] if pair is not None else []
    return Text(f"of {plots.plain(str(max(counts)), 6)} pairs" if counts else "", "dim")


def _subtitle(group: Group) -> str:
    names = []
    for leg in group.legs:
        state = leg.device.state
        names.append(plots.plain(state.label or state.name or leg.device.slug, 24))
    return ", ".join([plots.plain(group.node.name), *names])


def _thinned(values: list[float], width: int) -> list[float]:
    """Return about `width` of the values, evenly."""
    step = max(1, -(-len(values) // max(1, width)))
    return values[len(values) % step :: step]
