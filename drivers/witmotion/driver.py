"""The driver of WitMotion sensors: once the rate is as wanted, take frames as they come and ask for the battery.

The rate is not saved in the sensor: it is set anew for every connection anyway, saving wears the sensor's flash memory,
and a sensor that is switched off and on is as its owner left it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Driver, DriverInfo, refuse_context
from ankled.drivers.errors import DecodeError
from ankled.drivers.witmotion import frames, registers
from ankled.drivers.witmotion.rate import COMMAND, DATA, SERVICE, STEP, RateDialogue, RateState, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankled.drivers.driver import Options

_OTHER_LAYOUTS: Final = ("WTVB",)
"""Names of the vendor's vibration sensors, C: same service and headers, but other quantities in the frames."""

_DEFAULT_RATE_HZ: Final = 100.0
_SUBSCRIBED_S: Final = 5.0
_BATTERY: Final = "battery"
_FIRST_BATTERY_S: Final = 0.5
_BATTERY_S: Final = 60.0


class WitMotionState(RateState, kw_only=True):
    """What one connection remembers. `rest` and `after_imu` are what `frames.find` needs of the bytes before.

    `missing` counts lost samples that no block told of yet, `battery_asked` is true while a reply is due, and
    `polls` counts how often it was asked for.
    """

    decoding: bool = False
    rest: bytes = b""
    after_imu: bool = False
    missing: int = 0
    battery_asked: bool = False
    polls: int = 0


class WitMotion(Driver[WitMotionState]):
    """WT901BLE, WT9011DCL and BWT901BLE: 16 g, 2000 deg/s, frames without time, number or checksum.

    Events: `settings` (`rate_hz`, `rate_code`, `checked_by` "register" or "arrivals", ranges), `battery` (`level`,
    `battery_v`), `info` (`firmware`), `response` (a register reply, see `registers.describe`), `status`
    (`observed_rate_hz`; when packets alone are decoded `angles_deg`), `error` (`message`).
    """

    info = DriverInfo(
        name="witmotion",
        title="WitMotion WT901BLE, WT9011DCL, BWT901BLE 5.0",
        kind="sensor",
        services=(SERVICE,),
        characteristics={"data": DATA, "command": COMMAND},
        name_prefixes=("WT", "BWT"),
        streams=("acc", "gyr"),
        rates_hz=tuple(registers.RATE_CODES),
        default_rate_hz=_DEFAULT_RATE_HZ,
        longest_gap_s=0.25,
        clock="arrivals",
    )
    State = WitMotionState

    def __init__(self, options: Options | None = None) -> None:
        """Prepare for a new connection. Raises OptionsError for what no device of this family offers."""
        super().__init__(options)
        self._rate = RateDialogue(self.options.rate_hz or _DEFAULT_RATE_HZ)

    @classmethod
    def matches(cls, seen: Advertisement) -> bool:
        """Tell whether a device that advertises so is one of this family."""
        return super().matches(seen) and not (seen.name or "").startswith(_OTHER_LAYOUTS)

    @classmethod
    def for_decoding(cls, context: Mapping[str, m.Value]) -> Self:
        """Return a driver that takes notifications from the middle of a stream; there is nothing to know about it."""
        refuse_context(context, ())
        driver = cls()
        driver.state.phase = "streaming"
        driver.state.decoding = True
        return driver

    def start(self) -> list[m.DriverOutput]:
        """Subscribe; what follows is decided by what the device does."""
        self.state.phase = "subscribing"
        return [m.Subscribe(characteristic=DATA), m.Deadline(name=STEP, after_s=_SUBSCRIBED_S)]

    def stop(self) -> list[m.DriverOutput]:
        """Take no more frames. The sensor knows no rest: it goes on measuring until it is switched off."""
        return [m.Subscribe(characteristic=DATA, on=False)]

    def feed(self, item: m.DriverInput) -> list[m.DriverOutput]:
        """Take one input and return what follows, in order. Raises DecodeError."""
        if isinstance(item, m.Notification | m.ReadResult):
            if item.characteristic != DATA:
                raise DecodeError(f"{item.characteristic} sends nothing; allowed is data ({DATA})")
            return self._received(item.data)
        if isinstance(item, m.WriteResult):
            return self._done(item)
        if item.name == _BATTERY and self.state.phase == "streaming":
            return self._ask_battery()
        return self._passed() if item.name == STEP else []

    def _received(self, data: bytes) -> list[m.DriverOutput]:
        """Take the bytes of one notification. Raises DecodeError where no frame has any part in them."""
        state = self.state
        found = frames.find(state.rest, data, after_imu=state.after_imu)
        state.rest, state.after_imu = found.rest, found.after_imu
        state.missing += found.abandoned
        if found.skipped and not (found.imu or found.replies or found.rest):
            raise DecodeError(f"{found.skipped} bytes belong to no frame; a frame begins with 55 61 or 55 71")
        outputs: list[m.DriverOutput] = []
        if found.skipped:
            reason = f"{found.skipped} bytes belong to no frame and were left out"
            outputs.append(m.Event(name="error", value={"message": reason, "skipped_bytes": found.skipped}))
        if found.imu:
            state.count += len(found.imu) // frames.FRAME_BYTES
            if state.phase == "streaming":
                acc, gyr = frames.decode_imu(found.imu)
                outputs.append(m.Block(acc=acc, gyr=gyr, time_s=None, missing=state.missing))
            if state.decoding:
                angles = frames.decode_angles(found.imu).tolist()
                outputs.append(m.Event(name="status", value={"angles_deg": angles}))
            state.missing = 0
        for frame in found.replies:
            outputs += self._replied(*registers.decode_reply(frame))
        return outputs

    def _replied(self, register: int, values: tuple[int, ...]) -> list[m.DriverOutput]:
        """Take the values of registers."""
        outputs: list[m.DriverOutput] = [m.Event(name="response", value=registers.describe(register, values))]
        if register == registers.BATTERY:
            self.state.battery_asked = False
            volts = values[0] / 100.0
            value: dict[str, m.Value] = {"level": registers.battery_percent(volts), "battery_v": volts}
            outputs.append(m.Event(name="battery", value=value))
        elif register == registers.VERSION:
            outputs.append(m.Event(name="info", value={"firmware": registers.firmware(*values[:2])}))
        elif register == registers.RATE and self.state.phase == "asking":
            outputs += self._and_more(self._rate.answered(self.state, values[0]))
        return outputs

    def _done(self, result: m.WriteResult) -> list[m.DriverOutput]:
        """Go on once subscribed. A command that failed shows in what the device does, as does one it ignored."""
        outputs: list[m.DriverOutput] = []
        if result.error is not None:
            name = "data" if result.characteristic == DATA else "command"
            outputs.append(m.Event(name="error", value={"message": f"{name}: {result.error}"}))
        if self.state.phase == "subscribing" and result.characteristic == DATA:
            if result.error is not None:
                return [*outputs, m.HangUp(reason=f"the device refuses to send its data: {result.error}")]
            outputs += self._rate.ask(self.state)
        return outputs

    def _passed(self) -> list[m.DriverOutput]:
        """Go on when the time of a step is over."""
        if self.state.phase == "subscribing":
            return [m.HangUp(reason=f"the device did not answer the subscription within {_SUBSCRIBED_S:g} s")]
        return self._and_more(self._rate.passed(self.state))

    def _and_more(self, outputs: list[m.DriverOutput]) -> list[m.DriverOutput]:
        """Ask for what else is of interest once the last step has let samples through."""
        if outputs and self.state.phase == "streaming":
            self.state.missing = 0
            outputs.append(write(registers.read_command(registers.VERSION)))
            outputs.append(m.Deadline(name=_BATTERY, after_s=_FIRST_BATTERY_S))
        return outputs

    def _ask_battery(self) -> list[m.DriverOutput]:
        """Ask for the battery, and tell at what rate samples arrived since it was asked for last."""
        state = self.state
        outputs: list[m.DriverOutput] = []
        if state.battery_asked:
            outputs.append(m.Event(name="battery", value={"level": None}))
        if state.polls > 0:
            outputs.append(m.Event(name="status", value={"observed_rate_hz": state.count / _BATTERY_S}))
        state.battery_asked = True
        state.polls += 1
        state.count = 0
        outputs.append(write(registers.read_command(registers.BATTERY)))
        return [*outputs, m.Deadline(name=_BATTERY, after_s=_BATTERY_S)]
