"""The wire form of inputs."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.errors import RecordingError
from ankled.daemon.inputs import Command, Input, Notification, Stop, Tick
from ankled.daemon.inputs_codec import SCHEMA_NAME, decode, encode, json_schema, same
from ankled.drivers.samples import Samples
from tests.daemon.recordings import any_input


@given(item=any_input())
def test_round_trip_is_exact_to_the_bit(item: Input) -> None:
    """What is decoded encodes to the same bytes, is the same type and, without NaN in arguments, equal."""
    data = encode(item)
    back = decode(data)
    assert type(back) is type(item)
    assert encode(back) == data
    assert same(item, back)
    if isinstance(item, Samples):
        assert back == item


@given(data=st.binary(max_size=200))
def test_garbage_is_one_sentence(data: bytes) -> None:
    """Bytes from anywhere decode, or raise RecordingError with a single line, and nothing else."""
    try:
        decode(data)
    except RecordingError as error:
        assert "\n" not in str(error)  # noqa: PT017  (an error may come, it need not)


@given(item=any_input(), data=st.data())
def test_a_damaged_input_is_an_input_or_an_error(item: Input, data: st.DataObject) -> None:
    """One wrong byte or a cut gives another valid input or RecordingError, never another exception."""
    good = bytearray(encode(item))
    good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(good[: data.draw(st.integers(0, len(good)))]))
    except RecordingError as error:
        assert "not an input of form 1" in str(error)  # noqa: PT017  (an error may come, it need not)


def test_signalling_nan_survives() -> None:
    """The payload of a NaN is kept, also of one that arithmetic would quieten."""
    bits = np.array([0x7FF0000000000001, 0xFFF8000000000123, 0x8000000000000000], dtype=np.uint64)
    item = Samples(device="left", host_ns=1, time_s=None, acc=bits.view(np.float64).reshape(1, 3), gyr=None)
    back = decode(encode(item))
    assert isinstance(back, Samples)
    assert back.acc.view(np.uint64).tolist() == [bits.tolist()]


def test_decoded_arrays_are_like_those_of_a_driver() -> None:
    """Arrays come back writable, aligned, contiguous and native: compiled kernels see no other type in a replay."""
    item = Samples(device="left", host_ns=1, time_s=np.zeros(2), acc=np.ones((2, 3)), gyr=np.ones((2, 3)))
    back = decode(encode(item))
    assert isinstance(back, Samples)
    for array in (back.acc, back.gyr, back.time_s):
        assert array is not None
        assert array.flags.c_contiguous
        assert array.flags.aligned
        assert array.flags.writeable
        assert array.dtype.isnative


def test_form_of_a_notification_is_fixed() -> None:
    """These bytes were written by version 1: recordings on disk hold them."""
    data = bytes.fromhex(
        "86a474797065ac6e6f74696669636174696f6ea7686f73745f6e7307a6646576696365a46c656674a565706f636802"
        "ae63686172616374657269737469 63a432613337a464617461c4020102".replace(" ", "")
    )
    item = Notification(host_ns=7, device="left", epoch=2, characteristic="2a37", data=b"\x01\x02")
    assert decode(data) == item
    assert encode(item) == data


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (Tick(host_ns=1 << 70), "tick"),
        (Command(host_ns=1, name="mass", device=None, arguments={"kg": 1 << 80}), "command"),
        (Stop(host_ns=1, reason="\ud800"), "stop"),
    ],
)
def test_what_has_no_wire_form_is_told(item: Input, told: str) -> None:
    """Numbers beyond 64 bits and broken text are a sentence at recording, not a crash of the recorder."""
    with pytest.raises(RecordingError, match=f"an input of type {told} cannot be recorded"):
        encode(item)


@pytest.mark.parametrize(
    ("acc", "gyr", "time_s"),
    [
        (np.zeros((2, 2)), None, None),
        (np.zeros((2, 3), np.float32), None, None),
        (np.zeros((2, 3)), np.zeros((1, 3)), None),
        (np.zeros((2, 3)), None, np.zeros(3)),
    ],
)
def test_samples_refuse_arrays_that_do_not_fit(acc: Any, gyr: Any, time_s: Any) -> None:
    """Shapes and types are checked where samples are made, so no reader of samples need to."""
    with pytest.raises(ValueError, match="float64 of shape"):
        Samples(device="left", host_ns=0, acc=acc, gyr=gyr, time_s=time_s)


def test_samples_compare_bit_for_bit() -> None:
    """NaN equals itself; 0.0 is not -0.0; equal samples share a hash."""

    def make(value: float) -> Samples:
        return Samples(device="left", host_ns=0, time_s=None, acc=np.full((1, 3), value), gyr=None)

    assert make(np.nan) == make(np.nan)
    assert make(0.0) != make(-0.0)
    assert hash(make(1.0)) == hash(make(1.0))
    assert make(1.0) != "samples"


def test_json_schema_names_every_input() -> None:
    """The schema that stands in a file describes each type under its tag."""
    schema = json.loads(json_schema())
    assert schema["title"] == SCHEMA_NAME
    tags = {kind["properties"]["type"]["enum"][0] for kind in schema["$defs"].values() if "host_ns" in str(kind)}
    assert tags == {msgspec.structs.fields(kind) and kind.__struct_config__.tag for kind in get_args(Input)}
