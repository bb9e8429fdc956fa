"""A simulated Polar Verity Sense or H10: the control point of its measurement service, and what it sends.

Behaviour as in the documents that `drivers.polar.wire` names. Not simulated: heart rate and everything optical.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ankled.drivers.errors import DecodeError
from ankled.drivers.polar import wire
from ankled.drivers.polar.wire import Answer
from ankled.drivers.uuids import sig
from ankled.simulators.peripherals.model import Advertising, AttError, Characteristic, Outgoing, Peripheral, Service
from ankled.simulators.peripherals.polar_streams import LONGEST_FRAME, MODELS, Outlet
from ankled.simulators.peripherals.standard import BatteryPart, InformationPart

if TYPE_CHECKING:
    from ankled.drivers.polar.wire import Settings
    from ankled.simulators.peripherals.board import Board
    from ankled.simulators.peripherals.polar_streams import Form, Kind

_TABLE = Service(
    uuid=wire.SERVICE,
    characteristics=(
        Characteristic(uuid=wire.CONTROL, properties=("read", "write", "indicate")),
        Characteristic(uuid=wire.DATA, properties=("notify",)),
    ),
)
_HEART_RATE, _POLAR = sig(0x180D), sig(0xFEEE)
_ADVERTISED = bytes.fromhex("33000038")
"""What a real H10 had in its manufacturer data (B: custom-components/ble_monitor issue #985)."""

_INVALID = {
    wire.SAMPLE_RATE: wire.INVALID_RATE,
    wire.RESOLUTION: wire.INVALID_RESOLUTION,
    wire.RANGE: wire.INVALID_RANGE,
    wire.CHANNELS: wire.INVALID_CHANNELS,
}


class _RefusedError(Exception):
    """A command is answered with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(wire.status_name(status))
        self.status = status


class SimulatedPolar(Peripheral):
    """Streams from the start command to the stop command.

    The streams of an H10 and the SDK mode of a Verity Sense outlive the connection (A for the H10; how long SDK mode
    lasts is not documented). Refusals are "invalid state". `in_charger`: nothing can be started.
    """

    driver: ClassVar[str] = "polar"

    def __init__(
        self, board: Board, name: str | None = None, *, model: Kind = "verity", form: Form = "converted"
    ) -> None:
        self._model = MODELS[model]
        super().__init__(board, name or self._model.name)
        self._kind = model
        self._form = form
        self._battery = BatteryPart(board)
        self._information = InformationPart(
            manufacturer="Polar Electro Oy", model=self._model.title.removeprefix("Polar "), serial=self.name[-8:]
        )
        self.in_charger = False
        self.sdk_mode = False
        self._outlets: dict[int, Outlet] = {}
        self._said: list[Answer | bytes] = []

    @property
    def services(self) -> tuple[Service, ...]:
        """The GATT table."""
        return (_TABLE, self._battery.service, self._information.service)

    @property
    def advertising(self) -> Advertising:
        """Its name, the heart rate service and Polar's own short UUID; not the measurement service."""
        return Advertising(name=self.name, services=(_HEART_RATE, _POLAR), manufacturer={wire.COMPANY: _ADVERTISED})

    def connect(self, mtu: int, now_s: float) -> None:
        """Begin a connection. What was measured before it is not sent."""
        super().connect(mtu, now_s)
        for outlet in self._outlets.values():
            outlet.drop()

    def disconnect(self, now_s: float) -> None:
        """End the connection; an H10 goes on measuring."""
        on = self._model.stays_on and bool(self._outlets)
        running = dict(self._outlets) if on else {}
        self._said.clear()
        if on:
            self.connected, self.mtu = False, 23
            self.subscribed.clear()
        else:
            super().disconnect(now_s)
        self._outlets = running

    def reset(self, now_s: float) -> None:
        """Lose power for a moment."""
        self._outlets.clear()
        self.sdk_mode = False
        super().reset(now_s)

    def end_streams(self, now_s: float) -> None:
        """End what is streaming, unasked, and say so."""
        if self._outlets:
            self._said.append(wire.encode_stopped(self._outlets))
        self._outlets.clear()
        self.board.halt(now_s)

    def read(self, characteristic: str, now_s: float) -> bytes:
        """Return the features, the battery level or a string of the device information."""
        if characteristic == wire.CONTROL:
            return wire.encode_features(self._model.types)
        for part in (self._battery, self._information):
            if (value := part.read(characteristic)) is not None:
                return value
        return super().read(characteristic, now_s)

    def write(self, characteristic: str, data: bytes, now_s: float) -> None:
        """Take a command of the control point. The answer is lost on who has not subscribed."""
        if characteristic != wire.CONTROL:
            raise AttError(AttError.WRITE_NOT_PERMITTED)
        operation, type_ = (*data[:2], 0, 0)[:2]
        status, parameters = wire.OK, b""
        try:
            parameters = self._obey(data, now_s)
        except _RefusedError as refused:
            status = refused.status
        self._said.append(Answer(operation, type_, status, parameters=parameters))

    def advance(self, now_s: float) -> list[Outgoing]:
        """Return answers in pieces that fit into the MTU, then the frames that are full."""
        out: list[Outgoing] = []
        if wire.CONTROL in self.subscribed:
            for said in self._said:
                pieces = [said] if isinstance(said, bytes) else wire.encode_answer(said, self.mtu - 3)
                out += [Outgoing(characteristic=wire.CONTROL, data=piece) for piece in pieces]
        self._said.clear()
        out += self._battery.advance(self.subscribed)
        if (count := self.board.ready(now_s)) > 0:
            taken = self.board.take(count)
            for outlet in self._outlets.values():
                data = outlet.take(taken, min(self.mtu - 3, LONGEST_FRAME))
                if wire.DATA in self.subscribed:
                    out += [Outgoing(characteristic=wire.DATA, data=one) for one in data]
        return out

    def _obey(self, data: bytes, now_s: float) -> bytes:
        """Carry out a command and return the parameters of its answer. Raises _RefusedError."""
        if len(data) < 2:  # noqa: PLR2004  (operation and type)
            raise _RefusedError(wire.INVALID_LENGTH)
        operation, type_ = data[:2]
        if self.refusals:
            self.refusals -= 1
            raise _RefusedError(wire.INVALID_STATE)
        if operation not in {wire.GET_SETTINGS, wire.GET_SDK_SETTINGS, wire.START, wire.STOP}:
            raise _RefusedError(wire.INVALID_OPERATION)
        if type_ not in self._model.types:
            raise _RefusedError(wire.INVALID_TYPE)
        if type_ == wire.SDK_MODE and operation in {wire.START, wire.STOP}:
            return self._switch(on=operation == wire.START)
        if type_ not in self._model.normal:
            raise _RefusedError(wire.NOT_SUPPORTED)
        if operation == wire.START:
            return self._begin(type_, data[2:], now_s)
        if operation == wire.STOP:
            return self._end(type_, now_s)
        offered = self._model.sdk if operation == wire.GET_SDK_SETTINGS else self._offered
        if type_ not in offered:
            raise _RefusedError(wire.NOT_SUPPORTED)
        return wire.encode_settings(offered[type_].items())

    @property
    def _offered(self) -> dict[int, Settings]:
        return self._model.sdk if self.sdk_mode else self._model.normal

    def _switch(self, *, on: bool) -> bytes:
        """Switch SDK mode."""
        if self._outlets:
            raise _RefusedError(wire.INVALID_STATE)
        if self.sdk_mode == on:
            raise _RefusedError(wire.ALREADY)
        self.sdk_mode = on
        return b""

    def _begin(self, type_: int, data: bytes, now_s: float) -> bytes:
        """Start a stream."""
        for wrong, status in (
            (self.in_charger, wire.IN_CHARGER),
            (self.mtu < wire.MIN_MTU, wire.INVALID_MTU),
            (type_ in self._outlets, wire.ALREADY),
        ):
            if wrong:
                raise _RefusedError(status)
        wanted = _checked(data, self._offered[type_])
        rate_hz = wanted[wire.SAMPLE_RATE]
        if any(other.rate_hz != rate_hz for other in self._outlets.values()):
            raise _RefusedError(wire.INVALID_RATE)
        if not self._outlets:
            self.board.begin(rate_hz, now_s)
        outlet = self._outlets[type_] = Outlet(self._kind, self._form, type_, rate_hz, wanted[wire.RANGE])
        if outlet.factor is None:
            return self._model.start_ends_with
        return wire.encode_settings([(wire.FACTOR, [outlet.factor])])

    def _end(self, type_: int, now_s: float) -> bytes:
        """Stop a stream."""
        if self._outlets.pop(type_, None) is None:
            raise _RefusedError(wire.ALREADY)
        if not self._outlets:
            self.board.halt(now_s)
        return b""


def _checked(data: bytes, offered: Settings) -> dict[int, float]:
    """Return the settings of a start command: one of the values offered for each."""
    try:
        wanted = wire.decode_settings(data)
    except DecodeError:
        raise _RefusedError(wire.INVALID_PARAMETER) from None
    if set(wanted) != set(offered):
        raise _RefusedError(wire.INVALID_PARAMETER)
    for key, values in wanted.items():
        if len(values) != 1 or values[0] not in offered[key]:
            raise _RefusedError(_INVALID[key])
    return {key: values[0] for key, values in wanted.items()}
