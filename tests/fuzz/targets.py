"""The fuzzers by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.fuzz.packets import Packets
from tests.fuzz.recordings import Recordings
from tests.fuzz.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.loop import Target

TARGETS: Final[dict[str, Callable[[], Target]]] = {"drivers": Packets, "capture": Recordings, "config": Settings}
