"""Links that are lost, and sensors that restart: every make is back by itself, and no sample that came is lost."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.inputs import Link, Notification, ReadResult, WriteResult
from ankled.daemon.pipeline import Core
from ankled.daemon.records import to_json
from ankled.drivers.registry import find
from ankled.simulators.peripherals.openankle import SimulatedOpenAnkle
from tests.live.account import play
from tests.live.runs import BOOT_NS, NS

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.capture.form import Entry
    from tests.live.runs import Run

# How long after the connection the first samples come. At rest Polar fills a frame in 2.7 s; a WitMotion counts
# samples to be sure of its rate.
STARTS_S = {
    "movesense": 0.3,
    "movella_dot": 0.3,
    "witmotion": 0.6,
    "polar": 3.3,
    "metamotion": 0.3,
    "openankle": 0.3,
}
AGAIN_S = 1.0
"""From a lost link to the next connection: half a second of back-off at most, an advertisement, connecting."""
SUPERVISION_S = 2.0
RESTART_S = 10.0
LOSS_S, RESET_S, END_S = 8.0, 15.0, 25.0


@pytest.mark.parametrize("driver", STARTS_S)
def test_a_lost_link_and_a_restart_heal_by_themselves(driver: str, tmp_path: Path) -> None:
    """Offline at once, or when the link times out; online with the first samples of the next link; all accounted for.

    A sensor that restarts begins its clock anew, and time goes on all the same.
    """
    played = play(f"left={driver}", f"{LOSS_S} link_loss left; {RESET_S} reset left", END_S, tmp_path)

    assert played.after(LOSS_S, online=False) < 0.1
    assert played.after(LOSS_S, online=True) < AGAIN_S + STARTS_S[driver]
    assert played.after(RESET_S, online=False) < SUPERVISION_S + 0.1
    assert played.after(RESET_S, online=True) < SUPERVISION_S + AGAIN_S + STARTS_S[driver]
    assert [there for _, there in played.online()] == [False, True, False, True, False, True, False]

    said = [what for _, what, _ in played.events()]
    assert said == ["connected", *["disconnected", "connected", "interrupted"] * 2, "disconnected"]
    reasons = [detail["reason"] for _, what, detail in played.events() if what == "disconnected"]
    assert reasons == ["the connection was lost", "the connection was lost", "not wanted any more"]

    links = [(state["link"], state["reconnects"], state["last_error"]) for _, state in played.states()]
    assert ("waiting", 0, "the connection was lost") in links
    assert ("waiting", 1, "the connection was lost") in links
    assert [one for one in links if one[0] == "streaming"][-1] == ("streaming", 2, None)

    device = played.devices["left"]
    assert device.counts["gaps"] == 2
    assert device.counts["missing"] == device.counts["repeated"] == device.counts["backwards"] == 0
    held_s = find(driver).info.longest_gap_s  # so much may wait in the sensor for its packet to be full
    begins_s = [time_s for time_s, there in played.online() if there]
    outages = zip((0.0, LOSS_S - held_s, RESET_S - held_s), begins_s, strict=True)
    assert device.unheard_outside(*outages, (END_S - held_s, inf)) == 0
    assert len(device.heard) > 0.7 * len(device.taken_s)
    if driver in {"movesense", "movella_dot", "openankle"}:
        assert len(device.unheard_s) == 0, "these begin to measure when asked to, and hold nothing back"


@pytest.mark.parametrize("resume", [True, False], ids=["goes on by itself", "is started again"])
def test_a_clock_that_begins_anew_under_a_living_link(*, resume: bool, tmp_path: Path) -> None:
    """A sensor that restarts and keeps its link stays online, and each sample of its new clock is in its place."""

    async def restarted(live: Run) -> None:
        await asyncio.sleep(RESTART_S)
        device = live.world.peripheral("left")
        assert isinstance(device, SimulatedOpenAnkle)
        device.restart(live.world.now_s, resume=resume)

    played = play("left=openankle", "", 25.0, tmp_path, meanwhile=restarted)
    assert [there for _, there in played.online()] == [False, True, False]
    told = [what for _, what, _ in played.events()]
    assert told.count("connected") == 1
    assert told.count("interrupted") == (0 if resume else 1)
    assert "the device restarted" in [detail.get("message") for _, _, detail in played.events()]
    device = played.devices["left"]
    assert len(device.unheard_s) == 0
    assert (device.counts["repeated"], device.counts["backwards"]) == (0, 0)
    off_s = np.abs(device.time_s - BOOT_NS / NS - device.taken_s)[device.taken_s > 5.0]
    assert off_s.max() < 0.015


def test_what_was_on_its_way_when_its_link_ended_counts_for_nothing(tmp_path: Path) -> None:
    """Packets and answers of a link that is over, behind the beginning of the next: the same results to the byte."""
    played = play("left=openankle", "6 link_loss left; 10 link_loss left", 14.0, tmp_path)
    entries = list(CaptureReader(tmp_path / "live.mcap"))
    late: list[Entry] = []
    core, records, strays = Core(), [], 0
    for entry in entries:
        records += core.feed(entry.item)
        if isinstance(entry.item, Notification | WriteResult | ReadResult):
            late.append(entry)
        elif isinstance(entry.item, Link) and entry.item.up:
            for old in late[-30:]:
                strays += 1
                assert core.feed(msgspec.structs.replace(old.item, host_ns=entry.item.host_ns)) == []
    assert strays == 60
    assert [to_json(one) for one in records] == played.run.kept.lines()
