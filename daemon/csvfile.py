"""Reading CSV recordings: `t,ax,ay,az,gx,gy,gz` in any order, checked to the last value.

A well-formed table is turned into JSON and parsed by msgspec, several times faster than numpy's text reader and rounded
as correctly. Whatever that way does not take is read again line by line, which either accepts it, more slowly, or names
the line, the column and the value.
"""

from __future__ import annotations

import csv
import math
from io import StringIO
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec
import numpy as np

from ankled.daemon.errors import RecordingError
from ankled.drivers.samples import FloatArray
from ankled.kernels.constants import GRAVITY_MPS2

if TYPE_CHECKING:
    from pathlib import Path

AccUnit: TypeAlias = Literal["m/s2", "g"]
GyroUnit: TypeAlias = Literal["rad/s", "deg/s"]

COLUMNS: Final = ("t", "ax", "ay", "az", "gx", "gy", "gz")
HEADER: Final = ",".join(COLUMNS)

_MIN_ROWS: Final = 2
_MAX_TIME_S: Final = 9.2e9  # nanoseconds in 64 bits with a sign
_BINARY_PROBE: Final = 4096
_BLOCK: Final = 1 << 17
_COMMA: Final = ord(",")
_NEWLINE: Final = ord("\n")
_REST_LOW_MPS2, _REST_HIGH_MPS2 = 0.5, 2.5  # the median norm of a leg is near 9.8, or near 1 if it was in g
_TOO_MUCH_IN_G: Final = 5.0
_FASTEST_RAD_S: Final = 40.0  # sensors end at 2000 or, rarely, 4000 deg/s; legs at about 20 rad/s

_NUMBERS: Final = msgspec.json.Decoder(list[float])


class CsvTable(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A CSV recording in SI units: `time_s` (n,), `acc` (n, 3) in m/s2, `gyr` (n, 3) in rad/s; sentences in `notes`."""

    path: str
    time_s: FloatArray
    acc: FloatArray
    gyr: FloatArray
    notes: tuple[str, ...]


def read_csv(path: Path, *, acc_unit: AccUnit = "m/s2", gyro_unit: GyroUnit = "rad/s") -> CsvTable:
    """Return the recording in `path`, or raise RecordingError with one sentence on what is wrong and where."""
    text = _read_text(path)
    head, _, body = text.partition(b"\n")
    names = [name.strip().strip("\"'").strip().casefold() for name in head.decode().split(",")]
    notes = _check_header(path, head.decode(), names)
    order = [names.index(column) for column in COLUMNS]
    table = _parse_fast(body, len(names))
    table = _parse_lines(path, text.decode(), names) if table is None else table[:, order]
    if len(table) < _MIN_ROWS:
        rows = "no sample row" if not len(table) else "one sample row only"
        raise RecordingError(f"{path} holds {rows}: at least {_MIN_ROWS} are needed.")
    if not _is_sane(table):
        table = _parse_lines(path, text.decode(), names)  # names the line; it can only fail
    time_s, acc, gyr = np.ascontiguousarray(table[:, 0]), table[:, 1:4].copy(), table[:, 4:7].copy()
    notes += _plausibility(path, acc, gyr, acc_unit, gyro_unit)
    if acc_unit == "g":
        acc *= GRAVITY_MPS2
    if gyro_unit == "deg/s":
        gyr *= math.pi / 180.0
    return CsvTable(path=str(path), time_s=time_s, acc=acc, gyr=gyr, notes=tuple(notes))


def _read_text(path: Path) -> bytes:
    """Return the file's bytes without byte order mark, known to be UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RecordingError(f"{path} is UTF-16 text: save it as UTF-8.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise RecordingError(f"{path} is empty: the first line must be {HEADER}.")
    if b"\0" in data[:_BINARY_PROBE]:
        raise RecordingError(f"{path} is not a text file: CSV with the header {HEADER} is needed.")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecordingError(f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text.") from None
    return data


def _check_header(path: Path, head: str, names: list[str]) -> list[str]:
    """Return notes on columns that are not used; raise for columns that are missing or ambiguous."""
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        hint = ""
        for delimiter, name in ((";", "';'"), ("\t", "tabs")):
            if delimiter in head and "," not in head:
                hint = f" The columns are separated by {name}, not by ','."
        if all(_number(name) is not None for name in names):
            hint = " Its first line holds numbers instead of names."
        what = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
        raise RecordingError(f"{path}, line 1: {what} missing, the header must be {HEADER}.{hint}")
    for column in COLUMNS:
        if names.count(column) > 1:
            raise RecordingError(f"{path}, line 1: column {column} stands there {names.count(column)} times.")
    extra = [name or "(without a name)" for name in names if name not in COLUMNS]
    return [f"{path}: ignored the column{'s' if len(extra) > 1 else ''} {', '.join(extra)}."] if extra else []


def _parse_fast(body: bytes, columns: int) -> FloatArray | None:
    """Return the whole table, or None where it is not plain numbers with `columns` in every row."""
    body = body.strip()
    parts = []
    start = 0
    while start < len(body):
        # By blocks: a million floats as Python objects fall out of every cache.
        end = body.find(b"\n", start + _BLOCK)
        end = len(body) if end == -1 else end
        part = _parse_block(body[start:end], columns)
        if part is None:
            return None
        parts.append(part)
        start = end + 1
    return np.concatenate(parts) if parts else np.empty((0, columns))


def _parse_block(block: bytes, columns: int) -> FloatArray | None:
    marks = np.frombuffer(block, dtype=np.uint8)
    marks = marks[(marks == _COMMA) | (marks == _NEWLINE)]
    if (len(marks) + 1) % columns:
        return None
    grid = np.append(marks, np.uint8(_NEWLINE)).reshape(-1, columns)
    if (grid[:, -1] != _NEWLINE).any() or (grid[:, :-1] != _COMMA).any():
        return None
    try:
        numbers = _NUMBERS.decode(b"".join((b"[", block.replace(b"\n", b","), b"]")))
    except msgspec.DecodeError:
        return None
    return np.array(numbers, dtype=np.float64).reshape(-1, columns)


def _is_sane(table: FloatArray) -> bool:
    times = table[:, 0]
    ordered = bool((times[1:] >= times[:-1]).all())
    return ordered and bool(np.isfinite(table).all()) and max(abs(times[0]), abs(times[-1])) <= _MAX_TIME_S


def _parse_lines(path: Path, text: str, names: list[str]) -> FloatArray:
    """Return the table of `COLUMNS`, read row by row; the first thing wrong is named."""
    order = [names.index(column) for column in COLUMNS]
    reader = csv.reader(StringIO(text, newline=""))
    rows: list[list[float]] = []
    try:
        next(reader)
        for fields in reader:
            if not "".join(fields).strip():
                continue
            row = _parse_row(path, reader.line_num, fields, names, order)
            if rows and row[0] < rows[-1][0]:
                raise RecordingError(
                    f"{path}, line {reader.line_num}: time runs backwards, from {rows[-1][0]!r} s to {row[0]!r} s."
                )
            rows.append(row)
    except csv.Error as error:
        raise RecordingError(f"{path}, line {reader.line_num}: {error}.") from None
    return np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS))


def _parse_row(path: Path, line: int, fields: list[str], names: list[str], order: list[int]) -> list[float]:
    if len(fields) != len(names):
        hint = " (is the decimal mark a comma?)" if len(fields) == 2 * len(names) else ""
        raise RecordingError(f"{path}, line {line}: {len(fields)} values where the header names {len(names)}{hint}.")
    row = []
    for column, index in zip(COLUMNS, order, strict=True):
        value = _number(fields[index])
        if value is None:
            what = "is empty" if not fields[index].strip() else f"is {_shown(fields[index])}, which is not a number"
            raise RecordingError(f"{path}, line {line}: {column} {what}.")
        if not math.isfinite(value):
            raise RecordingError(
                f"{path}, line {line}: {column} is {_shown(fields[index])}, a finite number is needed."
            )
        row.append(value)
    if abs(row[0]) > _MAX_TIME_S:
        raise RecordingError(
            f"{path}, line {line}: t is {row[0]!r}, at most {_MAX_TIME_S:.1e} s is allowed (are these milliseconds?)."
        )
    return row


def _number(text: str) -> float | None:
    """Return the number a field stands for; Python's own `1_000` is none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _shown(text: str) -> str:
    longest = 40
    text = text.strip()
    return repr(text if len(text) <= longest else text[:longest] + "...")


def _plausibility(path: Path, acc: FloatArray, gyr: FloatArray, acc_unit: AccUnit, gyro_unit: GyroUnit) -> list[str]:
    """Return sentences on values that look as if they were in another unit than was said."""
    notes = []
    with np.errstate(over="ignore"):
        norm = float(np.median(np.sqrt((acc * acc).sum(axis=1))))
    if acc_unit == "m/s2" and _REST_LOW_MPS2 < norm < _REST_HIGH_MPS2:
        notes.append(f"{path}: the median acceleration is {norm:.2f} m/s2, which looks like g: try --acc-unit g.")
    if acc_unit == "g" and norm > _TOO_MUCH_IN_G:
        notes.append(f"{path}: the median acceleration is {norm:.2f} g, which looks like m/s2: leave out --acc-unit g.")
    fastest = float(np.abs(gyr).max())
    if gyro_unit == "rad/s" and fastest > _FASTEST_RAD_S:
        notes.append(
            f"{path}: the largest angular velocity is {fastest:.0f} rad/s, "
            "which looks like deg/s: try --gyro-unit deg/s."
        )
    return notes
