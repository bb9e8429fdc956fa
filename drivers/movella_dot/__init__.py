"""Movella DOT, once called Xsens DOT."""

from ankled.drivers.movella_dot.driver import MovellaDot

__all__ = ["MovellaDot"]
