"""Sensor drivers: bytes of one device family to and from samples, as state machines without I/O."""
