"""A simulated WitMotion sensor: frames without end, registers behind a lock, and never a word about a command.

It has no sensor fusion: roll, pitch and yaw are zero. Commands that its firmware does not know it ignores, as it does
those that `refusals` counts: the protocol has no answer for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ankled.drivers.errors import DecodeError
from ankled.drivers.witmotion import frames, registers
from ankled.drivers.witmotion.rate import COMMAND, DATA, SERVICE
from ankled.simulators.peripherals.model import Advertising, AttError, Characteristic, Outgoing, Peripheral, Service

if TYPE_CHECKING:
    from ankled.simulators.peripherals.board import Board

Firmware = Literal["ble", "standard"]

_MOST_BYTES: Final = 160  # captures show up to 8 frames of 20 bytes in one notification, B
_UNLOCKED_S: Final = 10.0  # WIT standard protocol: a setting must follow the key within this time, A
_FIRST_RATE_CODE: Final = 0x06  # 10 Hz; datasheet of WT901BLECL, 6.2.4, A
_SAVE: Final = 0x0000
_DEFAULTS: Final = 0x0001
_VERSION: Final = 4708
_TEMPERATURE: Final = 2874  # 28.74 degrees Celsius

_RATES_HZ: Final[dict[Firmware, dict[int, float]]] = {
    # Datasheet of WT901BLECL, A.
    "ble": {codes[0]: rate for rate, codes in registers.RATE_CODES.items()},
    # WIT standard protocol for 0x0B, A; a program for BLE devices for 0x0A, C.
    "standard": {codes[-1]: rate for rate, codes in registers.RATE_CODES.items()} | {0x0A: 125.0},
}


class SimulatedWitMotion(Peripheral):
    """WT901BLE. With `long_frames` it adds its clock to each frame; if `readable` its rate register can be read."""

    driver = "witmotion"

    def __init__(
        self,
        board: Board,
        name: str = "WT901BLE68",
        *,
        firmware: Firmware = "ble",
        long_frames: bool = False,
        readable: bool = True,
    ) -> None:
        """Put a board into a casing that advertises `name`."""
        super().__init__(board, name)
        self.rates_hz = _RATES_HZ[firmware]
        self.long_frames = long_frames
        self.readable = readable
        self.rate_code = self.saved_rate_code = _FIRST_RATE_CODE
        self._unlocked_until_s = 0.0
        self._replies: list[bytes] = []
        self._bytes = b""

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        data = Characteristic(uuid=DATA, properties=("notify",))
        command = Characteristic(uuid=COMMAND, properties=("write", "write-without-response"))
        return (Service(uuid=SERVICE, characteristics=(data, command)),)

    @property
    def advertising(self) -> Advertising:
        """Its name, and nothing else that tells."""
        return Advertising(name=self.name)

    @property
    def rate_hz(self) -> float:
        """The rate that is set, Hz."""
        return self.rates_hz[self.rate_code]

    def subscribe(self, characteristic: str, *, on: bool, now_s: float) -> None:
        """Begin or end with the subscription: there is no other command for it."""
        super().subscribe(characteristic, on=on, now_s=now_s)
        self._bytes = b""
        if DATA in self.subscribed:
            self.board.begin(self.rate_hz, now_s)
        else:
            self.board.halt(now_s)

    def disconnect(self, now_s: float) -> None:
        """End the connection; the rate stays as it was set."""
        super().disconnect(now_s)
        self._replies.clear()
        self._bytes = b""

    def reset(self, now_s: float) -> None:
        """Lose power for a moment: what was not saved is lost."""
        super().reset(now_s)
        self.rate_code = self.saved_rate_code
        self._unlocked_until_s = 0.0

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command, or leave it."""
        if characteristic != COMMAND:
            raise AttError(AttError.WRITE_NOT_PERMITTED)
        try:
            register, value = registers.decode_command(data)
        except DecodeError:
            return
        if self.refusals > 0:
            self.refusals -= 1
        elif register == registers.READ:
            self._reply(value)
        elif data == registers.UNLOCK:
            self._unlocked_until_s = now_s + _UNLOCKED_S
        elif now_s < self._unlocked_until_s:
            self._set(register, value, now_s)

    def _set(self, register: int, value: int, now_s: float) -> None:
        if register == registers.RATE and value in self.rates_hz:
            self._set_rate(value, now_s)
        elif register == registers.SAVE and value == _SAVE:
            self.saved_rate_code = self.rate_code
        elif register == registers.SAVE and value == _DEFAULTS:
            self.saved_rate_code = _FIRST_RATE_CODE
            self._set_rate(_FIRST_RATE_CODE, now_s)

    def _set_rate(self, code: int, now_s: float) -> None:
        self.rate_code = code
        if self.board.running:
            self._collect(now_s)
            self.board.begin(self.rate_hz, now_s)

    def _reply(self, register: int) -> None:
        hundredths_v = round(registers.battery_volts(self.board.battery_percent) * 100.0)
        held: dict[int, tuple[int, ...]] = {
            registers.VERSION: (_VERSION,),
            registers.TEMPERATURE: (_TEMPERATURE,),
            registers.BATTERY: (hundredths_v,),
        }
        if self.readable:
            held[registers.RATE] = (self.rate_code,)
        if register in held:
            self._replies.append(registers.encode_reply(register, held[register]))

    def advance(self, now_s: float) -> list[Outgoing]:
        """Return the bytes that wait, cut to what one packet takes: frames end where they end."""
        if DATA not in self.subscribed:
            self._replies.clear()
            return []
        self._collect(now_s)
        waiting = b"".join(self._replies) + self._bytes
        self._replies.clear()
        self._bytes = b""
        most = min(self.mtu - 3, _MOST_BYTES)
        return [Outgoing(characteristic=DATA, data=waiting[at : at + most]) for at in range(0, len(waiting), most)]

    def _collect(self, now_s: float) -> None:
        """Make frames of the samples that are ready. What the FIFO lost is missing without a trace."""
        count = self.board.ready(now_s)
        if count <= 0:
            return
        taken = self.board.take(count)
        made = frames.encode_imu(taken.acc, taken.gyr)
        if self.long_frames:
            size = frames.FRAME_BYTES
            parts = (made[at * size : (at + 1) * size] + frames.encode_clock(taken.time_s[at]) for at in range(count))
            made = b"".join(parts)
        self._bytes += made
