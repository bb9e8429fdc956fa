"""What is read of a silent device to see whether it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ankled.daemon.live.requests import Answer, probe_of
from ankled.drivers import link_errors
from ankled.drivers.uuids import sig
from tests.daemon.tiny import COMMAND, DATA, INFO

if TYPE_CHECKING:
    from collections.abc import Collection

BATTERY, NAME, MODEL, STRANGE = sig(0x2A19), sig(0x2A00), sig(0x2A24), "b0000000-0000-4000-8000-000000000009"


class Device:
    """Has these characteristics, all of which can be read but the last."""

    def __init__(self, *uuids: str) -> None:
        self.characteristics = {uuid: frozenset({"read"}) for uuid in uuids} | {DATA: frozenset({"notify"})}


@pytest.mark.parametrize(
    ("there", "subscribed", "probe"),
    [
        ((NAME, MODEL, BATTERY, STRANGE), (), BATTERY),
        ((NAME, BATTERY), (BATTERY,), NAME),
        ((STRANGE, BATTERY), (BATTERY,), BATTERY),
        ((STRANGE,), (), STRANGE),
        ((STRANGE,), (STRANGE,), None),
        ((COMMAND,), (), None),
        ((), (), None),
    ],
)
def test_the_probe_is_what_tells_least(there: tuple[str, ...], subscribed: Collection[str], probe: str | None) -> None:
    """Standard values first, those subscribed to last of them; then what is strange, and never the driver's own."""
    assert probe_of(Device(*there), INFO, subscribed) == probe  # type: ignore[arg-type]  # what of it is used here


@pytest.mark.parametrize(
    ("error", "alive", "over", "late"),
    [
        (None, True, False, False),
        (link_errors.RequestRefusedError("x", 5), True, False, False),
        (link_errors.NotOfferedError("x"), False, False, False),
        (link_errors.BusyError("x"), False, False, False),
        (link_errors.LinkFailedError("x"), False, False, False),
        (link_errors.LinkTimeoutError("x"), False, False, True),
        (link_errors.LinkLostError("x"), False, True, False),
        (link_errors.NoBluetoothdError("x"), False, True, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_outcome_says_about_the_link(
    *, error: link_errors.LinkError | None, alive: bool, over: bool, late: bool
) -> None:
    """A refusal is an answer too; what was not asked for at all says nothing."""
    answer = Answer(error=error)
    assert (answer.alive, answer.over, answer.late) == (alive, over, late)
