"""What a state folder and the outbox hold of an athlete, and without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.live import axes, changes
from ankled.daemon.live.axes import StoredAxes
from ankled.daemon.live.changes import Changes, ChangesFile
from ankled.daemon.live.roster import resolve
from ankled.daemon.outbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Collection

    from ankled.daemon.config import Config

_ASIDE: Final = ".damaged-"


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What there is: rows of the outbox, changed keys, devices whose axes are kept, damaged files that were put aside.

    `configured` are the keys of the configuration that still name the athlete: nobody but its owner alters that.
    """

    rows: int
    changed: tuple[str, ...]
    axes: tuple[str, ...]
    aside: tuple[Path, ...]
    configured: tuple[str, ...]


def look(folder: Path, outbox: Path, config: Config, ids: Collection[str]) -> Stored:
    """Return what is stored. `config` names athletes as they go outside. Raises OutboxError."""
    stored = ChangesFile(folder / changes.NAME).read()
    roster = resolve(config, stored)
    worn = {slug for slug, one in roster.members.items() if one.settings.athlete in ids}
    known = StoredAxes(folder / axes.NAME, roster.sensors())
    rows = 0
    if outbox.exists():
        with Store(outbox) as store:
            rows = sum(store.count(one) for one in ids)
    return Stored(
        rows=rows,
        changed=tuple(slug for slug, one in stored.devices.items() if _without(one, ids) != one),
        axes=tuple(sorted(slug for slug in worn if known.knows(slug))),
        aside=tuple(sorted(one for one in folder.glob(f"*{_ASIDE}*") if one.is_file())),
        configured=tuple(
            f"devices[{index}].athlete" for index, device in enumerate(config.devices) if device.athlete in ids
        ),
    )


def remove(found: Stored, folder: Path, outbox: Path, ids: Collection[str]) -> set[str]:
    """Remove what was found; return the topics that a broker may hold of it. Raises OutboxError and OSError."""
    topics: set[str] = set()
    if outbox.exists():
        with Store(outbox) as store:
            for one in ids:
                topics |= set(store.forget(one))
    if found.changed:
        file = ChangesFile(folder / changes.NAME)
        before = file.read()
        after: Changes = before
        for slug in found.changed:
            after = after.with_device(slug, _without(before.device(slug), ids))
        file.write(after)
    if found.axes:
        known = StoredAxes(folder / axes.NAME, {})
        for slug in found.axes:
            known.forget(slug)
        known.save()
    for path in found.aside:
        path.unlink(missing_ok=True)
    return topics


def _without(device: changes.DeviceChanges, ids: Collection[str]) -> changes.DeviceChanges:
    """Return the changes of a device without one that gives it to the athlete."""
    if device.athlete is None or device.athlete.now not in ids:
        return device
    return msgspec.structs.replace(device, athlete=None)
