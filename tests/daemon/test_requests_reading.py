"""What is told of a wrong request: everything in it, each with what is allowed, and never anything but a sentence."""

from __future__ import annotations

import msgspec
import pytest

from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.topics import Topics
from ankled.daemon.requests.faults import filled
from ankled.daemon.requests.forms import FORMS, HistoryForm, RenameForm, WeightForm
from ankled.daemon.requests.policy import admitted
from ankled.daemon.requests.reading import LARGEST, fields_of, transaction_of

BY_NAME = {form.name: form for form in FORMS}
SLUG = "1 to 64 characters of a-z, 0-9, _ and -"
SAFE = "health_check, history, devices and mark_set"


def refusal(name: str, **fields: object) -> str:
    """Return why a request is refused."""
    with pytest.raises(UsageError) as caught:
        filled(BY_NAME[name], fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"", "the request is empty, allowed is a JSON object, {} for a request without fields"),
        (b" " * (LARGEST + 1), "the request is 65537 bytes long, allowed are 65536"),
        (
            b"[" * LARGEST,
            "the request is nested too deeply, allowed is one JSON object whose values are text or numbers",
        ),
        (
            b'{"a":' * 10000,
            "the request is nested too deeply, allowed is one JSON object whose values are text or numbers",
        ),
        (b"[1]", "the request is an array, allowed is a JSON object such as {}"),
        (b"null", "the request is null, allowed is a JSON object such as {}"),
        (b'"' + b"x" * 100 + b'"', f'the request is "{"x" * 56}..., allowed is a JSON object such as {{}}'),
        (b'{"a":"\xff"}', "the request is not UTF-8 text: invalid start byte"),
        (b'{"a":"\xed\xa0\x80"}', "the request is not UTF-8 text: invalid continuation byte"),
    ],
)
def test_what_is_no_object_is_refused_with_a_sentence(payload: bytes, told: str) -> None:
    """Empty, too long, too deep, of another kind, no text."""
    with pytest.raises(UsageError) as caught:
        fields_of(payload)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "payload", [b"{", b"{}x", b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b"\xef\xbb\xbf{}", b"1" * 5000]
)
def test_what_is_not_json_is_refused(payload: bytes) -> None:
    """Neither NaN nor Infinity, nor a number without end, is JSON."""
    with pytest.raises(UsageError, match=r"^the request is not JSON \(.*\), allowed is a JSON object such as \{\}$"):
        fields_of(payload)


@pytest.mark.parametrize("value", ["", "x" * 128, 0, -(2**63), 2**63 - 1, None])
def test_a_transaction_is_text_or_a_whole_number(value: str | int | None) -> None:
    """It is given back as it came."""
    assert transaction_of({"transaction": value}) == value


@pytest.mark.parametrize("value", ["x" * 129, 2**63, -(2**63) - 1, 10**300, 1.5, True, [], {}])
def test_no_other_transaction_is_taken(value: object) -> None:
    """What would not come back as it was is refused."""
    with pytest.raises(UsageError, match=r"^transaction is .*, allowed is text of up to 128 characters, a 64-bit"):
        transaction_of({"transaction": value})


def test_all_faults_are_told_at_once() -> None:
    """A field that does not exist, with its nearest; one out of range; one that is missing."""
    assert refusal("history", sorce="left", limit=5000, after_seq=True) == (
        'history is not done: "sorce" is not a field of it (did you mean source?); '
        "limit is 5000, allowed is a whole number from 1 to 500; "
        "after_seq is true, allowed is a whole number from 0 to 9007199254740991; "
        f"source is missing, allowed is {SLUG}"
    )


def test_a_field_far_from_all_is_told_which_there_are() -> None:
    """Also of a request without fields of its own."""
    assert refusal("health_check", verbosity=3) == (
        'health_check is not done: "verbosity" is not a field of it (allowed: transaction)'
    )


def test_a_wrong_name_is_told_the_nearest_that_is_allowed() -> None:
    """Capitals, blanks, slashes and wildcards make no topic; what is reserved would be somebody else's."""
    assert refusal("history", source="Left Ankle/#") == (
        f'history is not done: source is "Left Ankle/#", allowed is {SLUG}, such as "left-ankle"'
    )
    assert refusal("history", source="\N{PEOPLE HUGGING}") == (
        f'history is not done: source is "\N{PEOPLE HUGGING}", allowed is {SLUG}'
    )
    assert refusal("remove", device="bridge") == (
        'remove is not done: device is "bridge", which is reserved, as are athlete'
    )
    assert refusal("connect", device="left\n").endswith(f'device is "left\\n", allowed is {SLUG}, such as "left"')


@pytest.mark.parametrize("name", ["set_weight", "mark_set"])
def test_no_answer_repeats_the_name_of_an_athlete(name: str) -> None:
    """Who reads answers may not be one who should know it; nor may a name be told by the slug that it would give."""
    told = refusal(name, device="left", athlete="Kim Maier")
    assert told == (
        f"{name} is not done: athlete is a text that is not repeated, for all may read the answer; "
        f"allowed is {SLUG} or null"
    )


def test_what_is_told_stays_short() -> None:
    """However long the request was."""
    assert len(refusal("history", source="\0" * 60000)) < 200
    assert len(refusal("history", **{f"{number}{'x' * 1000}": 1 for number in range(60)})) < 1000


def test_null_and_absent_are_two_things() -> None:
    """A null label takes it away, a field left out stays as it is."""
    assert filled(BY_NAME["rename"], {"device": "left", "label": None}) == RenameForm(device="left", label=None)
    weight = filled(BY_NAME["set_weight"], {"device": "left", "athlete": None, "transaction": 7})
    assert weight == WeightForm(device="left", athlete=None)
    assert refusal("rename", device="left") == (
        "rename is not done: label is missing, allowed is 1 to 64 characters (no control characters) or null"
    )
    assert refusal("set_weight", device="left", mass_kg=None) == (
        "set_weight is not done: mass_kg is null, allowed is a number above 0 to 50"
    )
    assert refusal("rename", device="left", label="x" * 65).endswith(
        "allowed is 1 to 64 characters (no control characters) or null"
    )


def test_the_walk_knows_every_form() -> None:
    """Whatever type a field has, a value that does not fit is told in words of our own, not msgspec's."""
    for form in FORMS:
        for field in msgspec.structs.fields(form.takes):
            assert f"{field.encode_name} is an object, allowed is " in refusal(form.name, **{field.encode_name: {}})


def test_defaults_come_from_the_form() -> None:
    """A request need not say everything."""
    assert filled(BY_NAME["history"], {"source": "left"}) == HistoryForm(source="left", after_seq=0, limit=100)


def test_the_policy_says_how_to_allow() -> None:
    """A request that is refused by the policy names the key that allows it, and what is allowed as it is."""
    assert admitted("adopt", BY_NAME, "all").name == "adopt"
    assert admitted("mark_set", BY_NAME, "safe").name == "mark_set"
    with pytest.raises(UsageError) as caught:
        admitted("adopt", BY_NAME, "safe")
    assert str(caught.value) == (
        f"adopt is not among the safe requests ({SAFE}), and this daemon takes no others; "
        'requests = "all" in its configuration allows it'
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("histroy", 'there is no request "histroy" (did you mean history?)'),
        ("", f'there is no request "" (allowed: {SAFE})'),
        ("\N{PEOPLE HUGGING}" * 16000, f'there is no request "{chr(0x1FAC2) * 56}... (allowed: {SAFE})'),
    ],
)
def test_an_unknown_request_is_told_the_nearest(name: str, told: str) -> None:
    """Or all of those that are allowed."""
    with pytest.raises(UsageError) as caught:
        admitted(name, BY_NAME, "safe")
    assert str(caught.value) == told


def test_every_answer_has_a_topic() -> None:
    """The names of requests are such that the topics of their answers exist."""
    assert {Topics(node="gym").response(form.name) for form in FORMS} == {
        f"ankled/gym/bridge/response/{name}" for name in BY_NAME
    }
