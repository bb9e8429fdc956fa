"""Which test tries a documented command line, and how. A line that no row takes fails test_commands.py.

A new command in a page: add a row with a pattern that takes the whole line (as `pages.command_lines` gives it: no
folder before `ankled`, no comment behind it) and one of

* OFFLINE: run as it is, in this process, one after the other in the order of the pages, in a folder that has
  ankled.toml, by test_commands_offline.py;
* BROKER, RADIO, DAEMON: run against a real mosquitto, sensors on a radio of software, and what a daemon has left
  there, with broker and radio rewritten, by test_commands_live.py, which names each such line;
* REQUEST: topic and payload are held against the form of the request, by test_commands.py (and sent by
  tests/daemon/test_requests_document.py where docs/requests.md shows it);
* PARSED: needs hardware, root or a configured machine: the real parser takes it (test_commands.py), `why` says so;
* MAKE: the target exists;
* SHELL: run by bash, in the order of the pages, by test_commands_shell.py;
* ELSEWHERE: somebody else's program, and `why` says why it is not run;
* PICTURE: no command: a drawing, a formula or a table.

The first row that takes a line counts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.docs.pages import Line, command_lines

OFFLINE = "run as it is, without a broker and a radio"
BROKER = "run against mosquitto"
RADIO = "run with sensors on a radio of software"
DAEMON = "run with what a daemon has left"
REQUEST = "a request, held against its form"
PARSED = "parsed alone"
MAKE = "a target of make"
SHELL = "run by bash"
ELSEWHERE = "another program, not run"
PICTURE = "no command"

RUN = {OFFLINE, BROKER, RADIO, DAEMON, SHELL}


class Row(NamedTuple):
    """The lines a pattern takes, and how they are tried."""

    pattern: str
    how: str
    why: str = ""


TABLE = (
    Row(r"make [a-z-]+( .*)?", MAKE),
    # a broker in between
    Row(r"mosquitto_(pub|rr) .*/bridge/request/\w+.*", REQUEST),
    Row(r"mosquitto_sub .*", BROKER),
    Row(r"ankled [a-z-]+ .*\[--.*", PICTURE, "the usage: its options are compared with the parser's"),
    Row(r"/\S+\.toml:\d+:\d+: .*", PICTURE, "what check-config says"),
    Row(r"ankled monitor  mqtt://.*", PICTURE, "the first line of a screen"),
    Row(r"ankled monitor\b.*", BROKER),
    Row(r"ankled replay .*--broker .*", BROKER),
    Row(r"python docs/examples/subscriber\.py .*", BROKER),
    # sensors
    Row(r"ankled scan", RADIO),
    Row(r"ankled record .*", RADIO),
    Row(r"ankled replay set\.mcap", RADIO),
    Row(r"ankled simulate .*--radio unix:.*", RADIO),
    Row(r"ankled run .*", RADIO),
    Row(r"ankled (athletes|forget) .*", DAEMON),
    # what needs neither
    Row(r"ankled (simulate|replay|capture|decode|drivers|check-config)\b.*", OFFLINE),
    # the machine
    Row(r"(sudo )?ankled service .*", PARSED, "alters the machine; tests/vm does it on one of its own"),
    Row(r"sudo ankled check-config .*", PARSED, "the service's own file"),
    Row(r"(sudo )?ankled doctor\b.*", PARSED, "what it says depends on the machine"),
    Row(
        r"(sudo )?(systemctl|journalctl|systemd-analyze|bluetoothctl|rfkill|apt|apt-get) .*", ELSEWHERE, "the system's"
    ),
    Row(r"sudo (git clone|make -C|install|sudoedit) .*|sudoedit .*", ELSEWHERE, "alters the machine, as root"),
    Row(r"jq .*", ELSEWHERE, "searches a log that is somebody's"),
    # shell blocks that make something
    Row(r"(?s)openssl .*|printf .*|cat > mosquitto\.conf .*|mosquitto -c .*", SHELL),
    Row(r"python -m pytest .*", ELSEWHERE, "runs the tests of a driver that its reader writes"),
    # pictures
    Row(r"(kernels|drivers|simulators|daemon|benchmarks|systemd|tests)/(  .*)?", PICTURE),
    Row(r"[╭│╰].*|set closed  who .*|\d\d:\d\d:\d\d    \w.*|\d+ results, none missing .*", PICTURE),
    Row(r"Start \(success\)|\+-+\+ .*|---> .*|boot \+.*|Stop; disconnect;.*|the motion sensor fails;.*", PICTURE),
    Row(r"(room|least|n) +=.*", PICTURE),
)


def row_of(line: Line) -> Row | None:
    """Return the first row that takes a line."""
    return next((row for row in TABLE if re.fullmatch(row.pattern, line.text)), None)


def lines_of(*hows: str) -> list[Line]:
    """Return the documented lines that are tried so, in the order of the pages."""
    return [line for line in command_lines() if (row := row_of(line)) is not None and row.how in hows]
