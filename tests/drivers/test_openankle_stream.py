"""The stream of the OpenAnkle driver without a device: sample times, losses, restarts, formats, its state."""

from __future__ import annotations

import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.openankle import OpenAnkle, wire
from ankled.drivers.openankle import commands as c
from ankled.drivers.openankle.clock import Clock
from ankled.drivers.openankle.packets import decode_packet
from tests.drivers.openankle_talk import FORM, answered, named, only_block, opened, packet, streaming


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(OpenAnkle.info.characteristics.values())), st.binary(max_size=60)),
        max_size=12,
    )
)
def test_garbage_gives_decode_errors_and_nothing_else(values: list[tuple[str, bytes]]) -> None:
    """Whatever a streaming device sends, the driver raises DecodeError or goes on, and can be saved."""
    driver = streaming()
    for characteristic, data in values:
        for item in (m.Notification, m.ReadResult):
            with contextlib.suppress(DecodeError):
                driver.feed(item(characteristic=characteristic, data=data))
    OpenAnkle().restore(driver.snapshot())


@given(st.integers(0, 260), st.integers(1, 20))
def test_truncated_packets_are_refused(length: int, count: int) -> None:
    """A packet cut anywhere but between samples is refused."""
    data = packet(0, 0, count).data[:length]
    whole = len(data) >= 20 and (len(data) - 8) % 12 == 0
    try:
        decode_packet(data)
    except DecodeError:
        assert not whole
    else:
        assert whole


@given(
    period_us=st.floats(1600.0, 24000.0),
    named_off=st.floats(-0.05, 0.05),
    jitter=st.floats(0.0, 0.1),
    steps=st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0, 0, 0, 0, 1, 7, 300])), min_size=2, max_size=60),
    start_us=st.integers(0, 2**32 - 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_sample_times_grow_and_stay_near_the_truth(
    period_us: float, named_off: float, jitter: float, steps: list[tuple[int, int]], start_us: int, seed: int
) -> None:
    """Whatever the sizes, losses, wraps and jitter (a tenth of a period): counted exactly, strictly growing, close."""
    rng = np.random.default_rng(seed)
    clock = Clock(period_us * (1.0 + named_off), expected=0)
    number, end_us = 0, -np.inf
    for count, lost in steps:
        number += lost
        true_us = start_us + number * period_us
        stamp = round(true_us + jitter * period_us * rng.uniform(-1.0, 1.0))
        assume(stamp >= 0 and (stamp < 2**32 or np.isfinite(end_us)))  # the first stamp says from where time counts
        placed = clock.place(number % 0x10000, 9, stamp % 2**32, count)
        assert placed.missing == lost
        assert placed.jump_us is None
        assert placed.start_us > end_us
        assert abs(placed.start_us - true_us) < 0.25 * period_us + 2.0 if np.isfinite(end_us) else True
        end_us = placed.start_us + (count - 1) * placed.period_us
        number += count


@pytest.mark.parametrize("off", [-0.05, -0.01, 0.0, 0.02, 0.05])
def test_times_are_exact_from_the_second_packet_on(off: float) -> None:
    """However wrong the named period, stamps on a line give that line, to the rounding of a microsecond."""
    driver = streaming()
    true_us = 10_000.0 * (1.0 + off)
    for k in range(100):
        block = only_block(driver.feed(packet(8 * k, round(1e6 + 8 * k * true_us), count=8)))
        assert block.time_s is not None
        if k:
            np.testing.assert_allclose(block.time_s, 1.0 + (8 * k + np.arange(8)) * true_us * 1e-6, atol=1.5e-6)


def test_jitter_is_averaged() -> None:
    """Stamps a millisecond off at random give times several times better after the first seconds."""
    rng = np.random.default_rng(5)
    clock = Clock(10_000.0, expected=0)
    error_us = []
    for k in range(400):
        stamp = 1_000_000 + 80_000 * k + round(1000.0 * rng.standard_normal())
        error_us.append(clock.place(8 * k, 1, stamp, 8).start_us - (1_000_000 + 80_000 * k))
    assert np.std(error_us[100:]) < 350.0


def test_loss_is_counted_across_the_wrap_of_the_numbers() -> None:
    """`missing` is exact where numbers wrap, up to 32767 samples in one piece; more means that they began anew."""
    for lost, counted in ((0, 0), (5, 5), (32_767, 32_767), (32_768, 0)):
        driver = OpenAnkle.for_decoding({})
        driver.feed(packet(65_534, 0))
        assert only_block(driver.feed(packet(lost, 10_000 * (2 + lost)))).missing == counted


def test_what_was_lost_before_the_first_packet_counts() -> None:
    """Start numbers from 0, so a first packet that begins at 6 comes after 6 lost samples; elsewhere nobody knows."""
    assert only_block(streaming().feed(packet(6, 0))).missing == 6
    assert only_block(OpenAnkle.for_decoding({}).feed(packet(6, 0))).missing == 0


def test_a_stamp_that_steps_back_is_given_as_sent() -> None:
    """A fall of the clock that is no wrap moves the times back, once, and is told."""
    driver = streaming()
    driver.feed(packet(0, 50_000_000))
    driver.feed(packet(2, 50_020_000))
    outputs = driver.feed(packet(4, 40_000_000))
    block = only_block(outputs)
    assert block.time_s is not None
    assert block.time_s[0] == 40.0
    assert named(outputs, "error")[0]["jump_s"] == pytest.approx(-10.04)
    after = only_block(driver.feed(packet(6, 40_020_000)))
    assert after.time_s is not None
    assert after.time_s.tolist() == pytest.approx([40.02, 40.03], abs=1e-9)


def test_a_pause_that_was_not_counted_shows_in_the_times() -> None:
    """A device that lost samples and does not say so: times jump as its stamps do, which is told thrice at most."""
    driver = streaming()
    told = 0
    for k in range(40):
        outputs = driver.feed(packet(2 * k, 20_000 * k + 500_000 * (k // 8)))
        told += len(named(outputs, "error"))
        block = only_block(outputs)
        assert block.time_s is not None
        assert block.time_s[0] == pytest.approx(0.02 * k + 0.5 * (k // 8), abs=1e-9)
    assert told == 3


def test_a_restart_in_mid_stream_begins_numbers_and_clock_anew() -> None:
    """Another boot byte: nothing is missing, the time is the new clock's, and the status is read again."""
    driver = streaming()
    driver.feed(packet(100, 4_294_900_000))
    driver.feed(packet(102, 4_294_920_000))
    outputs = driver.feed(packet(40, 400_000, boot=8))
    block = only_block(outputs)
    assert block.time_s is not None
    assert (block.missing, block.time_s[0]) == (0, 0.4)
    assert m.Read(characteristic=wire.STATUS) in outputs
    status = wire.Status(activity="streaming", boot=8, samples_per_packet=2)
    told = driver.feed(m.ReadResult(characteristic=wire.STATUS, data=wire.encode_status(status)))
    assert [one["message"] for one in named(told, "error")] == ["the device restarted"]
    assert driver.state.step == "streaming"


def test_a_packet_of_another_format_is_scaled_by_its_own() -> None:
    """Each packet carries its scale; a change is told as `settings` before the samples."""
    driver = streaming()
    driver.feed(packet(0, 0))
    other = wire.encode_format(wire.Format(100.0, 2.0, 250.0))
    outputs = driver.feed(packet(2, 20_000, form=other))
    assert named(outputs, "settings") == [{"rate_hz": 100.0, "acc_range_g": 2.0, "gyr_range_dps": 250.0}]
    kinds = [type(one) for one in outputs]
    assert kinds.index(m.Event) < kinds.index(m.Block)


def test_the_true_rate_of_the_device_is_told() -> None:
    """`settings` has the rate that the device names at Start, not the nominal one, and comes before samples."""
    driver = opened()
    answered(driver)
    answer = c.Response(
        op=c.Op.START,
        tag=driver.state.tag,
        result=0,
        started=c.Started(form=FORM, samples_per_packet=8, period_ns=9_615_385),
    )
    outputs = driver.feed(m.Notification(characteristic=wire.CONTROL, data=c.encode_response(answer)))
    assert named(outputs, "settings") == [{"rate_hz": 104.0, "acc_range_g": 16.0, "gyr_range_dps": 2000.0}]
    assert named(driver.feed(packet(0, 0)), "settings") == []


def test_samples_before_the_answer_to_start_are_kept() -> None:
    """A packet that overtakes the answer is decoded by its own format."""
    driver = opened()
    answered(driver)
    outputs = driver.feed(packet(0, 0))
    assert named(outputs, "settings")
    assert only_block(outputs).missing == 0
    outputs = answered(driver)
    assert m.Deadline(name="data", after_s=None) in outputs


def test_context_names_the_rate() -> None:
    """`rate_hz` sets the spacing of a first packet; what cannot be is refused, and so are other keys."""
    block = only_block(OpenAnkle.for_decoding({"rate_hz": 104}).feed(packet(0, 0)))
    assert block.time_s is not None
    assert block.time_s[1] == pytest.approx(1 / 104, abs=1e-8)
    for rate_hz in (0, 39, 1000, -5):
        with pytest.raises(DecodeError, match="allowed are 40 to 600"):
            OpenAnkle.for_decoding({"rate_hz": rate_hz})
    with pytest.raises(DecodeError, match='"range_g" is not known here; allowed: rate_hz'):
        OpenAnkle.for_decoding({"range_g": 16})


@given(st.integers(1, 30))
def test_a_snapshot_in_mid_stream_changes_nothing(cut: int) -> None:
    """A driver restored from a snapshot gives what the first one would have given, bit for bit."""
    rng = np.random.default_rng(1)
    items = [
        packet(8 * k + 8 * (k > 11), round(4.29e9 + 81_234 * k + rng.integers(0, 900)) % 2**32, 8) for k in range(40)
    ]
    driver = streaming()
    for item in items[:cut]:
        driver.feed(item)
    other = OpenAnkle()
    other.restore(driver.snapshot())
    for item in items[cut:]:
        left, right = only_block(driver.feed(item)), only_block(other.feed(item))
        assert left.time_s is not None
        assert right.time_s is not None
        assert left.time_s.tobytes() == right.time_s.tobytes()
        assert left.missing == right.missing
    assert driver.snapshot() == other.snapshot()


def test_a_device_is_known_by_its_service_or_its_name() -> None:
    """An advertisement with the service or a name of the profile matches, others do not."""
    assert OpenAnkle.matches(Advertisement(address="C0:00:00:00:00:01", services=(wire.SERVICE,)))
    assert OpenAnkle.matches(Advertisement(address="C0:00:00:00:00:01", name="OpenAnkle-3FA2"))
    assert not OpenAnkle.matches(Advertisement(address="C0:00:00:00:00:01", name="Ankle"))
    assert not OpenAnkle.matches(Advertisement(address="C0:00:00:00:00:01", services=(wire.DATA,)))


def test_options_nobody_offers_are_refused_at_once() -> None:
    """The profile has four rates, four and five ranges."""
    for options in (Options(rate_hz=104.0), Options(acc_range_g=32.0), Options(gyr_range_dps=245.0)):
        with pytest.raises(OptionsError, match="openankle offers"):
            OpenAnkle(options)


@pytest.mark.parametrize("field", ["mass_kg", "duration_s"])
def test_commands_of_a_user_are_checked(field: str) -> None:
    """Masses and durations that the profile does not have are refused before anything is written."""
    driver = streaming()
    with pytest.raises(OptionsError, match=field):
        driver.set_weight(50.001, "left") if field == "mass_kg" else driver.identify(256)
    with pytest.raises(OptionsError, match="identify is not possible now"):
        opened().identify(1)


def test_state_is_plain_data() -> None:
    """The state is all there is: it survives MessagePack unchanged at every step of a connection."""
    driver = OpenAnkle()
    for step in (driver.start, lambda: opened().start(), lambda: streaming().feed(packet(0, 0))):
        step()
    for one in (driver, opened(), streaming()):
        assert msgspec.msgpack.decode(one.snapshot(), type=OpenAnkle.State) == one.state
