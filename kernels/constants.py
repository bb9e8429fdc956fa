"""Physical constants."""

from __future__ import annotations

GRAVITY_MPS2 = 9.80665
"""Standard gravity."""

AUTO, GAIT, REPS = 0, 1, 2
"""What the wearer does: found out, strides alone, or repetitions alone."""
