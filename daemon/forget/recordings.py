"""What recordings hold of an athlete, and recordings without it.

A recording that holds nobody else is removed. In one that others share, every input of the athlete's weights gives way
to one that means nothing, under the same number and at the same time: so the results of the others stay the same to the
byte when it is replayed. A weight that changed hands within one file goes as a whole, which is said.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from ankled.daemon.capture import form
from ankled.daemon.capture.file import CaptureFile, reason, replacing
from ankled.daemon.capture.reader import CaptureReader, open_capture
from ankled.daemon.capture.rolls import in_use
from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Config, State, WriteResult
from ankled.daemon.inputs_codec import encode

if TYPE_CHECKING:
    from collections.abc import Collection

    from ankled.daemon.inputs import Input

_NO_LINK: Final = 0
"""Links are counted from 1: an input of this one belongs to none, so nobody takes it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that holds something of the athlete: on these `devices`.

    `alone`: it holds nobody else. `others` wore one of the devices too, and lose what it recorded of them.
    """

    path: Path
    devices: tuple[str, ...]
    alone: bool
    others: tuple[str, ...] = ()


def look(path: Path, ids: Collection[str]) -> Finding | None:
    """Return what a recording holds of an athlete who goes by these ids. Raises RecordingError."""
    worn: dict[str, set[str | None]] = {}
    heard: set[str] = set()
    named = False
    for entry in CaptureReader(path, strict=False):
        item = entry.item
        if isinstance(item, Config):
            for device in item.settings.devices:
                worn.setdefault(device.slug, set()).add(device.athlete)
            named = named or not item.settings.last_seqs.keys().isdisjoint(ids)
        elif isinstance(item, State):
            named = named or any(msgspec.msgpack.encode(one) in item.data for one in ids)
        elif (slug := getattr(item, "device", None)) is not None and not _is_empty(item):
            heard.add(slug)
    mine = {slug for slug, athletes in worn.items() if not athletes.isdisjoint(ids)}
    if not mine and not named:
        return None
    others = {one for slug in mine & heard for one in worn[slug] if one is not None and one not in ids}
    alone = bool(mine) and heard <= mine
    return Finding(path=path, devices=tuple(sorted(mine)), alone=alone, others=tuple(sorted(others)))


def remove(finding: Finding, ids: Collection[str]) -> None:
    """Remove the recording, or what it holds of the athlete. Raises RecordingError and leaves it where that fails."""
    path = finding.path
    with open_capture(path) as stream:
        if in_use(stream):
            raise RecordingError(f"{path} is being recorded: stop that, and forget once more.")
    if finding.alone:
        try:
            path.unlink()
        except OSError as error:
            raise RecordingError(f"{path} cannot be removed: {reason(error)}.") from error
        return
    reader = CaptureReader(path, strict=False)
    with replacing(path, overwrite=True) as stream:
        made: CaptureFile | None = None
        for entry, message in reader.with_messages():
            if made is None:
                utc_offset_ns = reader.fact("utc_offset_ns")
                made = CaptureFile(stream, reader.origin, first_number=entry.number, utc_offset_ns=utc_offset_ns)
            item = _without(entry.item, ids, finding)
            made.add(
                form.topic(item, opening=entry.opening),
                entry.number,
                message.data if item is entry.item else encode(item),
                host_ns=item.host_ns,
                utc_offset_ns=message.log_time - message.publish_time,
            )
        if made is not None:
            made.finish()


def _without(item: Input, ids: Collection[str], finding: Finding) -> Input:
    """Return an input without the athlete; the very same one where it has nothing to do with them."""
    if isinstance(item, Config):
        settings = item.settings
        kept = replace(
            settings,
            devices=tuple(device for device in settings.devices if device.slug not in finding.devices),
            last_seqs={source: seq for source, seq in settings.last_seqs.items() if source not in ids},
        )
        return item if kept == settings else replace(item, settings=kept)
    if isinstance(item, State):
        return replace(item, data=_state_without(item.data, ids, finding))
    slug = getattr(item, "device", None)
    if slug in finding.devices:
        return WriteResult(host_ns=item.host_ns, device=str(slug), epoch=_NO_LINK, characteristic="", error="forgotten")
    return item


def _state_without(data: bytes, ids: Collection[str], finding: Finding) -> bytes:
    """Return the state of a pipeline without the athlete: samples, sets and numbers of their devices, and theirs."""
    # Imported here: numba takes half a second, and most recordings begin without a state.
    from ankled.daemon.pipeline.core import CoreState  # noqa: PLC0415  (see above)

    try:
        state = msgspec.msgpack.decode(data, type=CoreState)
    except msgspec.MsgspecError:
        state = None
    if state is None or msgspec.msgpack.encode(state) != data:
        raise RecordingError(
            f"{finding.path} is left as it was: it begins in mid-session with a state of another ankled, which this "
            "one cannot rewrite, and it holds others too. Remove it by hand, or with the ankled that recorded it."
        )
    gone = {*finding.devices, *ids}
    return msgspec.msgpack.encode(
        replace(
            state,
            numbers={slug: one for slug, one in state.numbers.items() if slug not in gone},
            said={slug: one for slug, one in state.said.items() if slug not in gone},
            links={slug: one for slug, one in state.links.items() if slug not in gone},
            devices={slug: one for slug, one in state.devices.items() if slug not in gone},
            accelerometer_only=[slug for slug in state.accelerometer_only if slug not in gone],
            athletes={slug: one for slug, one in state.athletes.items() if slug not in gone},
        )
    )


def _is_empty(item: Input) -> bool:
    """Tell whether an input stands in the place of one that was forgotten."""
    return isinstance(item, WriteResult) and item.epoch == _NO_LINK
