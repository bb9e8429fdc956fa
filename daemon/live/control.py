"""What requests change: every handler takes a form and gives an answer, or raises UsageError with one sentence.

One at a time: a request waits for the one before it. What is to hold after a restart is on the disk before it is done.
Everything that alters a result goes the way of all inputs, so a recording of it replays identically.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
import structlog
from msgspec.structs import replace

from ankled.daemon import logs
from ankled.daemon.config import InvalidConfigError
from ankled.daemon.errors import RecordingError, UsageError
from ankled.daemon.live import edits
from ankled.daemon.live.changes import Change
from ankled.daemon.live.reload import differences, in_effect, public
from ankled.daemon.live.roster import Roster, resolve
from ankled.daemon.records import Set
from ankled.daemon.requests import forms
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping

    from ankled.daemon.config import Config
    from ankled.daemon.live.athletes import Athletes
    from ankled.daemon.live.changes import ChangesFile, DeviceChanges
    from ankled.daemon.live.crew import Crew
    from ankled.daemon.live.recorder import Recorder

    Handler: TypeAlias = Callable[[Any], Coroutine[Any, Any, msgspec.Struct]]

_CLOSE_S: Final = 5.0

log = structlog.stdlib.get_logger(__name__)


class Control:
    """Changes what runs. `follow` is told of a reload, for `requests` and what is published besides results."""

    def __init__(  # noqa: PLR0913  (what it changes, each given from outside and by name)
        self,
        *,
        roster: Roster,
        crew: Crew,
        changes: ChangesFile,
        athletes: Athletes,
        recorder: Recorder | None = None,
        reread: Callable[[], Config] | None = None,
        follow: Callable[[Config], None] | None = None,
    ) -> None:
        """Prepare. `reread` returns the configuration as its file says now; None where there is no file."""
        self.roster = roster
        """Who is wanted now, and under which configuration."""
        self._crew: Final = crew
        self._changes: Final = changes
        self._athletes: Final = athletes
        self._recorder: Final = recorder
        self._reread: Final = reread
        self._follow: Final = follow
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[msgspec.Struct]] = set()
        for slug in sorted({*roster.changes.removed, *roster.former()}):
            crew.forget(slug)  # the broker may have been away when it was removed, the daemon when it was named

    def handlers(self) -> Mapping[str, Handler]:
        """Return who answers which request."""
        found: dict[str, Handler] = {
            "mark_set": self.mark_set,
            "log_level": self.log_level,
            "adopt": self.adopt,
            "rename": self.rename,
            "remove": self.remove,
            "connect": self.connect,
            "disconnect": self.disconnect,
            "set_weight": self.set_weight,
            "recalibrate": self.recalibrate,
            "recording_start": self.recording_start,
            "recording_stop": self.recording_stop,
            "reload": self.reload,
        }
        return {name: self._in_turn(handler) for name, handler in found.items()}

    async def close(self, patience_s: float = _CLOSE_S) -> None:
        """Let go of what is under way: it was asked for too late."""
        if tasks := [task for task in self._tasks if task.cancel()]:
            await asyncio.wait(tasks, timeout=patience_s)

    # --- sets and axes

    async def mark_set(self, form: forms.MarkSetForm) -> forms.Done:
        """End the running sets now: of a device, of an athlete's, or all. Tells whose there were."""
        if form.device is not None and form.athlete is not None:
            raise UsageError("mark_set takes a device or an athlete, not both; without either it marks all sets")
        slugs = [one.slug for one in self._crew.service.settings.devices]
        if form.device is not None:
            edits.base(self.roster, dict.fromkeys(slugs, ""), form.device)
            slugs = [form.device]
        elif form.athlete is not None:
            athlete = self._athletes.public(form.athlete)
            core = self._crew.service.core
            slugs = [slug for slug in slugs if core.device_settings(slug).athlete == athlete]
            if not slugs:  # the name is not repeated: the answer is for all to read
                raise UsageError("nobody of this name wears a device now; the request devices lists who wears one")
        made = [one for slug in slugs for one in self._crew.service.command("mark_set", slug)]
        return _done(one.device for one in made if isinstance(one, Set))

    async def recalibrate(self, form: forms.DeviceForm) -> forms.Done:
        """Forget how a sensor sits on its leg, and find it anew."""
        edits.base(self.roster, self._crew.adopted(self.roster), form.device)
        if any(one.slug == form.device and one.mount for one in self._crew.service.settings.devices):
            raise UsageError(
                f'the mount of "{form.device}" is given in the configuration, so there is nothing to find; '
                "remove the key mount there and reload"
            )
        self._crew.recalibrate(form.device)
        return _done([form.device])

    async def set_weight(self, form: forms.WeightForm) -> forms.Done:
        """Set mass, side or athlete of a weight; its open set is closed first."""
        if isinstance(form.athlete, str):
            edits.not_reserved("athlete", form.athlete)
            form = replace(form, athlete=self._athletes.public(form.athlete))
        changed = edits.base(self.roster, self._crew.adopted(self.roster), form.device)
        changed = edits.weight(self.roster, changed, form)
        after = resolve(self.roster.config, self.roster.changes.with_device(form.device, changed))
        now = after.members[form.device].settings
        edits.no_clash(after, form.device, now.side, now.athlete)
        await self._become(after)
        if form.mass_kg is not msgspec.UNSET or form.side is not msgspec.UNSET:
            self._crew.service.command("store_weight", form.device)
        return _done([form.device])

    # --- devices

    async def adopt(self, form: forms.AdoptForm) -> forms.Done:
        """Want a device that is near."""
        if form.athlete is not None:
            edits.not_reserved("athlete", form.athlete)
            form = replace(form, athlete=self._athletes.public(form.athlete))
        adopted = self._crew.adopted(self.roster)
        near = self._crew.supervisor.nearby()
        drivers = [name for name, one in registered().drivers.items() if one.info.kind == "sensor"]
        slug, changes = edits.adopt(self.roster, form, near, drivers, adopted)
        others = [name for name, one in adopted.items() if one.upper() == form.address.upper() and name != slug]
        await self._become(resolve(self.roster.config, changes), others)
        return _done([slug])

    async def rename(self, form: forms.RenameForm) -> forms.Done:
        """Call a device something else."""
        changed = edits.base(self.roster, self._crew.adopted(self.roster), form.device)
        was = next((device.name for device in self.roster.config.devices if device.slug == form.device), None)
        await self._change(form.device, replace(changed, label=Change[str | None](now=form.label, was=was)))
        return _done([form.device])

    async def remove(self, form: forms.DeviceForm) -> forms.Done:
        """Let go of a device that was adopted, for good."""
        adopted = self._crew.adopted(self.roster)
        changed = edits.base(self.roster, adopted, form.device)
        for index, device in enumerate(self.roster.config.devices):
            if device.slug == form.device:
                raise UsageError(
                    f'"{form.device}" stands in the configuration file as devices[{index}]: remove it there and '
                    "reload; disconnect keeps it away until connect"
                )
        changes = self.roster.changes.with_device(form.device, None)
        changes = replace(changes, removed={**changes.removed, form.device: changed.address or ""})
        await self._become(resolve(self.roster.config, changes), [form.device])
        return _done([form.device])

    async def connect(self, form: forms.DeviceForm) -> forms.Done:
        """Connect again to a device that was told to stay away."""
        return await self._pause(form.device, paused=False)

    async def disconnect(self, form: forms.DeviceForm) -> forms.Done:
        """Drop the link of a device, in order, until `connect`."""
        return await self._pause(form.device, paused=True)

    # --- recording, logs, configuration

    async def recording_start(self, _form: forms.Nothing) -> forms.Recording:
        """Record from the next input on."""
        recorder = self._recording()
        if recorder.writer is None:
            try:
                recorder.start()
            except RecordingError as error:
                raise UsageError(f"nothing is recorded: {recorder.without_folder(error)}") from error
        await self._keep_recording(now=True)
        return forms.Recording(recording=True, file=recorder.name)

    async def recording_stop(self, _form: forms.Nothing) -> forms.Recording:
        """Record no more; the answer names the file that is whole now."""
        recorder = self._recording()
        name = recorder.name
        await self._keep_recording(now=False)
        try:
            await recorder.stop()
        except RecordingError as error:
            raise UsageError(f"the recording has ended, but: {recorder.without_folder(error)}") from error
        return forms.Recording(recording=False, file=name)

    async def log_level(self, form: forms.LogLevelForm) -> forms.LogLevel:
        """Log more, or less, of everything or of one part."""
        config = self.roster.config
        await self._keep(resolve(config, edits.log_level(config.log, self.roster.changes, form)))
        logs.adjust(form.level if form.part is None else None, self.roster.log_levels())
        return forms.LogLevel(level=form.level, part=form.part)

    async def reload(self, _form: forms.Nothing) -> forms.Reloaded:
        """Read the configuration again; what is wrong in it is told, all of it, and changes nothing."""
        if self._reread is None:
            raise UsageError("there is no configuration file: the daemon was started without one")
        try:
            read = await asyncio.to_thread(self._reread)
        except InvalidConfigError as error:
            log.warning("configuration not reloaded", reason=str(error))
            raise UsageError(public(error)) from error
        old = self.roster.config
        new = in_effect(old, read, followed=self._follow is not None)
        after = resolve(new, self.roster.changes)
        for told in after.dropped:
            log.info("change dropped", reason=told)
        await self._become(after, after.former() & self._crew.adopted(self.roster).keys())
        self._crew.service.idle_end_s = new.session.idle_end_min * 60.0
        logs.adjust(new.log.level if new.log.level != old.log.level else None, self.roster.log_levels())
        if self._follow is not None:
            self._follow(new)
        answer = forms.Reloaded(applied=differences(old, new), needs_restart=differences(new, read))
        log.info("configuration reloaded", applied=answer.applied, needs_restart=answer.needs_restart)
        return answer

    # --- what they have in common

    def _in_turn(self, handler: Handler) -> Handler:
        """Return the handler, one at a time and to its end: who gives up waiting must not leave a change half made."""

        async def work(form: Any) -> msgspec.Struct:  # noqa: ANN401  (of the handler's own type)
            async with self._lock:
                return await handler(form)

        async def handle(form: Any) -> msgspec.Struct:  # noqa: ANN401  (as above)
            task = asyncio.create_task(work(form), name=f"request {handler.__name__}")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
            return await asyncio.shield(task)

        return handle

    def _ended(self, task: asyncio.Task[msgspec.Struct]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever asked may have gone

    async def _pause(self, slug: str, *, paused: bool) -> forms.Done:
        changed = edits.base(self.roster, self._crew.adopted(self.roster), slug)
        await self._change(slug, replace(changed, paused=paused))
        return _done([slug])

    def _recording(self) -> Recorder:
        if self._recorder is None:
            raise UsageError("this daemon records nothing and cannot be asked to")
        return self._recorder

    async def _keep_recording(self, *, now: bool) -> None:
        config = self.roster.config
        changes = replace(self.roster.changes, recording=Change(now=now, was=config.capture.enabled))
        await self._keep(resolve(config, changes))

    async def _change(self, slug: str, changed: DeviceChanges) -> None:
        """Go over to other changes of one device."""
        await self._become(resolve(self.roster.config, self.roster.changes.with_device(slug, changed)))

    async def _become(self, after: Roster, letting_go: Collection[str] = ()) -> None:
        """Store what is to hold, and bring everything in line with it."""
        edits.no_namesakes(after, self._crew.adopted(after).keys() - set(letting_go))
        before = self.roster
        await self._keep(after)
        await self._crew.become(before, after, letting_go)

    async def _keep(self, after: Roster) -> None:
        if after.changes != self.roster.changes:
            try:
                await self._changes.keep(after.changes)
            except OSError as error:
                message = f"nothing is changed, for it cannot be stored in state.folder: {error.strerror}"
                raise UsageError(message) from error
        self.roster = after


def _done(slugs: Iterable[str]) -> forms.Done:
    return forms.Done(devices=tuple(sorted(set(slugs))))
