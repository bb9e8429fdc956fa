"""Recordings with known truth, in SI units: one file a data set."""
