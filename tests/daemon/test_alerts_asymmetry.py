"""Asymmetry: over which pairs it is told, of which quantity, and of which leg."""

from __future__ import annotations

import pytest

from ankled.daemon.pipeline.athlete import AthletePipeline
from ankled.daemon.pipeline.context import Context
from ankled.daemon.records import Alert, Pair
from tests.daemon.records import lift, make, stride
from tests.daemon.wearers import alerts, pairs, sessions

FIT: dict[str, object] = {"turn": None, "retroactive": False, "quality": 1.0, "quality_reasons": [], "set": 1}
WAVER = (1.0, 1.03, 0.98, 1.02, 0.97, 1.01, 0.99, 1.02)


class Both:
    """An athlete who lifts both legs."""

    def __init__(self) -> None:
        self.athlete = AthletePipeline("kim", Context(node="gym", session="monday", origin_ns=0))
        self._count = 0

    def pairs(self, count: int, name: str, left: float, right: float, **given: object) -> list[Alert]:
        """Take in so many pairs of repetitions that differ in one field."""
        found: list[Alert] = []
        for place in range(count):
            self._count += 1
            for side, value in (("left", left), ("right", right)):
                fields = FIT | {name: value * WAVER[place % 8]} | given
                rep = lift(side, self._count, 4.0 * self._count, **fields)
                records = self.athlete.feed(rep)
                assert len(pairs(records)) == (side == "right")
                found += alerts(records)
        return found


@pytest.mark.parametrize(
    ("name", "left", "right", "quantity", "weaker", "words"),
    [
        ("rom_deg", 60.0, 48.0, "rom", "right", "Right leg weaker: range of motion 22 % less than left. "),
        ("rom_deg", 48.0, 60.0, "rom", "left", "Left leg weaker: range of motion 22 % less than right. "),
        ("duration_s", 2.0, 2.5, "time", "right", "Right leg weaker: duration 22 % more than left. "),
        ("duration_s", 2.5, 2.0, "time", "left", "Left leg weaker: duration 22 % more than right. "),
        ("contact_time_s", 0.7, 0.6, "contact_time", "right", "Right leg weaker: contact time 15 % less than left. "),
    ],
)
def test_the_weaker_leg_and_the_quantity(
    name: str, left: float, right: float, quantity: str, weaker: str, words: str
) -> None:
    """It does less, takes longer, or stays on the ground less long; told with the sixth pair, once."""
    both = Both()
    assert not both.pairs(5, name, left, right)
    (alert,) = both.pairs(1, name, left, right)
    assert (alert.alert, alert.quantity, alert.side, alert.device) == ("asymmetry", quantity, weaker, None)
    assert alert.athlete == "kim"
    assert alert.about == ["monday/kim/pair/6"]
    assert alert.message.startswith(words)
    assert alert.evidence["count"] == 6
    assert min(abs(alert.evidence["low_percent"]), abs(alert.evidence["high_percent"])) > 10.0
    assert alert.evidence[f"{quantity}_index_percent"] == alert.evidence["index_percent"]
    assert not both.pairs(20, name, left, right)


def test_a_difference_within_bounds_or_without_certainty_is_not_told() -> None:
    """12 % of range is below the bound of 15; half of the pairs 40 % either way proves nothing."""
    assert not Both().pairs(30, "rom_deg", 60.0, 53.0)
    both = Both()
    for _ in range(10):
        assert not both.pairs(1, "rom_deg", 60.0, 40.0)
        assert not both.pairs(1, "rom_deg", 60.0, 62.0)


@pytest.mark.parametrize("given", [{"first": True}, {"turn": True}, {"retroactive": True}, {"quality": 0.5}])
def test_doubtful_pairs_do_not_count(given: dict[str, object]) -> None:
    """Beginnings, turns, late and doubtful repetitions prove no asymmetry."""
    assert not Both().pairs(20, "rom_deg", 60.0, 40.0, **given)


@pytest.mark.parametrize("source", ["configured", "walking"])
def test_forces_need_known_mounts(source: str) -> None:
    """Axes that were found differ enough between the legs to make their forces differ."""
    found = Both().pairs(8, "lateral_force_peak_n", 5.0, 3.0, axis_source=source)
    assert [alert.quantity for alert in found] == (["force"] if source == "configured" else [])


def test_the_strongest_of_several_is_told_and_the_others_are_evidence() -> None:
    """One alert, not one for each quantity."""
    (alert,) = Both().pairs(8, "rom_deg", 60.0, 40.0, contact_time_s=None, axis_source="configured")
    assert alert.quantity == "rom"
    both = Both()
    found = []
    for count in range(8):
        for side, rom_deg, duration_s in (("left", 60.0, 2.0), ("right", 40.0, 2.4)):
            rep = lift(side, count + 1, 4.0 * count, **(FIT | {"rom_deg": rom_deg, "duration_s": duration_s}))
            found += alerts(both.athlete.feed(rep))
    (alert,) = found
    assert alert.quantity == "rom"
    assert alert.evidence["time_index_percent"] == pytest.approx(100.0 * 0.4 / 2.2)


def test_a_new_set_is_told_anew_and_begins_its_count() -> None:
    """What one set showed is no evidence in the next."""
    both = Both()
    assert len(both.pairs(8, "rom_deg", 60.0, 40.0)) == 1
    assert not both.pairs(5, "rom_deg", 60.0, 40.0, set=2)
    (alert,) = both.pairs(3, "rom_deg", 60.0, 40.0, set=2)
    assert alert.id == "monday/kim/pair-alert/2"


def test_the_session_counts_the_alerts_of_both_legs_and_of_each() -> None:
    """`alerts` of the totals; `seq` counts an alert like every other record of the athlete."""
    both = Both()
    (own,) = both.pairs(6, "rom_deg", 60.0, 40.0)
    assert own.seq == 7
    assert not both.athlete.feed(make(Alert, device="left", athlete="kim", alert="fatigue"))
    (total,) = sessions(both.athlete.stop(99.0))
    assert (total.alerts, total.seq) == (2, 8)
    both.athlete.feed(lift("left", 1, 100.0))
    (later,) = sessions(both.athlete.stop(120.0))
    assert later.alerts == 0


def test_after_a_slip_the_running_sets_do_not_compare() -> None:
    """One of the legs is measured otherwise than before."""
    both = Both()
    assert not both.pairs(3, "rom_deg", 60.0, 60.0)
    both.athlete.feed(make(Alert, device="left", athlete="kim", alert="slip"))
    assert not both.pairs(20, "rom_deg", 60.0, 30.0)
    assert len(both.pairs(8, "rom_deg", 60.0, 30.0, set=2)) == 1


def test_strides_in_turn_can_be_asymmetric() -> None:
    """Contact time of walking: 10 % and more, with certainty."""
    athlete = Both().athlete
    found: list[Alert] = []
    for count in range(10):
        for side, contact_s in (("left", 0.66), ("right", 0.55)):
            contact = 5.0 + count + (0.5 if side == "right" else 0.0)
            given = FIT | {"turn": False, "contact_time_s": contact_s * WAVER[count % 8]}
            records = athlete.feed(stride(side, contact, **given))
            assert all(isinstance(record, Pair | Alert) for record in records)
            found += alerts(records)
    (alert,) = found
    assert (alert.quantity, alert.side) == ("contact_time", "right")
    assert "pairs of strides" in alert.message
