"""The tree as the house tests see it."""

from __future__ import annotations

import ast
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("daemon", "drivers", "kernels", "simulators")
_MADE = {"build", "dist", "captures", "__pycache__"}


def files() -> list[Path]:
    """Return every file that belongs to the project: no dot folder but .ci, nothing made, no link followed."""
    found = []
    for folder, names, leaves in os.walk(ROOT):
        names[:] = [n for n in names if n == ".ci" or not (n.startswith(".") or n in _MADE or n.endswith(".egg-info"))]
        found += [Path(folder, leaf) for leaf in leaves if not leaf.startswith(".coverage")]
    return sorted(found)


def python_files(*tops: str) -> list[Path]:
    """Return every Python file below the given top folders, or of the whole tree."""
    python = [path for path in files() if path.suffix == ".py"]
    return [path for path in python if not tops or path.relative_to(ROOT).parts[0] in tops]


def imports(path: Path) -> set[str]:
    """Return the dotted name of every absolute import in a file, also those inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def shown(path: Path) -> str:
    """Return a path as a reader of the tree names it."""
    return path.relative_to(ROOT).as_posix()
