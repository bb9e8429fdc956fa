"""A MetaMotion: registers behind one characteristic to write and one that notifies.

Like the real one it goes on measuring when the link is gone, keeps every setting, subscription and processor until
they are taken away or it is restarted, does not answer a command it does not like, and takes no configuration for a
sensor that measures. Its sensors wake at different speeds, so their packets are not in step from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from ankled.drivers.metamotion import packets, wire
from ankled.drivers.metamotion.packets import Module
from ankled.simulators.peripherals.metamotion_sensors import Accounter, ChipSensor
from ankled.simulators.peripherals.model import Advertising, AttError, Characteristic, Outgoing, Peripheral, Service
from ankled.simulators.peripherals.standard import BatteryPart, InformationPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.drivers.metamotion.wire import Chip
    from ankled.simulators.peripherals.board import Board

# Revision of both sensors' modules, and model number: SDK `test/common.py` (A).
_REVISIONS: Final[dict[Chip, tuple[int, int]]] = {"bmi160": (2, 1), "bmi270": (0, 0)}
_MODELS: Final[dict[Chip, str]] = {"bmi160": "5", "bmi270": "8"}

_ADDRESS: Final = bytes.fromhex("077b528fc9e8")
_MOST_PROCESSORS: Final = 28
_EMPTY_MV: Final = 3000
_MV_PER_PERCENT: Final = 12
_ACCOUNTER_ADD = 9


class SimulatedMetaMotion(Peripheral):
    """A MetaMotion R or RL (`chip` bmi160) or S (bmi270), if need be without a gyroscope.

    `revisions` are those of the accelerometer's and the gyroscope's module. Where there is no way to refuse, a command
    is not answered and has no effect: `refusals` counts those. `sensors[stream].drop` packets get lost on their own,
    as in a full queue of the radio; what the board's FIFO loses is lost to both sensors.
    """

    driver: ClassVar[str] = "metamotion"

    def __init__(
        self,
        board: Board,
        name: str = "MetaWear",
        *,
        chip: Chip = "bmi160",
        gyroscope: bool = True,
        revisions: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(board, name)
        self.chip = chip
        self._battery = BatteryPart(board)
        self._information = InformationPart(
            manufacturer="MbientLab Inc", model=_MODELS[chip], serial="0A1B2C", firmware="1.7.3", hardware="0.4"
        )
        acc, gyr = (wire.sensor_on(chip, stream) for stream in ("acc", "gyr"))
        acc_revision, gyr_revision = revisions or _REVISIONS[chip]
        self.modules = {
            wire.ACCELEROMETER: Module(wire.ACCELEROMETER, acc.implementation, acc_revision),
            wire.PROCESSOR: Module(wire.PROCESSOR, 0, 3),
            wire.SETTINGS: Module(wire.SETTINGS, 0, 10),
        }
        self._commands: dict[tuple[int, int], Callable[[bytes, float], None]] = {
            (wire.SETTINGS, wire.READ | wire.BATTERY): self._tell_battery,
            (wire.SETTINGS, wire.READ | wire.MAC): self._tell_address,
            (wire.SETTINGS, wire.CONNECTION): self._set_connection,
            (wire.PROCESSOR, wire.PROCESSOR_ADD): self._add_processor,
            (wire.PROCESSOR, wire.PROCESSOR_NOTIFY_ENABLE): self._notify_processor,
            (wire.PROCESSOR, wire.PROCESSOR_NOTIFY): self._notify_processors,
            (wire.PROCESSOR, wire.PROCESSOR_REMOVE_ALL): self._remove_processors,
            (wire.DEBUG, wire.DEBUG_RESET): self._restart,
        }
        self._chip_sensors = [acc]
        if gyroscope:
            self.modules[wire.GYROSCOPE] = Module(wire.GYROSCOPE, gyr.implementation, gyr_revision)
            self._chip_sensors.append(gyr)
        self._power_on()

    def _power_on(self) -> None:
        """Take every setting back to its default."""
        self.sensors = {sensor.stream: ChipSensor(sensor) for sensor in self._chip_sensors}
        self._by_module = {one.wire.module: one for one in self.sensors.values()}
        self._answers: list[bytes] = []
        self._completed: list[bytes] = []
        self._processors: dict[int, Accounter] = {}
        self._processors_told = False
        self.connection = b""

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        own = Service(
            uuid=wire.SERVICE,
            characteristics=(
                Characteristic(uuid=wire.COMMAND, properties=("write", "write-without-response")),
                Characteristic(uuid=wire.DATA, properties=("notify",)),
            ),
        )
        return (own, self._battery.service, self._information.service)

    @property
    def advertising(self) -> Advertising:
        """What it advertises. The vendor's PyWarble looks for the service and the company id 0x626d (A)."""
        return Advertising(name=self.name, services=(wire.SERVICE,), manufacturer={0x626D: b""})

    def connect(self, mtu: int, now_s: float) -> None:
        """Begin a connection; what was measured while nobody listened is gone."""
        if not self.connected:
            self._measure(now_s)
            self._completed.clear()
        super().connect(mtu, now_s)

    def disconnect(self, now_s: float) -> None:
        """End the connection, and go on as before: unlike most, it keeps everything."""
        self._measure(now_s)
        self.connected = False
        self.mtu = 23
        self.subscribed.clear()
        self._answers.clear()

    def reset(self, now_s: float) -> None:
        """Restart: all that was set is gone, and so is the link."""
        super().reset(now_s)
        self._power_on()

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Return the value of a characteristic."""
        for part in (self._battery, self._information):
            value = part.read(characteristic)
            if value is not None:
                return value
        return super().read(characteristic, now_s)

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command. There are no errors: what is not understood has no effect."""
        if characteristic != wire.COMMAND:
            super().write(characteristic, data, now_s)
        if not packets.HEADER <= len(data) <= packets.HEADER + wire.PACKED * packets.SAMPLE:
            raise AttError(AttError.INVALID_LENGTH)
        if self.refusals > 0:
            self.refusals -= 1
            return
        module, register = data[0], data[1]
        if register == wire.READ | wire.INFO:
            self._answers.append(packets.encode_module(self.modules.get(module, Module(module, None, None))))
        elif module in self._by_module:
            self._sensor_command(self._by_module[module], data, now_s)
        elif (module, register) in self._commands:
            self._commands[module, register](data, now_s)

    def _sensor_command(self, sensor: ChipSensor, data: bytes, now_s: float) -> None:
        """Read or set a register of a sensor; after it, measure what is to be measured."""
        before = self._rate_hz()
        self._measure(now_s)
        answer = sensor.command(data, now_s)
        if answer is not None:
            self._answers.append(answer)
        rate_hz = self._rate_hz()
        if rate_hz is None:
            self.board.halt(now_s)
        elif rate_hz != before:
            self.board.begin(rate_hz, now_s)

    def _rate_hz(self) -> float | None:
        """Return the chip's rate: that of its faster sensor, of which the other takes every second, fourth, ... one."""
        return max((one.rate_hz for one in self.sensors.values() if one.measures), default=None)

    def _measure(self, now_s: float) -> None:
        """Complete packets from what was measured up to now, in the order of their last samples."""
        ready = self.board.ready(now_s)
        if not ready:
            return
        taken = self.board.take(ready)
        radio_s = self.board.radio_s(taken.time_s)
        done: list[tuple[int, bytes]] = []
        for stream, sensor in self.sensors.items():
            accounters = self._processors if stream == "acc" and self._processors_told else {}
            done += sensor.feed(taken, radio_s, self.board.rate_hz, accounters)
        self._completed += [packet for _, packet in sorted(done, key=lambda one: one[0])]

    def advance(self, now_s: float) -> list[Outgoing]:
        """Return answers, then samples, as far as somebody has subscribed."""
        self._measure(now_s)
        values = [*self._answers, *self._completed] if wire.DATA in self.subscribed else []
        self._answers.clear()
        self._completed.clear()
        sent = [Outgoing(characteristic=wire.DATA, data=data) for data in values]
        return [*self._battery.advance(self.subscribed), *sent]

    # Commands of other modules than the two sensors'

    def _tell_battery(self, _data: bytes, _now_s: float) -> None:
        percent = round(self.board.battery_percent)
        state = packets.Battery(percent, _EMPTY_MV + _MV_PER_PERCENT * percent)
        self._answers.append(packets.encode_battery(state))

    def _tell_address(self, _data: bytes, _now_s: float) -> None:
        self._answers.append(bytes([wire.SETTINGS, wire.READ | wire.MAC, 1]) + _ADDRESS)

    def _set_connection(self, data: bytes, _now_s: float) -> None:
        self.connection = data[packets.HEADER :]

    def _add_processor(self, data: bytes, _now_s: float) -> None:
        """Make an accounter of single accelerations; no other processor is simulated, and such are not answered."""
        acc = self.sensors["acc"].wire
        source = bytes([acc.module, acc.single, 0xFF, 0xA0])
        if len(data) != _ACCOUNTER_ADD or data[2:6] != source or len(self._processors) >= _MOST_PROCESSORS:
            return
        number = len(self._processors)
        self._processors[number] = Accounter(counts=data[7] & 0x0F == 0)
        self._answers.append(bytes([wire.PROCESSOR, wire.PROCESSOR_ADD, number]))

    def _notify_processor(self, data: bytes, _now_s: float) -> None:
        told = packets.HEADER + 2
        if len(data) == told and data[2] in self._processors:
            self._processors[data[2]].told = bool(data[3])

    def _notify_processors(self, data: bytes, _now_s: float) -> None:
        self._processors_told = data[2:] == b"\x01"

    def _remove_processors(self, _data: bytes, _now_s: float) -> None:
        self._processors.clear()

    def _restart(self, _data: bytes, now_s: float) -> None:
        self.reset(now_s)
