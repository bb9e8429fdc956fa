"""A recording is removed for its age only while the date can be believed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ankled.daemon.config.schema import CaptureConfig
from ankled.daemon.live.housekeeping import Housekeeping
from ankled.daemon.live.recorder import Recorder
from tests.daemon.test_live_steady import Hands
from tests.daemon.test_retention import DAY_S, mine, recorded

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_date_that_was_just_set_removes_nothing(tmp_path: Path) -> None:
    """By age they go once the date has held for an hour: not at the start, and not when it leaps."""
    young, old = recorded(tmp_path, mine(2)[1]), recorded(tmp_path, mine(1)[0], 3 * DAY_S)
    clock = Hands(time.time())
    config = CaptureConfig(folder=str(tmp_path), min_free_gb=0.0, keep_days=2.0)
    house = Housekeeping(Recorder(tmp_path, "gym"), "gym", config, clock=clock)
    await house.look()
    assert old.exists()
    clock.go(3601.0)
    clock.utc_s += 365 * DAY_S
    await house.look()
    assert old.exists()
    assert young.exists()
    clock.utc_s -= 365 * DAY_S
    await house.look()
    clock.go(3601.0)
    await house.look()
    assert young.exists()
    assert not old.exists()
