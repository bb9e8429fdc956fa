"""What an OpenAnkle connection remembers."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from ankled.drivers.openankle import wire
from ankled.drivers.openankle.stream import Stream

Step: TypeAlias = Literal["opening", "stop", "configure", "start", "streaming", "over", "decoding"]


class OpenAnkleState(msgspec.Struct, kw_only=True):
    """All of it. `waiting` is the command whose answer is due, 0 for none."""

    step: Step = "opening"
    tries: int = 0
    tag: int = 0
    waiting: int = 0
    capabilities: wire.Capabilities | None = None
    status: wire.Status | None = None
    stream: Stream = msgspec.field(default_factory=Stream)
