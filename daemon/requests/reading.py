"""From the bytes of a request to its fields: whatever they are, the outcome is fields or one sentence."""

from __future__ import annotations

from typing import Final

import msgspec

from ankled.daemon.errors import UsageError
from ankled.daemon.requests.faults import TRANSACTION, shown
from ankled.daemon.requests.forms import Transaction

LARGEST: Final = 64 * 1024
"""Bytes of a request."""


def fields_of(payload: bytes) -> dict[str, object]:
    """Return the fields of a request. Raises UsageError."""
    if not payload:
        # nothing is asked by nothing: that is also how a retained message is taken back
        message = "the request is empty, allowed is a JSON object, {} for a request without fields"
        raise UsageError(message)
    if len(payload) > LARGEST:
        message = f"the request is {len(payload)} bytes long, allowed are {LARGEST}"
        raise UsageError(message)
    try:
        fields: object = msgspec.json.decode(payload)
    except UnicodeDecodeError as error:
        message = f"the request is not UTF-8 text: {error.reason}"
        raise UsageError(message) from None
    except msgspec.DecodeError as error:
        message = f"the request is not JSON ({error}), allowed is a JSON object such as {{}}"
        raise UsageError(message) from None
    except RecursionError:
        message = "the request is nested too deeply, allowed is one JSON object whose values are text or numbers"
        raise UsageError(message) from None
    if not isinstance(fields, dict):
        message = f"the request is {shown(fields)}, allowed is a JSON object such as {{}}"
        raise UsageError(message)
    return fields


def transaction_of(fields: dict[str, object]) -> str | int | None:
    """Return what the answer is to repeat. Raises UsageError."""
    value = fields.get(TRANSACTION)
    try:
        transaction: str | int | None = msgspec.convert(value, Transaction | None)
    except msgspec.ValidationError:
        message = (
            f"transaction is {shown(value)}, allowed is text of up to 128 characters, a 64-bit whole number or null"
        )
        raise UsageError(message) from None
    return transaction
