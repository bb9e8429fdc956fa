"""The error tree. The class says what to do; the message is one sentence a user can act on."""

from __future__ import annotations


class AnkledError(Exception):
    """Anything a user can be told in one sentence. The command line prints it and exits with `exit_code`."""

    exit_code = 1


class UsageError(AnkledError):
    """The command or a request is wrong: say it differently."""

    exit_code = 2


class ConfigError(AnkledError):
    """The configuration is wrong: fix the file."""

    exit_code = 3


class RecordingError(AnkledError):
    """A recording cannot be used as it is: wrong format, truncated, corrupted, a bad value."""

    exit_code = 4


class BrokerError(AnkledError):
    """The broker is not there or refuses: start it, or fix its address or credentials."""

    exit_code = 5


class TakenOverError(BrokerError):
    """Another client has connected under the same identifier: give each its own."""


class RadioUnavailableError(AnkledError):
    """There is no Bluetooth to work with: switch the adapter on, plug one in, or allow the use of it."""

    exit_code = 6


class OutboxError(AnkledError):
    """Results cannot be stored: make room on the disk, or correct the folder's permissions."""


class DiskFaultError(OutboxError):
    """The disk is full or fails: what is to be stored waits in memory, and is tried again."""


class DamagedOutboxError(OutboxError):
    """The outbox's file is damaged: it is put aside, and what can be read of it is saved."""
