"""The wire form of inputs: MessagePack, every input a map with its `type`, bit-exact both ways.

Arrays of float64 are MessagePack extension 1: one byte with the number of columns (0 for a plain row of numbers),
then the values, little endian, row by row. A change that older readers would misunderstand raises `VERSION`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np

from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Input

VERSION: Final = 1
SCHEMA_PREFIX: Final = "ankled.input/"
SCHEMA_NAME: Final = f"{SCHEMA_PREFIX}{VERSION}"

_ARRAY: Final = 1
_MATRIX_NDIM: Final = 2
_MAX_COLUMNS: Final = 255
_WIRE_FLOAT: Final = np.dtype("<f8")


def encode(item: Input) -> bytes:
    """Return the input as bytes; equal inputs give equal bytes."""
    try:
        return _ENCODER.encode(item)
    except (OverflowError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        msg = f"an input of type {type(item).__name__.lower()} cannot be recorded: {error}"
        raise RecordingError(msg) from None


def decode(data: bytes | memoryview) -> Input:
    """Return the input that these bytes stand for, or say in one sentence why there is none."""
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"not an input of form {VERSION}: {error}"
        raise RecordingError(msg) from None


def same(left: Input, right: Input) -> bool:
    """Whether two inputs are equal bit for bit, NaN included."""
    return encode(left) == encode(right)


def json_schema() -> bytes:
    """Return the JSON Schema of an input; bytes and arrays are named as they are in MessagePack."""
    schema = msgspec.json.schema(Input, schema_hook=_array_schema)
    schema["title"] = SCHEMA_NAME
    return msgspec.json.encode(schema, order="deterministic")


def _encode_array(value: object) -> msgspec.msgpack.Ext:
    if isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim in (1, _MATRIX_NDIM):
        columns = value.shape[1] if value.ndim == _MATRIX_NDIM else 0
        if value.ndim == 1 or 0 < columns <= _MAX_COLUMNS:
            return msgspec.msgpack.Ext(_ARRAY, bytes((columns,)) + value.astype(_WIRE_FLOAT, copy=False).tobytes())
    msg = f"{type(value).__name__} has no wire form: float64 arrays of one or two dimensions have"
    raise TypeError(msg)


def _decode_array(kind: type, value: object) -> object:
    data = bytes(value.data) if isinstance(value, msgspec.msgpack.Ext) and value.code == _ARRAY else b""
    if len(data) % _WIRE_FLOAT.itemsize != 1:
        msg = f"expected extension {_ARRAY} for {kind}"
        raise ValueError(msg)
    columns = data[0]
    # A copy is writable and aligned, as the arrays of a driver are: compiled kernels tell the difference.
    flat = np.frombuffer(data, dtype=_WIRE_FLOAT, offset=1).astype(np.float64, copy=True)
    return flat.reshape(-1, columns) if columns else flat


def _array_schema(_kind: type) -> dict[str, Any]:
    text = f"MessagePack extension {_ARRAY}: number of columns as u8, then float64 little endian"
    return {"description": text, "type": "string"}


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_encode_array, order="deterministic")
_DECODER: Final[msgspec.msgpack.Decoder[Input]] = msgspec.msgpack.Decoder(Input, dec_hook=_decode_array)
