"""The virtual machine: QEMU's command line, a share that holds what goes in and what comes out, and its end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

_MEMORY_MIB: Final = 2048
_EMULATED: Final = (
    *("-accel", "tcg,thread=single,tb-size=512", "-smp", "1"),
    *("-icount", "shift=0,sleep=on", "-rtc", "clock=vm"),
)
"""The machine's clock goes by its instructions, 1 ns each, while it computes: a busy host makes it slow and not late.

By the host's clock, sensors at 100 Hz were too much for it, and links broke for want of time.
"""
_CMDLINE: Final = (
    "console=ttyS0 quiet panic=-1 rw mitigations=off cryptomgr.notests no_timer_check nokaslr random.trust_cpu=on "
    "systemd.show_status=0 loglevel=3"
)


def emulated() -> bool:
    """Tell whether KVM cannot be used: the device may be there on a processor without the means."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return True
    return not (os.access("/dev/kvm", os.W_OK) and {"vmx", "svm"} & set(flags))


def command(made: Path, image: Path, share: Path) -> list[str]:
    """Return the command that boots the image; what the guest writes to its disk is thrown away at the end."""
    return [
        "qemu-system-x86_64",
        *(_EMULATED if emulated() else ("-accel", "kvm", "-smp", "2")),
        *("-M", "q35", "-cpu", "Nehalem", "-m", str(_MEMORY_MIB)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-nic", "none"),
        *("-kernel", str(made / "vmlinux"), "-initrd", str(made / "initrd"), "-append", _CMDLINE),
        *("-drive", f"file={image},format=raw,if=virtio,snapshot=on"),
        *("-virtfs", f"local,path={share},mount_tag=share,security_model=none,multidevs=remap"),
        *("-device", "virtio-rng-pci", "-serial", f"file:{share / 'console.txt'}"),
    ]


def boot(made: Path, image: Path, share: Path, limit_s: float) -> int:
    """Run the machine until it powers off, showing what its test says; return what the test said at its end."""
    report = share / "report.txt"
    report.touch()
    (share / "console.txt").touch()
    deadline = time.monotonic() + limit_s
    with report.open(encoding="utf-8", errors="replace") as told, subprocess.Popen(command(made, image, share)) as qemu:
        try:
            while qemu.poll() is None:
                sys.stdout.write(told.read())
                sys.stdout.flush()
                if time.monotonic() > deadline:
                    sys.stdout.write(f"the machine did not end within {limit_s:.0f} s\n")
                    break
                time.sleep(0.5)
        finally:
            qemu.kill()
        sys.stdout.write(told.read())
    try:
        return int((share / "exit").read_text(encoding="ascii"))
    except (OSError, ValueError):
        console = (share / "console.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        sys.stdout.write("\n".join(["the machine said at last:", *console[-40:], ""]))
        return 1
