"""A simulated Movesense: answers GSP commands, streams motion in payloads of a thirteenth of a second.

How the real one packs above 104 Hz is not known (seen: 4 samples at 52 Hz, 8 at 104 Hz); here it is a thirteenth of a
second at any rate, as far as three parts hold it. Its default ranges are not known either: it has 8 g and 2000 deg/s
unless told otherwise. The words of its chip are those of the LSM6DS3: 16 bits, 70 mdps a step at 2000 deg/s.

An answer or a payload that needs a longer packet than the link has is lost in the sensor. Requests take slots, and one
that is never answered keeps its slot over the connection: when none is left, everything but HELLO and a restart is
answered with 429.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import numpy as np

from ankled.drivers.errors import DecodeError
from ankled.drivers.movesense import motion, resources, wire
from ankled.drivers.movesense.wire import Code
from ankled.drivers.units import DEG_RAD, G_MPS2
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import (
    Advertising,
    AttError,
    Characteristic,
    Outgoing,
    Peripheral,
    Service,
)
from ankled.simulators.peripherals.standard import BatteryPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.samples import FloatArray
    from ankled.simulators.peripherals.board import Board

RATES_HZ: Final = (13, 26, 52, 104, 208, 416, 833, 1666)
ACC_RANGES_G: Final = (2, 4, 8, 16)
GYR_RANGES_DPS: Final = (125, 245, 500, 1000, 2000)
SUBSCRIPTIONS: Final = 4
"""As many as the vendor's sample firmware has room for."""
SLOTS: Final = 4
"""How many requests may be waiting for an answer; the real number is not known."""

_PAYLOADS_HZ = 13
_STEPS = 32768
_DPS_PER_STEP = 0.035 / 1000
"""Of the range: the LSM6DS3 has 70 mdps a step at 2000 deg/s, and so in proportion."""
_ATT_HEADER = 3

_TABLE = Service(
    uuid=wire.SERVICE,
    characteristics=(
        Characteristic(uuid=wire.COMMAND, properties=("write",)),
        Characteristic(uuid=wire.DATA, properties=("notify",)),
    ),
)


class _Subscription(NamedTuple):
    ref: int
    path: str
    stream: motion.Stream


class SimulatedMovesense(Peripheral):
    """Streams while somebody has subscribed; every subscription ends with the connection.

    `chip` is by how much the rate of the chip is off the nominal one, relative to the clock of the stamps. `plain` is
    the vendor's sample firmware: it says "Hello" alone, knows no GET, does not answer a SUBSCRIBE that succeeds, and
    swaps the bytes of its 507. A sensor `asleep` takes subscriptions and sends nothing. `refused_with` is the status
    of refusals. `slots` is how many requests may wait for an answer.
    """

    driver: ClassVar[str] = "movesense"

    def __init__(  # noqa: PLR0913  (every argument is one independent trait, all but the first two by keyword)
        self,
        board: Board,
        name: str = "Movesense 174630000192",
        *,
        rates_hz: tuple[int, ...] = RATES_HZ,
        acc_range_g: int = 8,
        gyr_range_dps: int = 2000,
        chip: float = 0.0,
        plain: bool = False,
    ) -> None:
        super().__init__(board, name)
        self.rates_hz = rates_hz
        self.acc_range_g = acc_range_g
        self.gyr_range_dps = gyr_range_dps
        self.chip = chip
        self.plain = plain
        self.asleep = False
        self.refused_with = wire.UNAVAILABLE
        self.slots = SLOTS
        self.restarts = 0
        self._battery = BatteryPart(board)
        self._restarting = False
        self._answers: deque[bytes] = deque()
        self._subscriptions: list[_Subscription] = []

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        return (_TABLE, self._battery.service)

    @property
    def advertising(self) -> Advertising:
        """Its name and two 16-bit services; its own service has no room beside the name."""
        return Advertising(name=self.name, services=(sig(0xFDF3), sig(0x180D)))

    def disconnect(self, now_s: float) -> None:
        """End the connection, and with it every subscription."""
        super().disconnect(now_s)
        self._subscriptions.clear()
        self._answers.clear()
        self._restarting = False

    def reset(self, now_s: float) -> None:
        """Lose power for a moment: all slots are free again."""
        super().reset(now_s)
        self.slots = SLOTS

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command. Raises AttError; what is no command is left unanswered."""
        if characteristic != wire.COMMAND:
            raise AttError(AttError.WRITE_NOT_PERMITTED)
        try:
            command = wire.decode_command(data)
            path = command.path or ""
        except DecodeError:
            return
        if self.refusals:
            self.refusals -= 1
            self._answer(command.ref, self.refused_with)
        elif self.slots <= 0 and command.code not in {Code.HELLO, Code.PUT_SYSTEMMODE}:
            self._answer(command.ref, wire.TOO_MANY)
        else:
            self._obey(command, path, now_s)

    def advance(self, now_s: float) -> list[Outgoing]:
        """Return the answers, then the payloads that are full."""
        if self._restarting and not self._answers:
            self.restarts += 1
            self.reset(now_s)
        told = self._battery.advance(self.subscribed)
        if wire.DATA not in self.subscribed:
            return told
        packets = list(self._answers)
        self._answers.clear()
        if self._subscriptions and not self.asleep:
            packets += self._payloads(now_s)
        return [Outgoing(characteristic=wire.DATA, data=packet) for packet in packets] + told

    def _answer(self, ref: int, status: int, data: bytes = b"") -> None:
        self._queue(wire.encode_response(ref, status, data, swapped=self.plain and status == wire.NO_SLOT))

    def _queue(self, answer: bytes) -> None:
        """Send an answer, if the link carries so much."""
        if len(answer) <= self.mtu - _ATT_HEADER:
            self._answers.append(answer)

    def _obey(self, command: wire.Command, path: str, now_s: float) -> None:
        match command.code:
            case Code.HELLO if self.plain:
                self._queue(wire.encode_hello(command.ref, None, ("Hello",)))
            case Code.HELLO:
                serial = self.name.rpartition(" ")[2]
                texts = (serial, "Movesense simulated", "C0:00:00:00:00:01", "Simulated", "2.3.1")
                self._queue(wire.encode_hello(command.ref, 2, texts))
            case Code.SUBSCRIBE:
                self._subscribe_to(command.ref, path, now_s)
            case Code.UNSUBSCRIBE:
                self._unsubscribe(command.ref, now_s)
            case Code.GET if not self.plain:
                self._get(command.ref, path)
            case Code.PUT_SYSTEMMODE if not self.plain and command.payload == bytes([wire.RESTART]):
                self._restarting = True
                self._answer(command.ref, wire.ACCEPTED)
            case _ if not self.plain:
                self._answer(command.ref, wire.BAD_REQUEST)

    def _get(self, ref: int, path: str) -> None:
        acc = {"SampleRates": self.rates_hz, "Ranges": ACC_RANGES_G}
        gyr = {"SampleRates": self.rates_hz, "Ranges": GYR_RANGES_DPS}
        config = {"AccRange": self.acc_range_g, "GyroRange": self.gyr_range_dps, "MagnRange": 400}
        known: dict[str, Mapping[str, object]] = {
            resources.ACC_INFO: acc,
            resources.GYRO_INFO: gyr,
            resources.IMU_CONFIG: config,
            resources.ENERGY: {"level": round(self.board.battery_percent)},
        }
        if path == "/Info":  # the real one never answers this, and the request keeps its slot
            self.slots -= 1
        elif path in known:
            self._answer(ref, wire.OK, resources.encode(path, known[path]))
        else:
            self._answer(ref, wire.NOT_FOUND)

    def _subscribe_to(self, ref: int, path: str, now_s: float) -> None:
        stream = motion.stream_of(path)
        if stream is None or "magn" in stream.arrays:
            return self._not_subscribed(ref, wire.NOT_FOUND)
        if stream.rate_hz not in self.rates_hz:
            return self._not_subscribed(ref, wire.NOT_IMPLEMENTED)
        if len(self._subscriptions) == SUBSCRIPTIONS:
            return self._answer(ref, wire.NO_SLOT)
        if not self._subscriptions:
            self.board.begin(stream.rate_hz * (1.0 + self.chip), now_s)
        elif stream.rate_hz != self._subscriptions[0].stream.rate_hz:
            return self._not_subscribed(ref, wire.UNAVAILABLE)  # the board has one rate at a time
        self._subscriptions.append(_Subscription(ref, path, stream))
        if not self.plain:
            self._answer(ref, wire.OK)
        return None

    def _not_subscribed(self, ref: int, status: int) -> None:
        """Refuse a subscription; the sample firmware does so in silence."""
        if not self.plain:
            self._answer(ref, status)

    def _unsubscribe(self, ref: int, now_s: float) -> None:
        before = len(self._subscriptions)
        self._subscriptions = [one for one in self._subscriptions if one.ref != ref]
        if not self._subscriptions:
            self.board.halt(now_s)
        if not self.plain:
            self._answer(ref, wire.OK if len(self._subscriptions) < before else wire.NOT_FOUND)

    def _payloads(self, now_s: float) -> list[bytes]:
        """Return the notifications of every payload that is full."""
        packets: list[bytes] = []
        longest = max(one.stream.sample_bytes for one in self._subscriptions)
        most = (wire.MOST_BYTES - motion.STAMP_BYTES) // longest
        count = min(max(1, int(self._subscriptions[0].stream.rate_hz) // _PAYLOADS_HZ), most)
        while self.board.ready(now_s) >= count:
            taken = self.board.take(count)
            stamp_ms = int(taken.time_s[0] * 1000.0)
            acc = quantised(taken.acc / G_MPS2, self.acc_range_g / _STEPS) * G_MPS2
            gyr = quantised(taken.gyr / DEG_RAD, self.gyr_range_dps * _DPS_PER_STEP) * DEG_RAD
            for one in self._subscriptions:
                arrays = one.stream.arrays
                payload = motion.encode(stamp_ms, acc if "acc" in arrays else None, gyr if "gyr" in arrays else None)
                parts = wire.encode_data(one.ref, payload)
                packets += parts if len(parts[0]) <= self.mtu - _ATT_HEADER else []
        return packets


def quantised(values: FloatArray, step: float) -> FloatArray:
    """Return readings as words of 16 bits hold them, where what is beyond the range saturates."""
    return np.asarray(np.clip(np.rint(values / step), -_STEPS, _STEPS - 1) * step, dtype=np.float64)
