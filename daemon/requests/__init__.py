"""Requests over MQTT: what may be asked of a running daemon, by whom, and what is answered."""
