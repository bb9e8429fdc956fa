"""The command line."""

from ankled.daemon.cli.main import main

__all__ = ["main"]
