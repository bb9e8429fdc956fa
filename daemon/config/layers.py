"""The texts that a configuration is made of: the file, its drop-ins and the environment, each read on its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ankled.daemon.config import variables
from ankled.daemon.config.locate import locate
from ankled.daemon.config.problems import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT: Final = Path("/etc/ankled/ankled.toml")
"""What `ankled run` reads where no file is named, if it is there."""
_DEEPEST: Final = 32
_POSITION: Final = re.compile(r"at line (\d+), column (\d+)")


class Layer(msgspec.Struct, frozen=True):
    """Keys and values of one file or variable, and where they stand in it."""

    name: str
    data: dict[str, Any]
    places: dict[str, tuple[int, int]] | None = None

    def place(self, path: str) -> Place:
        """Return where the key at `path` is set."""
        return Place(self.name, *(self.places or {}).get(path, (None, None)))


def default_file(environ: Mapping[str, str]) -> Path | None:
    """Return the file that counts where none is named: that of the environment, else the one below /etc, else none."""
    if named := environ.get(variables.CONFIG):
        return Path(named).expanduser()
    return DEFAULT if DEFAULT.exists() or _folder(DEFAULT).exists() else None


def files(path: Path) -> list[Path]:
    """Return a file and its drop-ins in the order in which they count. Raises OSError.

    Drop-ins are `*.toml` in the folder beside the file that has its name and `.d`, by name; hidden ones do not count.
    A file of no name but with drop-ins is one that need not exist.
    """
    folder = _folder(path)
    dropped = sorted(folder.iterdir(), key=lambda one: one.name) if folder.is_dir() else []
    found = [one for one in dropped if one.suffix == ".toml" and not one.name.startswith(".")]
    return found if found and path == DEFAULT and not path.exists() else [path, *found]


def of_files(path: Path | None) -> Iterator[Layer | Problem]:
    """Yield a file and its drop-ins, and a problem for each that cannot be read; none without a path."""
    try:
        paths = [] if path is None else files(path)
    except OSError as error:
        yield Problem(file=str(error.filename or path), key="", message=f"cannot be read: {error.strerror or error}")
        return
    yield from map(_file, paths)


def of_environment(environ: Mapping[str, str]) -> Iterator[Layer | Problem]:
    """Yield what each variable sets, and a problem for each that sets nothing."""
    for found in variables.settings(environ):
        if isinstance(found, Problem):
            yield found
            continue
        variable, keys, value = found
        data: Any = value
        for key in reversed(keys):
            data = {key: data}
        yield _bounded(Layer(variable, data))


def text_of(path: Path) -> str | Problem:
    """Return the text of a file, or why there is none."""
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return _broken(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        at = f"byte 0x{raw[error.start]:02x} at line {line}, column {column}"
        return _broken(path, f"is not UTF-8 text: {at}; save it as UTF-8", line, column)


def _file(path: Path) -> Layer | Problem:
    text = text_of(path)
    if isinstance(text, Problem):
        return text
    try:
        data = tomllib.loads(text)
    except RecursionError:
        return _nested(str(path))
    except ValueError as error:  # TOMLDecodeError, and numbers of more digits than Python reads
        at = _POSITION.search(str(error))
        return _broken(path, f"is not TOML: {error}", *map(int, at.groups() if at else ()))
    found = _bounded(Layer(str(path), data))
    return found if isinstance(found, Problem) else msgspec.structs.replace(found, places=locate(text).places)


def _bounded(layer: Layer) -> Layer | Problem:
    """Return the layer, or a problem where it is nested so deeply that reading it further could break."""
    level: list[Any] = [layer.data]
    for _ in range(_DEEPEST):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [value for one in inner for value in one if isinstance(value, (dict, list))]
        if not level:
            return layer
    return _nested(layer.name)


def _nested(name: str) -> Problem:
    return Problem(file=name, key="", message=f"is nested too deeply; allowed are {_DEEPEST} levels")


def _broken(path: Path, message: str, line: int | None = None, column: int | None = None) -> Problem:
    return Problem(file=str(path), key="", message=message, line=line, column=column)


def _folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.d") if path.name else path
