"""Live sensors: whom to connect to, when, and what to do when the radio fails."""
