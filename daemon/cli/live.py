"""What the commands that use the radio have in common."""

from __future__ import annotations

import asyncio
import errno
import gc
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.cli.recordings import existing
from ankled.daemon.config import load
from ankled.daemon.errors import AnkledError
from ankled.daemon.stopping import first
from ankled.drivers.registry import registered

if TYPE_CHECKING:
    import argparse
    from collections.abc import Coroutine
    from typing import Any

    from ankled.daemon.config import Config
    from ankled.daemon.live.ending import Ending

_INTERRUPTED = 130


def add_radio_argument(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the radio."""
    parser.add_argument(
        "--radio",
        metavar="unix:PATH",
        help="the radio of ankled simulate --radio, also tcp:127.0.0.1:PORT (default: the adapters of this machine)",
    )


def add_link_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which sensors to connect to, and how."""
    parser.add_argument("--config", type=existing, metavar="FILE.toml", help="see ankled check-config")
    parser.add_argument("--adopt", action="store_true", help="connect to every sensor near that a driver knows")
    add_radio_argument(parser)


def configuration(arguments: argparse.Namespace) -> Config:
    """Return the configuration, with what the options say. Raises ConfigError."""
    config = load(arguments.config, drivers=registered().drivers)
    return msgspec.structs.replace(config, adopt="known-drivers") if arguments.adopt else config


def run_to_end(work: Coroutine[Any, Any, int], ending: Ending | None = None) -> int:
    """Run and return the exit code. Of several failures at once the one that a user can do something about is raised.

    What `stoppable` cuts short at a second signal ends as an interrupt does. `ending` ends the process where its
    time is over, also that of threads which hang.
    """
    # What the kernels left is there for good: the collector would look through it now and then, and hold up all samples
    # for a quarter of a second each time.
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(_whole(work, ending))
    except (BaseExceptionGroup, AnkledError) as failures:
        failure = first(failures) if isinstance(failures, BaseExceptionGroup) else failures
        if ending is not None and isinstance(failure, AnkledError):
            ending.closed(failure.exit_code)  # all that could be closed is
        raise failure from None
    except asyncio.CancelledError:
        return _INTERRUPTED
    finally:
        gc.unfreeze()
        if ending is not None:
            ending.over()


def _failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what a callback raised, but for a socket that was closed before the loop came to watch it.

    A broker that goes while something is sent does that; its absence is told elsewhere.
    """
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno == errno.EBADF):
        loop.default_exception_handler(context)


async def _whole(work: Coroutine[Any, Any, int], ending: Ending | None) -> int:
    asyncio.get_running_loop().set_exception_handler(_failed)
    code = await work
    if ending is not None:
        ending.closed(code)
    return code
