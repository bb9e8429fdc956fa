"""Polar's sensors with an accelerometer: Verity Sense, H10, OH1."""

from ankled.drivers.polar.driver import Polar

__all__ = ["Polar"]
