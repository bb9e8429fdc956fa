"""The figures of the connection policy, without a radio: back-off, slots, silence, deaf scanners."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.live.backoff import TABLE, Backoff, Trouble, trouble_of
from ankled.daemon.live.deaf import Cure, Deaf
from ankled.daemon.live.options import Limits
from ankled.daemon.live.silence import Silence, Verdict
from ankled.daemon.live.slots import Slots
from ankled.drivers import link_errors

LIMITS = Limits()


@given(st.lists(st.sampled_from(Trouble), max_size=40), st.text(max_size=5))
def test_every_wait_is_between_half_and_all_of_its_nominal_length(troubles: list[Trouble], seed: str) -> None:
    """Each failure in a row doubles the wait of its trouble, up to the last of its row; jitter only shortens it."""
    backoff = Backoff(seed)
    for failures, trouble in enumerate(troubles):
        nominal_s = min(TABLE[trouble].first_s * 2**failures, TABLE[trouble].last_s)
        assert 0.5 * nominal_s <= backoff.next_s(trouble) <= nominal_s
    assert backoff.failures == len(troubles)


def test_the_same_seed_waits_alike_and_another_does_not() -> None:
    """Jitter comes from a seeded generator: runs repeat, and devices do not try in step."""
    one, same, other = ([Backoff(seed).next_s(Trouble.LOST) for _ in range(1)] for seed in ("a/left", "a/left", "b"))
    assert one == same != other


def test_reset_begins_with_the_shortest_wait() -> None:
    """After a good link the next failure waits as the first one did."""
    backoff = Backoff("seed")
    for _ in range(10):
        backoff.next_s(Trouble.LOST)
    backoff.reset()
    assert backoff.next_s(Trouble.LOST) <= TABLE[Trouble.LOST].first_s


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (link_errors.BusyError("x"), Trouble.BUSY),
        (link_errors.OutOfSlotsError("x"), Trouble.NO_SLOT),
        (link_errors.DeviceNotFoundError("x"), Trouble.NO_SLOT),
        (link_errors.LinkTimeoutError("x"), Trouble.NO_ANSWER),
        (link_errors.RequestRefusedError("x", 5), Trouble.UNFIT),
        (link_errors.LinkLostError("x"), Trouble.LOST),
        (link_errors.LinkFailedError("x"), Trouble.LOST),
    ],
    ids=lambda value: value.name if isinstance(value, Trouble) else type(value).__name__,
)
def test_each_class_of_error_has_its_wait(error: link_errors.LinkError, trouble: Trouble) -> None:
    """The class of the error decides, not its text."""
    assert trouble_of(error) is trouble


def test_slots_are_counted_and_refused() -> None:
    """No more than the limit are given out, none twice, and one given back can be taken again."""
    slots = Slots(2)
    assert slots.take("left", 0.0)
    assert not slots.take("left", 0.0)
    assert slots.take("right", 0.0)
    assert not slots.take("third", 0.0)
    slots.give_back("left")
    assert slots.taken == ("right",)
    assert slots.take("third", 0.0)


def test_a_refusal_of_the_controller_teaches_the_limit_for_a_while() -> None:
    """What the others hold when the controller says no is all it has; ten minutes later it may have more."""
    slots = Slots(7)
    for slug in ("a", "b", "c"):
        assert slots.take(slug, 0.0)
    slots.refused("c", 10.0)
    assert slots.limit(10.0) == 2
    assert not slots.take("c", 11.0)
    assert slots.limit(611.0) == 7
    assert slots.take("c", 611.0)


@given(st.lists(st.tuples(st.sampled_from(["take", "give", "refuse"]), st.sampled_from("abcd")), max_size=60))
def test_never_more_slots_than_the_limit(moves: list[tuple[str, str]]) -> None:
    """Whatever happens in whatever order, one is given exactly when one is free and the device has none."""
    slots = Slots(3)
    for number, (move, slug) in enumerate(moves):
        if move == "take":
            fits = slots.free(number) > 0 and slug not in slots.taken
            assert slots.take(slug, number) == fits
        elif move == "give":
            slots.give_back(slug)
        else:
            slots.refused(slug, number)
        assert len(slots.taken) <= 3
        assert slots.free(number) >= 0


def streaming(count: int, interval_s: float, longest_gap_s: float = 1.0) -> tuple[Silence, float]:
    """Return a watch that saw so many packets, and the time of the last."""
    silence = Silence(LIMITS, longest_gap_s, 0.0)
    for number in range(1, count + 1):
        silence.packet(number * interval_s)
    return silence, count * interval_s


def test_before_the_first_packet_a_sensor_is_not_online_and_has_time_to_start() -> None:
    """A connection alone proves nothing; the driver's start sequence may take its time."""
    silence = Silence(LIMITS, 1.0, 0.0)
    assert not silence.online(0.0)
    assert silence.check(LIMITS.start_s - 0.1) is Verdict.WAIT
    assert silence.check(LIMITS.start_s) is Verdict.PROBE


@pytest.mark.parametrize(
    ("count", "interval_s", "longest_gap_s", "patience_s"),
    [
        (100, 0.01, 1.0, 3.0),  # fast: the least of 3 s
        (100, 2.0, 1.0, 6.0),  # three intervals learned, slower than its driver thought
        (5, 0.1, 2.0, 6.0),  # not learned yet: three of the driver's
        (100, 0.1, 5.0, 5.0),  # learned, but its driver knows of longer pauses
    ],
)
def test_silence_is_three_packet_intervals_and_at_least_three_seconds(
    count: int, interval_s: float, longest_gap_s: float, patience_s: float
) -> None:
    """Offline within max(3 s, 3 packet intervals), learned or said by the driver."""
    silence, last_s = streaming(count, interval_s, longest_gap_s)
    assert silence.patience_s == pytest.approx(patience_s)
    assert silence.online(last_s + patience_s - 0.01)
    assert silence.check(last_s + patience_s - 0.01) is Verdict.WAIT
    assert not silence.online(last_s + patience_s + 0.01)
    assert silence.check(last_s + patience_s + 0.01) is Verdict.PROBE


def test_a_sleeping_sensor_is_probed_and_kept_for_a_bounded_time() -> None:
    """Answers keep the link for a minute at most; then it is made anew, whatever it answers."""
    silence, last_s = streaming(50, 0.1)
    probes, now_s = 0, last_s
    while (verdict := silence.check(now_s)) is not Verdict.DROP:
        if verdict is Verdict.PROBE:
            probes += 1
            silence.answered(now_s)
        now_s += max(0.01, silence.next_s(now_s))
    assert probes == LIMITS.asleep_s / LIMITS.probe_every_s  # at once, then every ten seconds, the last is the end
    assert now_s - last_s == pytest.approx(silence.patience_s + LIMITS.asleep_s, abs=0.1)


def test_a_packet_ends_the_silence_and_the_silence_teaches_nothing() -> None:
    """After a minute of sleep the patience is what it was before: a silence is no packet interval."""
    silence, last_s = streaming(50, 0.1)
    before_s = silence.patience_s
    silence.packet(last_s + 50.0)
    assert silence.online(last_s + 50.0)
    assert silence.patience_s == before_s


@given(
    st.lists(st.floats(0.0, 5.0), min_size=1, max_size=80),
    st.floats(0.0, 10.0),
    st.floats(0.01, 10.0),
)
def test_nothing_is_missed_between_two_looks(gaps_s: list[float], later_s: float, longest_gap_s: float) -> None:
    """Looking when `next_s` says, the first look that finds silence finds it at once and not before it began."""
    silence, now_s = Silence(LIMITS, longest_gap_s, 0.0), 0.0
    for gap_s in gaps_s:
        now_s += gap_s
        silence.packet(now_s)
    wait_s = silence.next_s(now_s)
    assert silence.check(now_s + wait_s * 0.999) is Verdict.WAIT
    assert silence.check(now_s + wait_s + 1e-6 + later_s) is not Verdict.WAIT


def test_a_suspended_host_asks_before_it_drops() -> None:
    """After a night's sleep the host's clock has gone on: what claims to be up is probed at once, then has its time."""
    silence, last_s = streaming(100, 0.1)
    morning_s = last_s + 8 * 3600.0
    assert silence.next_s(morning_s) == 0.0
    assert silence.check(morning_s) is Verdict.PROBE
    silence.answered(morning_s)
    assert silence.check(morning_s + 1.0) is Verdict.WAIT


def test_a_deaf_scanner_is_restarted_and_at_last_its_adapter_switched_off_and_on() -> None:
    """90 s without any advertisement: restart. Three in vain and no link to lose: power cycle, every ten minutes."""
    deaf, now_s, cures = Deaf(LIMITS), 0.0, []
    deaf.started(now_s)
    while now_s < 1500.0:
        assert deaf.cure(now_s, links=0) is Cure.NONE
        now_s += deaf.due_s(now_s)
        cures.append((now_s, deaf.cure(now_s, links=0)))
        deaf.started(now_s)
    assert [after - before for (before, _), (after, _) in pairwise(cures)] == [90.0] * (len(cures) - 1)
    assert [time_s for time_s, cure in cures if cure is Cure.POWER_CYCLE] == [360.0, 990.0]


def test_an_empty_room_at_night_is_left_alone_more_and_more() -> None:
    """Power cycles that help nothing become rarer, up to four hours; the first advertisement begins anew."""
    deaf, now_s, cycles_s = Deaf(LIMITS), 0.0, []
    deaf.started(now_s)
    while now_s < 100_000.0:
        now_s += deaf.due_s(now_s)
        if deaf.cure(now_s, links=0) is Cure.POWER_CYCLE:
            cycles_s.append(now_s)
    rests_s = [after - before for before, after in pairwise(cycles_s)]
    assert rests_s == sorted(rests_s)
    assert rests_s[0] < 700.0
    assert 14_400.0 <= rests_s[-1] < 14_500.0
    deaf.heard(now_s)
    cures = []
    for _ in range(4):
        now_s += deaf.due_s(now_s)
        cures.append(deaf.cure(now_s, links=0))
    assert cures[:3] == [Cure.RESTART] * 3


def test_links_that_stream_prove_that_the_radio_works() -> None:
    """Who is connected does not advertise: restarts become rarer, and count for nothing when the last link ends."""
    deaf, now_s, restarts_s = Deaf(LIMITS), 0.0, [0.0]
    deaf.started(now_s)
    while now_s < 20_000.0:
        now_s += deaf.due_s(now_s)
        assert deaf.cure(now_s, links=6) is Cure.RESTART
        restarts_s.append(now_s)
    rests_s = [after - before for before, after in pairwise(restarts_s)]
    assert rests_s[:4] == [90.0, 180.0, 360.0, 720.0]
    assert rests_s[-1] == 1800.0
    for _ in range(3):
        now_s += deaf.due_s(now_s)
        assert deaf.cure(now_s, links=0) is Cure.RESTART
    now_s += deaf.due_s(now_s)
    assert deaf.cure(now_s, links=0) is Cure.POWER_CYCLE


def test_an_adapter_with_links_is_never_switched_off() -> None:
    """A power cycle would drop links that work."""
    deaf, now_s = Deaf(LIMITS), 0.0
    deaf.started(now_s)
    for _ in range(20):
        now_s += deaf.due_s(now_s)
        assert deaf.cure(now_s, links=1) is Cure.RESTART


def test_a_scanner_that_hears_or_rests_needs_no_cure() -> None:
    """Advertisements of anybody prove it well; and a scanner that does not run cannot be deaf."""
    deaf = Deaf(LIMITS)
    assert deaf.cure(1e6, links=0) is Cure.NONE
    deaf.started(0.0)
    for second in range(0, 1000, 80):
        deaf.heard(float(second))
        assert deaf.cure(second + 79.0, links=0) is Cure.NONE
    deaf.stopped()
    assert deaf.cure(1e6, links=0) is Cure.NONE
