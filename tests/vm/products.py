"""What the test machine is made of: each made once, kept in a folder named by a hash of what it was made from."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
TREE: Final = HERE.parents[1]
PROGRAMS: Final = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "modprobe": "kmod",
    "cpio": "cpio",
    "mke2fs": "e2fsprogs",
    "busybox": "busybox-static",
}
"""What has to be on this machine, and the Debian package that has it."""
CPU: Final = {
    "NUMBA_CPU_NAME": "nehalem",
    "NUMBA_CPU_FEATURES": "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+64bit,+cmov,+cx8,+fxsr,+mmx,+sahf",
}
"""The processor that QEMU is told to be; compiled for it here, so that kernels need not be compiled under emulation."""
_GLIBC: Final = range(36, 4, -1)
_PLATFORMS: Final = (
    *(f"manylinux_2_{minor}_x86_64" for minor in _GLIBC),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"),
)
"""What Debian 12 runs, whatever this machine is."""
_INSTALLED: Final = "/opt/ankled"


class ProductError(Exception):
    """Something is missing on this machine; one sentence that says what to do."""


def check_programs() -> None:
    """Raise ProductError for a program that is not there."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    if missing:
        message = f"not installed: {', '.join(missing)}; on Debian or Ubuntu: apt-get install {' '.join(missing)}"
        raise ProductError(message)
    if os.geteuid() != 0:
        message = "building the machine's root takes the rights of root (mmdebstrap, chroot); run it as root"
        raise ProductError(message)


def _key(*made_from: Path | str) -> str:
    digest = hashlib.sha256()
    for one in made_from:
        if isinstance(one, str):
            digest.update(one.encode())
        else:
            digest.update(one.relative_to(TREE).as_posix().encode() + b"\0" + one.read_bytes())
    return digest.hexdigest()[:12]


def _made(cache: Path, what: str, key: str) -> tuple[Path, Path | None]:
    """Return the folder of a product and, if it is not made yet, where to make it; others of its kind are removed."""
    folder = cache / f"{what}-{key}"
    if folder.is_dir():
        sys.stdout.write(f"{what}: from the cache\n")
        return folder, None
    for old in cache.glob(f"{what}-*"):
        shutil.rmtree(old)
    sys.stdout.write(f"{what}: being made ...\n")
    sys.stdout.flush()
    return folder, cache / f"{what}-part"


def machine(cache: Path) -> Path:
    """Return the folder with vmlinux, initrd, image, and root, the tree that the image was made from."""
    folder, part = _made(cache, "machine", _key(*(HERE / name for name in ("root.sh", "image.sh", "elf_kernel.py"))))
    if part is not None:
        began = time.monotonic()
        subprocess.run(["bash", HERE / "root.sh", part], check=True)
        part.rename(folder)
        sys.stdout.write(f"machine: made in {time.monotonic() - began:.0f} s\n")
    return folder


def wheels(cache: Path) -> Path:
    """Return the folder with every pinned package as a wheel."""
    wanted = TREE / "requirements" / "runtime.txt"
    folder, part = _made(cache, "wheels", _key(wanted))
    if part is not None:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--only-binary=:all:",
            "--require-hashes",
            "--no-deps",
        ]
        pip += ["--python-version", "3.11", "--implementation", "cp"]
        for platform in ("any", *_PLATFORMS):
            pip += ["--platform", platform]
        subprocess.run([*pip, "-r", wanted, "-d", part], check=True)
        part.rename(folder)
    return folder


def source(archive: Path) -> None:
    """Write the project as it lies here, every file that git knows or would take, with one time for all of them.

    numba's cache goes by the time of a source file.
    """
    listed = ["git", "-C", str(TREE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = sorted({name for name in subprocess.check_output(listed).decode().split("\0") if name})

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mtime = 1_600_000_000
        info.mode &= 0o755
        return info

    with tarfile.open(archive, "w") as tar:
        for name in names:
            if os.path.lexists(TREE / name):
                tar.add(TREE / name, arcname=name, recursive=False, filter=plain)


def installed(cache: Path, of: Path, packages: Path) -> Path:
    """Return the folder with `image`, where the project is installed, and `kernels.tar`, compiled for the guest.

    Both are made in a copy of the guest's root, by the commands of the README, at the speed of this machine.
    """
    sources = sorted((TREE / "kernels").rglob("*.py"))
    others = (TREE / "requirements" / "runtime.txt", TREE / "pyproject.toml", Path(__file__))
    folder, part = _made(cache, "installed", _key(*sources, *others, of.name, str(CPU)))
    if part is None:
        return folder
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    root = part / "root"
    subprocess.run(["cp", "-a", of / "root", root], check=True)
    (root / "opt/ankled").mkdir(parents=True, exist_ok=True)
    source(part / "source.tar")
    subprocess.run(["tar", "-xf", part / "source.tar", "-C", root / "opt/ankled"], check=True)
    within = f"cd {_INSTALLED}; make --silent install; .venv/bin/ankled warm"
    script = (
        f"mount -t proc proc {root}/proc; mount --bind /dev {root}/dev; mount --bind {packages} {root}/mnt; "
        f"chroot {root} sh -ec '{within}'"
    )
    there = {
        **CPU,
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "/mnt",
        "PIP_QUIET": "1",
        "HOME": "/root",
        "ANKLED_CACHE_DIR": "/var/cache/ankled",
    }
    subprocess.run(["unshare", "--mount", "--pid", "--fork", "sh", "-ec", script], check=True, env=there)
    subprocess.run(["tar", "-cf", part / "kernels.tar", "-C", root / "var/cache/ankled", "."], check=True)
    shutil.rmtree(root / "var/cache/ankled")
    image = part / "image"
    subprocess.run(["bash", HERE / "image.sh", root, image], check=True)
    shutil.rmtree(root)
    part.rename(folder)
    return folder
