"""The forms that values of the configuration have, each with its description, and the version of the whole."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec

VERSION: Final = 1
"""The form of the file. migrations.py tells what became of keys of earlier ones."""
Version: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=VERSION, description="1, the one version there is")]
Text: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f]+$", description="text of at least one character")]
Address: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$",
        description="a Bluetooth address such as C0:11:22:33:44:55, or the UUID that macOS gives instead",
    ),
]
Uuid: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(0x)?([0-9A-Fa-f]{4}|[0-9A-Fa-f]{8}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$",
        description="a service UUID of 4, 8 or 32 hexadecimal digits, the latter with dashes",
    ),
]
BaseTopic: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9_-]{1,64}(/[a-z0-9_-]{1,64}){0,3}$",
        description="one to four levels of a-z, 0-9, _ and -, parted by /",
    ),
]

OthersTopic: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,7}$",
        description="one to eight levels of letters, digits, _ and -, parted by /",
    ),
]
