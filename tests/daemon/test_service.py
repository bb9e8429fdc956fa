"""`ankled service` on a tree of files, with systemd's own tools where they are installed, and without systemd."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.outbox.lock import Lock
from ankled.daemon.outbox.result import Result
from ankled.daemon.outbox.store import Store
from ankled.daemon.service import files, manager, status
from ankled.daemon.service.files import ServiceError

if TYPE_CHECKING:
    from tests.daemon.commands import Shell

PROGRAM = Path(sys.executable).with_name("ankled")
UNIT = Path("etc/systemd/system/ankled.service")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a system that has nothing yet."""
    path = tmp_path / "image"
    path.mkdir()
    return path


def test_install_writes_what_a_service_needs(shell: Shell, root: Path) -> None:
    """Unit, user, folders and a configuration that only root and the service may read; each step is a line."""
    done = shell("service", "install", "--root", root)
    assert (done.code, done.err) == (0, "")
    assert f"\nExecStart={PROGRAM} run --config /etc/ankled/ankled.toml\n" in (root / UNIT).read_text()
    assert (root / "etc/ankled/ankled.toml").stat().st_mode & 0o777 == 0o640
    for path in files.PLACED:
        assert f"wrote {root / path.target}\n" in done.out
    if shutil.which("systemd-sysusers"):  # the same program that does so when a machine boots
        (user,) = (line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("ankled:"))
        assert user.endswith(":/var/lib/ankled:/usr/sbin/nologin")
        (group,) = (line for line in (root / "etc/group").read_text().splitlines() if line.startswith("bluetooth:"))
        assert group.endswith(":ankled")
    if shutil.which("systemctl"):
        assert (root / "etc/systemd/system/multi-user.target.wants/ankled.service").is_symlink()


@pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="systemd-tmpfiles is not installed")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_has_made_becomes_the_services_own(shell: Shell, root: Path) -> None:
    """A cache that was warmed by root, or a state that root has changed, would else be closed to the service."""
    made = [root / "var/cache/ankled/numba/x/run.nbi", root / "var/lib/ankled/state/outbox.db"]
    for path in made:
        path.parent.mkdir(parents=True)
        path.touch(0o600)
    assert shell("service", "install", "--no-start", "--root", root).code == 0
    (user,) = (line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("ankled:"))
    assert {path.stat().st_uid for path in (*made, made[0].parent)} == {int(user.split(":")[2])}


def test_install_again_keeps_the_configuration(shell: Shell, root: Path) -> None:
    """An update writes the unit anew, and leaves alone what its owner has written."""
    shell("service", "install", "--root", root)
    (root / UNIT).write_text("[Service]\n")
    config = root / "etc/ankled/ankled.toml"
    config.write_text("node = 'gym'\n")
    done = shell("service", "install", "--root", root)
    assert done.code == 0
    assert f"kept {config}\n" in done.out
    assert config.read_text() == "node = 'gym'\n"
    assert "ExecStart" in (root / UNIT).read_text()


def test_install_may_leave_it_to_others_to_start(shell: Shell, root: Path) -> None:
    """With --no-start nothing is enabled, and it is said how to."""
    done = shell("service", "install", "--no-start", "--root", root)
    assert done.out.endswith("systemctl enable --now ankled does both\n")
    assert not (root / "etc/systemd/system/multi-user.target.wants").exists()


@pytest.mark.parametrize("purge", [False, True])
def test_uninstall_takes_away_what_install_wrote(purge: bool, shell: Shell, root: Path) -> None:
    """The configuration and what was recorded stay, unless --purge asks for all; both are said."""
    shell("service", "install", "--root", root)
    recorded = root / "var/lib/ankled/captures/gym.mcap"
    recorded.parent.mkdir(parents=True)
    recorded.write_bytes(b"heard")
    override = root / "etc/systemd/system/ankled.service.d/override.conf"
    override.parent.mkdir()
    override.write_text("[Service]\n")
    done = shell("service", "uninstall", *(["--purge"] if purge else []), "--root", root)
    assert done.code == 0
    for path in files.MADE:
        assert not (root / path).exists()
    assert not (root / "etc/systemd/system/multi-user.target.wants/ankled.service").is_symlink()
    assert override.exists()  # somebody's own
    assert recorded.exists() is not purge
    assert (root / "etc/ankled/ankled.toml").exists() is not purge
    assert f"{'removed' if purge else 'left'} {root / 'var/lib/ankled'}" in done.out
    assert shell("service", "uninstall", "--root", root).code == 0


def test_a_root_that_is_none_is_refused(shell: Shell, root: Path) -> None:
    """One sentence, and nothing is written."""
    sentence = shell.refused("service", "install", "--root", root / "missing", code=1)
    assert (
        sentence
        == f"ankled: --root is {root / 'missing'}, which is no folder; allowed is the root of a system's files\n"
    )


def test_who_is_not_root_is_told_the_command(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With sudo and the whole path, for root's PATH does not lead into a virtual environment."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    sentence = shell.refused("service", "install", code=1)
    assert sentence == f"ankled: only root may install the service: sudo {PROGRAM} service install\n"


@pytest.mark.skipif(manager.running(), reason="systemd runs this machine")
def test_without_systemd_there_is_nothing_to_install_into(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container has none: it is told what to do instead."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "ankled run needs none" in shell.refused("service", "install", code=1)


@pytest.mark.parametrize("hidden", ["home", "root", "tmp", "var/tmp", "run/user"])
def test_a_program_that_the_service_cannot_see_is_refused(hidden: str) -> None:
    """ProtectHome= and PrivateTmp= would hide it, and systemd would say no more than 203/EXEC."""
    with pytest.raises(ServiceError, match="put the source into /opt/ankled"):
        files.check_reachable(Path("/"), [Path("/") / hidden / "ankled"])


def test_a_program_that_others_may_not_reach_is_refused(tmp_path: Path) -> None:
    """A folder made with a strict umask: the user of the service has no way into it."""
    folder = tmp_path / "opt" / "ankled"
    folder.mkdir(parents=True)
    (tmp_path / "opt").chmod(0o755)
    folder.chmod(0o755)
    files.check_reachable(tmp_path / "opt", [folder])
    folder.chmod(0o700)
    with pytest.raises(ServiceError, match=r"chmod o\+rx /ankled"):
        files.check_reachable(tmp_path / "opt", [folder])


@pytest.mark.parametrize("path", ["/opt/an kled/ankled", "/opt/%h/ankled", "/opt/$HOME/ankled"])
def test_a_path_that_systemd_would_read_otherwise_is_refused(path: str) -> None:
    """Spaces part arguments there, and % and $ stand for something else."""
    with pytest.raises(ServiceError, match="letters, digits"):
        files.unit("ExecStart=@PROGRAM@ run", Path(path))


def result(number: int) -> Result:
    """Return a result as the outbox keeps it."""
    payload = b'{"known_at_utc":"2030-01-02T03:04:0%dZ"}' % number
    return Result(
        id=f"s/left/rep/{number}", source="left", seq=number, athlete=None, topic="ankled/gym/left/rep",
        payload=payload, retain=False,
    )  # fmt: skip


@pytest.mark.skipif(manager.running(), reason="systemd runs this machine")
def test_status_without_systemd(shell: Shell, tmp_path: Path) -> None:
    """Who has the outbox is a daemon that runs; the last results are shown, the newest first."""
    folder, config = tmp_path / "state", tmp_path / "ankled.toml"
    config.write_text(f"[state]\nfolder = '{folder}'\n")
    done = shell("service", "status", "--config", config)
    assert (done.code, done.out) == (
        1, f"systemd does not run this machine, and no ankled uses {folder}\nno results yet\n",
    )  # fmt: skip
    folder.mkdir()
    with Lock(folder / "outbox.db"), Store(folder / "outbox.db") as store:
        store.add([result(number) for number in range(1, 6)])
        done = shell("service", "status", "--config", config)
    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0].startswith("systemd does not run this machine; process ")
    assert lines[1:] == [
        "5 results wait for the broker; the last ones:",
        *(f"  2030-01-02T03:04:0{number}Z  ankled/gym/left/rep" for number in (5, 4, 3)),
    ]


STANDIN = """#!/bin/sh
cat <<END
{lines}
END
"""


@pytest.mark.parametrize(
    ("told", "code", "first"),
    [
        ("LoadState=not-found", 1, "not installed: systemd knows no ankled.service; "),
        ("LoadState=loaded ActiveState=active SubState=running", 0, "active (running), unknown at boot"),
        ("LoadState=loaded ActiveState=activating SubState=auto-restart", 1, "activating (auto-restart), unknown"),
        ("LoadState=loaded ActiveState=failed SubState=failed UnitFileState=enabled", 1, "failed (failed), enabled at"),
    ],
)
def test_status_by_systemd(told: str, code: int, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What systemd says becomes lines and a code; a stand-in for systemctl answers, for no systemd runs here."""
    program = tmp_path / "systemctl"
    program.write_text(STANDIN.format(lines=told.replace(" ", "\n") + "\nStatusText=0 of 2 sensors streaming"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(manager, "running", lambda: True)
    seen = status.look(None)
    assert seen.runs is (code == 0)
    assert seen.lines[0].startswith(first)
    assert ("0 of 2 sensors streaming" in seen.lines) is ("not-found" not in told)
