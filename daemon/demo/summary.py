"""What is said at the end of the demonstration: sets, symmetry, fatigue, and how to see it all again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from ankled.daemon.demo import words
from ankled.daemon.demo.training import NODE

if TYPE_CHECKING:
    from rich.console import Console

    from ankled.daemon.demo.session import Outcome
    from ankled.daemon.demo.tally import Tally
    from ankled.daemon.records import Session, Set

_FIGURES: Final = (
    ("count", ""),
    ("cadence", "/min"),
    ("range", "deg"),
    ("sway", "m/s2"),
    ("lateral", "N"),
    ("loss", "%"),
)
_LEGEND: Final = (
    "Cadence: steps a minute in walking, repetitions a minute in an exercise. Range: of the shank's inclination. "
    "Sway: rms acceleration across the plane of movement. Lateral: mean peak of the sideways force that moves the "
    "weight, outward positive. Loss: of velocity, from the best to the last repetition of the set; loss and fatigue "
    "tell of a trend, they are no diagnosis."
)


def show(console: Console, tally: Tally, outcome: Outcome) -> None:
    """Print the summary of what was heard."""
    console.print()
    if not tally.sets:
        console.print("Interrupted before the first set was closed." if outcome.interrupted else "No set was heard.")
    else:
        console.print(_sets(tally.sets))
        console.print()
        if tally.session is not None:
            console.print(_symmetry(tally.session))
            console.print(_load(tally.session))
            console.print()
        verdicts = _verdicts(tally)
        for line in verdicts:
            console.print(line)
        if verdicts:
            console.print()
        console.print(Text(_LEGEND, style="dim"))
        console.print()
    console.print(_way(outcome))


def _table(title: str) -> Table:
    """Return an empty table."""
    return Table(
        title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), header_style="dim"
    )


def _sets(sets: list[Set]) -> Table:
    """Return the table of closed sets."""
    table = _table("Sets")
    for name in ("leg", "set", "movement"):
        table.add_column(f"{name}\n")
    for name, unit in _FIGURES:
        table.add_column(f"{name}\n{unit}", justify="right", no_wrap=True)
    table.add_column("fatigue\n")
    for one in words.in_order(sets):
        table.add_row(
            Text(one.side, style=words.SIDE_STYLE.get(one.side, "")),
            str(one.set),
            words.doing(one.movement),
            str(one.count),
            words.number(one.cadence_mean_per_min),
            words.number(one.rom_mean_deg),
            words.number(one.sway_rms_mean_mps2, 2),
            words.number(one.lateral_force_peak_mean_n),
            words.number(one.velocity_loss_percent, 0),
            Text(one.fatigue, style=words.FATIGUE_STYLE[one.fatigue]),
        )
    return table


def _symmetry(session: Session) -> Table:
    """Return the table of how the right leg compares with the left."""
    table = _table("Symmetry, right against left")
    for name in ("", "mean", "95 % interval", "pairs"):
        table.add_column(name, justify="right" if name else "left")
    table.add_column("")
    for name, compared in (
        ("range of motion", session.rom),
        ("duration", session.time),
        ("contact time", session.contact_time),
        ("lateral force, peak", session.force),
        ("lateral impulse", session.impulse),
    ):
        if compared is not None:
            mean = f"{compared.mean_index_percent:+.1f} %"
            table.add_row(name, mean, words.interval(compared), str(compared.pairs), words.verdict(compared))
    return table


def _load(session: Session) -> str:
    """Return how the load was shared."""
    if session.load_left_percent is None or session.load_right_percent is None:
        return "Load: no pair of both legs to tell it from"
    return (
        f"Load, as share of the lateral impulse: left {session.load_left_percent:.0f} %, "
        f"right {session.load_right_percent:.0f} %"
    )


def _verdicts(tally: Tally) -> list[Text]:
    """Return a sentence about each set that tired, and each alert."""
    tired = [
        Text(
            f"Fatigue {one.fatigue}, {one.side} leg, set {one.set} ({words.doing(one.movement)}): "
            f"velocity fell by {words.number(one.velocity_loss_percent, 0)} % (p = {one.velocity_trend.p_value:.3f}).",
            style=words.FATIGUE_STYLE[one.fatigue],
        )
        for one in words.in_order(tally.sets)
        if one.fatigue in {"likely", "possible"} and one.velocity_trend is not None
    ]
    return [*tired, *(Text(f"Alert: {alert.message}", style="bold yellow") for alert in tally.alerts)]


def _way(outcome: Outcome) -> Text:
    """Return what became of the messages."""
    came = "all of them" if outcome.received == outcome.published else f"only {outcome.received} of them"
    return Text(
        f"{outcome.published} results were published at {outcome.address.url} below ankled/{NODE}, "
        f"and {came} came back to this subscriber."
    )
