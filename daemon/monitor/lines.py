"""Without a terminal: a line for each result in order, to be read by people, grep and awk, or as JSON."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final, TextIO

import msgspec

from ankled.daemon.monitor.people import utc_s
from ankled.daemon.monitor.plots import plain
from ankled.daemon.records import Symmetry, to_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from ankled.daemon.monitor.collect import Model, Ordered

_SAID_BEFORE: Final = frozenset({"id", "node", "device", "kind", "start_utc", "end_utc", "known_at_utc"})
"""What stands at the beginning of a line already, or says the same in another way."""
_NAMELESS: Final = re.compile(r"[^\s\"=\\]+")
_SLY: Final = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters that a terminal may obey, or that turn a line around; JSON leaves them as they are."""


class Lines:
    """Writes results to `out` and what is to be said of the watch to `err`."""

    def __init__(self, model: Model, out: TextIO, err: TextIO, *, json: bool, athletes: Collection[str] = ()) -> None:
        self._model = model
        self._out = out
        self._err = err
        self._json = json
        self._athletes = athletes
        self._lost = 0

    def ready(self, results: list[Ordered]) -> None:
        """Write results, at once: somebody may be watching through a pipe."""
        for one in results:
            if not self._athletes or self._model.athlete(one.node, one.record) in self._athletes:
                self._out.write(f"{as_json(one) if self._json else line(one)}\n")
        if results:
            self._out.flush()
            if (lost := self._model.lost) > self._lost:
                self.note(f"{lost} results are missing and cannot be had")
            self._lost = lost

    def note(self, text: str) -> None:
        """Say what there is to say."""
        self._err.write(f"ankled: {plain(text, 1000)}\n")
        self._err.flush()


def as_json(one: Ordered) -> str:
    """Return a record as it was published, safe for a terminal."""
    return _SLY.sub(_escaped, to_json(one.record).decode())


def line(one: Ordered) -> str:
    """Return time, node, source and kind, then `field=value` for all that is known, in the words of the record."""
    record = one.record
    told = getattr(record, "end_utc", None) or getattr(record, "known_at_utc", None)
    at_s = utc_s(told)
    clock = "-" if at_s is None else datetime.fromtimestamp(at_s).astimezone().isoformat(timespec="milliseconds")
    whose = getattr(record, "device", None) or getattr(record, "athlete", None)
    schema = str(record.__struct_config__.tag).removeprefix("ankled.").partition("/")[0]
    words = [clock, one.node, str(whose), schema]
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if name in _SAID_BEFORE or value is None or value in ([], {}):
            continue
        if isinstance(value, Symmetry):
            words.append(f"{name}_index_percent={_said(value.index_percent)}")
            words.append(f"{name}_mean_index_percent={_said(value.mean_index_percent)}")
        elif isinstance(value, dict):
            words += [f"{_said(str(key))}={_said(detail)}" for key, detail in value.items()]
        elif isinstance(value, list):
            words.append(f"{name}={_said(','.join(map(str, value)))}")
        elif not isinstance(value, msgspec.Struct):
            words.append(f"{name}={_said(value)}")
    return " ".join(words)


def _said(value: object) -> str:
    """Return a value as one word; text that is none in quotes, as JSON has it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if _NAMELESS.fullmatch(text) and text.isprintable() else _quoted(text)


def _quoted(text: str) -> str:
    return _SLY.sub(_escaped, msgspec.json.encode(text).decode())


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
