"""Putting the service on a machine, or into the tree of an image, and taking it away again: each step is told."""

from __future__ import annotations

import compileall
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.service import files, manager
from ankled.daemon.service.files import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

_PUBLIC: Final = 0o644
_PRIVATE: Final = 0o640
_SYSTEM: Final = Path("/")


def install(say: Callable[[str], None], root: Path = _SYSTEM, *, start: bool = True) -> None:
    """Put the service there; what is there already is written anew, but the configuration. Raises ServiceError."""
    own = _may(root, "install")
    source, program = files.sources(), files.program()
    if own or program.is_relative_to(root):
        files.check_reachable(root, files.needed())
        for folder in files.packages():  # the service may write no bytecode there, and would compile at each start
            compileall.compile_dir(folder, quiet=2)
            say(f"compiled the modules in {folder}")
    else:
        say(f"the unit starts {program}, which has to be there in that system")
    for one in files.PLACED:
        text = (source / one.source).read_text(encoding="utf-8")
        if one.target.name == files.UNIT:
            text = files.unit(text, files.below(root, program))
        _write(root / one.target, text, say)
    if own and (manager.version() or 0) >= files.STEPS_SINCE:
        _write(root / files.STEPS, (source / "ankled-restart.conf").read_text(encoding="utf-8"), say)
    _configuration(root, source, say)
    _made_known(say, root)
    if start:
        _started(say, root)
    else:
        say("not enabled and not started: systemctl enable --now ankled does both")


def uninstall(say: Callable[[str], None], root: Path = _SYSTEM, *, purge: bool = False) -> None:
    """Take away what `install` put there; with `purge` also the configuration and all that was recorded."""
    own = _may(root, "uninstall")
    where = () if own else (f"--root={root}",)
    if (root / files.PLACED[0].target).exists() and manager.there("systemctl"):
        if own:
            say(f"ran {manager.call('systemctl', 'stop', files.UNIT)}")
        say(f"ran {manager.call('systemctl', *where, 'disable', files.UNIT)}")
    for path in (root / one for one in files.MADE):
        if path.exists():
            path.unlink()
            say(f"removed {path}")
    _remove_empty(root / files.STEPS.parent)
    if own:
        say(f"ran {manager.call('systemctl', 'daemon-reload')}")
    for path in (root / files.CACHE, *(root / one for one in files.KEPT)):
        if not path.exists():
            continue
        if purge or path == root / files.CACHE:
            shutil.rmtree(path)
            say(f"removed {path} and all in it")
        else:
            say(f"left {path}; --purge removes it too")
    say(f"left the user {files.USER}, who may own files elsewhere; userdel {files.USER} removes it")


def _may(root: Path, what: str) -> bool:
    """Tell whether it is about the running system. Raises ServiceError where that cannot be changed."""
    if root != _SYSTEM:
        if not root.is_dir():
            raise ServiceError(f"--root is {root}, which is no folder; allowed is the root of a system's files")
        return False
    if os.geteuid() != 0:
        raise ServiceError(f"only root may {what} the service: sudo {files.program()} service {what}")
    if not manager.running():
        raise ServiceError(
            "systemd does not run this machine, so there is nothing that would keep a service; ankled run needs none, "
            "and --root DIR is for the files of another system"
        )
    return True


def _made_known(say: Callable[[str], None], root: Path) -> None:
    """Have systemd make the user and the folders, and look at the unit."""
    own = root == _SYSTEM
    where = () if own else (f"--root={root}",)
    user, folders = (str(_SYSTEM / one.target) if own else one.target.name for one in files.PLACED[1:])
    for tool, words in (("systemd-sysusers", (user,)), ("systemd-tmpfiles", ("--create", folders))):
        if manager.there(tool):
            say(f"ran {manager.call(tool, *where, *words)}")
        else:
            say(f"{tool} is not installed here: the system does the same when it boots")
    if own:
        say(f"ran {manager.call('systemctl', 'daemon-reload')}")


def _started(say: Callable[[str], None], root: Path) -> None:
    """Have it start at boot and, on the running system, now."""
    if root != _SYSTEM:
        if manager.there("systemctl"):
            say(f"ran {manager.call('systemctl', f'--root={root}', 'enable', files.UNIT)}")
        else:
            say("not enabled, for there is no systemctl here: systemctl enable ankled does it there")
        return
    say(f"ran {manager.call('systemctl', 'enable', files.UNIT)}")
    # not waited for: the first start compiles the kernels
    say(f"ran {manager.call('systemctl', '--no-block', 'restart', files.UNIT)}")
    say("starting; the first start compiles the kernels, about a minute; ankled service status tells how it goes")


def _configuration(root: Path, source: Path, say: Callable[[str], None]) -> None:
    """Write the first configuration. Who may read it is set by systemd-tmpfiles, which knows the service's user."""
    path = root / files.CONFIG
    if path.exists():
        say(f"kept {path}")
        return
    _write(path, (source / "ankled.toml").read_text(encoding="utf-8"), say, mode=_PRIVATE)


def _write(path: Path, text: str, say: Callable[[str], None], mode: int = _PUBLIC) -> None:
    """Write a whole file or none."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        say(f"kept {path}")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{path.name}.new")
        made.write_text(text, encoding="utf-8")
        made.chmod(mode)
        made.replace(path)
    except OSError as error:
        raise ServiceError(f"{path} cannot be written: {error.strerror or error}") from error
    say(f"wrote {path}")


def _remove_empty(folder: Path) -> None:
    """Remove a folder of drop-ins unless somebody has put one there."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
