"""What is not well, in one sentence each. A sensor that nobody switched on is no problem: its availability tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.bridge.health import BrokerHealth, CaptureState, DeviceHealth, OutboxHealth
    from ankled.daemon.live.queue import QueueStatistics
    from ankled.daemon.live.status import DeviceStatus, SupervisorStatus

_REMEMBERED_NS: Final = 60_000_000_000
"""How long something that was lost remains a problem."""
_BATTERY_PERCENT: Final = 10.0
_LATE_S: Final = 0.25
"""An event loop that is later holds up packets by more than any radio does."""
_STUCK_S: Final = 120.0


class Growth:
    """Which counts have grown of late."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._grown_ns: dict[str, int] = {}

    def of_late(self, name: str, count: int, now_ns: int) -> bool:
        """Take note of a count, and tell whether it has grown within the last minute."""
        if count > self._counts.get(name, 0):
            self._grown_ns[name] = now_ns
        self._counts[name] = count
        grown_ns = self._grown_ns.get(name)
        return grown_ns is not None and now_ns - grown_ns < _REMEMBERED_NS

    def happened(self, name: str, now: bool, now_ns: int) -> bool:  # noqa: FBT001  (what is asked about)
        """Tell whether something happens, or has happened within the last minute."""
        return self.of_late(name, self._counts.get(name, 0) + now, now_ns)


def of_sensor(status: DeviceStatus, health: DeviceHealth, growth: Growth, now_ns: int) -> Iterator[str]:
    """Yield what is not well with a sensor."""
    slug = status.slug
    if status.state == "silent":
        yield f"sensor {slug} is connected and sends nothing"
    elif not status.online and status.last_error is not None:
        yield f"sensor {slug} is not there: {status.last_error}"
    if health.battery_percent is not None and health.battery_percent <= _BATTERY_PERCENT:
        yield f"the battery of sensor {slug} is almost empty"
    counts = {
        "sends packets that cannot be understood": health.undecodable,
        "loses samples": health.gaps,
        "sends time stamps that cannot be right": health.clock_refused,
        "sends samples of one stream that never meet the other's": health.given_up,
    }
    for what, count in counts.items():
        if growth.of_late(f"{slug} {what}", count or 0, now_ns):
            yield f"sensor {slug} {what}"


def of_radio(status: SupervisorStatus, heartbeat_s: float) -> Iterator[str]:
    """Yield what is not well with the adapters."""
    for adapter in status.adapters:
        if adapter.state == "down":
            yield f"adapter {adapter.name} is down: {adapter.last_error or 'it does not say why'}"
    if status.strays:
        yield "operations of Bluetooth do not end: bluetoothd may hang"
    if heartbeat_s > _STUCK_S:
        yield "the loops that keep the links stand still"


def of_queues(inputs: QueueStatistics, loop_late_s: float, growth: Growth, now_ns: int) -> Iterator[str]:
    """Yield what is not well with the work itself."""
    if growth.of_late("inputs", inputs.dropped, now_ns):
        yield "packets were dropped: this machine is too slow for its sensors"
    if growth.happened("loop", loop_late_s > _LATE_S, now_ns):
        yield "the event loop was held up: packets were processed late"


def of_broker(broker: BrokerHealth, growth: Growth, now_ns: int) -> Iterator[str]:
    """Yield what is not well with the broker."""
    if not broker.connected:
        yield "the broker is away"
    if growth.of_late("refused", broker.refused, now_ns):
        yield "the broker refuses results: it does not let this user publish them"


def of_outbox(outbox: OutboxHealth, growth: Growth, now_ns: int) -> Iterator[str]:
    """Yield what is not well with the results that wait for the broker."""
    if outbox.fault is not None:
        yield "results cannot be stored: they are kept in memory"
    if growth.of_late("dropped", outbox.dropped, now_ns):
        yield "results were let go of before the broker had them: the outbox is full, or they waited too long"
    if growth.of_late("lost", outbox.lost, now_ns):
        yield "results were lost: they cannot be stored, and there is no more room for them in memory"


def of_capture(capture: CaptureState, growth: Growth, now_ns: int) -> Iterator[str]:
    """Yield what is not well with the recorder."""
    if capture.fault is not None:
        yield "nothing is recorded: the capture cannot be written"
    if growth.of_late("capture", capture.lost, now_ns):
        yield "a part of the recording is missing: the disk is too slow, or full"
