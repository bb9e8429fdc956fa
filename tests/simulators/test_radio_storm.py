"""Any storm of faults: whatever comes together, the radio survives, and works when it is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from bleak.exc import BleakError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ankled.simulators.radio.faults import Faults, parse_script
from ankled.simulators.radio.virtual import run_virtual
from tests.simulators.beeper import Session, found, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.simulators.radio.central import Central
    from ankled.simulators.radio.world import World

STORM_S = 20.0
LASTING = ("out_of_range", "absent", "zombie")
SIZES = {"bursts": "0.7", "lost_packets": "0.5", "duplicates": "0.5"}
SHORT = ("link_loss", "reset", "overrun", "refusals")


@st.composite
def lines(draw: Callable[[st.SearchStrategy[object]], object]) -> str:
    """Return one line of a script whose fault is over when the storm is."""
    at_s = draw(st.integers(0, 100))
    kind = draw(st.sampled_from([*LASTING, *SIZES, *SHORT]))
    device = draw(st.sampled_from(["left", "right", "*"]))
    numbers = []
    if kind in LASTING or kind in SIZES:
        numbers.append(str(draw(st.sampled_from([0.05, 0.5, 1.9, 2.1, 7.0]))))
    if kind in SIZES:
        numbers.append(SIZES[str(kind)])
    if kind in {"overrun", "refusals"}:
        numbers.append("2")
    return f"{float(str(at_s)) / 10.0} {kind} {device} {' '.join(numbers)}"


async def _keep_on(air: World, central: Central, label: str, stop: asyncio.Event) -> None:
    """Connect and stream, again and again, as a stubborn daemon does."""
    while not stop.is_set():
        try:
            session = Session(await found(air, central, label, 3.0), central, air, timeout=4.0, transaction_s=3.0)
            async with session:
                await asyncio.wait_for(session.stream(50), 4.0)
                await asyncio.sleep(3.0)
        except (AssertionError, BleakError, TimeoutError):
            await asyncio.sleep(0.25)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(lines(), max_size=12))
def test_after_any_storm_both_devices_stream_and_nothing_is_left(script: list[str]) -> None:
    """A central that never gives up meets any faults at all; then every sample of both devices arrives."""

    async def run() -> None:
        async with world("left", "right") as air:
            central = await air.central(slots=2)
            stop = asyncio.Event()
            with Faults(air, parse_script("\n".join(script), air.labels)) as faults:
                async with asyncio.TaskGroup() as group:
                    for label in air.labels:
                        group.create_task(_keep_on(air, central, label, stop))
                    await asyncio.sleep(STORM_S)
                    stop.set()
            assert not faults._lasting
            await asyncio.sleep(5.0)
            for label in air.labels:
                server = air.server(label)
                server.peripheral.refusals = 0
                async with Session(await found(air, central, label), central, air) as session:
                    await session.stream(50)
                    await asyncio.sleep(2.0)
                    assert session.numbers == list(range(len(session.numbers)))
                    assert len(session.numbers) == pytest.approx(100, abs=3)
                    assert server.host.waiting < 5
            await asyncio.sleep(0.1)
            assert not air.air.links
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(run())
