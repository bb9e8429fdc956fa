"""The configuration file: its structs, the check that names every error at once, and the loader."""

from ankled.daemon.config.load import Examined, InvalidConfigError, check, examine, load
from ankled.daemon.config.problems import Problem
from ankled.daemon.config.schema import (
    AthletesConfig,
    CaptureConfig,
    Config,
    DeviceConfig,
    HomeAssistantConfig,
    LogConfig,
    MqttConfig,
    PipelineConfig,
    SessionConfig,
    StateConfig,
)

__all__ = [
    "AthletesConfig",
    "CaptureConfig",
    "Config",
    "DeviceConfig",
    "Examined",
    "HomeAssistantConfig",
    "InvalidConfigError",
    "LogConfig",
    "MqttConfig",
    "PipelineConfig",
    "Problem",
    "SessionConfig",
    "StateConfig",
    "check",
    "examine",
    "load",
]
