"""Requests to a running daemon that alter results: what they do, and that a recording of it replays to the byte."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ankled.daemon.capture.reader import CaptureReader
from ankled.daemon.config.schema import DeviceConfig
from ankled.daemon.errors import UsageError
from ankled.daemon.records import Event, Rep, Session, Set
from ankled.daemon.settings import Mount
from tests.live.controls import Desk, asking
from tests.live.runs import config_for, run
from tests.live.test_live_identity import dressed, replayed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.live.runs import Run

LENGTH_S = 58.0


def asked(
    tmp_path: Path, work: Callable[[Desk], Awaitable[None]], *sensors: str, duration_s: float = LENGTH_S, **parts: Any
) -> Run:
    """Return a run of the demo's training, recorded, with these requests in its midst; it must replay to the byte."""
    world = dressed(*sensors or ("left=movesense", "right=openankle"))
    config = config_for(world)
    done = []

    async def whole(desk: Desk) -> None:
        await work(desk)
        done.append(True)

    roster, meanwhile = asking(config, whole, **parts)
    path = tmp_path / "live.mcap"
    live = run(world, duration_s, config=config, capture=path, meanwhile=meanwhile, roster=roster)
    assert done, "the run was over before the last request"
    assert replayed(path) == live.kept.lines()
    return live


def of(live: Run, kind: type, slug: str = "") -> list[Any]:
    """Return the records of a kind, of one device or all."""
    return [one for _, one in live.kept.records if isinstance(one, kind) and slug in {"", getattr(one, "device", "")}]


def test_everything_asked_in_one_session_replays_to_the_byte(tmp_path: Path) -> None:
    """Marks, masses, athletes, axes, links dropped and made again: all of them are inputs, so the capture tells all."""

    async def work(desk: Desk) -> None:
        await desk.at(7.0)
        assert (await desk.ask("mark_set")).devices == ("left", "right")
        await desk.at(9.0)
        await desk.ask("set_weight", device="left", mass_kg=2.5)
        await desk.at(10.0)
        await desk.ask("recalibrate", device="right")
        await desk.at(18.0)
        await desk.ask("set_weight", device="right", athlete="alex", mass_kg=0.5, side="unknown")
        await desk.at(24.0)
        await desk.ask("disconnect", device="left")
        await desk.at(27.0)
        await desk.ask("connect", device="left")
        await desk.at(40.0)
        await desk.ask("mark_set", device="right")

    live = asked(tmp_path, work)
    assert {one.athlete for one in of(live, Session)} == {"kim", "alex"}
    assert {one.athlete for one in of(live, Rep, "right")} == {"kim", "alex"}
    assert {one.mass_kg for one in of(live, Rep, "left")} == {1.0, 2.5}
    assert [one.event for one in of(live, Event, "left") if "connected" in one.event][:3] == [
        "connected",
        "disconnected",
        "connected",
    ]


def test_a_marked_set_ends_at_once_and_the_next_repetition_begins_another(tmp_path: Path) -> None:
    """Of one device, of an athlete, of all; numbers go on, nothing is counted twice."""
    marked: list[float] = []

    async def work(desk: Desk) -> None:
        await desk.at(7.0)
        assert (await desk.ask("mark_set", device="left")).devices == ("left",)
        marked.append(asyncio.get_running_loop().time())
        assert (await desk.ask("mark_set", device="left")).devices == ()
        await desk.at(10.0)
        assert (await desk.ask("mark_set", athlete="kim")).devices == ("left", "right")

    live = asked(tmp_path, work)
    left, right = of(live, Set, "left"), of(live, Set, "right")
    assert [one.closed_by for one in left][:2] == ["request", "request"]
    assert [one.closed_by for one in right].count("request") == 1
    assert [one.set for one in left] == list(range(1, len(left) + 1))
    assert sum(one.count for one in left) == len(of(live, Rep, "left"))
    told_s = next(time_s for time_s, one in live.kept.records if one is left[0])
    assert told_s == marked[0]


def test_a_new_mass_closes_the_set_and_reaches_the_sensor(tmp_path: Path) -> None:
    """The set before it has the old mass, the next ones the new; a sensor that can store it does."""

    async def work(desk: Desk) -> None:
        await desk.at(8.0)
        await desk.ask("set_weight", device="right", mass_kg=2.5)
        await desk.ask("set_weight", device="left", mass_kg=2.0)

    live = asked(tmp_path, work)
    reps = of(live, Rep, "right")
    assert {one.mass_source for one in reps if one.mass_kg == 2.5} == {"request"}
    first = next(one for one in reps if one.mass_kg == 2.5)
    assert first.index == 1
    assert next(one.closed_by for one in of(live, Set, "right")) == "request"
    peripheral: Any = live.world.peripheral("right")
    assert (peripheral.mass_g, peripheral.side) == (2500, "right")
    assert not [one for one in of(live, Event) if one.event == "sensor_error"]


def test_recalibrating_finds_the_axes_anew(tmp_path: Path) -> None:
    """The set is closed, what was found is forgotten, and walking shows it again: a second `axis_settled`."""

    async def work(desk: Desk) -> None:
        await desk.at(9.0)
        await desk.ask("recalibrate", device="left")

    live = asked(tmp_path, work)
    settled = {
        slug: [one for one in of(live, Event, slug) if one.event == "axis_settled"] for slug in ("left", "right")
    }
    assert len(settled["left"]) == len(settled["right"]) + 1
    assert of(live, Set, "left")[0].closed_by == "request"


def test_recordings_begun_in_mid_session_hold_everything_between_their_ends(tmp_path: Path) -> None:
    """Each replays to its own stretch of what was published; two of them with a gap, nothing lost at either end."""
    folder = tmp_path / "captures"
    lines: list[int] = []
    files: list[str] = []

    async def work(desk: Desk) -> None:
        for begin_s, end_s in ((10.0, 20.0), (30.0, 45.0)):
            await desk.at(begin_s)
            begun = await desk.ask("recording_start")
            assert begun.recording
            assert begun.file == (await desk.ask("recording_start")).file
            lines.append(len(desk.live.kept.lines()))
            await desk.at(end_s)
            assert desk.recorder is not None
            lines.append(len(desk.live.kept.lines()))
            ended = await desk.ask("recording_stop")
            assert (ended.recording, ended.file) == (False, begun.file)
            files.append(ended.file)
        assert (await desk.ask("recording_stop")).file is None

    world = dressed("left=polar", "right=openankle")
    config = config_for(world)
    roster, meanwhile = asking(config, work, captures=folder)
    live = run(world, LENGTH_S, config=config, meanwhile=meanwhile, roster=roster)
    published = live.kept.lines()
    assert len(lines) == 4
    for name, first, last in zip(files, lines[::2], lines[1::2], strict=True):
        reader = CaptureReader(folder / name)
        entries = list(reader)
        assert reader.finished
        assert [entry.opening for entry in entries][:3] == [True, True, False]
        numbers = [entry.number for entry in entries[2:]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert replayed(folder / name) == published[first:last]
        assert last > first


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("mark_set", {"device": "left", "athlete": "kim"}, "mark_set takes a device or an athlete, not both"),
    ("mark_set", {"device": "nobody"}, 'there is no device "nobody"; there are: left, right'),
    ("mark_set", {"athlete": "robin"}, "nobody of this name wears a device now"),
    ("set_weight", {"device": "left"}, "set_weight needs at least one of mass_kg, side and athlete"),
    ("set_weight", {"device": "left", "side": "right"}, '"right" is the right weight of this athlete already'),
    ("set_weight", {"device": "left", "athlete": "bridge"}, 'the athlete "bridge" is reserved'),
    ("set_weight", {"device": "left", "athlete": "right"}, '"right" would be both a device and an athlete'),
    ("adopt", {"address": "C0:11:22:33:44:55", "slug": "kim"}, '"kim" would be both a device and an athlete'),
    ("adopt", {"address": "C0:11:22:33:44:55", "slug": "jo", "athlete": "jo"}, '"jo" would be both a device and an'),
    ("set_weight", {"device": "x", "mass_kg": 1.0}, 'there is no device "x"; there are: left, right'),
    ("rename", {"device": "x", "label": "y"}, 'there is no device "x"'),
    ("recalibrate", {"device": "right"}, 'the mount of "right" is given in the configuration'),
    ("remove", {"device": "left"}, "stands in the configuration file as devices[0]: remove it there and reload"),
    ("adopt", {"address": "C0:11:22:33:44:55", "slug": "left"}, '"left" is another device already'),
    ("adopt", {"address": "C0:11:22:33:44:55", "slug": "bridge"}, 'the slug "bridge" is reserved'),
    ("adopt", {"address": "C0:11:22:33:44:55", "driver": "abacus"}, 'there is no driver "abacus" for a sensor'),
    ("recording_start", {}, "this daemon records nothing"),
    ("reload", {}, "there is no configuration file"),
]


def test_what_cannot_be_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    """Each says what is wrong and what is allowed; the roster, the settings and the file stay as they were."""
    told: list[tuple[str, str]] = []

    async def work(desk: Desk) -> None:
        await desk.at(3.0)
        before = (desk.control.roster, desk.live.live.service.settings)
        for name, fields, _ in REFUSED:
            with pytest.raises(UsageError) as caught:
                await desk.ask(name, **fields)
            told.append((name, str(caught.value)))
        assert (desk.control.roster, desk.live.live.service.settings) == before

    world = dressed("left=movesense", "right=openankle")
    mount = Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))
    config = config_for(world, right={"mount": mount})
    assert isinstance(config.devices[0], DeviceConfig)
    roster, meanwhile = asking(config, work, state=tmp_path)
    run(world, 10.0, config=config, meanwhile=meanwhile, roster=roster)
    for (name, sentence), (_, _, expected) in zip(told, REFUSED, strict=True):
        assert expected in sentence, name
        assert "\n" not in sentence
    assert len(told) == len(REFUSED)
    assert not list(tmp_path.iterdir())
