"""Lets `python -m ankled` do what the command `ankled` does."""

import sys

from ankled.daemon.cli import main

sys.exit(main())
