"""Faults as values, and as the lines of a script such as `12.5 out_of_range left 8`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import msgspec

from ankled.simulators.radio.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal[
    "out_of_range",  # heard by nobody; goes on measuring; the link times out if it takes longer than that
    "absent",        # switched off, and on again after the time
    "link_loss",     # the link ends as if it had timed out, at once and for both
    "zombie",        # link up, no data, no answer
    "bursts",        # connection events come at the given interval only
    "lost_packets",  # this share of the values is lost inside the sensor
    "duplicates",    # this share of the values is sent twice
    "overrun",       # the FIFO loses the next so many samples
    "reset",         # the device restarts: clock and settings begin anew, the link dies without a word
    "low_battery",   # the battery shows so many percent
    "refusals",      # the next so many commands are refused
]  # fmt: skip

EVERY: Final = "*"
"""Stands for every device."""

_AMOUNTS: Final[dict[str, tuple[str, float, float, bool]]] = {
    # kind: (what the amount is, least, most, whole numbers only)
    "bursts": ("interval_s", 0.0075, 4.0, False),  # the range of connection intervals: Core 5.4, Vol 6, B, 4.5.1
    "lost_packets": ("share", 0.0, 1.0, False),
    "duplicates": ("share", 0.0, 1.0, False),
    "overrun": ("samples", 1, 1_000_000, True),
    "low_battery": ("percent", 0, 100, False),
    "refusals": ("commands", 1, 1000, True),
}
_LASTING: Final = ("out_of_range", "absent", "zombie", "bursts", "lost_packets", "duplicates")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong, when, for how long, with which device. Raises ScriptError for what makes no sense.

    `duration_s` belongs to what lasts, `amount` to what has a size: see `grammar`.
    """

    at_s: float
    kind: Kind
    device: str
    duration_s: float | None = None
    amount: float | None = None

    def __post_init__(self) -> None:
        """Check the values against the kind."""
        if self.kind not in get_args(Kind):
            raise ScriptError(f'"{self.kind}" is no fault; allowed: {", ".join(get_args(Kind))}')
        _within("at_s", self.at_s, 0.0, 1e6)
        if self.kind in _LASTING:
            _within("duration_s", self.duration_s, 0.001, 1e6)
        elif self.duration_s is not None:
            raise ScriptError(f"{self.kind} takes no duration")
        if self.kind in _AMOUNTS:
            name, least, most, whole = _AMOUNTS[self.kind]
            _within(name, self.amount, least, most)
            if whole and self.amount != round(self.amount or 0.0):
                raise ScriptError(f"{name} is {self.amount:g}; allowed are whole numbers")
        elif self.amount is not None:
            raise ScriptError(f"{self.kind} takes no amount")


def grammar() -> tuple[str, ...]:
    """Return the form of each line that a script may have."""
    return tuple(_form(kind) for kind in get_args(Kind))


def parse_script(text: str, devices: Sequence[str] | None = None) -> list[Fault]:
    """Return the faults of a script, one a line; `#` begins a comment. Raises ScriptError, which names the line."""
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            faults.append(_parse(words, devices))
        except ScriptError as error:
            raise ScriptError(f"line {number}: {error}") from None
    return faults


def check_device(device: str, devices: Sequence[str]) -> None:
    """Raise ScriptError for a device that is not there."""
    if device != EVERY and device not in devices:
        raise ScriptError(f'there is no device "{device}"; allowed: {", ".join(devices)} and {EVERY} for all')


def _numbers(kind: Kind) -> tuple[str, ...]:
    """Return the names of the numbers that follow the device in a line."""
    duration = ("DURATION_S",) if kind in _LASTING else ()
    return (*duration, _AMOUNTS[kind][0].upper()) if kind in _AMOUNTS else duration


def _parse(words: list[str], devices: Sequence[str] | None) -> Fault:
    if len(words) < 3:  # noqa: PLR2004  (time, kind, device)
        raise ScriptError(f'"{" ".join(words)}" is too short; a line is AT_S KIND DEVICE and the numbers of the kind')
    if words[1] not in get_args(Kind):
        raise ScriptError(f'"{words[1]}" is no fault; allowed: {", ".join(get_args(Kind))}')
    kind: Kind = words[1]  # type: ignore[assignment]  # checked in the line above
    if devices is not None:
        check_device(words[2], devices)
    names = _numbers(kind)
    if len(words) - 3 != len(names):
        raise ScriptError(f"{kind} takes {_count(len(names))} after the device; allowed: {_form(kind)}")
    at_s = _number("AT_S", words[0])
    numbers = {name: _number(name, word) for name, word in zip(names, words[3:], strict=True)}
    duration_s = numbers.pop("DURATION_S", None)
    return Fault(
        at_s=at_s, kind=kind, device=words[2], duration_s=duration_s, amount=next(iter(numbers.values()), None)
    )


def _form(kind: Kind) -> str:
    return " ".join(("AT_S", kind, "DEVICE", *_numbers(kind)))


def _count(number: int) -> str:
    return f"{number or 'no'} number{'' if number == 1 else 's'}"


def _number(name: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ScriptError(f'{name} is "{word}"; a number is needed') from None


def _within(name: str, value: float | None, least: float, most: float) -> None:
    if value is None:
        raise ScriptError(f"{name} is missing; allowed is {least:g} to {most:g}")
    if not least <= value <= most:  # also what is no number at all
        raise ScriptError(f"{name} is {value:g}; allowed is {least:g} to {most:g}")
