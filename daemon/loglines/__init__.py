"""What becomes of log lines on their way out; `daemon.logs` puts it together."""
