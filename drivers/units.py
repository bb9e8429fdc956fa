"""Factors from what sensors send to SI units."""

from __future__ import annotations

import math
from typing import Final

G_MPS2: Final = 9.80665
"""Standard gravity, exact by definition (CGPM 1901)."""
MILLI_G_MPS2: Final = G_MPS2 / 1000.0
DEG_RAD: Final = math.pi / 180.0
