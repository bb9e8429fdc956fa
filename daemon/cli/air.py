"""`ankled simulate --radio`: simulated sensors on a radio made of software, for another process to connect to."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankled.daemon.cli.live import run_to_end
from ankled.daemon.errors import RadioUnavailableError, RecordingError, UsageError
from ankled.daemon.stopping import stoppable
from ankled.simulators.imu import CONSUMER, IDEAL
from ankled.simulators.scenarios import ScenarioError

if TYPE_CHECKING:
    import argparse

    from ankled.simulators.radio.faults import Fault
    from ankled.simulators.radio.world import World

_SKEW_PPM: Final = 20.0
_SLOTS: Final = 7
OPTIONS: Final = ("sensor", "skew_ppm", "interval_ms", "slots", "faults", "repeat", "at_once")
"""What is of use with --radio only."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the radio is. None of them has a default, so that what was given can be told."""
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
    air.add_argument("--skew-ppm", type=float, metavar="P", help=f"how far clocks are off (default: {_SKEW_PPM:g})")
    air.add_argument("--interval-ms", type=float, metavar="MS", help="of the connections (default: 30)")
    air.add_argument("--slots", type=int, metavar="N", help=f"connections the adapter holds (default: {_SLOTS})")
    air.add_argument("--faults", metavar="FILE", help="a script of faults, lines such as: 12.5 out_of_range left 8")
    air.add_argument("--repeat", action="store_true", default=None, help="begin the scenario again at its end")
    air.add_argument("--at-once", action="store_true", default=None, help="do not wait for all sensors to stream")


def run(arguments: argparse.Namespace) -> int:
    """Serve the radio until stopped."""
    try:
        # Imported here: the radio of software is an extra.
        from ankled.simulators.radio.errors import RadioError  # noqa: PLC0415  (see above)
        from ankled.simulators.radio.outfit import PAIR, parse_sensor, worn  # noqa: PLC0415  (see above)
        from ankled.simulators.radio.wire import parse_spec  # noqa: PLC0415  (see above)
    except ModuleNotFoundError as error:
        message = f"--radio needs the package {error.name}, which comes with ankled[radio]"
        raise UsageError(message) from error
    slots = _SLOTS if arguments.slots is None else arguments.slots
    skew_ppm = _SKEW_PPM if arguments.skew_ppm is None else arguments.skew_ppm
    if arguments.seed < 0:
        message = f"--seed is {arguments.seed}; allowed is a whole number from 0 on"
        raise UsageError(message)
    _within("--slots", slots, 1, 64)
    _within("--skew-ppm", skew_ppm, -1000.0, 1000.0)
    if arguments.interval_ms is not None:
        _within("--interval-ms", arguments.interval_ms, 7.5, 4000.0)  # Bluetooth Core 5.4, Vol 6, Part B, 4.5.1
    try:
        parse_spec(arguments.radio)
        world = worn(
            arguments.scenario,
            [parse_sensor(text) for text in arguments.sensor or PAIR],
            seed=arguments.seed,
            errors=IDEAL if arguments.imu == "ideal" else CONSUMER,
            skew_ppm=skew_ppm,
            interval_s=None if arguments.interval_ms is None else arguments.interval_ms / 1000.0,
            repeat=bool(arguments.repeat),
            begin="at once" if arguments.at_once else "streaming",
        )
    except (RadioError, ScenarioError) as error:
        raise UsageError(str(error)) from error
    faults = [] if arguments.faults is None else _script(arguments.faults, world.labels)
    return run_to_end(_serve(world, arguments.radio, faults, slots))


def _script(path: str, labels: tuple[str, ...]) -> list[Fault]:
    """Return the faults of a script. Raises RecordingError where it cannot be read, UsageError where it is wrong."""
    from ankled.simulators.radio.errors import ScriptError  # noqa: PLC0415  (as in run)
    from ankled.simulators.radio.faults import parse_script  # noqa: PLC0415  (as in run)

    try:
        return parse_script(Path(path).expanduser().read_text(encoding="utf-8"), labels)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise RecordingError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text"
        raise RecordingError(message) from error
    except ScriptError as error:
        message = f"{path}, {error}"
        raise UsageError(message) from error


def _within(name: str, value: float, least: float, most: float) -> None:
    """Raise UsageError for a number out of its range, or none at all."""
    if not least <= value <= most:
        message = f"{name} is {value:g}; allowed is {least:g} to {most:g}"
        raise UsageError(message)


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
                radio = "" if where.startswith("vhci") else f"--radio {where} "
                sys.stdout.write(f"radio at {where}; ankled run {radio}--adopt connects\n")
                sys.stdout.flush()
                with Faults(world, faults):
                    await stop.wait()
        except RadioError as error:
            raise RadioUnavailableError(str(error)) from error
    return 0
