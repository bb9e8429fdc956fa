"""The one jit decorator of the project, and the one place that decides where compiled code is cached.

numba keys a cached function by its own source file only: after a change in a callee that lives in another file the
cached caller would go on running the old callee. So the cache folder carries a hash of every kernel source and of
the numba and numpy versions, and this file sets it before it imports numba.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT_CACHES = 3
"""How many generations of compiled kernels stay on disk in any case: the running one and two to go back to."""
_KEPT_S = 86400.0
"""A generation used within this time stays, too: a process that still runs it may have kernels left to compile."""


def cache_root() -> Path:
    """Return the folder for everything ankled caches.

    ANKLED_CACHE_DIR, else the CACHE_DIRECTORY that systemd gives a service, else XDG_CACHE_HOME/ankled, else
    ~/.cache/ankled.
    """
    if chosen := os.environ.get("ANKLED_CACHE_DIR") or os.environ.get("CACHE_DIRECTORY"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ankled"


def source_digest(folder: Path) -> str:
    """Return a short hash of every Python source below `folder` and of the numba and numpy versions."""
    digest = hashlib.sha256(f"numba {version('numba')} numpy {version('numpy')}".encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def prune(folder: Path) -> None:
    """Remove the generations beside `folder` that are neither among the last nor used within a day before it."""
    used = {}
    for path in folder.parent.iterdir():
        try:
            used[path] = path.stat().st_mtime
        except OSError:  # another process has just pruned it
            continue
    for path in sorted(used, key=used.__getitem__, reverse=True)[_KEPT_CACHES:]:
        if used[folder] - used[path] > _KEPT_S:
            shutil.rmtree(path, ignore_errors=True)


def _prepare_cache() -> Path | None:
    """Point numba at the folder of this generation of kernels; None if nothing can be written there."""
    folder = cache_root() / "numba" / source_digest(Path(__file__).resolve().parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        prune(folder)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)  # imported before us: it has read the old one
    return folder


CACHE_DIR = _prepare_cache()


def is_compiled() -> bool:
    """Tell whether the chain of kernels lies compiled in the cache, so that the first sample need not wait for it.

    numba keeps an index file, `.nbi`, for every cached function; that of the outermost one is written last.
    """
    return CACHE_DIR is not None and next(CACHE_DIR.rglob("chain.run-*.nbi"), None) is not None


import numba  # noqa: E402  (only after NUMBA_CACHE_DIR is set)
from numba import types  # noqa: E402  (the same)
from numba.core.codegen import JITCodeLibrary  # noqa: E402  (the same)
from numba.core.compiler import Compiler  # noqa: E402  (the same)
from numba.extending import models, register_model  # noqa: E402  (the same)

Function = TypeVar("Function", bound="Callable[..., Any]")


class _Part(JITCodeLibrary):  # type: ignore[misc]  # numba has no types
    """The code of a kernel for its callers, as numba wrote it down.

    By itself numba optimises each kernel together with all that it calls, makes machine code of it, and does so again
    in each of its callers, up to the outermost. That took three times the time and the memory of doing it there alone.
    """

    def __init__(self, codegen: Any, name: str) -> None:
        """Prepare an empty one."""
        super().__init__(codegen, name)
        self.environments: dict[str, Any] = {}

    def finalize(self) -> None:
        """Do nothing but allow the whole to drop what it has inlined."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage.name == "external":
                function.linkage = "linkonce_odr"
        self._finalize_dynamic_globals()
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        return self._final_module

    def get_pointer_to_function(self, _name: str) -> int:
        """Return null: there is no machine code."""
        return 0

    @property
    def codegen(self) -> Any:
        """Whoever takes the environment: there is no machine code yet with a place for it."""
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """Keep the constants of the function that are Python objects, such as the words that it prints."""
        self.environments[name] = environment


class _Whole(JITCodeLibrary):  # type: ignore[misc]  # numba has no types
    """Machine code of a kernel and of all that it calls."""

    _linking_libraries: list[Any]

    def finalize(self) -> None:
        """Link callers before what they call: the linker takes a function only once somebody has asked for it."""
        parts: dict[_Part, None] = {}
        others: dict[Any, None] = {}
        waiting = self._linking_libraries[::-1]
        while waiting:
            library = waiting.pop()
            if not isinstance(library, _Part):
                others[library] = None
            elif library not in parts:
                parts[library] = None
                waiting += library._linking_libraries[::-1]  # noqa: SLF001  (a library as this one)
        self._linking_libraries = [*parts, *others]
        super().finalize()
        for part in parts:
            for name, environment in part.environments.items():
                if self._codegen._engine.is_symbol_defined(name):  # noqa: SLF001  (numba's own way to ask)
                    self._codegen.set_env(name, environment)


class _PartCompiler(Compiler):  # type: ignore[misc]  # numba has no types
    library: type[JITCodeLibrary] = _Part

    def define_pipelines(self) -> Any:
        """Return numba's own passes, which fill our library."""
        self.state.library = self.library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        return super().define_pipelines()


class _WholeCompiler(_PartCompiler):
    library = _Whole


class _PartType(types.Dispatcher):  # type: ignore[misc]  # numba has no types
    """What a kernel is to its callers: their constants are numbers like any, where numba compiles anew for each."""

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """Return the signature for such arguments; compile it if need be."""
        by_name = {name: types.unliteral(one) for name, one in kws.items()}
        return super().get_call_type(context, tuple(types.unliteral(one) for one in args), by_name)


register_model(_PartType)(models.OpaqueModel)  # as that of types.Dispatcher


class _Kernel:
    """A function compiled for two kinds of callers: kernels take it as a part, Python calls it whole, from the cache.

    A part has no way in from Python. So it stays in here, where only numba sees it.
    """

    def __init__(self, function: Callable[..., Any], **options: bool) -> None:
        """Prepare to compile; numba does, at the first call."""
        options |= {"nogil": True, "_nrt": False, "no_cfunc_wrapper": True}
        jit = functools.partial(numba.njit, error_model="numpy", **options)
        self.whole: Any = jit(pipeline_class=_WholeCompiler, cache=CACHE_DIR is not None)(function)
        self.part: Any = jit(pipeline_class=_PartCompiler, no_cpython_wrapper=True)(function)
        self._numba_type_ = _PartType(self.part)

    def __call__(self, *arguments: object) -> Any:
        """Compute it."""
        return self.whole(*arguments)


def kernel(function: Function) -> Function:
    """Compile `function` on first use, cached on disk.

    Without a writable cache folder it is compiled in memory only: numba's own choice, beside the sources, would bring
    back the old callees, and where that is read-only it would raise.

    `nogil` lets a worker thread compute while the event loop runs; `error_model="numpy"` makes x/0 an inf or nan
    instead of a Python exception, which removes a branch from every division. `_nrt` is numba's allocator: without it
    a kernel that would allocate does not compile, and no view of an array counts references, which took a tenth of the
    chain and most of the cost of a call. `no_cfunc_wrapper`: nobody calls a kernel from C. `fastmath` stays off: it may
    reorder sums, and then step and batch, or two machines, would differ in the last bit.
    """
    return cast("Function", _Kernel(function))


def inlined(function: Function) -> Function:
    """Compile as `kernel` does, but into each of its callers: for what runs for each sample.

    LLVM by itself leaves the larger of them as calls, and a call stores and reloads what could stay in registers.
    """
    return cast("Function", _Kernel(function, forceinline=True))


def view(function: Function) -> Function:
    """Write `function` out in each kernel that calls it: for one that returns a part of an array, as no kernel can."""
    return cast("Function", numba.njit(nogil=True, error_model="numpy", inline="always")(function))


def entry_point(function: Function, *arguments: object) -> Function:
    """Return the machine code that `function` has for arguments like these, compiled or loaded if need be.

    Calling it skips numba's look at the types, which for records costs half a microsecond a call. So whoever calls it
    vouches that every argument has the type, the layout and the alignment of the one given here: nothing checks it.
    """
    dispatcher = cast("_Kernel", function).whole
    signature = tuple(numba.typeof(argument) for argument in arguments)
    dispatcher.compile(signature)
    return cast("Function", dispatcher.overloads[signature].entry_point)
