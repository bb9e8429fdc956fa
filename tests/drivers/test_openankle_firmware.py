"""The firmware printed in docs/openankle.md compiles, obeys the profile and streams to the driver."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Options
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle.packets import encode_words
from ankled.simulators.peripherals.model import Advertising, Outgoing, Peripheral, Service
from ankled.simulators.peripherals.openankle import SimulatedOpenAnkle
from tests.drivers.conversation import Conversation, board
from tests.drivers.test_openankle_document import DOCUMENT, sections

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.simulators.peripherals.board import Board

BEFORE = """
#include <stdint.h>
#include <string.h>
typedef struct { uint32_t time_us; uint16_t dropped; int16_t word[6]; } sample_t;
static sample_t fifo[4096]; static int fifo_in, fifo_out;
static uint8_t sent[1 << 20]; static int sent_bytes;
uint16_t mtu, mass; uint8_t subscribed, clock_subscribed, side, sampling, alive = 1; int buffers; uint32_t shows_us;
static void out(uint8_t kind, const uint8_t *data, int n) {
    sent[sent_bytes++] = kind; sent[sent_bytes++] = n; memcpy(sent + sent_bytes, data, n); sent_bytes += n;
}
static void radio_indicate(const uint8_t *data, int n) { out(0, data, n); }
static int radio_try_send(const uint8_t *data, int n) {
    if (buffers == 0) return 0;
    buffers--; out(1, data, n); return 1;
}
static void radio_try_send_clock(const uint8_t *data, int n) {
    if (clock_subscribed && buffers > 0) { buffers--; out(2, data, n); }
}
static uint32_t clock_us(void) { return shows_us; }
static int radio_mtu(void) { return mtu; }
static int radio_data_subscribed(void) { return subscribed; }
static void radio_advertise(void) {}
static uint32_t imu_period_ns(uint8_t format) { return 20000000u >> (format & 3); }
static int imu_offers(uint8_t format) { return (format & 0x80) == 0 && format >> 4 <= 4; }
static int imu_on(uint8_t format) { (void)format; fifo_in = fifo_out = 0; sampling = alive; return alive; }
static void imu_off(void) { sampling = 0; }
static int imu_alive(void) { return alive; }
static int imu_read(sample_t *s) { if (fifo_out == fifo_in) return 0; *s = fifo[fifo_out++]; return 1; }
static int store_weight(uint16_t m, uint8_t s) { mass = m; side = s; return 1; }
static uint16_t store_next_boot(void) { return 0x0107; }
static void status_notify_if_changed(void) {}
"""
AFTER = """
void give(uint32_t time_us, uint16_t dropped, const int16_t *words) {
    if (fifo_out == fifo_in) fifo_out = fifo_in = 0;
    fifo[fifo_in].time_us = time_us; fifo[fifo_in].dropped = dropped; memcpy(fifo[fifo_in++].word, words, 12);
}
int drain(uint8_t *to) { int n = sent_bytes; memcpy(to, sent, n); sent_bytes = 0; return n; }
uint8_t f_streaming(void) { return streaming; } uint8_t f_format(void) { return format; }
uint8_t f_count(void) { return count; } uint16_t f_lost(void) { return lost; }
"""


@pytest.fixture
def firmware(tmp_path: Path) -> ctypes.CDLL:
    """Return the document's firmware as a library, with a radio and a sensor that tests drive."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler on this machine: the firmware of docs/openankle.md is not compiled")
    text = DOCUMENT.read_text(encoding="utf-8").split("```c\n")[1].split("```")[0]
    ours = "typedef struct { uint32_t time_us; uint16_t dropped; int16_t word[6]; } sample_t;\n"
    assert ours in text
    assert ours in BEFORE
    source = tmp_path / "firmware.c"
    source.write_text(BEFORE + text.replace(ours, "") + AFTER, encoding="utf-8")
    library = tmp_path / "firmware.so"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    done = subprocess.run(
        [compiler, *flags, str(source), "-o", str(library)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


class FirmwareDevice(Peripheral):
    """A board that runs the firmware; `buffers` is how many packets the radio takes at each connection event."""

    driver: ClassVar[str] = "openankle"

    def __init__(self, board: Board, library: ctypes.CDLL, *, buffers: int = 100) -> None:
        super().__init__(board, "OpenAnkle-C")
        self._c = library
        self._model = SimulatedOpenAnkle(board)
        self._to = ctypes.create_string_buffer(1 << 20)
        self.buffers = buffers
        self._looked_s = 0.0
        self._c.on_boot()

    def _set(
        self, kind: type[ctypes.c_uint16 | ctypes.c_uint8 | ctypes.c_int | ctypes.c_uint32], name: str, value: int
    ) -> None:
        kind.in_dll(self._c, name).value = value

    @property
    def services(self) -> tuple[Service, ...]:
        """Those of the profile."""
        return self._model.services

    @property
    def advertising(self) -> Advertising:
        """That of the profile."""
        return self._model.advertising

    @property
    def lost(self) -> int:
        """Samples that the firmware says it lost."""
        return int(self._c.f_lost())

    def connect(self, mtu: int, now_s: float) -> None:
        """Begin a connection."""
        super().connect(mtu, now_s)
        self._set(ctypes.c_uint16, "mtu", mtu)
        self._c.on_connect()

    def subscribe(self, characteristic: str, *, on: bool, now_s: float) -> None:
        """Tell the firmware's radio about it."""
        super().subscribe(characteristic, on=on, now_s=now_s)
        self._set(ctypes.c_uint8, "subscribed", int(wire.DATA in self.subscribed))
        self._set(ctypes.c_uint8, "clock_subscribed", int(wire.CLOCK in self.subscribed))

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Return the capabilities and the status, which the printed text leaves to its reader."""
        if characteristic == wire.STATUS:
            form = wire.decode_format(self._c.f_format())
            status = wire.Status(activity="streaming" if self._c.f_streaming() else "idle", form=form, boot=0x0107)
            return wire.encode_status(status)
        return self._model.read(characteristic, now_s)

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Hand a command to the firmware; its sensor samples when it says so."""
        assert characteristic == wire.CONTROL
        self._show(now_s)
        self._c.on_command(data, len(data))
        sampling = bool(ctypes.c_uint8.in_dll(self._c, "sampling").value)
        if sampling and not self.board.running:
            self.board.begin(wire.decode_format(self._c.f_format()).rate_hz, now_s)
        if not sampling:
            self.board.halt(now_s)

    def advance(self, now_s: float) -> list[Outgoing]:
        """Run the loop, every millisecond since the last event; return what the radio took, whose buffers are free."""
        for step in range(1, round((now_s - self._looked_s) * 1000.0) + 1):
            self._look(min(self._looked_s + 0.001 * step, now_s))
        self._looked_s = now_s
        self._set(ctypes.c_int, "buffers", self.buffers)
        size = self._c.drain(self._to)
        data = self._to.raw[:size]
        out = []
        while data:
            uuid, size = (wire.CONTROL, wire.DATA, wire.CLOCK)[data[0]], data[1]
            out.append(Outgoing(characteristic=uuid, data=data[2 : 2 + size]))
            data = data[2 + size :]
        return out

    def _show(self, now_s: float) -> None:
        """Let the firmware see what time it is."""
        self._set(ctypes.c_uint32, "shows_us", int(self.board.clock_s(now_s) * 1e6) & 0xFFFFFFFF)

    def _look(self, now_s: float) -> None:
        """Fill the FIFO and run the loop."""
        self._show(now_s)
        taken = self.board.take(count) if (count := self.board.ready(now_s)) > 0 else None
        if taken is not None:
            words = encode_words(wire.decode_format(self._c.f_format()), taken.acc, taken.gyr)
            for row, (time_s, word) in enumerate(zip(taken.time_s, words, strict=True)):
                dropped = taken.lost if row == 0 else 0
                self._c.give(round(float(time_s) * 1e6) & 0xFFFFFFFF, dropped, word.tobytes())
        self._c.loop()


def test_firmware_answers_as_the_document_says(firmware: ctypes.CDLL) -> None:
    """The printed firmware gives the answers of the printed conversation."""
    device = FirmwareDevice(board(), firmware)
    device.connect(104, 0.0)
    for row in sections()["Vectors: a conversation"][1:]:
        device.write(wire.CONTROL, bytes.fromhex(row[0]), 1.0)
        answers = [out.data for out in device.advance(1.0) if out.characteristic == wire.CONTROL]
        assert answers == [bytes.fromhex(row[1])], row
        device.subscribe(wire.DATA, on=True, now_s=1.0)
    assert ctypes.c_uint16.in_dll(firmware, "mass").value == 1814
    assert ctypes.c_uint8.in_dll(firmware, "side").value == 1


@pytest.mark.parametrize(("mtu", "count"), [(23, 1), (104, 7), (247, 8)])
def test_firmware_streams_to_the_driver(firmware: ctypes.CDLL, mtu: int, count: int) -> None:
    """What the driver gets from the printed firmware is what the board measured, sample for sample, on time."""
    talk = Conversation(OpenAnkle(), FirmwareDevice(board(clock_s=4293.0), firmware), mtu=mtu)
    talk.begin()
    talk.run(5.0)
    assert talk.hung_up is None
    blocks = talk.all(m.Block)
    assert {len(block) for block in blocks} == {count}
    assert sum(block.missing for block in blocks) == 0
    times = talk.stacked("time_s")
    assert len(times) > 450
    np.testing.assert_allclose(times, talk.peripheral.board._times(np.arange(len(times))), rtol=0, atol=2e-6)


@pytest.mark.parametrize("interval_s", [0.03, 0.04875])
def test_firmware_tells_its_clock(firmware: ctypes.CDLL, interval_s: float) -> None:
    """The printed firmware beats in steps of 458 ms that no delay shifts, and shows its clock as it is then."""
    device = FirmwareDevice(board(clock_s=4290.0, skew_ppm=-50.0), firmware)
    talk = Conversation(OpenAnkle(), device, interval_s=interval_s)
    talk.begin()
    talk.run(20.0)
    told = [(now_s, one.time_s) for now_s, one in talk.outputs if isinstance(one, m.Beat)]
    assert len(told) == pytest.approx(19.8 / 0.458, abs=2)
    since_s = np.array([time_s for _, time_s in told]) - device.board._begun_clock_s
    late_s = since_s - 0.458 * np.rint(since_s / 0.458)
    assert -2e-6 < late_s.min() < late_s.max() < 0.0011
    waits_s = np.array([now_s - float(device.board.radio_s(np.array(time_s))) for now_s, time_s in told])
    assert -2e-6 < waits_s.min() < 0.004
    assert waits_s.max() < interval_s + 2e-6
    full_s = talk.now_s + interval_s
    device.buffers = 0
    talk.run(3.0)
    device.buffers = 100
    free_s = talk.now_s
    talk.run(1.0)
    at_s = device.board.radio_s(np.array([one.time_s for one in talk.all(m.Beat)]))
    assert not np.any((at_s > full_s) & (at_s < free_s))
    assert at_s[-1] > free_s
    device.board.lose(10_000)
    talk.run(1.0)
    before = len(talk.all(m.Beat))
    talk.run(5.0)
    assert len(talk.all(m.Beat)) == before


def test_firmware_counts_what_it_loses(firmware: ctypes.CDLL) -> None:
    """A FIFO that ran over and a radio that fell behind: the driver misses exactly what the firmware says it lost."""
    device = FirmwareDevice(board(), firmware)
    talk = Conversation(OpenAnkle(Options(rate_hz=400.0)), device)
    talk.begin()
    talk.run(1.0)
    device.board.lose(37)
    talk.run(1.0)
    assert sum(block.missing for block in talk.all(m.Block)) == device.lost == 37
    device.buffers = 0
    talk.run(8.0)
    device.buffers = 100
    talk.run(1.0)
    blocks = talk.all(m.Block)
    assert device.lost > 37
    assert sum(block.missing for block in blocks) == device.lost
    times = talk.stacked("time_s")
    index = np.repeat(np.cumsum([b.missing for b in blocks]), [len(b) for b in blocks]) + np.arange(len(times))
    np.testing.assert_allclose(times, device.board._times(index), rtol=0, atol=2e-6)
