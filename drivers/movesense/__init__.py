"""Movesense sensors (HR+, HR2, Flash, MD) by their GATT SensorData Protocol."""

from ankled.drivers.movesense.driver import Movesense

__all__ = ["Movesense"]
