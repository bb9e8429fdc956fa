"""The links and what is built through them: the wheel made from the sdist holds what the tree holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.house import tree

if TYPE_CHECKING:
    from pathlib import Path

BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "MANIFEST.in", "src", "docs", "systemd")


@pytest.mark.parametrize("room", tree.ROOMS)
def test_each_room_is_linked_into_the_package(room: str) -> None:
    """`ankled.<room>` is the top-level folder itself, by a relative link that survives a move of the clone."""
    link = tree.ROOT / "src" / "ankled" / room
    assert link.is_symlink()
    assert link.readlink().as_posix() == f"../../{room}"
    assert link.resolve() == tree.ROOT / room


def test_the_package_holds_nothing_beside_the_links() -> None:
    """Modules live in the four rooms: `src/ankled` adds the import name, `python -m ankled` and the typing marker."""
    names = {path.name for path in (tree.ROOT / "src" / "ankled").iterdir()} - {"__pycache__"}
    assert names == {"__init__.py", "__main__.py", "py.typed", *tree.ROOMS}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build sdist, then the wheel from that sdist, in a copy of the tree; nothing is downloaded."""
    copy = tmp_path_factory.mktemp("tree")
    without_made = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in (*BUILT_FROM, *tree.ROOMS):
        source = tree.ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, symlinks=True, ignore=without_made)
        elif source.exists():
            shutil.copy(source, copy / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", "."]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (copy / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


def _modules(folder: Path, prefix: str) -> set[str]:
    return {f"{prefix}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*.py")}


def test_the_wheel_holds_every_module_of_the_tree(wheel: zipfile.ZipFile) -> None:
    """No module is lost between tree, sdist and wheel, such as a sub-folder without `__init__.py`."""
    own = {"ankled/__init__.py", "ankled/__main__.py"}
    expected = own.union(*(_modules(tree.ROOT / room, f"ankled/{room}") for room in tree.ROOMS))
    assert {name for name in wheel.namelist() if name.endswith(".py")} == expected


def test_the_wheel_carries_types_licence_and_command(wheel: zipfile.ZipFile) -> None:
    """What else an installed copy needs: the typing marker, the licence and the entry point."""
    names = wheel.namelist()
    assert "ankled/py.typed" in names
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    assert "ankled = ankled.daemon.cli:main" in wheel.read(entry_points).decode()
    (licence,) = (name for name in names if name.endswith("/LICENSE"))
    assert "Apache License" in wheel.read(licence).decode()
