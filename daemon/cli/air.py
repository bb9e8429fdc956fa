"""`ankled simulate --radio`: simulated sensors on a radio made of software, for another process to connect to."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from ankled.daemon.errors import RadioUnavailableError, RecordingError, UsageError
from ankled.daemon.live.launch import stoppable

if TYPE_CHECKING:
    import argparse

    from ankled.simulators.radio.faults import Fault
    from ankled.simulators.radio.world import World


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the radio is."""
    air = parser.add_argument_group("sensors on a radio made of software, until Ctrl-C")
    air.add_argument(
        "--radio", metavar="unix:PATH", help="serve it there, also tcp:127.0.0.1:PORT, or vhci as an adapter of BlueZ"
    )
    air.add_argument(
        "--sensor",
        action="append",
        metavar="LABEL=DEVICE",
        help="a simulated device on a leg, such as left=movesense; may be repeated (default: one on each leg)",
    )
    air.add_argument("--skew-ppm", type=float, default=20.0, metavar="P", help="how far clocks are off (default: 20)")
    air.add_argument("--interval-ms", type=float, metavar="MS", help="of the connections (default: 30)")
    air.add_argument("--slots", type=int, default=7, metavar="N", help="connections the adapter holds (default: 7)")
    air.add_argument("--faults", metavar="FILE", help="a script of faults, lines such as: 12.5 out_of_range left 8")
    air.add_argument("--repeat", action="store_true", help="begin the scenario again at its end")
    air.add_argument("--at-once", action="store_true", help="begin without waiting for all sensors to stream")


def run(arguments: argparse.Namespace) -> int:
    """Serve the radio until stopped."""
    try:
        # Imported here: the radio of software is an extra.
        from ankled.simulators.radio.errors import RadioError  # noqa: PLC0415  (see above)
        from ankled.simulators.radio.faults import parse_script  # noqa: PLC0415  (see above)
        from ankled.simulators.radio.outfit import PAIR, parse_sensor, worn  # noqa: PLC0415  (see above)
        from ankled.simulators.radio.wire import parse_spec  # noqa: PLC0415  (see above)
    except ModuleNotFoundError as error:
        message = f"--radio needs the package {error.name}, which comes with ankled[radio]"
        raise UsageError(message) from error
    if arguments.interval_ms is not None and not 7.5 <= arguments.interval_ms <= 4000.0:  # noqa: PLR2004  (Core 5.4, Vol 6, Part B, 4.5.1)
        message = f"--interval-ms is {arguments.interval_ms:g}; allowed is 7.5 to 4000"
        raise UsageError(message)
    try:
        parse_spec(arguments.radio)
        world = worn(
            arguments.scenario,
            [parse_sensor(text) for text in arguments.sensor or PAIR],
            seed=arguments.seed,
            skew_ppm=arguments.skew_ppm,
            interval_s=None if arguments.interval_ms is None else arguments.interval_ms / 1000.0,
            repeat=arguments.repeat,
            begin="at once" if arguments.at_once else "streaming",
        )
        faults = parse_script(_text(arguments.faults), world.labels) if arguments.faults else []
    except RadioError as error:
        raise UsageError(str(error)) from error
    return asyncio.run(_serve(world, arguments.radio, faults, arguments.slots))


async def _serve(world: World, spec: str, faults: list[Fault], slots: int) -> int:
    """Run the world until a signal."""
    from ankled.simulators.radio.errors import RadioError  # noqa: PLC0415  (as in run)
    from ankled.simulators.radio.faults import Faults  # noqa: PLC0415  (as in run)
    from ankled.simulators.radio.wire import serve  # noqa: PLC0415  (as in run)

    stop = asyncio.Event()
    with stoppable(stop):
        try:
            async with world, serve(world, spec, slots=slots) as where:
                for label in world.labels:
                    server = world.server(label)
                    name = server.placing.peripheral.name
                    sys.stdout.write(f"{label:<10} {server.placing.address}  {name}\n")
                sys.stdout.write(f"radio at {where}; ankled run --radio {where} --adopt connects\n")
                sys.stdout.flush()
                with Faults(world, faults):
                    await stop.wait()
        except RadioError as error:
            raise RadioUnavailableError(str(error)) from error
    return 0


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  (the name as it was given)
            return file.read()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise RecordingError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text"
        raise RecordingError(message) from error
