"""Simulated devices: a GATT server for every driver, as a state machine that any radio can serve."""
