"""Records of quiet standing: what they say, what they need, and that nothing else is touched by them."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ankled.daemon.cli.show import describe
from ankled.daemon.inputs import ClockAnchor, Config, Stop
from ankled.daemon.pipeline import Core
from ankled.daemon.records import to_json
from ankled.daemon.settings import Mount
from ankled.daemon.standing import Standing
from ankled.simulators.gait import Gait
from ankled.simulators.idle import Balance, Stand
from tests.daemon.wearers import BOOT_NS, SECOND, UTC_NS, changed, legs, lines, packets, run, sessions, sets, settings

if TYPE_CHECKING:
    from ankled.daemon.inputs import Input
    from ankled.daemon.records import Record
    from ankled.daemon.settings import PipelineSettings

WORN = legs(Stand(duration_s=2.0), Gait(speed_mps=1.25, strides=6), Balance(duration_s=12.0), Stand(duration_s=1.0))
STRAIGHT = Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))


def inputs(given: PipelineSettings | None = None) -> list[Input]:
    """Return the session of a wearer who walks and then stands on one leg after the other."""
    anchor = ClockAnchor(host_ns=BOOT_NS, utc_ns=UTC_NS)
    sent: list[Input] = [part for side, leg in WORN.items() for part in packets(side, leg)]
    sent.sort(key=lambda each: each.host_ns)
    end_ns = BOOT_NS + round(float(WORN["left"].time_s[-1]) * SECOND)
    return [Config(host_ns=BOOT_NS, settings=given or settings()), anchor, *sent, Stop(host_ns=end_ns, reason="asked")]


def spells(records: list[Record], device: str | None = None) -> list[Standing]:
    """Return the records of standing."""
    return [r for r in records if isinstance(r, Standing) and device in {None, r.device}]


WHOLE = run(inputs())


def test_each_leg_stands_once() -> None:
    """The left leg first, then the right: about the time it stands alone, and after the walk all is known of it."""
    for side in ("left", "right"):
        (spell,) = spells(WHOLE, side)
        assert spell.side == side
        assert spell.id == f"monday/{side}/standing/1"
        assert spell.axis_source == "walking"
        assert spell.rms_ap_mps2 is not None
        assert spell.rms_ml_mps2 is not None
        assert spell.rms_ap_mps2**2 + spell.rms_ml_mps2**2 == pytest.approx(spell.rms_mps2**2)
        assert spell.start_utc is not None
        assert spell.start_utc < (spell.end_utc or "")
        assert spell.quality == 1.0
        assert spell.quality_reasons == []


def test_every_key_is_a_finite_number_with_its_definition() -> None:
    """All keys of the struct are in the JSON; times and measures hang together as their formulas say."""
    for spell in spells(WHOLE):
        read: dict[str, Any] = msgspec.json.decode(to_json(spell))
        assert list(read) == ["schema", *Standing.__struct_fields__]
        assert read["schema"] == "ankled.standing/1"
        assert read["kind"] == "standing"
        assert "Mancini 2012" in read["method"]
        assert all(isfinite(value) for value in read.values() if isinstance(value, float))
        assert spell.duration_s == pytest.approx(spell.end_s - spell.start_s)
        assert 0.0 <= spell.known_at_s - spell.end_s <= 0.35
        assert spell.dist_mps2 <= spell.rms_mps2 <= spell.range_mps2 <= spell.path_mps2
        assert 0.15 <= spell.f50_hz <= spell.f95_hz <= spell.bandwidth_hz == 3.5


def test_without_a_source_of_axes_two_fields_are_null() -> None:
    """Which way is anterior is not known without a mount or a walk: no direction, and the posture was assumed."""
    worn = legs(Stand(duration_s=2.0), Balance(duration_s=12.0), Stand(duration_s=1.0))
    sent = packets("left", worn["left"])
    end = Stop(host_ns=sent[-1].host_ns, reason="asked")
    first = spells(run([Config(host_ns=BOOT_NS, settings=settings()), *sent, end]))[0]
    assert (first.rms_ap_mps2, first.rms_ml_mps2, first.axis_uncertainty_deg) == (None, None, None)
    assert (first.axis_source, first.quality, first.quality_reasons) == ("none", 0.5, ["posture_assumed"])
    known = changed(settings(), "left", mount=STRAIGHT)
    told = spells(run([Config(host_ns=BOOT_NS, settings=known), *sent, end]))[0]
    assert (told.axis_source, told.quality) == ("configured", 1.0)
    assert told.rms_mps2 == pytest.approx(first.rms_mps2)


def test_sets_and_sessions_do_not_count_it() -> None:
    """The set of strides is closed by rest when it always was, and the totals speak of strides alone."""
    worn = legs(Stand(duration_s=2.0), Gait(speed_mps=1.25, strides=6), Stand(duration_s=20.0))
    sent = packets("right", worn["right"])
    records = run([Config(host_ns=BOOT_NS, settings=settings()), *sent, Stop(host_ns=sent[-1].host_ns, reason="asked")])
    assert len(spells(records)) == 1
    (closed,) = sets(records)
    assert (closed.of, closed.count, closed.closed_by) == ("stride", 6, "rest")
    assert closed.known_at_s == pytest.approx(closed.end_s + 6.0, abs=0.05)
    (total,) = sessions(records)
    assert (total.reps, total.strides, total.sets) == (0, 6, 1)


def test_saved_and_restored_in_a_spell_it_is_the_same() -> None:
    """A snapshot amid standing goes on to the same bytes."""
    given = inputs()
    for part in (0.35, 0.5, 0.8):
        cut = round(part * len(given))
        core = Core()
        before = [record for item in given[:cut] for record in core.feed(item)]
        twin = Core()
        twin.feed(given[0])
        twin.restore(core.snapshot())
        after = [record for item in given[cut:] for record in twin.feed(item)]
        assert lines([*before, *after]) == lines(WHOLE)


def test_it_reads_as_one_line() -> None:
    """The table of a replay has one line for it, with and without directions."""
    line = describe(spells(WHOLE)[0])
    assert "\n" not in line
    assert "standing" in line
    assert "sway" in line
    assert "AP -" in describe(msgspec.structs.replace(spells(WHOLE)[0], rms_ap_mps2=None, rms_ml_mps2=None))
