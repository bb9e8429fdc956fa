"""What every registered driver makes of packets that are wrong; and whether every known packet is used in a test."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankled.drivers import messages as m
from ankled.drivers.errors import DecodeError
from tests.drivers.contract import DRIVERS, converse, every_driver, usual
from tests.drivers.twin import Twin, same
from tests.drivers.vectors import ids

if TYPE_CHECKING:
    from ankled.drivers.driver import Driver


class _Overheard(Twin):
    """Notes one packet of each characteristic and length, with what the driver remembered before it."""

    def __init__(self, driver: Driver[Any]) -> None:
        super().__init__(driver)
        self.heard: dict[tuple[str, int], tuple[bytes, bytes]] = {}

    def feed(self, item: m.DriverInput) -> list[m.DriverOutput]:
        if isinstance(item, m.Notification) or (isinstance(item, m.ReadResult) and item.error is None):
            self.heard[item.characteristic, len(item.data)] = (self.snapshot(), item.data)
        return self.driver.feed(item)


@cache
def _overheard(name: str) -> _Overheard:
    """Return what was said in three seconds; the driver is in the midst of its stream."""
    ear = _Overheard(DRIVERS[name]())
    converse(ear, usual(name), 3.0)
    assert ear.heard
    return ear


def _streaming(name: str) -> Driver[Any]:
    driver = DRIVERS[name]()
    driver.restore(_overheard(name).snapshot())
    return driver


def _fed(driver: Driver[Any], item: m.DriverInput) -> list[m.DriverOutput]:
    """Return what a driver gives; a refusal in one line is nothing, any other error is the test's."""
    try:
        return driver.feed(item)
    except DecodeError as error:
        told = str(error)
    assert re.fullmatch(r"\S.*", told)
    return []


@every_driver
def test_packets_cut_short_or_with_more_behind(name: str) -> None:
    """At every length: decoded, or refused in one line; by notification as by reading; then the driver goes on."""
    for (uuid, _), (before, data) in _overheard(name).heard.items():
        driver = DRIVERS[name]()
        driver.restore(before)
        expected = _fed(driver, m.Notification(characteristic=uuid, data=data))
        for size in range(len(data) + 2):
            driver.restore(before)
            packet = data[:size] if size <= len(data) else data + b"\x5a"
            for kind in (m.Notification, m.ReadResult):
                driver.restore(before)
                _fed(driver, kind(characteristic=uuid, data=packet))
        driver.restore(before)
        again = _fed(driver, m.Notification(characteristic=uuid, data=data))
        assert all(same(one, two) for one, two in zip(again, expected, strict=True))


@st.composite
def _spoilt(draw: st.DrawFn, name: str) -> tuple[str, bytes]:
    """Draw a characteristic and bytes: any, or a real packet with other bytes in its midst or at its end."""
    if draw(st.booleans()):
        return draw(st.sampled_from(sorted(DRIVERS[name].info.characteristics.values()))), draw(st.binary(max_size=260))
    heard = [(uuid, data) for (uuid, _), (_, data) in _overheard(name).heard.items()]
    uuid, data = draw(st.sampled_from(heard))
    start = draw(st.integers(0, len(data)))
    return uuid, data[:start] + draw(st.binary(max_size=8)) + data[draw(st.integers(start, len(data))) :]


@every_driver
@given(data=st.data())
@settings(max_examples=40)
def test_any_bytes_in_mid_stream(name: str, data: st.DataObject) -> None:
    """Whatever comes by radio is decoded or refused, and what the driver remembers of it can be saved."""
    driver = _streaming(name)
    for (uuid, packet), read in data.draw(st.lists(st.tuples(_spoilt(name), st.booleans()), max_size=8)):
        _fed(driver, (m.ReadResult if read else m.Notification)(characteristic=uuid, data=packet))
    other = DRIVERS[name]()
    other.restore(driver.snapshot())
    assert other.snapshot() == driver.snapshot()


@every_driver
@given(data=st.data())
@settings(max_examples=40)
def test_answers_and_time_outs_that_nobody_asked_for(name: str, data: st.DataObject) -> None:
    """They harm no driver, neither before nor in mid-stream."""
    driver = _streaming(name) if data.draw(st.booleans()) else DRIVERS[name]()
    uuids = st.sampled_from(sorted(driver.info.characteristics.values()))
    errors = st.none() | st.just("refused")
    items = st.one_of(
        st.builds(m.WriteResult, characteristic=uuids, error=errors),
        st.builds(m.ReadResult, characteristic=uuids, error=st.just("refused")),
        st.builds(m.Timeout, name=st.sampled_from(["answer", "start", "read_again", "subscribed", "never heard of"])),
    )
    for item in data.draw(st.lists(items, max_size=6)):
        _fed(driver, item)


# --- vectors --------------------------------------------------------------------------------------------------------


def test_every_packet_vector_is_used() -> None:
    """Each packet of the file is claimed by the tests of one family, and no test claims one that is not there."""
    known = ids()
    if not known:
        pytest.skip("ANKLED_VECTORS names no file of packet vectors")
    claimed: set[str] = set()
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = import_module(f"tests.drivers.{path.stem}")
        claimed |= getattr(module, "covered", set)()
    assert claimed == set(known)
