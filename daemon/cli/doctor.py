"""`ankled doctor`: what stands in the daemon's way, and what to do about it; a bundle of it for a bug report."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ankled.daemon.doctor import bundle
from ankled.daemon.doctor.checks import checks
from ankled.daemon.doctor.patient import Patient
from ankled.daemon.doctor.report import as_json, as_text
from ankled.daemon.doctor.running import examine
from ankled.daemon.errors import AnkledError, UsageError

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE.toml", help="that of the daemon (default: that of the service, if any)"
    )
    parser.add_argument("--broker", metavar="mqtt://HOST:PORT", help="examine that broker (default: as configured)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--bundle", type=Path, metavar="FILE.tar.gz", help="write what was found, less what is private")
    parser.add_argument(
        "--keep-hosts", action="store_true", help="leave host names and addresses of hosts in the bundle"
    )


def run(arguments: argparse.Namespace) -> int:
    """Examine, report, and return 1 if anything is bad."""
    if arguments.keep_hosts and arguments.bundle is None:
        message = "--keep-hosts is of use with --bundle only; give both or neither"
        raise UsageError(message)
    if arguments.bundle is not None:
        arguments.bundle = arguments.bundle.absolute()
        bundle.prepare(arguments.bundle)
    patient = Patient(arguments.config, arguments.broker)
    return asyncio.run(_run(patient, arguments))


async def _run(patient: Patient, arguments: argparse.Namespace) -> int:
    findings, hung = await examine(patient, checks(patient))
    sys.stdout.write(as_json(findings) if arguments.json else as_text(findings))
    code = int(any(one.verdict == "bad" for one in findings))
    try:
        if arguments.bundle is not None:
            files = bundle.contents(patient, findings, keep_hosts=arguments.keep_hosts)
            bundle.write(arguments.bundle, files)
            sys.stderr.write(bundle.listing(arguments.bundle, files))
    except AnkledError as error:
        if not hung:
            raise
        sys.stderr.write(f"ankled: {error}\n")
    if hung:
        # what hangs would keep Python from ending; nothing is open that needs to be closed
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
