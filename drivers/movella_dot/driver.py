"""The driver of Movella DOT: a measurement of raw rate quantities, one sample a packet, stamped by the sensor's clock.

Source: Xsens DOT BLE Services Specifications XD0506P rev F (A).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import msgspec
import numpy as np

from ankled.drivers import messages as m
from ankled.drivers.driver import Driver, DriverInfo, context_number, refuse_context
from ankled.drivers.errors import DecodeError
from ankled.drivers.movella_dot import device, message, payload
from ankled.drivers.movella_dot.clock import begun_at, unwrap
from ankled.drivers.movella_dot.dialogue import Setup, SetupState, end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.driver import Options

_DEFAULT_RATE_HZ: Final = 60.0

_LENGTHS: Final[dict[str, payload.Length]] = {
    device.SHORT_PAYLOAD: "short",
    device.MEDIUM_PAYLOAD: "medium",
    device.LONG_PAYLOAD: "long",
}


class MovellaDotState(SetupState, kw_only=True):
    """What one connection remembers; `mode` is that of the payloads when packets alone are decoded."""

    decoding: bool = False
    mode: int | None = None


class MovellaDot(Driver[MovellaDotState]):
    """Movella DOT and Xsens DOT: 16 g, 2000 deg/s, up to 60 Hz, each sample with the time of the sensor's clock.

    Events: `settings` (`rate_hz`, ranges), `battery` (`level`, `charging`), `info` (see `device.decode_info`), `status`
    (a report, see `device.decode_report`; when packets alone are decoded also `payload_mode`, `timestamp_us`, `padding`
    and the fields of the mode that are no samples, see `payload`), `response` (`type`, `action` and `payload_mode` of
    the measurement control; the settings of the device control; messages, see `message.decode`), `error` (`message`).
    """

    info = DriverInfo(
        name="movella_dot",
        title="Movella DOT, Xsens DOT",
        kind="sensor",
        services=(device.CONFIGURATION_SERVICE, device.MEASUREMENT_SERVICE),
        characteristics={
            "device_info": device.DEVICE_INFO,
            "device_control": device.DEVICE_CONTROL,
            "device_report": device.DEVICE_REPORT,
            "measurement_control": device.MEASUREMENT_CONTROL,
            "long_payload": device.LONG_PAYLOAD,
            "medium_payload": device.MEDIUM_PAYLOAD,
            "short_payload": device.SHORT_PAYLOAD,
            "battery": device.BATTERY,
            "message_control": device.MESSAGE_CONTROL,
            "message_acknowledge": device.MESSAGE_ACKNOWLEDGE,
            "message_notification": device.MESSAGE_NOTIFICATION,
        },
        name_prefixes=("Movella DOT", "Xsens DOT"),
        streams=("acc", "gyr"),
        rates_hz=device.RATES_HZ,
        default_rate_hz=_DEFAULT_RATE_HZ,
        min_mtu=payload.SIZES["medium"] + 3,
        longest_gap_s=0.25,
        clock="sensor",
    )
    State = MovellaDotState

    def __init__(self, options: Options | None = None) -> None:
        """Prepare for a new connection. Raises OptionsError for what no device of this family offers."""
        super().__init__(options)
        self._setup = Setup(self.options.rate_hz or _DEFAULT_RATE_HZ)
        self.state.rate_hz = self._setup.rate_hz

    @classmethod
    def for_decoding(cls, context: Mapping[str, m.Value]) -> Self:
        """Return a driver that takes packets from the middle of a stream.

        Keys: `mode`, without which short payloads are taken for mode 6, medium for 21, long for 26; `rate_hz`, without
        which missing samples are not counted; `previous_time_s`, the unwrapped time of the sample before.
        """
        refuse_context(context, ("mode", "rate_hz", "previous_time_s"))
        driver = cls()
        state = driver.state
        state.phase, state.decoding = "streaming", True
        mode = context_number(context, "mode")
        if mode is not None and mode not in payload.LAYOUTS:
            raise DecodeError(f'context key "mode" is {mode:g}; allowed: {", ".join(map(str, payload.LAYOUTS))}')
        state.mode = None if mode is None else int(mode)
        state.rate_hz = _at_least(context, "rate_hz")
        if (previous_s := _at_least(context, "previous_time_s")) is not None:
            begun_at(state, previous_s)
        return driver

    def start(self) -> list[m.DriverOutput]:
        """Listen to what the device reports, then read who it is and what it is set to."""
        return [
            m.Subscribe(characteristic=device.DEVICE_REPORT),
            m.Subscribe(characteristic=device.BATTERY),
            m.Read(characteristic=device.BATTERY),
            m.Read(characteristic=device.DEVICE_INFO),
            *self._setup.ask(self.state),
        ]

    def stop(self) -> list[m.DriverOutput]:
        """End the measurement."""
        return end()

    def feed(self, item: m.DriverInput) -> list[m.DriverOutput]:
        """Take one input and return what follows, in order. Raises DecodeError."""
        if isinstance(item, m.Timeout):
            return self._setup.passed(self.state, item.name)
        if not isinstance(item, m.Notification) and item.error is not None:
            return self._failed(item.characteristic, item.error)
        if isinstance(item, m.WriteResult):
            return []
        if item.characteristic in _LENGTHS:
            return self._measured(_LENGTHS[item.characteristic], item.data)
        return self._told(item.characteristic, item.data)

    def _measured(self, length: payload.Length, data: bytes) -> list[m.DriverOutput]:
        """Take one sample. Raises DecodeError."""
        state = self.state
        if state.decoding:
            return self._decoded(length, data)
        if state.phase not in ("starting", "streaming") or length != "medium":
            return []
        taken = payload.decode(payload.RATE_QUANTITIES, data)
        outputs = self._setup.streaming(state) if state.phase == "starting" else []
        outputs.append(self._block(taken))
        return outputs

    def _decoded(self, length: payload.Length, data: bytes) -> list[m.DriverOutput]:
        """Take a payload of any mode. Raises DecodeError."""
        mode = payload.USUAL_MODES[length] if self.state.mode is None else self.state.mode
        if payload.LAYOUTS[mode].length != length:
            wanted = payload.LAYOUTS[mode].length
            raise DecodeError(f"payload mode {mode} is not sent by {length}_payload; allowed is {wanted}_payload")
        taken = payload.decode(mode, data)
        outputs: list[m.DriverOutput] = []
        if taken.acc is not None or taken.gyr is not None:
            outputs.append(self._block(taken))
        if mode != payload.RATE_QUANTITIES:
            head: dict[str, m.Value] = {"payload_mode": mode, "timestamp_us": taken.time_us}
            outputs.append(m.Event(name="status", value=head | taken.others | {"padding": taken.padding}))
        return outputs

    def _block(self, taken: payload.Payload) -> m.Block:
        time_s, missing = unwrap(self.state, taken.time_us)
        return m.Block(acc=taken.acc, gyr=taken.gyr, time_s=np.array([time_s]), missing=missing)

    def _told(self, characteristic: str, data: bytes) -> list[m.DriverOutput]:
        """Take what is no sample. Raises DecodeError."""
        match characteristic:
            case device.BATTERY:
                return [m.Event(name="battery", value=device.decode_battery(data))]
            case device.DEVICE_REPORT:
                return self._reported(device.decode_report(data))
            case device.DEVICE_INFO:
                return [m.Event(name="info", value=device.decode_info(data))]
            case device.MEASUREMENT_CONTROL:
                runs, mode = device.decode_measurement(data)
                self.state.measuring = mode if runs else None
                action = "started" if runs else "stopped"
                return [m.Event(name="response", value={"type": 1, "action": action, "payload_mode": mode})]
            case device.DEVICE_CONTROL:
                control = device.decode_control(data)
                value: dict[str, m.Value] = msgspec.structs.asdict(control)
                return [m.Event(name="response", value=value), *self._setup.set_to(self.state, control)]
            case device.MESSAGE_CONTROL | device.MESSAGE_ACKNOWLEDGE | device.MESSAGE_NOTIFICATION:
                return [m.Event(name="response", value=message.decode(data))]
            case _:
                raise DecodeError(f"{characteristic} is none of {', '.join(self.info.characteristics)}")

    def _reported(self, report: dict[str, m.Value]) -> list[m.DriverOutput]:
        """Take a report of the device; a refusal on the way to the first sample is answered by another try."""
        if report["code"] in device.REFUSALS:
            return self._setup.refused(self.state, f"the device reports {report['report']} ({report['code']})")
        return [m.Event(name="status", value=report)]

    def _failed(self, characteristic: str, error: str) -> list[m.DriverOutput]:
        """Tell of what failed; what the first sample needs is tried again."""
        name = next(
            (name for name, uuid in self.info.characteristics.items() if uuid == characteristic), characteristic
        )
        reason = f"{name}: {error}"
        if characteristic in (device.DEVICE_CONTROL, device.MEASUREMENT_CONTROL, device.MEDIUM_PAYLOAD):
            return self._setup.refused(self.state, reason)
        return [m.Event(name="error", value={"message": reason})]


def _at_least(context: Mapping[str, m.Value], key: str) -> float | None:
    """Return a number of the context that is not negative, or None if it is not there. Raises DecodeError."""
    number = context_number(context, key)
    if number is not None and not 0.0 <= number < float("inf"):
        raise DecodeError(f'context key "{key}" is {number:g}; a number of 0 or more is needed')
    return number
