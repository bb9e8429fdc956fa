"""Sixteen sensors on eight athletes, and what goes wrong with them: drawn from a seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from ankled.simulators.radio.world import static_address

if TYPE_CHECKING:
    from collections.abc import Iterator

# Slow rates: what is looked at is what time and faults leave behind, and that does not depend on the samples.
MAKES: Final = (("movesense", 13.0), ("witmotion", 10.0), ("movella_dot", 12.0), ("polar", 26.0))
SENSORS: Final = {
    f"{side}-{number}": MAKES[(2 * number + offset) % len(MAKES)]
    for number in range(1, 9)
    for offset, side in enumerate(("left", "right"))
}
"""Labels, makes and rates."""
_EVERY_S: Final = 10.0
"""Faults come about so often, over all sensors."""
_QUIET_S: Final = 60.0
"""So long at the end there are none: what was lost has time to come back."""


def config(folder: str, broker: str) -> str:
    """Return the configuration of the daemon."""
    head = f"""
node = "gym"
[mqtt]
broker = "{broker}"
[radio]
slots = {len(SENSORS)}
[capture]
folder = "{folder}/captures"
rotate_min = 5.0
[state]
folder = "{folder}/state"
[athletes]
pseudonyms = false
"""
    devices = (
        f"""
[[devices]]
slug = "{label}"
address = "{static_address(label)}"
side = "{label.partition("-")[0]}"
athlete = "athlete-{label.partition("-")[2]}"
rate_hz = {rate_hz}
"""
        for label, (_, rate_hz) in SENSORS.items()
    )
    return head + "".join(devices)


def faults(seed: int, lasting_s: float) -> Iterator[str]:
    """Yield the lines of a script of faults at random moments."""
    rng = random.Random(seed)
    at_s = 30.0
    while at_s < lasting_s - _QUIET_S:
        label = rng.choice(list(SENSORS))
        yield f"{at_s:.2f} " + rng.choice(
            (
                f"out_of_range {label} {rng.uniform(1.0, 15.0):.1f}",
                f"absent {label} {rng.uniform(2.0, 20.0):.1f}",
                f"link_loss {label}",
                f"zombie {label} {rng.uniform(2.0, 12.0):.1f}",
                f"bursts {label} {rng.uniform(2.0, 10.0):.1f} {rng.uniform(0.1, 1.0):.2f}",
                f"lost_packets {label} {rng.uniform(2.0, 10.0):.1f} {rng.uniform(0.05, 0.5):.2f}",
                f"duplicates {label} {rng.uniform(2.0, 10.0):.1f} {rng.uniform(0.05, 0.5):.2f}",
                f"overrun {label} {rng.randrange(1, 200)}",
                f"reset {label}",
                f"refusals {label} {rng.randrange(1, 4)}",
            )
        )
        at_s += rng.expovariate(1.0 / _EVERY_S)
