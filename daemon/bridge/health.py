"""The content of `bridge/health`: figures by which a user, or a program, sees whether the daemon does its work.

Counts are of this process, those of samples of this session, and only grow meanwhile; null is what is not known.
"""

from __future__ import annotations

import msgspec

from ankled.daemon.homeassistant.others import HealthField


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Of the results of the last five to ten minutes: from the packet that completed one on. Null without any."""

    results: int
    p50_ms: float | None
    p99_ms: float | None


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """Until a result was first handed to the broker, and until the broker had acknowledged it."""

    published: Latency
    acknowledged: Latency


class DeviceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor. `rate_measured_hz` is over ten seconds; null without samples.

    `gaps` holes in the stream, `missing` samples replaced by interpolation, `given_up` samples of one stream that never
    met the other's, `undecodable` packets. `clock_refused` packets whose stamps could not be right, `clock_restarts`
    the sensor's clock began anew, `clock_found_missing` samples found to lack by the time that passed.
    """

    device: str
    link: str
    online: bool
    rate_hz: float | None
    rate_measured_hz: float | None
    samples: int
    packets: int
    packet_age_s: float | None
    gaps: int | None
    missing: int | None
    repeated: int | None
    clipped: int | None
    given_up: int | None
    undecodable: int | None
    clock_uncertainty_ms: float | None
    clock_skew_ppm: float | None
    clock_restarts: int | None
    clock_refused: int | None
    clock_found_missing: int | None
    attempts: int
    reconnects: int
    rssi_dbm: int | None
    battery_percent: float | None
    mtu: int | None
    last_error: str | None


class AdapterHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter; `restarts` and `power_cycles` are of a scanner that heard nothing."""

    adapter: str
    state: str
    slots: int
    taken: int
    restarts: int
    power_cycles: int
    heard: int
    last_error: str | None


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """The queue in front of the pipeline."""

    waiting: int
    most: int
    capacity: int
    passed: int
    dropped: int


class BrokerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The publisher. `refused`: results that the broker does not take; `moments_dropped`: messages it took too late."""

    connected: bool
    queued: int
    sent: int
    acknowledged: int
    refused: int
    reconnects: int
    moments_dropped: int


class OutboxHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The store of results. `dropped` had to go for want of room or by age, `lost` could not be stored."""

    pending: int
    dropped: int
    lost: int
    size_bytes: int
    fault: str | None


class CaptureState(msgspec.Struct, frozen=True, kw_only=True):
    """The recorder."""

    queued: int
    lost: int
    files: int
    bytes: int
    age_s: float
    fault: str | None


class ProcessHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The process. `cpu_percent` of one core, and `loop_lag_ms`, the longest that the event loop was late: of 10 s."""

    version: str
    uptime_s: float
    rss_mib: float | None
    cpu_percent: float | None
    open_files: int | None
    threads: int
    loop_lag_ms: float
    stray_operations: int
    late_actions: int


class BridgeHealth(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ankled.health/1"):
    """Everything at once. `problems` has one sentence for each thing that is not well; `last_seq` is by source."""

    node: str
    session: str
    time_utc: str | None
    healthy: bool
    problem_count: int
    problems: tuple[str, ...]
    process: ProcessHealth
    inputs: Inputs
    latency: Latencies
    broker: BrokerHealth | None
    outbox: OutboxHealth | None
    capture: CaptureState | None
    adapters: tuple[AdapterHealth, ...]
    devices: tuple[DeviceHealth, ...]
    last_seq: dict[str, int]


FIELDS = (
    HealthField("problem_count", None, "level"),
    HealthField("latency.acknowledged.p50_ms", "ms", "level", shown=False),
    HealthField("latency.acknowledged.p99_ms", "ms", "level"),
    HealthField("broker.reconnects", None, "count"),
    HealthField("broker.queued", None, "level"),
    HealthField("outbox.pending", None, "level", shown=False),
    HealthField("outbox.dropped", None, "count", shown=False),
    HealthField("inputs.dropped", None, "count"),
    HealthField("capture.lost", None, "count", shown=False),
    HealthField("process.uptime_s", "s", "count", shown=False),
    HealthField("process.rss_mib", "MiB", "level"),
    HealthField("process.cpu_percent", "%", "level"),
    HealthField("process.loop_lag_ms", "ms", "level", shown=False),
)
"""What Home Assistant shows of it."""
