"""Brokers for the doctor: the fixtures of the daemon's tests."""

from __future__ import annotations

from tests.daemon.conftest import compiled, mosquitto, mosquitto_program, shell

__all__ = ["compiled", "mosquitto", "mosquitto_program", "shell"]
