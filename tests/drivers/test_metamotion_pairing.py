"""What can be known of lost packets from the order in which two sensors are heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ankled.drivers.metamotion.pairing import Pairing, Placed

if TYPE_CHECKING:
    from ankled.drivers.metamotion.wire import Axis3

Packet = tuple["Axis3", int]
NAMES: dict[str, Axis3] = {"A": "acc", "G": "gyr"}


def play(text: str, pairing: Pairing | None = None) -> list[str]:
    """Feed packets such as `A0 G0 A1`; return what comes out, with `+n` in front of n lost packets."""
    pairing = pairing or Pairing()
    out = [placed for word in text.split() for placed in pairing.take(NAMES[word[0]], word.encode())]
    return [(f"+{one.lost} " if one.lost else "") + one.data.decode() for one in out]


def test_steady_streams_pass_at_once() -> None:
    """In step, nothing is held and nothing is missing, whoever comes first."""
    assert play("A0 G0 A1 G1 A2") == ["A0", "G0", "A1", "G1", "A2"]
    assert play("G0 A0 G1 A1") == ["G0", "A0", "G1", "A1"]


def test_sensor_that_wakes_early_is_cut() -> None:
    """Only its last packet before the other's first remains, so that the k-th belongs to the k-th."""
    assert play("A0 A1 A2 G0 A3 G1") == ["A2", "G0", "A3", "G1"]
    assert play("A0 A1") == []


def test_lost_packet_is_reported_where_it_was() -> None:
    """A1 is lost: the packet that follows it says so, after a delay of one packet."""
    assert play("A0 G0 G1 A2 G2 A3") == ["A0", "G0", "G1", "+1 A2", "G2", "A3"]
    assert play("A0 G0 G1 A2") == ["A0", "G0", "G1"]
    assert play("A0 G0 A1 A2 G2 A3 G3") == ["A0", "G0", "A1", "A2", "+1 G2", "A3", "G3"]


def test_several_lost_packets() -> None:
    """Three packets of one sensor in a row are counted."""
    assert play("A0 G0 G1 G2 G3 A4 G4 A5") == ["A0", "G0", "G1", "G2", "G3", "+3 A4", "G4", "A5"]


def test_late_packets_are_not_lost() -> None:
    """Packets that change places, or come in bursts of each sensor, are all there."""
    assert play("A0 G0 G1 A1 A2 G2 A3") == ["A0", "G0", "G1", "A1", "A2", "G2", "A3"]
    assert play("A0 G0 A1 A2 A3 G1 G2 G3 A4 A5 A6 G4 G5 G6 A7") == (
        ["A0", "G0", "A1", "A2", "A3", "G1", "G2", "G3", "A4", "A5", "A6", "G4", "G5", "G6", "A7"]
    )


def test_some_late_and_some_lost() -> None:
    """Of three owed packets two are late and one is lost."""
    assert play("A0 G0 G1 G2 G3 A1 A2 A3 A4 G4 A5")[-5:] == ["A2", "A3", "A4", "G4", "A5"]
    assert play("A0 G0 G1 G2 G3 A2 A3 G4 A5") == ["A0", "G0", "G1", "G2", "G3", "A2", "+2 A3", "G4", "A5"]


def test_losses_of_both_cannot_be_seen() -> None:
    """The limit of it: a packet lost of each leaves the balance as it was."""
    assert play("A0 G0 A2 G2 A3") == ["A0", "G0", "A2", "G2", "A3"]


@given(
    ahead=st.integers(0, 4),
    first=st.sampled_from(["acc", "gyr"]),
    lost=st.lists(st.sampled_from([None, None, None, None, "acc", "gyr", "both"]), max_size=60),
)
def test_balance_is_kept(ahead: int, first: Axis3, lost: list[str | None]) -> None:
    """Whatever is lost, both sensors stay level, all that arrives comes out in its order, and none is invented."""
    second: Axis3 = "gyr" if first == "acc" else "acc"
    packets: list[Packet] = [(first, number - ahead) for number in range(ahead)]
    fates = [None, *lost, None, None, None]
    for number, fate in enumerate(fates):
        packets += [(stream, number) for stream in (first, second) if fate not in (stream, "both")]
    pairing = Pairing()
    out: list[Placed] = []
    for stream, number in packets:
        out += pairing.take(stream, str(number).encode())
    counts = dict.fromkeys((first, second), 0)
    seen: dict[Axis3, list[int]] = {first: [], second: []}
    for placed in out:
        counts[placed.stream] += 1 + placed.lost
        seen[placed.stream].append(int(placed.data))
    assert counts[first] == counts[second]
    for stream in (first, second):
        assert seen[stream] == [number for one, number in packets if one == stream and number >= 0]
        told = sum(placed.lost for placed in out if placed.stream == stream)
        assert told <= sum(fate in (stream, "both") for fate in fates)


@given(swapped=st.lists(st.integers(2, 8), max_size=12))
def test_packets_that_change_places_now_and_then(swapped: list[int]) -> None:
    """If two packets of one moment change places now and then, with moments in order between, nothing is missing."""
    text = "A0 G0 " + " ".join("G A " + "A G " * gap for gap in swapped) + "A G"
    out = play(text)
    assert [one[0] for one in out] == [word[0] for word in text.split()]


@given(order=st.lists(st.sampled_from(["A G", "G A"]), max_size=60))
def test_unsteady_order_keeps_the_balance(order: list[str]) -> None:
    """An order that changes for longer looks like losses of both in turn: the two stay level all the same."""
    pairing = Pairing()
    words = " ".join(["A G", *order, *["A G"] * 4]).split()
    out = [placed for word in words for placed in pairing.take(NAMES[word], b"")]
    acc, gyr = (sum(1 + one.lost for one in out if one.stream == stream) for stream in ("acc", "gyr"))
    assert pairing.owed == 0
    assert acc == gyr
    assert len(out) == len(words)


@given(words=st.lists(st.sampled_from(["A", "G"]), max_size=60), cut=st.integers(0, 60))
def test_taken_up_again(words: list[str], cut: int) -> None:
    """What is remembered is all in the struct: saved and restored in mid-stream, the rest is the same."""
    whole, part = Pairing(), Pairing()
    text = [f"{word}{number}" for number, word in enumerate(words)]
    before = play(" ".join(text[:cut]), part)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=Pairing)
    assert before + play(" ".join(text[cut:]), again) == play(" ".join(text), whole)
