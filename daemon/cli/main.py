"""`ankled COMMAND ...`: finds the command, runs it, and turns errors into one sentence and an exit code.

Each command lives in a file of its own and is imported only when it is asked for: the kernels take half a second.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NoReturn

from ankled.daemon.errors import AnkledError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "demo": "a minute of simulated training through radio, drivers, pipeline and broker, no hardware needed",
    "scan": "show the sensors that are near, and which driver takes them",
    "run": "connect to the sensors, compute, publish and record, until told to stop",
    "record": "record what the sensors send, without a broker",
    "monitor": "watch what nodes publish, live on a terminal or line by line",
    "replay": "compute the results of a recording (CSV or MCAP)",
    "simulate": "write a simulated recording and its truth, or put simulated sensors on a radio",
    "capture": "look at, check, repair, import and export recordings",
    "decode": "what a driver makes of packets, byte by byte",
    "drivers": "list the sensors that are understood",
    "check-config": "check a configuration file",
    "doctor": "look at everything the daemon needs, and say what to do",
    "athletes": "whose pseudonyms are whose",
    "forget": "remove everything that is stored of an athlete",
    "service": "install the daemon as a service of systemd, remove it, or see how it does",
    "warm": "compile the kernels now, so that the next start is quick",
}
"""Command -> what it does, in one line. The module is `ankled.daemon.cli.<command>`, with _ for -."""

EXIT_CODES = """exit codes: 0 done; 1 failed; 2 wrong command or option; 3 wrong configuration;
4 unusable recording or packet; 5 broker not there or refusing; 6 no Bluetooth adapter, or none that may be used;
130 interrupted"""

_INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence and go the way of all errors."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (argparse's own, passed on)
        """Take `-1,0,0` for the value that it is: argparse alone would take it for an option."""
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = re.compile(r"^-\.?\d")

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        text = f"{message} (see {self.prog} --help)"
        raise UsageError(text)


def parser_of(name: str) -> Parser:
    """Return the parser of a command; its namespace's `run` is the command's function."""
    gc.disable()  # what modules make stays: to look through it again and again took a tenth of the start
    try:
        module = import_module(f"ankled.daemon.cli.{name.replace('-', '_')}")
    finally:
        gc.enable()
    command = Parser(
        prog=f"ankled {name}",
        description=COMMANDS[name],
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), help="default: warning; of run: as configured"
    )
    module.add_arguments(command)
    command.set_defaults(run=module.run)
    return command


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; `run` is the command's function."""
    listing = "\n".join(f"  {name:<14}{text}" for name, text in COMMANDS.items())
    parser = Parser(
        prog="ankled",
        usage="ankled COMMAND ...",
        description="Sway, cadence and lateral force of every repetition from smart ankle weights.",
        epilog=f"commands:\n{listing}\n\nankled COMMAND --help tells more. {EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ankled {version('ankled')}")
    parser.add_argument("command", metavar="COMMAND", nargs="?", help=argparse.SUPPRESS)
    chosen, rest = parser.parse_known_args(argv[:1])
    if chosen.command is None and rest:
        parser.error(f"{rest[0]} is no command and no option of ankled itself")
    if chosen.command is None:
        parser.print_help()
        parser.exit()
    if chosen.command not in COMMANDS:
        message = f"there is no command {chosen.command}; commands are {', '.join(COMMANDS)}"
        raise UsageError(message)
    return parser_of(chosen.command).parse_args([*rest, *argv[1:]])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        arguments = _parse(sys.argv[1:] if argv is None else argv)
        # Imported here: a wrong command should be answered at once.
        from ankled.daemon import logs  # noqa: PLC0415  (see above)

        logs.configure(arguments.log_level or "warning")
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except AnkledError as error:
        sys.stderr.write(f"ankled: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read us has gone, as `head` does
        _let_go_of_output()
        return 0
    except OSError as error:
        if error.filename is None:
            _let_go_of_output()
        sys.stderr.write(f"ankled: {error.filename or 'standard output'}: {error.strerror or error}\n")
        return AnkledError.exit_code
    return code


def _let_go_of_output() -> None:
    """Keep Python from complaining once more when it closes a standard output that takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
