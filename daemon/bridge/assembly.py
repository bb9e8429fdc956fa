"""Puts `bridge/health` together from what every part tells of itself."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ankled.daemon.bridge import problems, process
from ankled.daemon.bridge.health import (
    AdapterHealth,
    BridgeHealth,
    BrokerHealth,
    CaptureState,
    DeviceHealth,
    Inputs,
    OutboxHealth,
    ProcessHealth,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ankled.daemon.bridge.gauges import LoopLag, Ways
    from ankled.daemon.capture.writer import CaptureHealth
    from ankled.daemon.live.clock import Clock
    from ankled.daemon.live.service import Service
    from ankled.daemon.live.status import DeviceStatus, SupervisorStatus
    from ankled.daemon.mqtt.connection import Message
    from ankled.daemon.mqtt.options import Statistics
    from ankled.drivers.samples import Samples

_NS: Final = 1e-9


class Board(Protocol):
    """Where all of it is put up: see mqtt.publisher.Publisher."""

    ways: Ways

    def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker hold the newest state of a topic."""

    def say(self, message: Message) -> None:
        """Send a message of the moment."""

    @property
    def statistics(self) -> Statistics:
        """The counts as they stand."""


class Account(Protocol):
    """What the outbox had to let go, and how large it is."""

    @property
    def dropped(self) -> int:
        """Results that were never acknowledged."""

    @property
    def size_bytes(self) -> int:
        """The size of the file."""


class Outbox(Protocol):
    """Where results are stored: see outbox.outbox.Outbox."""

    fault: str | None

    def __len__(self) -> int:
        """Return how many results are not acknowledged."""

    @property
    def lost(self) -> int:
        """How many results could not be stored."""

    def account(self) -> Awaitable[Account]:
        """Return what it holds. Raises OutboxError."""


class Radio(Protocol):
    """Who keeps the links: see live.supervisor.Supervisor."""

    def status(self) -> SupervisorStatus:
        """Return how things stand."""

    @property
    def heartbeat_s(self) -> float:
        """How long ago the slowest of the loops last turned."""


class Parts(NamedTuple):
    """Who is asked. Without broker, outbox or capture the figures of these are null."""

    service: Service
    radio: Radio
    clock: Clock
    lag: LoopLag
    ways: Ways
    board: Board | None
    capture: Callable[[], CaptureHealth | None]
    troubles: Callable[[], Iterable[str]] = tuple


class Assembly:
    """Remembers what it must between two looks: counts that rates and problems are made of."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._usage = process.Usage()
        self._growth = problems.Growth()
        self._begun_ns = parts.clock.now_ns()
        self._samples: dict[str, int] = {}
        self._measured: dict[str, tuple[int, int]] = {}
        self._rates_hz: dict[str, float | None] = {}
        self._lag_ms = 0.0
        self._cpu_percent: float | None = None

    def sampled(self, samples: Samples) -> None:
        """Count samples as they come."""
        self._samples[samples.device] = self._samples.get(samples.device, 0) + len(samples.acc)

    def measure(self) -> None:
        """Begin the next stretch of rates, processor time and the loop's delay; those of the last are told now."""
        now_ns = self._parts.clock.now_ns()
        for slug, count in self._samples.items():
            before_ns, before = self._measured.get(slug, (self._begun_ns, 0))
            passed_s = (now_ns - before_ns) * _NS
            self._rates_hz[slug] = round((count - before) / passed_s, 2) if passed_s > 0.0 and count > before else None
            self._measured[slug] = now_ns, count
        self._lag_ms = self._parts.lag.take_ms()
        self._cpu_percent = self._usage.cpu_percent()

    def health(self, outbox: OutboxHealth | None) -> BridgeHealth:
        """Return how everything stands now."""
        parts = self._parts
        service, now_ns, growth = parts.service, parts.clock.now_ns(), self._growth
        status, inputs, capture = parts.radio.status(), service.queue.statistics, self._capture()
        sensors = [(one, self._device(one)) for one in status.devices]
        told = [text for one, health in sensors for text in problems.of_sensor(one, health, growth, now_ns)]
        told += problems.of_radio(status, parts.radio.heartbeat_s)
        told += problems.of_queues(inputs, parts.lag.most_s, growth, now_ns)
        broker = self._broker()
        if broker is not None:
            told += problems.of_broker(broker, growth, now_ns)
        if outbox is not None:
            told += problems.of_outbox(outbox, growth, now_ns)
        if capture is not None:
            told += problems.of_capture(capture, growth, now_ns)
        told += parts.troubles()
        context = service.core.context
        return BridgeHealth(
            node=context.node,
            session=context.session,
            time_utc=context.utc(context.seconds(now_ns)),
            healthy=not told,
            problem_count=len(told),
            problems=tuple(told),
            process=ProcessHealth(
                version=version("ankled"),
                uptime_s=round((now_ns - self._begun_ns) * _NS, 1),
                rss_mib=process.rss_mib(),
                cpu_percent=self._cpu_percent,
                open_files=process.open_files(),
                threads=process.threads(),
                loop_lag_ms=max(self._lag_ms, round(parts.lag.most_s * 1e3, 1)),
                stray_operations=status.strays,
                late_actions=status.late_actions,
            ),
            inputs=Inputs(
                waiting=inputs.waiting,
                most=inputs.most,
                capacity=inputs.capacity,
                passed=inputs.passed,
                dropped=inputs.dropped,
            ),
            latency=parts.ways.told(),
            broker=broker,
            outbox=outbox,
            capture=capture,
            adapters=tuple(
                AdapterHealth(
                    adapter=one.name,
                    state=one.state,
                    slots=one.slots,
                    taken=len(one.taken),
                    restarts=one.restarts,
                    power_cycles=one.power_cycles,
                    heard=one.heard,
                    last_error=one.last_error,
                )
                for one in status.adapters
            ),
            devices=tuple(health for _, health in sensors),
            last_seq=service.core.last_seqs,
        )

    def _broker(self) -> BrokerHealth | None:
        if (board := self._parts.board) is None:
            return None
        statistics = board.statistics
        return BrokerHealth(
            connected=statistics.connected,
            queued=statistics.queued,
            sent=statistics.sent,
            acknowledged=statistics.acknowledged,
            refused=statistics.refused,
            reconnects=statistics.reconnects,
            moments_dropped=statistics.moments_dropped,
        )

    def _capture(self) -> CaptureState | None:
        if (health := self._parts.capture()) is None:
            return None
        return CaptureState(
            queued=health.queued,
            lost=health.lost,
            files=health.files,
            bytes=health.bytes,
            age_s=round(max(0.0, time.monotonic() - health.heartbeat_s), 2),
            # the reason names a file of this machine, which is nobody's business: the log has it
            fault=None if health.fault is None else "it cannot be written; the log says why",
        )

    def _device(self, status: DeviceStatus) -> DeviceHealth:
        slug, service = status.slug, self._parts.service
        pipeline, source = service.core.devices.get(slug), service.core.links.get(slug)
        counts = {} if pipeline is None else pipeline.counts
        clock = None if source is None else source.clock
        uncertainty_s = None if clock is None else clock.uncertainty_s
        return DeviceHealth(
            device=slug,
            link=status.state,
            online=status.online,
            rate_hz=None if pipeline is None else pipeline.device.rate_hz,
            rate_measured_hz=self._rates_hz.get(slug),
            samples=self._samples.get(slug, 0),
            packets=status.packets,
            packet_age_s=None if status.packet_age_s is None else round(status.packet_age_s, 3),
            gaps=counts.get("gaps"),
            missing=counts.get("missing"),
            repeated=counts.get("repeated"),
            clipped=counts.get("clipped"),
            given_up=None if source is None else source.given_up,
            undecodable=None if source is None else source.undecodable,
            clock_uncertainty_ms=None if uncertainty_s is None else round(uncertainty_s * 1e3, 2),
            clock_skew_ppm=None if clock is None else round(clock.skew_ppm, 1),
            clock_restarts=None if clock is None else clock.state.restarts,
            clock_refused=None if clock is None else clock.state.refused,
            clock_found_missing=None if clock is None else clock.state.found_missing,
            attempts=status.attempts,
            reconnects=status.reconnects,
            rssi_dbm=status.rssi_dbm,
            battery_percent=service.reporting.battery_percent(slug),
            mtu=status.mtu,
            last_error=status.last_error,
        )
