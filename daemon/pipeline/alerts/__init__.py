"""Alerts: what a coach should look at, found in the records themselves, each with its evidence."""
