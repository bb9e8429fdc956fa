"""Repair: a whole MCAP with everything that can still be read. The source stays as it is unless asked otherwise."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.capture import form
from ankled.daemon.capture.file import CaptureFile, replacing
from ankled.daemon.capture.frames import MAGIC
from ankled.daemon.capture.reader import CaptureReader, open_capture
from ankled.daemon.capture.rolls import in_use
from ankled.daemon.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.capture.reader import Progress

_TAIL: Final = 9 + 20 + len(MAGIC)  # frame and content of the footer, and the magic


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a repair: inputs kept, inputs known to be lost, and what was wrong with the source."""

    source: str
    target: str
    inputs: int
    missing: int
    notes: tuple[str, ...]


def repair(
    source: Path,
    target: Path | None = None,
    *,
    overwrite: bool = False,
    in_place: bool = False,
    progress: Progress | None = None,
) -> Repaired:
    """Write what can be read of `source` to `target` (default: `stem.repaired.mcap` beside it), whole or not at all.

    `in_place` puts it where the source was. Decoded samples that an export added are left out: export again.
    """
    if in_place:
        with open_capture(source) as stream:
            if in_use(stream):
                raise RecordingError(f"{source} is being recorded: stop that first.")
        target, overwrite = source, True
    elif target is None:
        target = source.with_name(f"{source.stem}.repaired{source.suffix}")
    if target.exists() and target.samefile(source) and not in_place:
        raise RecordingError(f"{target} is the recording itself: choose another name, or ask for it to be replaced.")
    reader = CaptureReader(source, strict=False, progress=progress)
    pairs = reader.with_messages()
    first = next(pairs, None)
    if first is None:
        raise RecordingError(f"{source} holds no input that can be read: there is nothing to repair.")
    kept = 0
    with replacing(target, overwrite=overwrite) as stream:
        capture = CaptureFile(
            stream,
            reader.origin,
            first_number=first[0].number,
            utc_offset_ns=reader.fact("utc_offset_ns"),
        )
        for entry, message in chain([first], pairs):
            capture.add(
                form.topic(entry.item, opening=entry.opening),
                entry.number,
                message.data,
                host_ns=entry.item.host_ns,
                utc_offset_ns=message.log_time - message.publish_time,
            )
            kept += not entry.opening
        capture.finish()
    return Repaired(
        source=str(source), target=str(target), inputs=kept, missing=reader.missing, notes=tuple(reader.notes)
    )


def repair_folder(folder: Path) -> list[str]:
    """Make every unfinished capture in a folder whole, as the daemon does at start; return what was done or not.

    Files that somebody is recording to are left alone; empty ones, left by a kill at the first moment, are removed.
    """
    told = []
    for path in sorted(folder.glob("*.mcap")):
        try:
            if (sentence := _repair_own(path)) is not None:
                told.append(sentence)
        except RecordingError as error:
            told.append(str(error))
    return told


def _repair_own(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            if in_use(stream):
                return None
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _TAIL))
            tail = stream.read()
        if not size:
            path.unlink()
            return f"{path} was empty and has been removed."
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    if tail.endswith(MAGIC) and size > _TAIL:
        return None
    done = repair(path, in_place=True)
    return f"{path} was not finished and has been made whole: {done.inputs} inputs."
