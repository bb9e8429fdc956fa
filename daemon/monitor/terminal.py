"""The terminal while a picture is on it: keys come one by one and unseen, and all is as before at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import termios
import tty
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ARROWS: Final = {b"\x1b[C": "n", b"\x1b[D": "p", b"\x1b[6~": "n", b"\x1b[5~": "p", b" ": "n"}


@contextlib.contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """Have `pressed` called with each key; without a terminal to type at, never."""
    if not sys.stdin.isatty() or os.getpgrp() != os.tcgetpgrp(sys.stdin.fileno()):
        yield
        return
    number, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(number)

    def read() -> None:
        typed = os.read(number, 64)
        if not typed:  # the terminal is gone
            loop.remove_reader(number)
        pressed(_ARROWS.get(typed, typed[:1].decode("ascii", "ignore")))

    tty.setcbreak(number)
    loop.add_reader(number, read)
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)


@contextlib.contextmanager
def signals(*, resized: Callable[[], None], suspended: Callable[[], None]) -> Iterator[None]:
    """Have told when the terminal changes its size, and when somebody wants it back for a while (Ctrl-Z)."""
    loop = asyncio.get_running_loop()
    handlers = {signal.SIGWINCH: resized, signal.SIGTSTP: suspended}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and a terminal that hangs up end the running task, so that it can clean up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    numbers = (signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, lambda: task is not None and task.cancel())
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def sleep_in_background() -> None:
    """Stop this process as Ctrl-Z would; return when the shell lets it go on."""
    os.kill(os.getpid(), signal.SIGSTOP)
