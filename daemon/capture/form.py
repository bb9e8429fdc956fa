"""The form of a capture: what stands in an MCAP file besides the inputs themselves.

One channel per input type and device; `sequence` is the input's number (its low 32 bits), `publish_time` its host time,
`log_time` host time plus `utc_offset_ns` of the newest clock anchor, so both ways of the sum can be taken. A file that
begins in mid-session opens with the settings and the state that hold before its first input, on topics of their own
and under the number of that input.
"""

from __future__ import annotations

import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from ankled.daemon.inputs import Config, Input, State

PROFILE: Final = "ankled"
ENCODING: Final = "msgpack"
METADATA: Final = "ankled.capture"
OPENING_PREFIX: Final = "/opening/"
INPUT_PREFIX: Final = "/inputs/"
SEQUENCE_MASK: Final = 0xFFFF_FFFF
MAX_TIME_NS: Final = 0xFFFF_FFFF_FFFF_FFFF


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who recorded: results are promised to be identical for one version on one kind of CPU."""

    version: str
    node: str
    session: str
    cpu: str
    kernels: str


class Entry(NamedTuple):
    """One input of a capture; `opening` when it restates what holds before the input of this number."""

    number: int
    item: Input
    opening: bool


def origin(node: str, session: str) -> Origin:
    """Return the origin of what this process records."""
    # Imported here: numba takes half a second, and reading a capture does not need it.
    from ankled import kernels  # noqa: PLC0415  (see above)
    from ankled.kernels.jit import source_digest  # noqa: PLC0415  (see above)

    return Origin(
        version=version("ankled"),
        node=node,
        session=session,
        cpu=kind_of_cpu(),
        kernels=source_digest(Path(str(kernels.__file__)).parent),
    )


def kind_of_cpu() -> str:
    """Return architecture and model of the processor, as far as the kernel of the system names them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^(?:model name|CPU part)\s*:\s*(.+)$", text, re.MULTILINE)
    return f"{platform.machine()} {found[1] if found else 'of unknown model'}"


def topic(item: Input, *, opening: bool = False) -> str:
    """Return the topic of an input: its type, below its device where it has one."""
    kind = type(item).__name__.lower()
    if opening:
        return f"{OPENING_PREFIX}{kind}"
    device = getattr(item, "device", None)
    return f"{INPUT_PREFIX}{device}/{kind}" if device else f"{INPUT_PREFIX}{kind}"


def is_opening(item: Input) -> bool:
    """Whether an input can open a file."""
    return isinstance(item, Config | State)


def full_number(sequence: int, near: int) -> int:
    """Return the input number nearest to `near` whose low 32 bits are `sequence`."""
    half = (SEQUENCE_MASK + 1) // 2
    return near + ((sequence - near + half) & SEQUENCE_MASK) - half


def clip_time(time_ns: int) -> int:
    """Return a time as MCAP can hold it: the exact one stands in the input itself."""
    return min(max(time_ns, 0), MAX_TIME_NS)
