"""The structs of the configuration file. Their defaults are the documentation of what happens without a key."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec

from ankled.daemon.config.forms import VERSION, Address, BaseTopic, OthersTopic, Text, Uuid, Version
from ankled.daemon.live.options import Admission, Rule, Wanted
from ankled.daemon.loglines.parts import Level, Levels
from ankled.daemon.mqtt.broker_url import BrokerAddress, Protocol, without_password
from ankled.daemon.mqtt.credentials import credentials, too_open
from ankled.daemon.mqtt.tls import Trust
from ankled.daemon.records import Side
from ankled.daemon.settings import DeviceSettings, Mount, Movement, PipelineSettings, PlannedSets, RangeDeg, Slug
from ankled.drivers.uuids import normalise


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. Unknown keys are errors."""


class SessionConfig(_Section, frozen=True, kw_only=True):
    """When a session ends by itself: after so long without a repetition."""

    idle_end_min: Annotated[float, msgspec.Meta(ge=1.0, le=1440.0)] = 30.0


class MqttConfig(_Section, frozen=True, kw_only=True):
    """The brokers, and who we are to them. Relative paths count from the working directory."""

    broker: Text = "mqtt://127.0.0.1:1883"
    fallbacks: tuple[Text, ...] = ()
    protocol: Protocol = "auto"
    base: BaseTopic = "ankled"
    username: Text | None = None
    password_file: Text | None = None
    ca_file: Text | None = None
    cert_file: Text | None = None
    key_file: Text | None = None
    key_password_file: Text | None = None
    server_name: Text | None = None
    client_id: Text | None = None
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 30
    timeout_s: Annotated[float, msgspec.Meta(ge=0.5, le=60.0)] = 3.0
    publish_live: bool = True
    publish_imu: bool = False

    def addresses(self) -> tuple[BrokerAddress, ...]:
        """Return the brokers in their order, with all that is known of us to them. Raises UsageError or ConfigError."""
        told = credentials(self.username, self.password_file, self.key_password_file)
        trust = Trust(
            ca_file=self.ca_file,
            cert_file=self.cert_file,
            key_file=self.key_file,
            key_password=told.key_password,
            server_name=self.server_name,
        )
        parsed = [BrokerAddress.parse(text, name).known_as(told) for name, text in self.named()]
        return tuple(msgspec.structs.replace(one, trust=trust, protocol=self.protocol) for one in parsed)

    def named(self) -> list[tuple[str, str]]:
        """Return key and text of every broker."""
        return [
            ("mqtt.broker", self.broker),
            *((f"mqtt.fallbacks[{index}]", text) for index, text in enumerate(self.fallbacks)),
        ]

    def address(self) -> BrokerAddress:
        """Return the first broker. Raises UsageError or ConfigError."""
        return self.addresses()[0]

    def at(self, broker: str) -> MqttConfig:
        """Return the section for another broker, given on the command line: it alone counts."""
        return msgspec.structs.replace(self, broker=broker, fallbacks=())

    def public(self) -> MqttConfig:
        """Return the section without the passwords in its URLs."""
        shown = tuple(map(without_password, self.fallbacks))
        return msgspec.structs.replace(self, broker=without_password(self.broker), fallbacks=shown)

    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for each secret that is kept or sent where others may read it."""
        files = (
            ("mqtt.password_file", self.password_file),
            ("mqtt.key_file", self.key_file),
            ("mqtt.key_password_file", self.key_password_file),
        )
        found = [told for key, path in files for told in too_open(key, path)]
        return (*found, *(told for address in self.addresses() for told in address.exposed()))

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what is shown of it, which is no password."""
        return list(msgspec.structs.asdict(self.public()).items())

    def __repr__(self) -> str:
        """Return the same: a configuration ends up in tracebacks."""
        return f"MqttConfig({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class OutboxConfig(_Section, frozen=True, kw_only=True):
    """Results on their way to the broker, kept in the folder of the state: how many, how long, sent how fast."""

    size_mb: Annotated[float, msgspec.Meta(ge=1.0, le=65536.0)] = 256.0
    pending_days: Annotated[float, msgspec.Meta(ge=0.01, le=3650.0)] = 30.0
    kept_h: Annotated[float, msgspec.Meta(ge=0.0, le=8760.0)] = 24.0
    min_free_mb: Annotated[float, msgspec.Meta(ge=0.0, le=1e6)] = 64.0
    rate_per_s: Annotated[float, msgspec.Meta(ge=10.0, le=100_000.0)] = 500.0


class HomeAssistantConfig(_Section, frozen=True, kw_only=True):
    """Whether, and where, Home Assistant is told of the sensors. The topics are its own defaults."""

    enabled: bool = True
    prefix: OthersTopic = "homeassistant"
    birth_topic: OthersTopic = "homeassistant/status"


class RuleConfig(_Section, frozen=True, kw_only=True):
    """Tells some sensors from others, by any of: address, pattern of the advertised name, service UUID."""

    addresses: tuple[Address, ...] = ()
    names: tuple[Text, ...] = ()
    services: tuple[Uuid, ...] = ()

    def rule(self) -> Rule:
        """Return the rule as the links take it."""
        return Rule(addresses=self.addresses, names=self.names, services=tuple(map(normalise, self.services)))


class RadioConfig(_Section, frozen=True, kw_only=True):
    """The adapters, by name or better by address (none: the first one that is powered), and who may come in."""

    adapters: tuple[Text, ...] = ()
    slots: Annotated[int, msgspec.Meta(ge=1, le=64)] = 7
    allow: RuleConfig = RuleConfig()
    block: RuleConfig = RuleConfig()


class CaptureConfig(_Section, frozen=True, kw_only=True):
    """The recording of everything heard, when a new file begins, and what is kept of the old ones; 0 is no bound."""

    enabled: bool = True
    folder: Text = "captures"
    rotate: Literal["size-or-time", "set"] = "size-or-time"
    rotate_mb: Annotated[float, msgspec.Meta(ge=1.0, le=65536.0)] = 64.0
    rotate_min: Annotated[float, msgspec.Meta(ge=1.0, le=1440.0)] = 60.0
    keep_gb: Annotated[float, msgspec.Meta(ge=0.0, le=1e6)] = 16.0
    keep_days: Annotated[float, msgspec.Meta(ge=0.0, le=36500.0)] = 0.0
    min_free_gb: Annotated[float, msgspec.Meta(ge=0.0, le=1e6)] = 0.5


class StateConfig(_Section, frozen=True, kw_only=True):
    """What is kept from one run to the next: axes of legs, what requests changed, pseudonyms' key, the outbox."""

    enabled: bool = True
    folder: Text = "state"


class AthletesConfig(_Section, frozen=True, kw_only=True):
    """Whether athletes go by pseudonyms in topics, results and recordings: `athlete-` and eight hex digits."""

    pseudonyms: bool = True


class LogConfig(_Section, frozen=True, kw_only=True):
    """What is logged, how, and from which level on to the broker; `auto`: journal, colour on a terminal, or JSON."""

    level: Level = "info"
    levels: Levels = {}
    format: Literal["auto", "console", "json", "journal"] = "auto"
    publish: Literal["off", "debug", "info", "warning", "error"] = "warning"


class PipelineConfig(_Section, frozen=True, kw_only=True):
    """Figures that alter results."""

    set_rest_s: Annotated[float, msgspec.Meta(ge=1.0, le=600.0)] = 10.0


class DeviceConfig(_Section, frozen=True, kw_only=True):
    """One sensor, found by its address or else by the name it advertises. Without `mass_kg` 1.0 kg is assumed."""

    slug: Slug
    name: Text | None = None
    address: Address | None = None
    driver: Slug | None = None
    side: Side = "unknown"
    athlete: Slug | None = None
    mass_kg: Annotated[float, msgspec.Meta(gt=0.0, le=50.0)] | None = None
    movement: Movement = "auto"
    exercise: Text | None = None
    planned_sets: PlannedSets | None = None
    target_range_deg: RangeDeg | None = None
    mount: Mount | None = None
    rate_hz: Annotated[float, msgspec.Meta(ge=10.0, le=2000.0)] | None = None
    acc_range_g: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    gyr_range_dps: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    publish_imu: bool | None = None

    def wanted(self) -> Wanted:
        """Return how to find this device."""
        return Wanted(slug=self.slug, address=self.address, name=self.name, driver=self.driver, rate_hz=self.rate_hz)

    def settings(self) -> DeviceSettings:
        """Return the part of this device that alters results."""
        settings = DeviceSettings(
            slug=self.slug,
            side=self.side,
            athlete=self.athlete,
            movement=self.movement,
            exercise=self.exercise,
            planned_sets=self.planned_sets,
            target_range_deg=self.target_range_deg,
            mount=self.mount,
            rate_hz=self.rate_hz,
            acc_range_g=self.acc_range_g,
            gyr_range_dps=self.gyr_range_dps,
        )
        if self.mass_kg is None:
            return settings
        return msgspec.structs.replace(settings, mass_kg=self.mass_kg, mass_source="configured")


class Config(_Section, frozen=True, kw_only=True):
    """The whole configuration."""

    version: Version = VERSION
    node: Slug = "ankled"
    adopt: Literal["none", "known-drivers"] = "none"
    requests: Literal["off", "safe", "all"] = "safe"
    session: SessionConfig = SessionConfig()
    radio: RadioConfig = RadioConfig()
    mqtt: MqttConfig = MqttConfig()
    outbox: OutboxConfig = OutboxConfig()
    homeassistant: HomeAssistantConfig = HomeAssistantConfig()
    capture: CaptureConfig = CaptureConfig()
    state: StateConfig = StateConfig()
    athletes: AthletesConfig = AthletesConfig()
    log: LogConfig = LogConfig()
    pipeline_: PipelineConfig = msgspec.field(name="pipeline", default=PipelineConfig())
    devices: tuple[DeviceConfig, ...] = ()

    def pipeline(self, session: str = "session") -> PipelineSettings:
        """Return everything that can alter a result, as the pipeline and the capture take it."""
        return PipelineSettings(
            node=self.node,
            session=session,
            set_rest_s=self.pipeline_.set_rest_s,
            devices=tuple(device.settings() for device in self.devices),
        )

    def sensors(self) -> dict[str, str]:
        """Return the address or else the name that each device is found by."""
        return {device.slug: device.address or device.name or device.slug for device in self.devices}

    def admission(self) -> Admission:
        """Return who may come in."""
        return Admission(adopt=self.adopt, allow=self.radio.allow.rule(), block=self.radio.block.rule())

    def digest(self) -> str:
        """Return 16 hex digits that change with any setting. A password in a broker's URL does not enter."""
        public = msgspec.structs.replace(self, mqtt=self.mqtt.public())
        return hashlib.sha256(msgspec.json.encode(public, order="deterministic")).hexdigest()[:16]
