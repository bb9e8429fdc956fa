"""Software sensors: motion with known truth, and the errors of a real IMU on top."""
