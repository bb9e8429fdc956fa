"""WitMotion sensors with Bluetooth 5: WT901BLE, WT9011DCL, BWT901BLE."""

from ankled.drivers.witmotion.driver import WitMotion

__all__ = ["WitMotion"]
