"""elf_kernel.py VMLINUZ OUT: the ELF kernel out of a compressed image, which QEMU boots as it is (PVH)."""

from __future__ import annotations

import lzma
import sys
from pathlib import Path

XZ_MAGIC = b"\xfd7zXZ\x00"
ELF_MAGIC = b"\x7fELF"


def elf_kernel(image: bytes) -> bytes:
    """Return what the first xz stream of the image holds that is an ELF file. Raises ValueError without one."""
    at = image.find(XZ_MAGIC)
    while at >= 0:
        try:
            kernel = lzma.LZMADecompressor().decompress(image[at:])
        except lzma.LZMAError:
            kernel = b""
        if kernel.startswith(ELF_MAGIC):
            return kernel
        at = image.find(XZ_MAGIC, at + 1)
    message = "the image holds no kernel that xz has compressed"
    raise ValueError(message)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(elf_kernel(Path(sys.argv[1]).read_bytes()))
