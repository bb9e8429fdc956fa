"""The cache of compiled kernels: never stale, never in the way, not growing for ever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankled.kernels import jit

from numba.core.errors import NumbaError  # isort: skip  # noqa: TID251  (what it raises; jit is loaded first)

CALLEE = "from small.jit import kernel\n\n\n@kernel\ndef inner(x):\n    return x + {number}\n"
CALLER = (
    "from small.callee import inner\nfrom small.jit import kernel\n\n\n"
    "@kernel\ndef outer(x):\n    return 10.0 * inner(x)\n"
)
ASK = "from small.caller import outer; print(outer(1.0), len(outer.whole.stats.cache_hits))"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a kernel package of its own: a copy of the decorator's file, a callee and a caller in two files."""
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(jit.__file__, folder / "jit.py")
    (folder / "__init__.py").touch()
    (folder / "callee.py").write_text(CALLEE.format(number=1.0))
    (folder / "caller.py").write_text(CALLER)
    return folder


def run(package: Path, cache: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code that uses the package, in a new process."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "ANKLED_", "PYTHON"))}
    env |= {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1", "ANKLED_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


def ask(package: Path, cache: Path) -> tuple[float, int]:
    """Return the caller's result, and how many of its compiled forms came from disk, in a new process."""
    done = run(package, cache, ASK)
    assert not done.returncode, done.stderr
    value, hits = done.stdout.split()
    return float(value), int(hits)


def test_an_edited_callee_is_seen_and_an_unchanged_one_is_not_compiled_again(small: Path, tmp_path: Path) -> None:
    """Numba itself would run the old callee: it watches the caller's file only."""
    cache = tmp_path / "cache"
    assert ask(small, cache) == (20.0, 0)
    assert ask(small, cache) == (20.0, 1)
    (small / "callee.py").write_text(CALLEE.format(number=2.0))
    assert ask(small, cache) == (30.0, 0)
    assert len(list((cache / "numba").iterdir())) == 2


def test_an_unwritable_cache_folder_means_compiling_in_memory(small: Path, tmp_path: Path) -> None:
    """A service without a writable folder works, and leaves nothing beside the sources that could grow stale."""
    (tmp_path / "file").touch()
    assert ask(small, tmp_path / "file" / "cache") == (20.0, 0)
    assert sorted(path.name for path in small.iterdir()) == ["__init__.py", "callee.py", "caller.py", "jit.py"]


def test_a_kernel_that_would_allocate_does_not_compile() -> None:
    """A work array made inside, or a row copied on the way: refused when it is compiled, not found by a profiler."""

    @jit.kernel
    def work_array(x: Any) -> float:
        work = np.zeros(3)
        work[0] = x[0]
        return work.sum()

    @jit.kernel
    def row_copied(x: Any) -> None:
        x[0] = x[1]

    with pytest.raises(NumbaError, match="Only accept returning of array passed into the function"):
        work_array(np.ones(3))
    with pytest.raises(NumbaError, match="NRT required but not enabled"):
        row_copied(np.ones((2, 3)))


def test_an_inlined_kernel_and_a_view_are_part_of_their_caller() -> None:
    """They compute what they say, and no array that a caller hands on is counted as in use once more."""

    @jit.view
    def tail(x: Any, n: int) -> Any:
        return x[x.shape[0] - n :]

    @jit.inlined
    def first(x: Any) -> float:
        return x[0]

    @jit.kernel
    def both(x: Any) -> float:
        return first(tail(x, 2))

    assert both(np.arange(5.0)) == 3.0


def test_a_kernel_is_compiled_once_as_a_part_whatever_constants_it_is_called_with() -> None:
    """Numba by itself compiles it for each constant, and makes machine code of it that nobody runs."""

    @jit.kernel
    def item(x: Any, number: int) -> float:
        return x[number]

    @jit.kernel
    def once(x: Any) -> float:
        return item(x, 0) + item(x, 1)

    @jit.kernel
    def twice(x: Any) -> float:
        return once(x) + item(x, 2)

    assert twice(np.array([1.0, 10.0, 100.0])) == 111.0
    parts: Any = [item, once]
    assert [len(one.part.overloads) for one in parts] == [1, 1]
    assert [len(one.whole.overloads) for one in parts] == [0, 0]
    assert item(np.array([1.0, 10.0]), 1) == 10.0


@pytest.mark.parametrize("cached", [False, True])
def test_a_part_brings_what_it_needs_of_python(cached: bool, tmp_path: Path, small: Path) -> None:
    """Its words when it prints, its exception when it raises, when compiled as well as from the cache."""
    words = "    print('is', x)\n    if x > 1.0:\n        raise ValueError('too large')\n    return x\n"
    (small / "callee.py").write_text(f"from small.jit import kernel\n\n\n@kernel\ndef inner(x):\n{words}")
    for _ in range(2 if cached else 1):
        done = run(small, tmp_path / "cache", "from small.caller import outer; outer(1.0); outer(2.0)")
    assert done.stdout == "is 1.0\nis 2.0\n"
    assert done.stderr.splitlines()[-1] == "ValueError: too large"


def test_generations_long_unused_are_pruned(tmp_path: Path) -> None:
    """The three newest stay in any case, and what was used within a day of the running one stays, too."""
    day_s = 86400.0
    ages_s = {"running": 0.0, "hour": 3600.0, "half_day": day_s / 2, "almost": day_s - 60, "two": 2 * day_s, "x": 9e6}
    for name, age_s in ages_s.items():
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "kernel.nbc").touch()
        os.utime(tmp_path / name, (1e9 - age_s, 1e9 - age_s))
    jit.prune(tmp_path / "running")
    assert {path.name for path in tmp_path.iterdir()} == {"running", "hour", "half_day", "almost"}
    for name in ("hour", "half_day", "almost"):
        os.utime(tmp_path / name, (1e8, 1e8))
    jit.prune(tmp_path / "running")
    assert len(list(tmp_path.iterdir())) == 3
    assert (tmp_path / "running" / "sub" / "kernel.nbc").exists()


def test_the_cache_root_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Our own variable, then systemd's, then the desktop's, then the home."""
    monkeypatch.setenv("ANKLED_CACHE_DIR", "/a")
    monkeypatch.setenv("CACHE_DIRECTORY", "/b")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert jit.cache_root() == Path("/a")
    monkeypatch.delenv("ANKLED_CACHE_DIR")
    assert jit.cache_root() == Path("/b")
    monkeypatch.delenv("CACHE_DIRECTORY")
    assert jit.cache_root() == Path("/c/ankled")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jit.cache_root() == tmp_path / ".cache" / "ankled"


def test_the_digest_covers_names_contents_and_folders(tmp_path: Path) -> None:
    """Any change to any source below the folder is a new generation."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text("x = 1\n")
    digests = {jit.source_digest(tmp_path)}
    (tmp_path / "sub" / "a.py").write_text("x = 2\n")
    digests.add(jit.source_digest(tmp_path))
    (tmp_path / "sub" / "a.py").rename(tmp_path / "a.py")
    digests.add(jit.source_digest(tmp_path))
    (tmp_path / "b.py").touch()
    digests.add(jit.source_digest(tmp_path))
    assert len(digests) == 4
    (tmp_path / "notes.txt").touch()
    assert jit.source_digest(tmp_path) in digests
