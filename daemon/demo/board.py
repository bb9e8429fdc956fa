"""The live view on a terminal: the latest repetitions of each leg side by side, and how the legs compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ankled.daemon.demo import words

if TYPE_CHECKING:
    from rich.console import Console

    from ankled.daemon.demo.tally import Tally
    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.records import Rep

NARROWEST: Final = 80
_WIDEST: Final = 100
_AROUND: Final = 15
"""Lines that are no repetitions, the prompt's included."""
_MOST_ROWS: Final = 12
_DOUBTFUL: Final = 0.7
_COLUMNS: Final = (
    ("", "#", 3),
    ("time", "s", 5),
    ("cadence", "/min", 8),
    ("range", "deg", 6),
    ("sway", "m/s2", 6),
    ("lateral", "N", 8),
)


class Board:
    """Draws what a tally has heard."""

    def __init__(self, console: Console, tally: Tally, duration_s: float) -> None:
        """Prepare for a session of `duration_s`."""
        self._console = console
        self._tally = tally
        self._duration_s = duration_s
        self._address: BrokerAddress | None = None
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def begin(self, address: BrokerAddress) -> None:
        """Take over the lower part of the terminal."""
        self._address = address
        self._live.start()

    def draw(self, time_s: float | None) -> None:
        """Draw anew."""
        if self._live.is_started:
            self._live.update(self.picture(time_s), refresh=True)

    def end(self) -> None:
        """Leave the last picture where it is."""
        self._live.stop()

    def picture(self, time_s: float | None) -> RenderableType:
        """Return the whole view at this time of the scenario, None before it begins."""
        width = min(self._console.width, _WIDEST)
        legs = Table.grid(expand=True)
        legs.add_column(ratio=1)
        legs.add_column(ratio=1)
        legs.add_row(self._leg("left"), self._leg("right"))
        whole = Table.grid()
        whole.add_column(width=width)
        for part in (self._head(time_s), legs, self._both(), self._foot()):
            whole.add_row(part)
        return whole

    def _head(self, time_s: float | None) -> RenderableType:
        """Return title, clock and progress."""
        head = Table.grid(expand=True)
        head.add_column(no_wrap=True)
        head.add_column(justify="right", no_wrap=True)
        title = Text.assemble(("ankled demo", "bold"), ("  two simulated ankle weights, live through bleak", "dim"))
        head.add_row(title, "connecting" if time_s is None else f"{time_s:.1f} of {self._duration_s:.1f} s")
        return Group(head, ProgressBar(total=self._duration_s, completed=time_s or 0.0, complete_style="green"))

    def _leg(self, side: str) -> RenderableType:
        """Return one leg: what it does, its latest repetitions, its closed sets."""
        reps = self._tally.reps[side]
        rows = max(3, min(_MOST_ROWS, self._console.height - _AROUND))
        style = words.SIDE_STYLE[side]
        table = Table(box=None, padding=0, header_style="dim")
        for name, unit, width in _COLUMNS:
            table.add_column(f"{name}\n{unit}", justify="right", no_wrap=True, width=width)
        shown = reps[-rows:]
        for rep in shown:
            table.add_row(*_cells(rep), style=_row_style(rep, reps[-1], style))
        for _ in range(rows - len(shown)):
            table.add_row()
        closed = [
            f"set {one.set}: {one.count} {'strides' if one.of == 'stride' else 'reps'}, fatigue {one.fatigue}"
            for one in self._tally.sets
            if one.side == side
        ]
        last = Text(closed[-1] if closed else "", style="dim", no_wrap=True, overflow="ellipsis")
        now = Text(self._now(side), style="bold", no_wrap=True, overflow="ellipsis")
        return Panel(
            Group(now, table, last),
            title=Text(f"{side} leg", style=f"bold {style}"),
            title_align="left",
            subtitle=self._sensor(side),
            subtitle_align="right",
            box=ROUNDED,
            border_style=style,
        )

    def _sensor(self, side: str) -> Text | None:
        """Return which sensor a leg wears, once it has said so."""
        sensor = self._tally.sensors.get(side)
        if sensor is None or sensor.name is None:
            return None
        rate = "" if sensor.rate_hz is None else f", {sensor.rate_hz:g} Hz"
        return Text(f"{sensor.name}{rate}", style="dim")

    def _now(self, side: str) -> str:
        """Return what a leg does."""
        reps = self._tally.reps[side]
        if not reps:
            if self._tally.session is not None:
                return "no movement"
            sensor = self._tally.sensors.get(side)
            if sensor is None or sensor.link != "streaming":
                return words.LINK.get("waiting" if sensor is None else sensor.link, "away")
            return "finding the leg's axes from walking"
        rep = reps[-1]
        return f"{words.doing(rep.movement)}, set {rep.set}, {rep.kind} {rep.index}"

    def _both(self) -> RenderableType:
        """Return how the legs compare."""
        pair = self._tally.pair
        table = Table.grid(expand=True, padding=(0, 1))
        table.add_column(width=16, no_wrap=True)
        table.add_column(width=9, justify="right", no_wrap=True, style=words.SIDE_STYLE["left"])
        table.add_column(ratio=1)
        table.add_column(width=10, no_wrap=True, style=words.SIDE_STYLE["right"])
        if pair is None or pair.load_left_percent is None or pair.load_right_percent is None:
            table.add_row("load", "left -", ProgressBar(total=100.0, completed=0.0), "- right")
        else:
            left, right = words.SIDE_STYLE["left"], words.SIDE_STYLE["right"]
            bar = ProgressBar(
                total=100.0, completed=pair.load_left_percent, complete_style=left, finished_style=left, style=right
            )
            table.add_row("load", f"left {pair.load_left_percent:.0f} %", bar, f"{pair.load_right_percent:.0f} % right")
        rom = pair.rom if pair is not None else None
        if rom is None:
            table.add_row("range of motion", "-", Text("", justify="center"), "-")
        else:
            mean = f"{words.right_against_left(rom.mean_index_percent)}, mean of {rom.pairs} pairs"
            table.add_row(
                "range of motion", f"{rom.left:.0f} deg", Text(mean, justify="center"), f"{rom.right:.0f} deg"
            )
        return table

    def _foot(self) -> RenderableType:
        """Return the way the results take."""
        if self._address is None:
            return Text("")
        last = self._tally.last
        lines = [
            Text(f"{self._address.url}  {self._tally.count} results  {last.topic if last else ''}", style="dim"),
            Text(f"Watch them too: {words.subscribing(self._address)}", style="dim"),
        ]
        if self._tally.alerts:
            headline, _, _ = self._tally.alerts[-1].message.partition(". ")
            lines.append(Text(f"alert: {headline}", style="bold yellow"))
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Group(*lines)


def _cells(rep: Rep) -> tuple[str, ...]:
    """Return the figures of a repetition in the order of the columns."""
    return (
        str(rep.index),
        words.number(rep.duration_s, 2),
        words.number(rep.cadence_per_min, 0 if rep.kind == "stride" else 1),
        words.number(rep.rom_deg, 0),
        words.number(rep.sway_rms_mps2, 2),
        words.number(rep.lateral_force_peak_n),
    )


def _row_style(rep: Rep, newest: Rep, colour: str) -> str:
    """Return how a row looks: the newest stands out, the doubtful warns, an earlier set steps back."""
    if rep.quality < _DOUBTFUL:
        return "yellow"
    if rep is newest:
        return f"bold {colour}"
    return "" if rep.set == newest.set else "dim"
