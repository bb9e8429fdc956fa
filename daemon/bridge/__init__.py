"""What the daemon tells of the moment and of itself: live stream, samples, health, devices, log."""
