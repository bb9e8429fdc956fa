"""Movella DOT: the layout of every payload mode, out and back."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from ankled.drivers.movella_dot import MovellaDot, device, payload

G_MPS2 = 9.80665


def told(characteristic: str, data: bytes, **context: m.Value) -> list[m.DriverOutput]:
    """Return what a driver makes of one value from the middle of a stream."""
    return MovellaDot.for_decoding(context).feed(m.Notification(characteristic=characteristic, data=data))


def block(outputs: list[m.DriverOutput]) -> m.Block:
    """Return the one block among outputs."""
    (found,) = (output for output in outputs if isinstance(output, m.Block))
    return found


SIZES = {
    2: 36,
    3: 32,
    4: 16,
    5: 20,
    6: 16,
    7: 32,
    16: 28,
    18: 38,
    19: 32,
    20: 34,
    21: 28,
    22: 40,
    23: 34,
    24: 32,
    26: 44,
}


@pytest.mark.parametrize(("mode", "size"), SIZES.items())
def test_layouts_have_the_documents_sizes(mode: int, size: int) -> None:
    """Tables 15 and 16 of the document, and 44 bytes for mode 26; each fits the characteristic that sends it."""
    layout = payload.LAYOUTS[mode]
    assert layout.packed.size == size
    assert size <= payload.SIZES[layout.length]


RANGES = {"acc_mps2": 16.0 * G_MPS2, "gyr_dps": 2000.0, "mag_au": 7.9, "status": 0x3FF}
f32 = st.floats(-1.0, 1.0, width=32)


@st.composite
def payloads(draw: st.DrawFn) -> tuple[int, int, dict[str, list[float]]]:
    """Return a mode, a time stamp and fields."""
    mode = draw(st.sampled_from(sorted(payload.LAYOUTS)))
    values: dict[str, list[float]] = {}
    for field in payload.LAYOUTS[mode].fields:
        form = payload._FORMS[field]
        if form in ("H", "B"):
            values[field] = [draw(st.integers(0, 0x3FF if form == "H" else 255))]
        else:
            values[field] = [RANGES.get(field, 100.0) * draw(f32) for _ in range(int(form[0]))]
    return mode, draw(st.integers(0, 2**32 - 1)), values


@given(payloads(), st.booleans())
def test_every_mode_is_decoded_as_encoded(case: tuple[int, int, dict[str, list[float]]], padded: bool) -> None:
    """Raw acceleration and rates become samples in SI units, all else is in the event, to the precision of the wire."""
    mode, stamp, values = case
    layout = payload.LAYOUTS[mode]
    uuid = {"short": device.SHORT_PAYLOAD, "medium": device.MEDIUM_PAYLOAD, "long": device.LONG_PAYLOAD}[layout.length]
    outputs = told(uuid, payload.encode(mode, stamp, values, padded=padded), mode=mode)
    raw = {"acc_mps2": 1.0, "gyr_dps": np.pi / 180.0}
    if raw.keys() & set(layout.fields):
        found = block(outputs)
        assert found.time_s == pytest.approx([stamp * 1e-6], abs=1e-9)
        for field, array in (("acc_mps2", found.acc), ("gyr_dps", found.gyr)):
            if field not in layout.fields:
                assert array is None
                continue
            assert array is not None
            assert array.flags.c_contiguous
            assert array[0] == pytest.approx(np.array(values[field]) * raw[field], rel=1e-6, abs=1e-30)
    if mode == 21:
        assert len(outputs) == 1
        return
    value: dict[str, Any] = next(output for output in outputs if isinstance(output, m.Event)).value
    assert (value["payload_mode"], value["timestamp_us"], value["padding"]) == (mode, stamp, 0)
    for field in layout.fields:
        if field == "status":
            bits = [f"clip_{sensor}_{axis}" for sensor in ("acc", "gyr", "mag") for axis in "xyz"] + ["mag_is_new"]
            assert value[field] == [name for bit, name in enumerate(bits) if int(values[field][0]) >> bit & 1]
        elif field not in raw:
            scale = 0.5 / 4096.0 if field == "mag_au" else 1e-30
            assert np.ravel(value[field]) == pytest.approx(values[field], rel=1e-6, abs=scale)


@given(
    st.lists(st.tuples(*[st.floats(-4000.0, 4000.0)] * 6), min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_the_sensors_samples_saturate(rows: list[tuple[float, ...]], stamp: int) -> None:
    """Values beyond 16 g and 2000 deg/s are sent as those limits; the rest to the precision of 32 bits."""
    values = np.array(rows)
    acc, gyr = values[:, :3], np.deg2rad(values[:, 3:])
    sent = payload.encode_rates([stamp] * len(rows), acc, gyr)
    for row, data in enumerate(sent):
        assert len(data) == 40
        got = block(told(device.MEDIUM_PAYLOAD, data))
        assert got.acc is not None
        assert got.gyr is not None
        assert got.acc[0] == pytest.approx(np.clip(acc[row], -16.0 * G_MPS2, 16.0 * G_MPS2), rel=1e-6)
        assert got.gyr[0] == pytest.approx(np.clip(gyr[row], -np.deg2rad(2000.0), np.deg2rad(2000.0)), rel=1e-6)


@pytest.mark.parametrize("mode", sorted(payload.LAYOUTS))
def test_payloads_of_other_sizes_are_refused(mode: int) -> None:
    """Too short, too long, or sent by the wrong characteristic: one sentence says what is allowed."""
    layout = payload.LAYOUTS[mode]
    most = payload.SIZES[layout.length]
    for size in (0, 3, layout.packed.size - 1, most + 1):
        with pytest.raises(DecodeError, match=f"allowed are {layout.packed.size} to {most}"):
            payload.decode(mode, bytes(size))
    other = device.SHORT_PAYLOAD if layout.length != "short" else device.LONG_PAYLOAD
    with pytest.raises(DecodeError, match=f"allowed is {layout.length}_payload"):
        told(other, bytes(20), mode=mode)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 400.0, -1e30])
def test_numbers_that_are_no_readings_are_refused(value: float) -> None:
    """Not finite, or more than twice the range: these bytes are no acceleration."""
    data = struct.pack("<I6f", 0, value, 0.0, 0.0, 0.0, 0.0, 0.0)
    with pytest.raises(DecodeError, match="acc_mps2 is"):
        told(device.MEDIUM_PAYLOAD, data)
    gyr = struct.pack("<I6f", 0, 0.0, 0.0, 0.0, 0.0, 0.0, value * 20.0)
    with pytest.raises(DecodeError, match="gyr_dps is"):
        told(device.MEDIUM_PAYLOAD, gyr)
