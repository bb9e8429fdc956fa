"""Scripts of faults: each form, and one clear sentence for each mistake."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.simulators.radio.errors import ScriptError
from ankled.simulators.radio.faults import Fault, grammar, parse_script
from ankled.simulators.radio.script import Kind

DEVICES = ("left", "right")

SCRIPT = """
# a bad day
12.5 out_of_range left 8
  20   absent right 120      # battery taken out
150 link_loss left
160 zombie left 20.5
190 bursts * 10 0.4
210 lost_packets left 5 0.1
220 duplicates right 5 1
230 overrun left 37
240 reset right
250 low_battery left 7.5
260 refusals left 2
"""


def test_a_script_reads_as_it_is_written() -> None:
    """One fault a line, comments and blank lines between them, every kind with its numbers."""
    assert parse_script(SCRIPT, DEVICES) == [
        Fault(at_s=12.5, kind="out_of_range", device="left", duration_s=8.0),
        Fault(at_s=20.0, kind="absent", device="right", duration_s=120.0),
        Fault(at_s=150.0, kind="link_loss", device="left"),
        Fault(at_s=160.0, kind="zombie", device="left", duration_s=20.5),
        Fault(at_s=190.0, kind="bursts", device="*", duration_s=10.0, amount=0.4),
        Fault(at_s=210.0, kind="lost_packets", device="left", duration_s=5.0, amount=0.1),
        Fault(at_s=220.0, kind="duplicates", device="right", duration_s=5.0, amount=1.0),
        Fault(at_s=230.0, kind="overrun", device="left", amount=37.0),
        Fault(at_s=240.0, kind="reset", device="right"),
        Fault(at_s=250.0, kind="low_battery", device="left", amount=7.5),
        Fault(at_s=260.0, kind="refusals", device="left", amount=2.0),
    ]


def test_the_grammar_names_every_kind_and_its_numbers() -> None:
    """What a user is told is what is understood."""
    assert "AT_S out_of_range DEVICE DURATION_S" in grammar()
    assert "AT_S bursts DEVICE DURATION_S INTERVAL_S" in grammar()
    assert [line.split()[1] for line in grammar()] == list(get_args(Kind))
    values = {"AT_S": "1", "DEVICE": "left", "DURATION_S": "2", "INTERVAL_S": "0.5", "SHARE": "0.5"}
    script = "\n".join(
        " ".join(values.get(word, word if word.islower() else "3") for word in line.split()) for line in grammar()
    )
    assert [fault.kind for fault in parse_script(script, DEVICES)] == list(get_args(Kind))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("12.5 out_of_rnage left 8", r'line 2: "out_of_rnage" is no fault; allowed: out_of_range, absent, .*refusals'),
        ("12.5 out_of_range lefft 8", r'line 2: there is no device "lefft"; allowed: left, right and \* for all'),
        (
            "12.5 out_of_range left",
            r"line 2: out_of_range takes 1 number after the device; allowed: AT_S out_of_range DEVICE DURATION_S",
        ),
        ("12.5 reset left 3", r"line 2: reset takes no numbers after the device; allowed: AT_S reset DEVICE"),
        ("12.5 bursts left 3", r"line 2: bursts takes 2 numbers after the device; allowed: .* INTERVAL_S"),
        ("soon reset left", r'line 2: AT_S is "soon"; a number is needed'),
        ("1 zombie left long", r'line 2: DURATION_S is "long"; a number is needed'),
        ("1 reset", r'line 2: "1 reset" is too short; a line is AT_S KIND DEVICE'),
        ("-1 reset left", r"line 2: at_s is -1; allowed is 0 to 1e\+06"),
        ("nan reset left", r"line 2: at_s is nan; allowed is 0 to 1e\+06"),
        ("1 zombie left 0", r"line 2: duration_s is 0; allowed is 0.001 to 1e\+06"),
        ("1 lost_packets left 5 1.5", r"line 2: share is 1.5; allowed is 0 to 1"),
        ("1 bursts left 5 9", r"line 2: interval_s is 9; allowed is 0.0075 to 4"),
        ("1 overrun left 2.5", r"line 2: samples is 2.5; allowed are whole numbers"),
        ("1 low_battery left 101", r"line 2: percent is 101; allowed is 0 to 100"),
        ("1 refusals left 0", r"line 2: commands is 0; allowed is 1 to 1000"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_allowed(line: str, told: str) -> None:
    """The first line is a comment: the number is that of the file."""
    with pytest.raises(ScriptError, match=f"^{told}"):
        parse_script(f"# a comment\n{line}\n", DEVICES)


def test_faults_made_by_hand_are_checked_too() -> None:
    """A duration or an amount where none belongs, and their absence where one does."""
    with pytest.raises(ScriptError, match="reset takes no duration"):
        Fault(at_s=0.0, kind="reset", device="left", duration_s=1.0)
    with pytest.raises(ScriptError, match="zombie takes no amount"):
        Fault(at_s=0.0, kind="zombie", device="left", duration_s=1.0, amount=1.0)
    with pytest.raises(ScriptError, match="duration_s is missing"):
        Fault(at_s=0.0, kind="zombie", device="left")
    with pytest.raises(ScriptError, match="samples is missing"):
        Fault(at_s=0.0, kind="overrun", device="left")
    with pytest.raises(ScriptError, match='"oops" is no fault'):
        Fault(at_s=0.0, kind="oops", device="left")  # type: ignore[arg-type]  # on purpose


@given(st.text(max_size=200))
def test_any_text_is_a_script_or_a_script_error(text: str) -> None:
    """Nothing else comes out, whatever goes in."""
    try:
        faults = parse_script(text, DEVICES)
    except ScriptError:
        return
    assert len(faults) <= len(text.splitlines())


words = st.sampled_from(["1", "0.5", "left", "right", "*", "x", "-3", "inf", "1e9", *get_args(Kind)])


@given(st.lists(words, min_size=1, max_size=6))
def test_any_words_are_a_fault_or_a_script_error_that_names_the_line(line: list[str]) -> None:
    """Closer to real mistakes than any text."""
    told = ""
    kinds = []
    try:
        kinds = [fault.kind for fault in parse_script(" ".join(line), DEVICES)]
    except ScriptError as error:
        told = str(error)
    assert kinds == line[1:2] if not told else told.startswith("line 1: ")
