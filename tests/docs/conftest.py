"""The fixtures of the daemon's tests serve here too: mosquitto, compiled kernels, the command line in this process."""

from __future__ import annotations

from tests.daemon.conftest import compiled, mosquitto, mosquitto_program, shell

__all__ = ["compiled", "mosquitto", "mosquitto_program", "shell"]
