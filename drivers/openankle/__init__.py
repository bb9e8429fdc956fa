"""OpenAnkle: our own open profile for ankle weights that people build themselves. Specified in docs/openankle.md."""

from ankled.drivers.openankle.driver import OpenAnkle, OpenAnkleState

__all__ = ["OpenAnkle", "OpenAnkleState"]
