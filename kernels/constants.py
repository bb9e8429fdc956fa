"""Physical constants."""

from __future__ import annotations

GRAVITY_MPS2 = 9.80665
"""Standard gravity."""
