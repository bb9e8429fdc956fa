"""The message service of Movella DOT: recording and synchronisation, from bytes and to bytes.

A message is MID, LEN, DATA and a checksum that makes the sum of all bytes a multiple of 256. Source: Xsens DOT BLE
Services Specifications XD0506P rev F, chapter 5 (A). The document's own example of a recording's start breaks the rule:
it ends with E0, where E4 is right.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ankled.drivers.errors import DecodeError, shown
from ankled.drivers.movella_dot.device import address

if TYPE_CHECKING:
    from ankled.drivers.messages import Value

RECORDING: Final = 1
SYNCHRONISATION: Final = 2

# Identifiers behind RECORDING.
RECORDING_ACK: Final = 0x01
GET_STATE: Final = 0x02
START_RECORDING: Final = 0x40
STOP_RECORDING: Final = 0x41
REQUEST_FILE_INFO: Final = 0x60
REQUEST_FILE_DATA: Final = 0x70
SELECT_EXPORT_DATA: Final = 0x74

# Identifiers behind SYNCHRONISATION.
START_SYNC: Final = 0x01
STOP_SYNC: Final = 0x02
SYNC_ACK: Final = 0x03
GET_SYNC_STATUS: Final = 0x08
STOP_SYNC_RESULT: Final = 0x50
SYNC_STATUS: Final = 0x51

SYNCED: Final = 0x04
NOT_SYNCED: Final = 0x09

_NAMES: Final = {
    (RECORDING, RECORDING_ACK): "ack",
    (RECORDING, GET_STATE): "get state",
    (RECORDING, START_RECORDING): "start recording",
    (RECORDING, STOP_RECORDING): "stop recording",
    (RECORDING, REQUEST_FILE_INFO): "request file info",
    (RECORDING, REQUEST_FILE_DATA): "request file data",
    (RECORDING, SELECT_EXPORT_DATA): "select export data",
    (SYNCHRONISATION, START_SYNC): "start sync",
    (SYNCHRONISATION, STOP_SYNC): "stop sync",
    (SYNCHRONISATION, SYNC_ACK): "ack",
    (SYNCHRONISATION, GET_SYNC_STATUS): "get sync status",
    (SYNCHRONISATION, STOP_SYNC_RESULT): "stop sync result",
    (SYNCHRONISATION, SYNC_STATUS): "sync status",
}
_RESULTS: Final = {  # tables 26 and 32
    RECORDING: {
        0x00: "Success",
        0x02: "InvalidCmd",
        0x03: "FlashProcessBusy",
        0x06: "IdleState",
        0x30: "OnErasing",
        0x40: "OnRecording",
        0x50: "OnExportFlashInfo",
        0x60: "OnExportRecordingFileInfo",
        0x70: "OnExportRecordingFileData",
    },
    SYNCHRONISATION: {
        0x00: "Success",
        0x05: "NoEnoughSample",
        0x07: "SkewTooLarge",
        0x08: "StartingTimingError",
        0x09: "Unstarted",
    },
}
_SYNC_STATES: Final = {SYNCED: "synced", NOT_SYNCED: "un-synced"}
_ACKS: Final = ((RECORDING, RECORDING_ACK), (SYNCHRONISATION, SYNC_ACK))
_ABOUT_A_FILE: Final = (REQUEST_FILE_INFO, REQUEST_FILE_DATA)
_START: Final = struct.Struct("<IH")
_WITHOUT_LIMIT: Final = 0xFFFF
_ADDRESS_BYTES: Final = 6
_MOST_DATA: Final = 157
_FRAME_BYTES: Final = 3


def encode(mid: int, identifier: int, data: bytes = b"") -> bytes:
    """Return a message."""
    body = bytes((mid, 1 + len(data), identifier)) + data
    return body + bytes((-sum(body) % 256,))


def split(packet: bytes) -> tuple[int, int, bytes]:
    """Return MID, identifier and the data behind it. Raises DecodeError; zeros behind the message are left out."""
    if len(packet) <= _FRAME_BYTES:
        raise DecodeError(f"a message has {len(packet)} bytes; allowed are {_FRAME_BYTES + 1} and more")
    length = packet[1]
    if not 1 <= length <= _MOST_DATA or len(packet) < length + _FRAME_BYTES:
        raise DecodeError(
            f"a message of {len(packet)} bytes names {length} bytes of data; allowed are 1 to {_MOST_DATA}"
        )
    message, padding = packet[: length + _FRAME_BYTES], packet[length + _FRAME_BYTES :]
    if padding.strip(b"\0"):
        raise DecodeError(f"a message of {len(message)} bytes is followed by {shown(padding)}; allowed are zeros")
    if sum(message) % 256:
        right = -sum(message[:-1]) % 256
        raise DecodeError(f"the checksum of a message is {message[-1]:02x}; allowed is {right:02x}")
    return message[0], message[2], message[3:-1]


def decode(packet: bytes) -> dict[str, Value]:
    """Return `mid`, `id`, `name` (null where unknown) and what the data mean, else them as `data`. Raises DecodeError.

    Acknowledgements have `result`, `result_name`, `for` (the identifier they answer); others `root_mac`, `file`,
    `fields`, `utc` and `seconds` (null: no limit), or `sync_status`.
    """
    mid, identifier, data = split(packet)
    told: dict[str, Value] = {"mid": mid, "id": identifier, "name": _NAMES.get((mid, identifier)), "checksum_ok": True}
    return told | _content(mid, identifier, data)


def _content(mid: int, identifier: int, data: bytes) -> dict[str, Value]:
    """Return the named content of a message's data; a control message and its notification may share an identifier."""
    told: dict[str, Value] = {}
    kind, size = (mid, identifier), len(data)
    if kind in _ACKS and size > 0:
        told = {"result": data[0], "result_name": _RESULTS[mid].get(data[0])}
        if size > 1:
            told["for"] = data[1]
    elif kind == (SYNCHRONISATION, START_SYNC) and size == _ADDRESS_BYTES:
        told["root_mac"] = address(data)
    elif kind == (SYNCHRONISATION, STOP_SYNC_RESULT) and size == 1:
        told = {"result": data[0], "result_name": "Failed" if data[0] else "Success"}
    elif kind == (SYNCHRONISATION, SYNC_STATUS) and size == 1:
        told = {"result": data[0], "sync_status": _SYNC_STATES.get(data[0])}
    elif kind == (RECORDING, START_RECORDING) and size == _START.size:
        utc, seconds = _START.unpack(data)
        told = {"utc": utc, "seconds": None if seconds == _WITHOUT_LIMIT else seconds}
    elif mid == RECORDING and identifier in _ABOUT_A_FILE and size == 1:
        told["file"] = data[0]
    elif kind == (RECORDING, SELECT_EXPORT_DATA):
        told["fields"] = list(data)
    elif size > 0:
        told["data"] = data.hex()
    return told


def start_sync(root: str) -> bytes:
    """Return the message that starts a synchronisation with the sensor of address `root`; the link then drops."""
    return encode(SYNCHRONISATION, START_SYNC, bytes.fromhex(root.replace(":", ""))[::-1])


def start_recording(utc_s: int, duration_s: int | None = None) -> bytes:
    """Return the message that starts a recording inside the sensor, without limit if no duration is given."""
    seconds = _WITHOUT_LIMIT if duration_s is None else duration_s
    return encode(RECORDING, START_RECORDING, _START.pack(utc_s, seconds))
