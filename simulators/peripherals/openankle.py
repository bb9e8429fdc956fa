"""A simulated OpenAnkle weight: a complete firmware of docs/openankle.md, as a state machine."""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle import wire
from ankled.drivers.openankle.packets import HEAD_BYTES, SAMPLE_BYTES, encode_beat, encode_packet, encode_words
from ankled.simulators.peripherals.model import Advertising, AttError, Characteristic, Outgoing, Peripheral, Service
from ankled.simulators.peripherals.standard import BatteryPart, InformationPart

if TYPE_CHECKING:
    from ankled.simulators.peripherals.board import Board

NOT_CONFIGURED: Final = 0xFD
IN_PROGRESS: Final = 0xFE
"""ATT errors: the client configuration is not as it must be; another command has no answer yet (CSS Part B, 1.2)."""

DEFAULT: Final = wire.Format(100.0, 16.0, 2000.0)
DEFAULT_LATENCY_MS: Final = 100
PACKETS_HZ: Final = 100.0
LOW_BATTERY_PERCENT: Final = 10.0
EMPTY_PERCENT: Final = 3.0
STATUS_GAP_S: Final = 0.2
"""Least time between two notifications of the status."""
BEAT_S: Final = 0.458
"""Time between two beats of the clock: docs/openankle.md says why."""

_HEAD_OF_COMMAND = 2
_CHARACTERISTICS = (
    Characteristic(uuid=wire.CAPABILITIES, properties=("read",)),
    Characteristic(uuid=wire.CONTROL, properties=("write", "indicate")),
    Characteristic(uuid=wire.DATA, properties=("notify",)),
    Characteristic(uuid=wire.STATUS, properties=("read", "notify")),
)
_CLOCK = Characteristic(uuid=wire.CLOCK, properties=("notify",))


class SimulatedOpenAnkle(Peripheral):
    """Answers, samples and fails as the profile says a device does.

    `odr_ratio` is the rate that its motion sensor has for a nominal rate, as the firmware knows it (some have 104 Hz
    for 100 Hz), `odr_error` how far the truth is from that. `mass_g` and `side` survive a reset, settings do not
    survive a disconnect.
    """

    driver: ClassVar[str] = "openankle"

    def __init__(  # noqa: PLR0913  (every argument is one independent trait, all but two by keyword)
        self,
        board: Board,
        name: str = "OpenAnkle-3FA2",
        *,
        can: wire.Capabilities | None = None,
        mass_g: int | None = None,
        side: wire.Side = "unknown",
        odr_ratio: float = 1.0,
        odr_error: float = 0.0,
    ) -> None:
        super().__init__(board, name)
        self.can = can or wire.Capabilities(firmware=(1, 0, 0))
        self.mass_g = mass_g
        self.side: wire.Side = side
        self.boot = 1
        self.identify_until_s = 0.0
        self.imu_fault = False
        self._battery = BatteryPart(board)
        self._information = InformationPart(
            manufacturer="ankled",
            model="OpenAnkle simulated",
            serial="0001",
            firmware="{}.{}.{}".format(*self.can.firmware),
        )
        self._odr_ratio = odr_ratio
        self._odr_error = odr_error
        self._answers: list[bytes] = []
        self._told: bytes | None = None
        self._told_s = -STATUS_GAP_S
        self._begun_clock_s = 0.0
        self._beats = 0
        self._flows = False
        self._rest()

    def _rest(self) -> None:
        """Forget what belongs to one connection."""
        self._form = self._offered(DEFAULT)
        self._latency_ms = DEFAULT_LATENCY_MS
        self._count = 0
        self._lost = 0
        self._answers.clear()
        self._told = None

    def _offered(self, form: wire.Format) -> wire.Format:
        """Return a format, each part replaced by the largest there is where the device lacks it."""
        offers = (self.can.rates_hz, self.can.acc_ranges_g, self.can.gyr_ranges_dps)
        parts = msgspec.structs.astuple(form)
        return wire.Format(*(part if part in offer else max(offer) for part, offer in zip(parts, offers, strict=True)))

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        ours = (*_CHARACTERISTICS, _CLOCK) if self.can.tells_clock else _CHARACTERISTICS
        return (Service(uuid=wire.SERVICE, characteristics=ours), self._battery.service, self._information.service)

    @property
    def advertising(self) -> Advertising:
        """The 128-bit service; the name goes into the scan response."""
        return Advertising(name=self.name, services=(wire.SERVICE,))

    @property
    def period_ns(self) -> int:
        """The sample period as the firmware knows it."""
        return round(1e9 / (self._form.rate_hz * self._odr_ratio))

    def status(self) -> wire.Status:
        """Return how the device is."""
        return wire.Status(
            activity="streaming" if self.streaming else "idle",
            overrun=self._lost > 0,
            imu_fault=self.imu_fault,
            low_battery=self.board.battery_percent < LOW_BATTERY_PERCENT,
            form=self._form,
            samples_per_packet=self._count if self.streaming else 0,
            boot=self.boot,
            lost=self._lost,
            period_ns=self.period_ns,
            mass_g=self.mass_g,
            side=self.side,
        )

    def disconnect(self, now_s: float) -> None:
        """End the connection: the device rests, with its default settings."""
        super().disconnect(now_s)
        self._rest()

    def reset(self, now_s: float) -> None:
        """Lose power for a moment; mass, side and the count of starts are stored."""
        super().reset(now_s)
        self.boot = (self.boot + 1) % 0x10000

    def restart(self, now_s: float, *, resume: bool = False) -> None:
        """Begin anew while the radio keeps the link, as boards with two processors may; `resume` goes on streaming."""
        resume = resume and self.streaming
        self.board.reboot(now_s)
        self.boot = (self.boot + 1) % 0x10000
        if resume:
            self._sample(now_s)
        else:
            self._rest()

    def fail(self, now_s: float) -> None:
        """Lose the motion sensor until `imu_fault` is false again."""
        self.imu_fault = True
        self.board.halt(now_s)

    def subscribe(self, characteristic: str, *, on: bool, now_s: float) -> None:
        """Note it; a stream that nobody hears any more ends."""
        super().subscribe(characteristic, on=on, now_s=now_s)
        if characteristic == wire.DATA and not on:
            self.board.halt(now_s)
        if characteristic == wire.STATUS:
            self._told, self._told_s = wire.encode_status(self.status()), now_s

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Return the value of a characteristic. Raises AttError."""
        if characteristic == wire.CAPABILITIES:
            return wire.encode_capabilities(self.can)
        if characteristic == wire.STATUS:
            return wire.encode_status(self.status())
        standard = self._battery.read(characteristic) or self._information.read(characteristic)
        return super().read(characteristic, now_s) if standard is None else standard

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command. Raises AttError where no answer is possible."""
        if characteristic != wire.CONTROL:
            raise AttError(AttError.WRITE_NOT_PERMITTED)
        if len(data) < _HEAD_OF_COMMAND:
            raise AttError(AttError.INVALID_LENGTH)
        if wire.CONTROL not in self.subscribed:
            raise AttError(NOT_CONFIGURED)
        if self._answers:
            raise AttError(IN_PROGRESS)
        op, tag = data[0] & 0x7F, data[1]
        try:
            if self.refusals:
                self.refusals -= 1
                raise c.CommandError(c.Result.BUSY)  # noqa: TRY301  (a refusal is told as every other one)
            started = self._obey(c.decode_command(data), now_s)
            answer = c.Response(op=op, tag=tag, result=c.Result.SUCCESS, started=started)
        except c.CommandError as error:
            answer = c.Response(op=op, tag=tag, result=error.result, offset=error.offset)
        self._answers.append(c.encode_response(answer))

    def _obey(self, command: c.Command, now_s: float) -> c.Started | None:
        match command:
            case c.Configure(form, latency_ms):
                self._configure(form, latency_ms)
            case c.Start():
                return self._start(now_s)
            case c.Stop():
                self.board.halt(now_s)
            case c.SetWeight(mass_g, side):
                if not self.can.weight_settable:
                    raise c.CommandError(c.Result.UNKNOWN_COMMAND)
                self.mass_g, self.side = mass_g, side
            case c.Identify(duration_s):
                if not self.can.identifies:
                    raise c.CommandError(c.Result.UNKNOWN_COMMAND)
                self.identify_until_s = now_s + duration_s
        return None

    def _configure(self, form: wire.Format, latency_ms: int) -> None:
        if self._offered(form) != form:
            raise c.CommandError(c.Result.NOT_OFFERED, 2)
        if self.streaming:
            raise c.CommandError(c.Result.WRONG_STATE)
        self._form, self._latency_ms = form, latency_ms

    def _start(self, now_s: float) -> c.Started:
        if self.streaming:
            raise c.CommandError(c.Result.WRONG_STATE)
        if wire.DATA not in self.subscribed:
            raise c.CommandError(c.Result.NOT_SUBSCRIBED)
        if self.imu_fault:
            raise c.CommandError(c.Result.IMU_FAULT)
        if self.board.battery_percent < EMPTY_PERCENT:
            raise c.CommandError(c.Result.BATTERY_TOO_LOW)
        room = min(self.can.max_samples, (self.mtu - 3 - HEAD_BYTES) // SAMPLE_BYTES)
        least = math.ceil(self._form.rate_hz / PACKETS_HZ)
        if room < least:
            raise c.CommandError(c.Result.MTU_TOO_SMALL)
        self._count = min(room, max(least, self._latency_ms * 1_000_000 // self.period_ns))
        self._sample(now_s)
        return c.Started(form=self._form, samples_per_packet=self._count, period_ns=self.period_ns)

    def _sample(self, now_s: float) -> None:
        self._lost = self._beats = 0
        self._flows = False
        self._begun_clock_s = self.board.clock_s(now_s)
        self.board.begin(self._form.rate_hz * self._odr_ratio * (1.0 + self._odr_error), now_s)

    def advance(self, now_s: float) -> list[Outgoing]:
        """Return answers, then the status if it changed, then full packets and beats in the order of their times."""
        out = [Outgoing(characteristic=wire.CONTROL, data=data) for data in self._answers]
        self._answers.clear()
        packets = self._packets(now_s)
        self._flows = self._flows or bool(packets)
        streamed = sorted([*packets, *self._beat(now_s)], key=itemgetter(0))
        status = wire.encode_status(self.status())
        if wire.STATUS in self.subscribed and status != self._told and now_s >= self._told_s + STATUS_GAP_S:
            self._told, self._told_s = status, now_s
            out.append(Outgoing(characteristic=wire.STATUS, data=status))
        return [*out, *self._battery.advance(self.subscribed), *(one for _, one in streamed)]

    def _packets(self, now_s: float) -> list[tuple[float, Outgoing]]:
        """Return full packets, each with the time of its last sample by the board's clock."""
        full = self.board.ready(now_s) // self._count if self.streaming else 0
        if full <= 0:  # less than none are ready while the next ones are being lost
            return []
        taken = self.board.take(full * self._count)
        self._lost += taken.lost
        words = encode_words(self._form, taken.acc, taken.gyr)
        form = wire.encode_format(self._form)
        out = []
        for at in range(0, len(words), self._count):
            time_us = round(float(taken.time_s[at]) * 1e6)
            part = words[at : at + self._count]
            data = encode_packet(taken.first + at, form, self.boot, time_us, part)
            whole_s = float(taken.time_s[at + self._count - 1])
            out.append((whole_s, Outgoing(characteristic=wire.DATA, data=data)))
        return out

    def _beat(self, now_s: float) -> list[tuple[float, Outgoing]]:
        """Return the beat that came due since the last event; its time is when it was due, for it went out by a timer.

        Of several, which a radio that stood still had no room for, only the last. None without a packet since the last.
        """
        due = math.floor((self.board.clock_s(now_s) - self._begun_clock_s) / BEAT_S + 1e-9)
        if not self.streaming or due == self._beats:
            return []
        told = self._flows and wire.CLOCK in self.subscribed
        self._beats, self._flows = due, False
        if not told:
            return []
        clock_s = self._begun_clock_s + due * BEAT_S
        return [(clock_s, Outgoing(characteristic=wire.CLOCK, data=encode_beat(round(clock_s * 1e6), self.boot)))]
