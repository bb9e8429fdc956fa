"""Captures: every input in an MCAP file, written so that little is lost, read back whatever state it is in."""
