"""Runs the checks side by side, each with a deadline of its own: what hangs delays nothing but its own line."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from ankled.daemon.doctor.finding import Finding, bad, not_tried

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ankled.daemon.doctor.patient import Patient

T = TypeVar("T")

Look: TypeAlias = "Callable[[Patient], Sequence[Finding] | Awaitable[Sequence[Finding]]]"

_UNWIND_S: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing to look at. `lines` are the names of all findings it can make; `stuck` is what to do if it hangs.

    `look` is a coroutine function, or a plain one that then runs in a thread.
    """

    group: str
    lines: tuple[str, ...]
    look: Look
    deadline_s: float = 10.0
    stuck: str


async def examine(patient: Patient, checks: Sequence[Check]) -> tuple[list[Finding], bool]:
    """Return all findings, in the order of the checks, and whether something still hangs."""
    tasks = [asyncio.create_task(_one(check, patient), name=f"doctor {check.lines[0]}") for check in checks]
    found: list[Finding] = []
    hung = False
    for task in tasks:
        findings, late = await task
        found += findings
        hung = hung or late
    return found, hung


async def _one(check: Check, patient: Patient) -> tuple[list[Finding], bool]:
    task = asyncio.create_task(_looked(check, patient), name=f"doctor {check.lines[0]}: work")
    done, _ = await asyncio.wait({task}, timeout=check.deadline_s)
    late = not done
    if late:
        task.cancel()
        await asyncio.wait({task}, timeout=_UNWIND_S)
        findings = [bad(check.lines[0], f"no answer within {check.deadline_s:g} s", check.stuck)]
    elif (error := task.exception()) is not None:
        findings = [not_tried(check.lines[0], f"the check itself failed with {type(error).__name__}: {error}")]
    else:
        findings = list(task.result())
    return [msgspec.structs.replace(one, group=check.group) for one in findings], late


async def _looked(check: Check, patient: Patient) -> Sequence[Finding]:
    if asyncio.iscoroutinefunction(check.look):
        found: Sequence[Finding] = await check.look(patient)
        return found
    return await in_thread(lambda: check.look(patient))  # type: ignore[arg-type,return-value]  # a plain function


async def in_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns. Its thread keeps nobody from leaving, unlike those of asyncio: a disk may hang."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(value)  # type: ignore[arg-type]  # there is a value where there is no error
        else:
            done.set_exception(error)

    def body() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = work()
        except BaseException as raised:  # noqa: BLE001 - it is handed to who waits
            error = raised
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            return  # nobody waits any more

    threading.Thread(target=body, name="doctor", daemon=True).start()
    return await done


def output(*words: str, timeout_s: float = 5.0) -> str | None:
    """Return what a program of the system says on standard output; None where it is not there, fails or hangs."""
    try:
        done = subprocess.run(  # noqa: S603 - names of programs and options that stand in this room
            words, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return None if done.returncode else done.stdout.decode(errors="replace")
