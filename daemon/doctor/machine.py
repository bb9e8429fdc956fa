"""The machine: kernel, architecture, Python and its packages, processors, memory."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Final

from ankled.daemon.doctor.finding import Finding, bad, not_tried, note, ok

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient

COMPILING_MIB: Final = 330
"""What compiling the kernels takes at most."""
_WORD_BITS: Final = 32


def kernel(_patient: Patient) -> list[Finding]:
    """BlueZ, CLOCK_BOOTTIME and the folders of /proc and /sys are Linux's."""
    name, release = platform.system(), platform.release()
    if name != "Linux":
        return [bad("kernel", f"{name} {release}: Bluetooth goes by BlueZ, which is Linux", "Use a Linux machine.")]
    return [ok("kernel", f"Linux {release}")]


def architecture(_patient: Patient) -> list[Finding]:
    """Of 32 bits nobody builds numba."""
    return [of_architecture(platform.machine(), 64 if sys.maxsize > 2**_WORD_BITS else _WORD_BITS)]


def of_architecture(machine: str, bits: int) -> Finding:
    """Return the finding for a machine and the width of its programs."""
    if bits <= _WORD_BITS:
        told = f"{machine} with {bits} bits: there is no numba for it, which computes everything"
        return note("architecture", told, "Install the 64-bit system on this machine: uname -m must say aarch64.")
    return ok("architecture", f"{machine}, {bits} bits")


def python(_patient: Patient) -> list[Finding]:
    """Which Python runs."""
    return [ok("python", f"Python {platform.python_version()} in {sys.prefix}")]


def packages(_patient: Patient) -> list[Finding]:
    """Everything that the daemon imports is installed."""
    found, missing = installed()
    if missing:
        words = " ".join(missing)
        do = f"Install what lacks: {sys.executable} -m pip install {words}"
        return [bad("packages", f"not installed: {', '.join(missing)}", do)]
    return [ok("packages", ", ".join(f"{name} {version}" for name, version in found.items()))]


def installed() -> tuple[dict[str, str], list[str]]:
    """Return the versions of ankled and of what it needs here, and the names of those that lack."""
    found = {"ankled": metadata.version("ankled")}
    missing = []
    for wanted in metadata.requires("ankled") or []:
        if "extra ==" in wanted:
            continue
        name = re.split(r"[^A-Za-z0-9_.-]", wanted)[0]
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    return found, missing


def cpu(_patient: Patient) -> list[Finding]:
    """How many processors, and how busy they are."""
    count = os.cpu_count() or 1
    load = os.getloadavg()[1]
    told = f"{count} processor{'s' if count > 1 else ''}, load {load:.1f} over five minutes"
    if load > 2 * count:
        return [note("cpu", f"{told}: others keep them busy", "Look who does, and stop what is not needed: top")]
    return [ok("cpu", told)]


def memory(patient: Patient) -> list[Finding]:
    """Compiling the kernels needs more than running."""
    text = patient.text("proc/meminfo")
    if text is None:
        return [not_tried("memory", "/proc/meminfo cannot be read")]
    mib = {name: int(kib) // 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    free = mib.get("MemAvailable", 0) + mib.get("SwapFree", 0)
    told = f"{free} MiB free of {mib.get('MemTotal', 0)} MiB and {mib.get('SwapTotal', 0)} MiB of swap"
    if free < COMPILING_MIB:
        do = (
            "Add swap: sudo fallocate -l 1G /swapfile && sudo chmod 600 /swapfile && "
            "sudo mkswap /swapfile && sudo swapon /swapfile"
        )
        return [note("memory", f"{told}; compiling the kernels takes {COMPILING_MIB} MiB", do)]
    return [ok("memory", told)]
