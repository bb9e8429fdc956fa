"""The outbox: results on the disk until the broker has them, and a while longer."""
