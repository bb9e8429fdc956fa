"""Numerical kernels: arrays in, arrays out. No I/O, no clock, no logging, no asyncio."""
