"""Whose an advertisement is, which driver takes it, and what is kept of what was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.live.matching import Claim, Matching, meets, slug_of
from ankled.daemon.live.near import Near
from ankled.daemon.live.options import Admission, Rule, Wanted
from ankled.drivers.driver import Advertisement
from ankled.drivers.link import Handle

if TYPE_CHECKING:
    from collections.abc import Iterable

ADDRESS = "C0:11:22:33:44:55"
HANDLE = Handle(object())
KNOWN = {"Movesense": ["movesense"], "Polar": ["polar"], "Twice": ["polar", "rsc"]}


def seen(name: str | None = "Movesense", address: str = ADDRESS, **more: object) -> Advertisement:
    """Return an advertisement."""
    return Advertisement(address=address, name=name, **more)  # type: ignore[arg-type]  # named as in the struct


def matching(wanted: Iterable[Wanted] = (), **admission: object) -> Matching:
    """Return a matching whose drivers know devices by their whole name."""
    rules = Admission(**admission)  # type: ignore[arg-type]  # named as in the struct
    return Matching(wanted, rules, lambda one: KNOWN.get(one.name or "", []))


def test_a_stranger_is_nobodys() -> None:
    """By default nothing is connected to that was not asked for, known or not."""
    assert matching().claim(seen()) is None


@pytest.mark.parametrize(
    "wanted", [Wanted(slug="left", address=ADDRESS.lower()), Wanted(slug="left", name="Movesense")]
)
def test_wanted_by_address_or_by_name(wanted: Wanted) -> None:
    """An address in any case, or the name where there is no address; the driver by its looks."""
    assert matching([wanted]).claim(seen()) == Claim(slug="left", driver="movesense")


def test_an_address_beats_a_name() -> None:
    """With an address the name is a label: another device of that name is not meant."""
    one = matching([Wanted(slug="left", address=ADDRESS, name="Polar"), Wanted(slug="right", name="Movesense")])
    assert one.claim(seen("Polar", "C0:00:00:00:00:00")) is None
    assert one.claim(seen()) == Claim(slug="left", driver="movesense")
    assert one.claim(seen(address="C0:00:00:00:00:00")) == Claim(slug="right", driver="movesense")


def test_a_configured_driver_wins() -> None:
    """Over drivers that know the device, over two that do, and over none."""
    for name in ("Movesense", "Twice", "Nobody", None):
        one = matching([Wanted(slug="left", address=ADDRESS, driver="rsc")])
        assert one.claim(seen(name)) == Claim(slug="left", driver="rsc")


@pytest.mark.parametrize(("name", "words"), [("Twice", ["polar, rsc", "driver"]), ("Nobody", ["no driver", "driver"])])
def test_without_exactly_one_driver_none_is_taken_and_the_reason_is_told(name: str, words: list[str]) -> None:
    """Ambiguity is for a person to resolve; the sentence names device, drivers and key."""
    claim = matching([Wanted(slug="left", address=ADDRESS)]).claim(seen(name))
    assert claim is not None
    assert claim.driver is None
    assert all(word in (claim.problem or "") for word in [*words, ADDRESS, "left"])


def test_known_drivers_are_adopted_where_that_is_allowed() -> None:
    """A device that exactly one driver knows, under a slug made of its address."""
    one = matching(adopt="known-drivers")
    assert one.claim(seen()) == Claim(slug="c01122334455", driver="movesense", adopted=True)
    assert one.claim(seen("Nobody")) is None
    twice = one.claim(seen("Twice"))
    assert twice is not None
    assert twice.driver is None


RULES = [Rule(addresses=(ADDRESS.lower(),)), Rule(names=("Move*",)), Rule(services=("s1",))]


@pytest.mark.parametrize("rule", RULES, ids=["address", "name", "service"])
def test_the_allow_list_holds_for_adoption_only(rule: Rule) -> None:
    """Whom it does not meet is not adopted; whoever is configured needs no leave."""
    one = matching([Wanted(slug="left", address="C0:00:00:00:00:00")], adopt="known-drivers", allow=rule)
    assert one.claim(seen(services=("s1",))) is not None
    assert one.claim(seen("Polar", "C0:00:00:00:00:01")) is None
    assert one.claim(seen("Polar", "C0:00:00:00:00:00")) == Claim(slug="left", driver="polar")


@pytest.mark.parametrize("rule", RULES, ids=["address", "name", "service"])
def test_the_block_list_holds_for_everybody(rule: Rule) -> None:
    """Whom it meets is never connected to, not even when wanted."""
    one = matching([Wanted(slug="left", address=ADDRESS)], adopt="known-drivers", block=rule)
    assert one.claim(seen(services=("s1",))) is None


def test_a_name_that_may_be_blocked_is_waited_for() -> None:
    """A known service without a name yet is not adopted while names are blocked: the name may be one of them."""
    rules = Admission(adopt="known-drivers", block=Rule(names=("Not me*",)))
    one = Matching([], rules, lambda _seen: ["movesense"])
    assert one.claim(seen(None)) is None
    assert one.claim(seen("Not me either")) is None
    assert one.claim(seen("Me")) is not None


def test_an_empty_rule_meets_nobody() -> None:
    """No pattern means none, and not any."""
    assert Rule().empty
    assert not meets(Rule(), seen(services=("s1",)))


def test_wanting_others_takes_effect_at_once() -> None:
    """A reload of the configuration changes whose an advertisement is."""
    one = matching([Wanted(slug="left", address=ADDRESS)])
    one.want([Wanted(slug="right", address=ADDRESS)], Admission())
    assert one.claim(seen()) == Claim(slug="right", driver="movesense")


def test_drivers_are_asked_once_for_the_same_looks() -> None:
    """An advertisement comes ten times a second; its matching is remembered, and a change of looks is seen."""
    asked: list[str | None] = []

    def ask(one: Advertisement) -> list[str]:
        asked.append(one.name)
        return []

    one = Matching([Wanted(slug="left", address=ADDRESS)], Admission(), ask)
    for name in (None, None, "Movesense", "Movesense", None):
        one.claim(seen(name))
    assert asked == [None, "Movesense"]


@given(st.sampled_from([ADDRESS, "0D2F1A7C-0000-4000-8000-00805F9B34FB"]))
def test_a_slug_of_an_address_is_a_slug(address: str) -> None:
    """Only what a topic may hold, and the same for every spelling of the address."""
    slug = slug_of(address)
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert slug == slug_of(address.lower())


def test_a_name_that_comes_in_the_scan_response_is_kept() -> None:
    """Devices say their name in every other packet; what is known of them does not flicker."""
    near = Near(600.0)
    near.hear("hci0", seen("Movesense", services=("s1",), manufacturer={1: b"a"}, rssi_dbm=-50), HANDLE, 0.0)
    joined = near.hear("hci0", seen(None, services=("s2",), rssi_dbm=-60), HANDLE, 1.0).advertisement
    assert joined == seen("Movesense", services=("s1", "s2"), manufacturer={1: b"a"}, rssi_dbm=-60)
    assert near.hear("hci0", seen(None), HANDLE, 100.0).advertisement == seen(None)


def test_what_each_adapter_hears_is_kept_apart() -> None:
    """Signal and handle belong to the adapter."""
    near = Near(600.0)
    near.hear("hci0", seen(rssi_dbm=-50), HANDLE, 0.0)
    near.hear("hci1", seen(rssi_dbm=-80), HANDLE, 0.0)
    assert [(one.adapter, one.advertisement.rssi_dbm) for one in near] == [("hci0", -50), ("hci1", -80)]


def test_what_was_heard_is_bounded_and_forgotten() -> None:
    """Phones change their addresses all day: the oldest go when there are too many, and all after a while."""
    near = Near(600.0)
    for number in range(3000):
        near.hear("hci0", seen(None, f"{number}"), HANDLE, number * 0.1)
    assert [one.advertisement.address for one in near] == [str(number) for number in range(2000, 3000)]
    near.forget(299.9 + 600.0 - 10.0)
    assert len(list(near)) == 101
    near.forget(1e6)
    assert not list(near)
