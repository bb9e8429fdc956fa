"""OpenAnkle: our own open profile for ankle weights that people build themselves. Specified in docs/openankle.md."""

from ankled.drivers.openankle.driver import OpenAnkle
from ankled.drivers.openankle.state import OpenAnkleState

__all__ = ["OpenAnkle", "OpenAnkleState"]
