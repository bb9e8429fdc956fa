"""The clock: records carry UTC, certificates have dates, and a machine that sleeps hears nothing."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.doctor.finding import Finding, bad, not_tried, note, ok

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

_SYNCHRONISE: Final = "Turn time synchronisation on: sudo timedatectl set-ntp true"
_TIMEX_BYTES: Final = 512  # more than struct timex has on any machine; zeros ask for nothing to be set (adjtimex(2))
_UNSYNCHRONISED: Final = 5  # TIME_ERROR of sys/timex.h
_DAY_S: Final = 86400.0
_LATEST: Final = 2100


def synchronised(_patient: Patient) -> list[Finding]:
    """Ask the kernel, whoever it is that sets the clock: timesyncd, chrony or ntpd."""
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (AttributeError, OSError):
        answer = -1
    if answer < 0:
        return [not_tried("synchronised", "the kernel does not tell whether its clock is synchronised")]
    if answer == _UNSYNCHRONISED:
        return [note("synchronised", "nobody synchronises the clock: times in UTC may be wrong", _SYNCHRONISE)]
    return [ok("synchronised", "the clock is synchronised")]


def date(_patient: Patient) -> list[Finding]:
    """Look at the date: a machine without a battery for its clock begins in the past."""
    return [of_date(time.time(), Path(__file__).stat().st_mtime)]


def of_date(now_s: float, installed_s: float) -> Finding:
    """Return the finding for a moment, given when this program was installed."""
    now = datetime.fromtimestamp(now_s, UTC)
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now_s < installed_s - _DAY_S:
        then = datetime.fromtimestamp(installed_s, UTC)
        return bad("date", f"it is {shown}, before this program was installed ({then:%Y-%m-%d})", _SYNCHRONISE)
    if now.year >= _LATEST:
        return bad("date", f"it is {shown}, which cannot be", _SYNCHRONISE)
    return ok("date", shown)


def sleeps(_patient: Patient) -> list[Finding]:
    """CLOCK_BOOTTIME counts sleep, CLOCK_MONOTONIC does not."""
    return [of_sleep(time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC))]


def of_sleep(slept_s: float) -> Finding:
    """Return the finding for how long the machine has slept since it was started."""
    if slept_s > 1.0:
        told = f"the machine has slept {slept_s / 60.0:.0f} min since it was started: asleep it hears no sensor"
        do = "Keep it awake: sudo systemctl mask sleep.target suspend.target hibernate.target hybrid-sleep.target"
        return note("sleep", told, do)
    return ok("sleep", "the machine has not slept since it was started")
