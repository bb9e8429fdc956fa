"""What every registered driver promises, whoever wrote it: its description, and its talk with a simulated device."""

from __future__ import annotations

import re
from importlib import import_module

import numpy as np
import pytest

from ankled.drivers import messages as m
from ankled.drivers.driver import Advertisement, Options
from ankled.drivers.errors import DecodeError, OptionsError
from ankled.drivers.registry import sensor_for
from ankled.drivers.units import G_MPS2
from ankled.drivers.uuids import normalise
from ankled.simulators.peripherals import catalogue
from tests.drivers.contract import DRIVERS, SENSORS, converse, every_device, every_driver, usual
from tests.drivers.conversation import board
from tests.drivers.twin import Twin, same

OPTIONS = (("rate_hz", "rates_hz"), ("acc_range_g", "acc_ranges_g"), ("gyr_range_dps", "gyr_ranges_dps"))

# --- what a driver says of itself -----------------------------------------------------------------------------------


@every_driver
def test_the_description_is_complete(name: str) -> None:
    """Names in snake_case, UUIDs in full, lists in order and without repetition, nothing that contradicts itself."""
    info = DRIVERS[name].info
    assert re.fullmatch(r"[a-z][a-z0-9_]*", info.name)
    assert info.title
    assert info.services
    assert len(set(info.characteristics.values())) == len(info.characteristics) > 0
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in info.characteristics)
    for uuid in (*info.services, *info.advertised_services, *info.characteristics.values()):
        assert uuid == normalise(uuid)
    for _, offered in OPTIONS:
        values = getattr(info, offered)
        assert list(values) == sorted(set(values))
        assert all(value > 0 for value in values)
    assert 23 <= info.min_mtu <= 517
    assert 0.0 < info.longest_gap_s <= 60.0
    sensor = info.kind == "sensor"
    assert bool(info.streams) == sensor
    assert sensor or not (info.name_prefixes or info.advertised_services)
    assert ("acc" in info.streams) == bool(info.rates_hz)
    assert not info.rates_hz or info.default_rate_hz in info.rates_hz
    assert "gyr" in info.streams or not info.gyr_ranges_dps


@every_driver
def test_the_class_documents_itself(name: str) -> None:
    """Class and module say what they are; the values of events stand there."""
    driver = DRIVERS[name]
    assert driver.__doc__
    assert import_module(driver.__module__).__doc__


@every_driver
def test_options_are_taken_or_refused(name: str) -> None:
    """Each value offered is taken; any other is refused by a sentence that names the driver."""
    driver = DRIVERS[name]
    for key, offered in OPTIONS:
        for value in getattr(driver.info, offered):
            assert getattr(driver(Options(**{key: value})).options, key) == value
        with pytest.raises(OptionsError, match=rf"^{key} is 12345.*{name}"):
            driver(Options(**{key: 12345.0}))


@every_driver
def test_decoding_refuses_a_context_it_does_not_know(name: str) -> None:
    """A key misspelt is told, not passed over."""
    with pytest.raises(DecodeError, match=r'^context key "rate_hertz" is not known here; allowed: '):
        DRIVERS[name].for_decoding({"rate_hertz": 52})


# --- with a simulated device ----------------------------------------------------------------------------------------


def test_every_sensor_has_a_simulated_device() -> None:
    """One goes by the driver's name; there may be more models."""
    families = {name: device.family.driver for name, device in catalogue.DEVICES.items()}
    assert {name: families[name] for name in SENSORS} == {name: name for name in SENSORS}
    assert set(families.values()) == set(SENSORS)


def test_a_device_that_there_is_not() -> None:
    """The sentence names those there are; a device takes the name it is given."""
    with pytest.raises(catalogue.CatalogueError, match=r'^no simulated device is called "pod"; there are .*rsc'):
        catalogue.make("pod", board())
    assert catalogue.make("rsc", board(), "Mine").advertising.name == "Mine"


@every_device
def test_a_simulated_device_is_recognised(device: str) -> None:
    """Its driver alone takes it by its advertisement, and finds its services and characteristics there."""
    one = catalogue.make(device, board())
    shown = one.advertising
    seen = Advertisement(
        address="C0:00:00:00:00:01", name=shown.name, services=shown.services, manufacturer=shown.manufacturer
    )
    assert sensor_for(seen) == [one.driver]
    table = {service.uuid: {each.uuid for each in service.characteristics} for service in one.services}
    info = DRIVERS[one.driver].info
    assert set(info.services) <= set(table)
    assert set.union(*table.values()) & set(info.characteristics.values())


@every_device
def test_settings_come_before_samples(device: str) -> None:
    """And the samples make sense: SI units, the streams said, time that grows, no longer silence than is said."""
    one = catalogue.make(device, board("stand"))
    info = DRIVERS[one.driver].info
    talk = converse(DRIVERS[one.driver](), one, 12.0, mtu=max(info.min_mtu, 185))
    assert talk.hung_up is None
    kinds = [output for _, output in talk.outputs if isinstance(output, m.Block | m.Event)]
    if info.streams == ("cadence",):
        assert talk.events("cadence")
        return
    first = next(index for index, output in enumerate(kinds) if isinstance(output, m.Block))
    told = [output.value for output in kinds[:first] if isinstance(output, m.Event) and output.name == "settings"]
    assert told
    rate_hz = float(told[-1]["rate_hz"])  # type: ignore[arg-type]  # a number
    assert device != info.name or rate_hz == pytest.approx(float(info.default_rate_hz or 0.0), rel=0.02)
    blocks = [(now, output) for now, output in talk.outputs if isinstance(output, m.Block)]
    assert max(np.diff([now for now, _ in blocks])) <= info.longest_gap_s + talk.interval_s
    for _, block in blocks:
        assert block.missing == 0
        assert (block.time_s is not None) == (info.clock == "sensor")
        for array in (block.acc, block.gyr):
            assert array is None or (array.flags.c_contiguous and array.flags.aligned)
    acc = talk.stacked("acc")
    assert np.linalg.norm(np.median(acc, axis=0)) == pytest.approx(G_MPS2, rel=0.03)
    assert len(acc) == pytest.approx(rate_hz * 11.0, rel=0.2)
    streams = {"acc", "gyr"} if any(block.gyr is not None for _, block in blocks) else {"acc"}
    assert streams <= set(told[-1].get("streams") or info.streams)  # type: ignore[arg-type]  # a list of names
    if "gyr" in streams:
        assert np.abs(np.median(talk.stacked("gyr"), axis=0)).max() < 0.05
    if info.clock == "sensor":
        for stream in streams:
            times = np.concatenate([block.time_s for _, block in blocks if getattr(block, stream) is not None])
            assert np.all(np.diff(times) > 0.0)


@every_device
def test_the_smallest_packets_that_suffice(device: str) -> None:
    """With the MTU that the driver names as the least, data still flows."""
    one = catalogue.make(device, board("stand"))
    driver = DRIVERS[one.driver]
    talk = converse(driver(), one, 5.0, mtu=driver.info.min_mtu)
    assert talk.hung_up is None
    assert talk.all(m.Block) or talk.events("cadence")


@every_device
def test_a_connection_after_another(device: str) -> None:
    """Whatever a device keeps from a connection that broke off, the next driver gets its data flowing."""
    one = catalogue.make(device, board())
    driver = DRIVERS[one.driver]
    first = converse(driver(), one, 4.0)
    one.disconnect(first.now_s)
    second = converse(driver(), one, 6.0, now_s=first.now_s + 2.0)
    one.reset(second.now_s)
    third = converse(driver(), one, 6.0, now_s=second.now_s + 2.0)
    for talk in (first, second, third):
        assert talk.hung_up is None
        assert talk.all(m.Block) or talk.events("cadence")


@every_device
def test_a_device_is_left_at_rest(device: str) -> None:
    """What a driver does before a wanted disconnect ends the stream, where the device can be told to."""
    one = catalogue.make(device, board())
    driver = DRIVERS[one.driver]()
    talk = converse(driver, one, 4.0)
    goodbye = driver.stop()
    assert not any(isinstance(output, m.Block) for output in goodbye)
    if goodbye:
        talk._take(goodbye)
        talk.run(1.0)
        before = len(talk.all(m.Block))
        talk.run(3.0)
        assert len(talk.all(m.Block)) == before
        assert talk.hung_up is None


@every_driver
def test_all_that_matters_is_in_the_state(name: str) -> None:
    """At any moment a driver restored from a snapshot gives the same outputs for whatever comes next."""
    twin = Twin(DRIVERS[name]())
    talk = converse(twin, usual(name), 4.0, mtu=max(twin.info.min_mtu, 185))
    assert twin.compared > 4
    assert talk.hung_up is None


@every_driver
def test_the_same_inputs_give_the_same_outputs(name: str) -> None:
    """No clock, no chance: what a capture holds can be computed again."""
    first, second = (converse(DRIVERS[name](), usual(name), 3.0) for _ in range(2))
    assert len(first.outputs) == len(second.outputs)
    assert all(
        one[0] == two[0] and same(one[1], two[1]) for one, two in zip(first.outputs, second.outputs, strict=True)
    )
