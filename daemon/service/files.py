"""The files of the service: where they come from, where they go, and which program the unit starts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ankled.daemon.errors import AnkledError

if TYPE_CHECKING:
    from collections.abc import Iterable

UNIT: Final = "ankled.service"
USER: Final = "ankled"
CONFIG: Final = Path("etc/ankled/ankled.toml")
STEPS: Final = Path(f"etc/systemd/system/{UNIT}.d/10-restart-steps.conf")
STEPS_SINCE: Final = 254
"""The systemd that has RestartSteps=; older ones would log that they do not know it."""
PLACEHOLDER: Final = "@PROGRAM@"

_PLAIN: Final = re.compile(r"^/[A-Za-z0-9_./+-]+$")
_HIDDEN: Final = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108  (they are refused)
"""What ProtectHome= and PrivateTmp= hide from the service."""
_OTHERS_ENTER: Final = 0o001


class ServiceError(AnkledError):
    """The service cannot be installed, removed or looked at as things are: the sentence says what to do."""


class Placed(NamedTuple):
    """A file in systemd/ of the source, and where it goes, relative to the root of the system."""

    source: str
    target: Path


PLACED: Final = (
    Placed("ankled.service", Path("etc/systemd/system") / UNIT),
    Placed("ankled.sysusers", Path("etc/sysusers.d/ankled.conf")),
    Placed("ankled.tmpfiles", Path("etc/tmpfiles.d/ankled.conf")),
)
"""What is written anew by every installation. Changes of one's own belong into drop-ins: systemctl edit ankled."""
MADE: Final = (*(one.target for one in PLACED), STEPS)
KEPT: Final = (Path("etc/ankled"), Path("var/lib/ankled"))
"""What outlives an uninstallation."""
CACHE: Final = Path("var/cache/ankled")
_PACKAGES: Final = frozenset({"daemon", "simulators", "drivers", "kernels"})


def sources() -> Path:
    """Return the folder of the unit and what goes with it: of a clone, or of a wheel. Raises ServiceError."""
    clone = Path(__file__).resolve().parents[2] / "systemd"
    shared = Path(sys.prefix) / "share" / "ankled" / "systemd"
    for folder in (clone, shared):
        if (folder / UNIT).is_file():
            return folder
    raise ServiceError(f"the unit and what goes with it are neither in {clone} nor in {shared}; install from a clone")


def program() -> Path:
    """Return the command `ankled` beside the interpreter that runs this. Raises ServiceError."""
    found = Path(sys.executable).with_name("ankled")
    if not found.is_file():
        raise ServiceError(f"there is no command {found} that the service could start; make install makes it")
    return found


def below(root: Path, path: Path) -> Path:
    """Return the path as it is named in the system whose root this is."""
    return Path("/") / path.relative_to(root) if path.is_relative_to(root) else path


def unit(text: str, started: Path) -> str:
    """Return the unit for this program. Raises ServiceError for a path that systemd would read otherwise."""
    if not _PLAIN.match(str(started)):
        raise ServiceError(
            f"the program is {started}; a path that systemd takes as it is has letters, digits and _ . / + - alone"
        )
    return text.replace(PLACEHOLDER, str(started))


def needed() -> set[Path]:
    """Return all that the service must be able to read of the program that runs this."""
    here = {program(), Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve()}
    return {*here, Path(__file__).resolve().parents[2]}


def packages() -> list[Path]:
    """Return the folders of our own packages, each where it really is: beside this one, in a clone and in a wheel."""
    within = Path(__file__).resolve().parents[2]
    return sorted(one.parent for one in within.glob("*/__init__.py") if one.parent.name in _PACKAGES)


def check_reachable(root: Path, paths: Iterable[Path]) -> None:
    """Raise ServiceError where the service could not read one of these: it sees no home, no /tmp, and is not root."""
    for path in sorted(paths):
        within = below(root, path)
        if any(within.is_relative_to(one) for one in _HIDDEN):
            raise ServiceError(
                f"the service cannot see {within}, for it is kept from all homes and temporary folders: put the source "
                "into /opt/ankled, run make install there, and install with /opt/ankled/.venv/bin/ankled"
            )
        for folder in (path, *path.parents):
            if folder.is_relative_to(root) and folder.is_dir() and not folder.stat().st_mode & _OTHERS_ENTER:
                raise ServiceError(
                    f"the user {USER} may not enter {below(root, folder)}, where the program lies; "
                    f"allow it with chmod o+rx {below(root, folder)}"
                )
