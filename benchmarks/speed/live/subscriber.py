"""`python -m benchmarks.speed.live.subscriber BROKER COUNT`: notes when each repetition arrives, until SIGTERM.

Prints a line once it is subscribed, another one when every sensor has had a few repetitions, and at its end the notes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

import msgspec

from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import connected
from ankled.daemon.stopping import stoppable
from benchmarks.speed.live.cast import NODE, READY, Heard

FEW = 3
"""So many repetitions of a sensor, and its axes are found and everything is compiled and cached."""


class _Id(msgspec.Struct):
    """The part of a record that is looked at."""

    id: str


async def run(broker: str, count: int) -> None:
    """Note arrivals until a signal, then tell."""
    stop = asyncio.Event()
    notes: list[tuple[int, bytes]] = []
    seen: Counter[str] = Counter()

    async def listen() -> None:
        async with connected(BrokerAddress.parse(broker), client_id="bench-subscriber") as connection:
            await connection.subscribe(f"ankled/{NODE}/+/rep")
            print(READY, flush=True)
            warm = False
            async for message in connection.received():
                notes.append((time.clock_gettime_ns(time.CLOCK_BOOTTIME), message.payload))
                if not warm:
                    seen[message.topic] += 1
                    warm = len(seen) == count and min(seen.values()) >= FEW
                    if warm:
                        print(READY, flush=True)

    with stoppable(stop):
        listening = asyncio.create_task(listen(), name="listening")
        ending = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({listening, ending}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            await listening  # raises what ended it
        listening.cancel()
        await asyncio.wait({listening})
    decoder = msgspec.json.Decoder(_Id)
    arrived: dict[str, int] = {}
    for arrived_ns, payload in notes:
        arrived.setdefault(decoder.decode(payload).id, arrived_ns)
    print(msgspec.json.encode(Heard(arrived_ns=arrived)).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))
