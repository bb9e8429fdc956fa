"""`ankled record`: what the sensors send, into a file, without a broker; `ankled replay` computes the results."""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ankled.daemon import stopping
from ankled.daemon.capture.writer import CaptureLimits
from ankled.daemon.cli.live import add_link_arguments, configuration, run_to_end
from ankled.daemon.cli.recordings import existing
from ankled.daemon.cli.warm import warm
from ankled.daemon.errors import AnkledError, RecordingError, UsageError
from ankled.daemon.live import athletes, launch, radio
from ankled.daemon.live.outlet import Nowhere

if TYPE_CHECKING:
    import argparse

    from ankled.daemon.config import Config

_SUFFIX = ".mcap"
_SHOW_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", type=existing, metavar="OUT.mcap", help="a new file")
    add_link_arguments(parser)
    parser.add_argument("--duration-s", type=float, metavar="S", help="stop after so long (default: at Ctrl-C)")


def run(arguments: argparse.Namespace) -> int:
    """Record."""
    path: Path = arguments.file
    if path.suffix.lower() != _SUFFIX:
        message = f"{path} is no name of a recording; allowed is one that ends in {_SUFFIX}"
        raise UsageError(message)
    if path.exists():
        message = f"{path} exists already and is left as it is; name a new file"
        raise RecordingError(message)
    if not path.parent.is_dir():
        message = f"{path} cannot be written: there is no folder {path.parent}"
        raise RecordingError(message)
    duration_s = arguments.duration_s
    if duration_s is not None and not 0.0 < duration_s < math.inf:
        message = f"--duration-s is {duration_s:g}; allowed is a number of seconds above 0"
        raise UsageError(message)
    config = configuration(arguments)
    if not config.devices and config.adopt == "none":
        message = "no sensor to record: name them by --config FILE.toml, or take all that are near by --adopt"
        raise UsageError(message)
    radio.check(arguments.radio)
    key = Path(config.state.folder) / athletes.NAME if config.state.enabled else None
    config = athletes.Athletes(key, pseudonyms=config.athletes.pseudonyms).hide(config)
    warm()
    return run_to_end(_record(config, path, arguments.radio, duration_s))


async def _record(config: Config, path: Path, radio_spec: str | None, duration_s: float | None) -> int:
    """Open everything, record, close everything."""
    stop = asyncio.Event()
    with stopping.stoppable(stop):
        async with contextlib.AsyncExitStack() as stack:
            backends = await stack.enter_async_context(radio.opened(radio_spec, config.radio.adapters))
            await radio.ready(backends)
            capture = await stack.enter_async_context(launch.recording(path, config, CaptureLimits()))
            live = launch.Live(config, backends, Nowhere())
            async with asyncio.TaskGroup() as group:
                showing = group.create_task(_show(live, stop, duration_s), name="progress")
                await live.run(stop, capture, "end of the recording")
                showing.cancel()
    if live.service.queue.statistics.passed == 0:
        sys.stderr.write(f"ankled: no sensor was connected, {path} holds nothing to replay\n")
        return AnkledError.exit_code
    sys.stderr.write(f"ankled: recorded to {path}; ankled replay {path} computes the results\n")
    return 0


async def _show(live: launch.Live, stop: asyncio.Event, duration_s: float | None) -> None:
    """Tell on a terminal how it goes; set `stop` when the time is over."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    left_s = math.inf
    try:
        while left_s > 0.0:
            passed_s = loop.time() - begun_s
            _tell(f"{passed_s:6.0f} s  {_state(live)}")
            left_s = math.inf if duration_s is None else duration_s - passed_s
            await asyncio.sleep(max(0.0, min(_SHOW_S, left_s)))
        stop.set()
    finally:
        _tell("")


def _state(live: launch.Live) -> str:
    """Return how each sensor does."""
    states = [f"{one.slug} {one.state} {one.packets} packets" for one in live.supervisor.status().devices]
    return ", ".join(states) or "looking for sensors"


def _tell(text: str) -> None:
    """Replace the last line of a terminal. The cursor stays at its beginning, where a log line may follow."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\033[K{text[: shutil.get_terminal_size().columns - 1]}\r")
        sys.stderr.flush()
