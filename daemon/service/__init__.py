"""Installing the service on a machine that systemd runs, taking it away, and looking at it."""
