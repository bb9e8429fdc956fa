"""Requests about devices: adopted, named, let go and kept away, with what is stored of it and holds after a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.config import Config, load
from ankled.daemon.config.schema import PipelineConfig
from ankled.daemon.errors import UsageError
from ankled.daemon.live.changes import Changes, ChangesFile
from ankled.daemon.live.matching import slug_of
from ankled.daemon.records import Rep, Set
from ankled.simulators.radio.outfit import parse_sensor, worn
from tests.live.account import ONLINE
from tests.live.controls import Desk, asking
from tests.live.runs import config_for, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ankled.simulators.radio.world import World
    from tests.live.runs import Run

OFFLINE = b'{"state":"offline"}'


def lifting(sensors: str = "left=movesense right=openankle") -> World:
    """Return a world in which both legs lift from the beginning."""
    return worn("leg_raise", [parse_sensor(one) for one in sensors.split()], seed=3, interval_s=0.03, begin="at once")


def with_left(world: World) -> Config:
    """Return a configuration that knows the left one only."""
    config = config_for(world)
    return msgspec.structs.replace(config, devices=config.devices[:1])


def asked(world: World, config: Config, work: Callable[[Desk], Awaitable[None]], seconds: float, **parts: Any) -> Run:
    """Run with these requests, all of which must be answered."""
    done = []

    async def whole(desk: Desk) -> None:
        await work(desk)
        done.append(True)

    roster, meanwhile = asking(config, whole, **parts)
    live = run(world, seconds, config=config, meanwhile=meanwhile, roster=roster)
    assert done, "the run was over before the last request"
    return live


def said(live: Run, slug: str) -> list[bytes]:
    """Return what availability was told, in order."""
    return [payload for _, payload in live.kept.of(f"/{slug}/availability")]


def streams(desk: Desk, slug: str) -> bool:
    """Tell whether a device streams."""
    return any(one.slug == slug and one.online for one in desk.live.live.supervisor.status().devices)


def test_a_device_that_is_near_is_adopted_renamed_and_removed_for_good(tmp_path: Path) -> None:
    """Its results bear what was said of it; once removed the broker is to forget it, and the rule of adoption too."""

    async def work(desk: Desk) -> None:
        world = desk.live.world
        await desk.at(3.0)
        answer = await desk.ask(
            "adopt", address=world.address("right").lower(), slug="shin", side="right", athlete="kim", mass_kg=0.8
        )
        assert answer.devices == ("shin",)
        await desk.at(25.0)
        assert streams(desk, "shin")
        await desk.ask("rename", device="shin", label="Right shin")
        assert desk.control.roster.wearers()["shin"].label == "Right shin"
        assert streams(desk, "shin")
        with pytest.raises(UsageError, match='is the device "shin" already'):
            await desk.ask("adopt", address=world.address("right"))
        await desk.ask("remove", device="shin")
        by_rule = slug_of(world.address("right"))  # whom the rule had brought before anybody asked
        before = slug_of(world.address("left"))  # whom it may have brought in an earlier run, before it was configured
        assert desk.board.cleared == [
            f"ankled/test/{slug}/{name}"
            for slug in (before, by_rule, "shin")
            for name in ("availability", "state", "set")
        ]
        assert not world.peripheral("right").streaming
        assert [one.slug for one in desk.live.live.service.settings.devices] == ["left"]
        await asyncio.sleep(10.0)
        assert [one.slug for one in desk.live.live.supervisor.status().devices] == ["left"]

    world = lifting()
    config = msgspec.structs.replace(with_left(world), adopt="known-drivers")
    live = asked(world, config, work, 45.0, state=tmp_path)
    reps = [one for _, one in live.kept.records if isinstance(one, Rep) and one.device == "shin"]
    assert {(one.side, one.athlete, one.mass_kg, one.mass_source) for one in reps} == {("right", "kim", 0.8, "request")}
    assert said(live, "shin")[-1] == OFFLINE
    stored = ChangesFile(tmp_path / "changes.json").read()
    assert stored == Changes(removed={"shin": world.address("right")})


def test_one_that_came_by_the_rule_is_changed_without_losing_its_link(tmp_path: Path) -> None:
    """A weight set for an adopted device: it streams on in the same link, and is wanted by name from now on."""
    epochs: list[int] = []

    async def work(desk: Desk) -> None:
        slug = slug_of(desk.live.world.address("left"))
        await desk.at(15.0)
        for _ in range(2):
            (status,) = [one for one in desk.live.live.supervisor.status().devices if one.slug == slug]
            epochs.append(status.epoch)
            await desk.ask("set_weight", device=slug, mass_kg=3.0, side="left")
            await asyncio.sleep(5.0)
        assert [one.slug for one in desk.control.roster.members.values()] == [slug]

    world = lifting("left=movesense")
    live = asked(world, Config(node="test", adopt="known-drivers"), work, 40.0, state=tmp_path)
    assert epochs == [1, 1]
    reps = [one for _, one in live.kept.records if isinstance(one, Rep)]
    assert {(one.mass_kg, one.side) for one in reps} == {(1.0, "unknown"), (3.0, "left")}


def test_one_that_came_by_the_rule_is_known_by_its_new_name_alone(tmp_path: Path) -> None:
    """The file names it while it streams: its link is made anew under that name, and the broker forgets the old one."""
    path = tmp_path / "ankled.toml"

    async def work(desk: Desk) -> None:
        await desk.at(10.0)
        slug = slug_of(desk.live.world.address("left"))
        assert streams(desk, slug)
        path.write_text(f'node = "test"\nadopt = "known-drivers"\n{LEFT.format(left=desk.live.world.address("left"))}')
        assert (await desk.ask("reload")).applied == ("devices.left",)
        await desk.at(30.0)
        assert streams(desk, "left")
        assert not [one for one in desk.live.live.supervisor.status().devices if one.slug == slug]
        assert desk.board.cleared == [f"ankled/test/{slug}/{name}" for name in ("availability", "state", "set")]

    world = lifting("left=movesense")
    live = asked(world, Config(node="test", adopt="known-drivers"), work, 40.0, reread=lambda: load(path))
    assert said(live, slug_of(world.address("left")))[-1] == OFFLINE


def test_changes_hold_after_a_restart_until_the_configuration_says_otherwise(tmp_path: Path) -> None:
    """Weight, label and distance are stored; a key that the file then changes is the file's again, the others stay."""

    async def first(desk: Desk) -> None:
        await desk.at(3.0)
        await desk.ask("set_weight", device="left", mass_kg=2.5, athlete="alex")
        await desk.ask("rename", device="left", label="Red one")
        await desk.ask("disconnect", device="right")
        await desk.ask("log_level", level="error")
        assert not desk.live.world.peripheral("right").streaming

    async def second(desk: Desk) -> None:
        await desk.at(20.0)
        assert not desk.live.world.peripheral("right").streaming
        assert desk.control.roster.wearers()["left"].label == "Red one"
        changes = desk.control.roster.changes
        assert changes.log_level is not None
        assert changes.log_level.now == "error"
        await desk.ask("connect", device="right")
        await desk.at(30.0)
        assert desk.live.world.peripheral("right").streaming

    world = lifting()
    config = config_for(world, left={"mass_kg": 1.0})
    live = asked(world, config, first, 10.0, state=tmp_path)
    assert said(live, "right") == [OFFLINE, ONLINE, OFFLINE]
    changes = ChangesFile(tmp_path / "changes.json").read()

    world = lifting()
    edited = config_for(world, left={"mass_kg": 1.5})
    live = asked(world, edited, second, 40.0, state=tmp_path, changes=changes)
    reps = [one for _, one in live.kept.records if isinstance(one, Rep) and one.device == "left"]
    assert {(one.mass_kg, one.mass_source, one.athlete) for one in reps} == {(1.5, "configured", "alex")}
    assert said(live, "right")[-2:] == [ONLINE, OFFLINE]
    assert ChangesFile(tmp_path / "changes.json").read().device("left").mass_kg is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"version":2}', b'{"devices":{"../x":{}}}', b"\xff", b"[" * 5000])
def test_stored_changes_that_cannot_be_used_are_put_aside(content: bytes, tmp_path: Path) -> None:
    """Nothing was changed, then; the file is kept under another name for whoever wants to look."""
    path = tmp_path / "changes.json"
    path.write_bytes(content)
    assert ChangesFile(path).read() == Changes()
    assert [one.name for one in tmp_path.iterdir()] == ["changes.json.damaged-1"]
    assert (tmp_path / "changes.json.damaged-1").read_bytes() == content


def test_a_change_that_cannot_be_stored_is_not_made(tmp_path: Path) -> None:
    """What would not hold after a restart is refused, in one sentence."""
    (tmp_path / "state").write_text("in the way")

    async def work(desk: Desk) -> None:
        await desk.at(3.0)
        before = desk.live.live.service.settings
        with pytest.raises(UsageError, match=r"nothing is changed, for it cannot be stored in state\.folder"):
            await desk.ask("set_weight", device="left", mass_kg=2.5)
        assert desk.live.live.service.settings == before

    world = lifting()
    asked(world, config_for(world), work, 10.0, state=tmp_path / "state")


LEFT = """
[[devices]]
slug = "left"
address = "{left}"
side = "left"
athlete = "kim"
"""
RIGHT = LEFT.replace("left", "right")


def test_a_reload_applies_what_it_can_and_names_what_needs_a_restart(tmp_path: Path) -> None:
    """Devices come, change and go; sets rest otherwise; the broker's address waits. Requests hold beside the file."""
    path = tmp_path / "ankled.toml"

    async def work(desk: Desk) -> None:
        world = desk.live.world
        addresses = {label: world.address(label) for label in world.labels}
        await desk.at(3.0)
        await desk.ask("rename", device="left", label="Red one")
        path.write_text(
            'node = "test"\n[pipeline]\nset_rest_s = 5.0\n[mqtt]\nkeepalive_s = 10\n'
            + LEFT.format(**addresses).replace('"kim"', '"kim"\nmass_kg = 2.0')
            + RIGHT.format(**addresses)
        )
        told = await desk.ask("reload")
        assert told.applied == ("devices.left.mass_kg", "devices.right", "pipeline.set_rest_s")
        assert told.needs_restart == ("mqtt.keepalive_s",)
        assert (await desk.ask("reload")).applied == ()
        assert (await desk.ask("reload")).needs_restart == ("mqtt.keepalive_s",)
        assert desk.control.roster.wearers()["left"].label == "Red one"
        await desk.at(25.0)
        assert streams(desk, "right")
        assert desk.live.live.service.settings.set_rest_s == 5.0
        path.write_text(f'node = "test"\n{RIGHT.format(**addresses)}')
        assert (await desk.ask("reload")).applied == ("devices.left", "pipeline.set_rest_s")
        assert "ankled/test/left/availability" in desk.board.cleared
        assert not world.peripheral("left").streaming

    world = lifting()
    config = msgspec.structs.replace(with_left(world), pipeline_=PipelineConfig())
    live = asked(world, config, work, 45.0, reread=lambda: load(path))
    masses = [one.mass_kg for _, one in live.kept.records if isinstance(one, Rep) and one.device == "left"]
    assert set(masses) <= {1.0, 2.0}
    assert 2.0 in masses
    closed = [one for _, one in live.kept.records if isinstance(one, Set) and one.device == "left"]
    assert closed[-1].closed_by == "request"


def test_an_invalid_file_changes_nothing_and_all_faults_are_told(tmp_path: Path) -> None:
    """One sentence with every fault in it, but no path, no name of a person and no password."""
    path = tmp_path / "ankled.toml"
    path.write_text(
        'node = "bridge"\n[mqtt]\nbroker = "mqtt://me:hush@x:99999"\n[session]\nidle_end_min = 0\n'
        '[[devices]]\nslug = "left"\nathlete = "Kim Smith"\nmass_kg = -1\n'
    )

    async def work(desk: Desk) -> None:
        await desk.at(3.0)
        before = (desk.control.roster, desk.live.live.service.settings)
        with pytest.raises(UsageError) as caught:
            await desk.ask("reload")
        assert (desk.control.roster, desk.live.live.service.settings) == before
        told = str(caught.value)
        for expected in (
            "node is",
            "session.idle_end_min is 0",
            "devices[0].mass_kg is -1",
            "devices[0].athlete",
            "mqtt",
        ):
            assert expected in told
        for secret in (str(tmp_path), "Smith", "hush", "\n"):
            assert secret not in told

    world = lifting()
    asked(world, config_for(world), work, 10.0, reread=lambda: load(path))
