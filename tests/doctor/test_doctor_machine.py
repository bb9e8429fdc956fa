"""The doctor and the machine: disk, clock, kernels, service, what is stored; and each line is explained."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ankled.daemon.doctor import clock, disk, kernels, machine, running, stored
from ankled.daemon.doctor.checks import checks
from ankled.daemon.doctor.finding import ok
from ankled.daemon.doctor.patient import Patient
from ankled.daemon.outbox.result import Result
from ankled.daemon.outbox.store import Store
from tests.doctor.examined import by_line, configured, examined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ankled.daemon.doctor.finding import Finding
    from tests.daemon.commands import Shell

GUIDE = Path(__file__).parents[2] / "docs" / "doctor.md"
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_every_line_is_explained_and_no_other(tmp_path: Path) -> None:
    """The table of docs/doctor.md and the checks name the same lines, in the same order."""
    told = re.findall(r"^\| `([^`]+)` \|", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line for check in checks(configured(tmp_path)) for line in check.lines]
    assert told == lines


def test_the_command(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text for people, JSON for programs, and 1 where something is bad; nothing is made anywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    text, lines = shell("doctor"), shell("doctor", "--json")
    assert text.code == lines.code == 1
    assert "\n  bad        d-bus: no system bus answers" in text.out
    assert "\n             -> Install D-Bus" in text.out
    assert {frozenset(one) for one in lines.records} == {frozenset({"group", "line", "verdict", "told", "do"})}
    assert not list(tmp_path.iterdir())


def test_mistakes_of_the_user(shell: Shell, tmp_path: Path) -> None:
    """Each is one sentence."""
    assert "unknown scheme" in shell.refused("doctor", "--broker", "http://x", code=2)
    assert "ends with .tar.gz" in shell.refused("doctor", "--bundle", tmp_path / "x.zip", code=2)
    assert "--keep-hosts" in shell.refused("doctor", "--keep-hosts", code=2)
    (tmp_path / "x.tar.gz").touch()
    assert "there already" in shell.refused("doctor", "--bundle", tmp_path / "x.tar.gz", code=2)


async def test_a_wrong_configuration(tmp_path: Path) -> None:
    """Every problem has its line, and what depends on it is not tried."""
    patient = configured(tmp_path, 'node = "Gym"\nnoed = 1\n')
    found = await examined(patient, "configuration", "broker")
    assert len(by_line(found, "configuration")) == 2
    assert {verdict for verdict, _ in by_line(found, "configuration")} == {"bad"}
    assert by_line(found, "broker") == [("not tried", "the configuration is wrong, see there")]
    (missing,) = await examined(Patient(tmp_path / "none.toml"), "configuration")
    assert (missing.verdict, "cannot be read" in missing.told) == ("bad", True)


async def test_a_check_with_a_defect_harms_no_other(tmp_path: Path) -> None:
    """It is told as not tried."""

    def broken(_patient: Patient) -> list[object]:
        raise ZeroDivisionError("by nought")

    chosen = [
        running.Check(group="a", lines=("broken",), look=broken, stuck="Wait."),  # type: ignore[arg-type]  # it raises
        running.Check(group="a", lines=("well",), look=lambda _: [ok("well", "well")], stuck="Wait."),
    ]
    found, hung = await running.examine(configured(tmp_path), chosen)
    assert not hung
    assert [(one.line, one.verdict) for one in found] == [("broken", "not tried"), ("well", "ok")]
    assert "ZeroDivisionError: by nought" in found[0].told


def test_architectures() -> None:
    """Of 32 bits there is no numba."""
    assert machine.of_architecture("armv7l", 32).verdict == "note"
    assert machine.of_architecture("aarch64", 64).verdict == "ok"


async def test_memory(tmp_path: Path) -> None:
    """Less than compiling takes is noted, swap counted."""
    patient = configured(tmp_path)
    (patient.root / "proc").mkdir(parents=True)
    text = "MemTotal: 500000 kB\nMemAvailable: 200000 kB\nSwapTotal: {0} kB\nSwapFree: {0} kB\n"
    for swap_kib, verdict in ((0, "note"), (400_000, "ok")):
        (patient.root / "proc" / "meminfo").write_text(text.format(swap_kib))
        assert [one.verdict for one in await examined(patient, "memory")] == [verdict]


def test_dates() -> None:
    """A clock that begins in 1970, or runs far ahead, is bad; sleep is noted."""
    now_s = time.time()
    assert clock.of_date(0.0, now_s).verdict == "bad"
    assert clock.of_date(now_s, now_s).verdict == "ok"
    assert clock.of_date(5e9, now_s).verdict == "bad"
    assert (clock.of_sleep(0.0).verdict, clock.of_sleep(3600.0).verdict) == ("ok", "note")


def test_kinds_of_file_systems(tmp_path: Path) -> None:
    """The mount that is nearest counts; a blank in its name is written as in proc(5)."""
    (tmp_path / "a b").mkdir()
    mounts = f"1 0 8:1 / / rw - ext4 /dev/x rw\n2 1 0:5 / {tmp_path!s} rw - nfs4 host:/x rw\n"
    mounts += f"3 2 0:6 / {tmp_path!s}/a\\040b rw - tmpfs none rw\n"
    assert disk.of_kind("state", Path("/"), mounts).verdict == "ok"
    assert "over a network" in disk.of_kind("state", tmp_path, mounts).told
    assert "gone when the machine restarts" in disk.of_kind("state", tmp_path / "a b", mounts).told


async def test_folders(tmp_path: Path) -> None:
    """Those that are not there yet can be made; a file in their place is told."""
    assert {v for v, _ in by_line(await examined(configured(tmp_path), "folders"), "folders")} == {"ok"}
    (tmp_path / "state").touch()
    assert ("bad", f"state: {tmp_path / 'state'} is no folder") in by_line(
        await examined(configured(tmp_path), "folders"), "folders"
    )


async def test_what_the_service_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative folders of the service's configuration lie in its own folder; where that is not there, it is told."""
    path, root = tmp_path / "ankled.toml", tmp_path / "root"
    path.write_text('node = "gym"\n')
    monkeypatch.chdir(tmp_path)  # and back at the end
    monkeypatch.setattr("ankled.daemon.doctor.patient.DEFAULT", path)
    found = await examined(Patient(path, root=root), "folders", "outbox")
    assert {one.verdict for one in found} == {"not tried"}
    assert "the service is not installed" in found[0].told
    home = root / "var" / "lib" / "ankled"
    home.mkdir(parents=True)
    found = await examined(Patient(path, root=root), "folders", "outbox")
    assert f"state: {home / 'state'} can be made" in [one.told for one in found]


def test_a_full_disk() -> None:
    """/proc has no room at all, as a disk that is full."""
    assert disk.of_space("state", Path("/proc")).verdict == "bad"


def test_a_read_only_file_system() -> None:
    """/sys/fs/cgroup or /proc/sys of a container are mounted so, where there is one; told apart from permissions."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="ascii").splitlines()
    points = [Path(line.split()[4]) for line in mounts if line.split()[5].startswith("ro,")]
    folders = [point for point in points if point.is_dir()]
    if not folders:
        pytest.skip("no file system is mounted read-only here")
    assert "read-only" in disk.of_folder("state", folders[0] / "ankled").told


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that everybody may look into; those of pytest are its owner's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@as_root
@pytest.mark.parametrize("line", ["folders", "outbox", "changes", "kernels"])
def test_a_user_without_permission(open_folder: Path, line: str) -> None:
    """What root may and nobody may not: each line says so to nobody, who alters nothing."""
    state = open_folder / "state"
    state.mkdir(mode=0o755)
    Store(state / "outbox.db").close()
    (state / "changes.json").write_text("{}")
    for path in state.iterdir():
        path.chmod(0o600)
    patient = configured(open_folder)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            looks: dict[str, Callable[[Patient], list[Finding]]] = {
                "folders": disk.writable,
                "outbox": stored.outbox,
                "changes": stored.changes,
                "kernels": lambda _: [kernels.of_cache(open_folder / "cache", "0" * 16)],
            }
            os.write(writing, f"{looks[line](patient)[0]}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    assert f"verdict='{'note' if line == 'kernels' else 'bad'}'" in told
    assert "cannot be" in told
    assert "nobody" in told


async def test_the_outbox(tmp_path: Path) -> None:
    """Its account; and the file is not altered by looking, whether a daemon has it open or not."""
    patient = configured(tmp_path)
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "outbox.db"
    with Store(path) as store:
        store.add([Result(id="a", source="left", seq=1, athlete=None, topic="x/y", payload=b"{}", retain=False)])
        (open_,) = await examined(patient, "outbox")
    before = (path.read_bytes(), sorted(path.parent.iterdir()))
    (closed,) = await examined(patient, "outbox")
    assert (path.read_bytes(), sorted(path.parent.iterdir())) == before
    assert open_.verdict == closed.verdict == "ok"
    assert open_.told.startswith("1 results wait for the broker")
    assert closed.told == open_.told


async def test_an_outbox_of_no_use(tmp_path: Path) -> None:
    """Damaged, or of another version: told, and left where it is."""
    patient = configured(tmp_path)
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "outbox.db"
    path.write_bytes(b"no database at all" * 100)
    (damaged,) = await examined(patient, "outbox")
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    (strange,) = await examined(patient, "outbox")
    assert (damaged.verdict, "is damaged" in damaged.told) == ("bad", True)
    assert (strange.verdict, "has version 99" in strange.told) == ("bad", True)
    assert path.exists()


async def test_changes(tmp_path: Path) -> None:
    """A file that cannot be read is told, and not put aside."""
    patient = configured(tmp_path)
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "changes.json"
    for text, verdict in (('{"version":1}', "ok"), ('{"devices":', "bad"), ('{"surprise":1}', "bad")):
        path.write_text(text)
        assert [one.verdict for one in await examined(patient, "changes")] == [verdict]
        assert path.read_text() == text


def test_the_cache_of_kernels(tmp_path: Path) -> None:
    """Of this very version, or cold; nothing is made by looking."""
    assert kernels.of_cache(tmp_path / "none", "abc").verdict == "note"
    assert not list(tmp_path.iterdir())
    folder = tmp_path / "numba" / "abc" / "kernels_1"
    folder.mkdir(parents=True)
    (folder / "chain.run-12.py311.nbi").touch()
    assert kernels.of_cache(tmp_path, "abc").verdict == "ok"
    assert kernels.of_cache(tmp_path, "abd").verdict == "note"


@pytest.mark.usefixtures("compiled")
async def test_the_kernels_of_this_tree(tmp_path: Path) -> None:
    """Numba is asked in another process, which finds the cache that this one has filled."""
    found = await examined(configured(tmp_path), "kernels")
    assert [one.verdict for one in found] == ["ok", "ok"]
