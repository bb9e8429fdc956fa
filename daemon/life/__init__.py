"""The life of the service as systemd sees it: ready, alive, reloading, stopping, and a sentence of how it is."""
