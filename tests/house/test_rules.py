"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

from tests.house import tree

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 300
KERNELS_MAY_IMPORT = {"__future__", "typing", "collections", "dataclasses", "enum", "functools", "math", "numpy"}
CACHE_MAY_IMPORT = {"contextlib", "hashlib", "importlib", "numba", "os", "pathlib", "shutil", "sys", "tempfile"}


def _top(name: str) -> str:
    return name.partition(".")[0]


def test_nobody_imports_the_rooms_by_their_flat_names() -> None:
    """`import daemon` may find anybody's package: every import reads `ankled.daemon`."""
    flat = {
        tree.shown(path): names
        for path in tree.python_files()
        if (names := {name for name in tree.imports(path) if _top(name) in tree.ROOMS})
    }
    assert not flat


def test_kernels_import_numpy_and_the_jit_decorator_only() -> None:
    """Kernels have no I/O, no clock, no logging: of the standard library they use what computes or describes."""
    strange = {}
    for path in tree.python_files("kernels"):
        allowed = KERNELS_MAY_IMPORT | (CACHE_MAY_IMPORT if path.name == "jit.py" else set())
        names = {name for name in tree.imports(path) if _top(name) not in allowed}
        if foreign := {name for name in names if not name.startswith("ankled.kernels")}:
            strange[tree.shown(path)] = foreign
    assert not strange


def _holds_names_only(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case _:
            return False


def test_init_files_hold_names_only() -> None:
    """An `__init__.py` has a docstring, imports and `__all__`: no code runs because a package was touched."""
    inits = [path for path in tree.python_files(*tree.ROOMS, "src", "benchmarks") if path.name == "__init__.py"]
    assert len(inits) > len(tree.ROOMS)
    for path in inits:
        strange = [s.lineno for s in ast.parse(path.read_text(encoding="utf-8")).body if not _holds_names_only(s)]
        assert not strange, f"{tree.shown(path)}: lines {strange}"


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    """A longer file holds a second idea that wants its own room."""
    lines = {tree.shown(p): p.read_text(encoding="utf-8").count("\n") for p in tree.python_files()}
    assert not {name: count for name, count in lines.items() if count > LONGEST}


def test_every_imported_distribution_is_declared() -> None:
    """What the package imports stands in pyproject.toml: the lock, and so a user's machine, has it."""
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    declared = {re.split(r"[^A-Za-z0-9_.-]", r)[0].lower() for r in wanted}
    provides = packages_distributions()
    for path in tree.python_files(*tree.ROOMS):
        tops = {_top(name) for name in tree.imports(path)} - sys.stdlib_module_names - {"ankled"}
        unknown = {top for top in tops if not declared & {name.lower() for name in provides.get(top, ["?"])}}
        assert not unknown, f"{tree.shown(path)} imports {unknown}"


# Written in pieces, so that this file does not hold what it looks for.
FOREIGN = [
    "|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "extra-" + "index-url", "--index" + "-url ")),
    r"(?<![\w.~])/(?:root|home|Users|work)/",
]


@pytest.mark.parametrize("pattern", FOREIGN, ids=["registry host", "machine path"])
def test_no_file_names_a_registry_or_a_machine(pattern: str) -> None:
    """The tree installs from whatever index pip is set to, and holds no path of the machine it was written on."""
    found = {}
    for path in tree.files():
        if hits := re.findall(pattern, path.read_text(encoding="utf-8", errors="replace")):
            found[tree.shown(path)] = hits
    assert not found


EXCEPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<rule>:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[\w, -]+\])?(?P<why>.*)")


def _unexplained(path: Path) -> list[str]:
    """Return where an exception names no rule, or gives no reason on its line or in the comment above its block."""
    found = []
    explained = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not (hit := EXCEPTION.search(line)):
            explained = line.strip().startswith("#")
            continue
        explained = explained or bool(hit["why"].strip())
        if not (hit["rule"] and explained):
            found.append(f"{tree.shown(path)}:{number}")
    return found


def test_exceptions_from_the_linters_carry_their_reason() -> None:
    """Every `noqa` and `type: ignore` names its rule and says why."""
    assert not [place for path in tree.python_files() if path.name != "test_rules.py" for place in _unexplained(path)]
