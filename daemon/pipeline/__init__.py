"""The pipeline: pure objects that turn inputs into records. No clock, no I/O."""

from ankled.daemon.pipeline.core import Core
from ankled.daemon.pipeline.device import DevicePipeline

__all__ = ["Core", "DevicePipeline"]
