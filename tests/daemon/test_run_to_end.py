"""What a running command logs of a callback that fails."""

from __future__ import annotations

import asyncio
import errno
import gc
from typing import TYPE_CHECKING

from ankled.daemon.cli.live import run_to_end

if TYPE_CHECKING:
    import pytest


def test_a_socket_that_was_closed_too_soon_is_no_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker is gone, which is told elsewhere; whatever else a callback raises is logged."""
    for name in ("freeze", "unfreeze"):  # they are for a process of its own
        monkeypatch.setattr(gc, name, lambda: None)

    def fail(error: Exception) -> None:
        raise error

    async def work() -> int:
        loop = asyncio.get_running_loop()
        loop.call_soon(fail, OSError(errno.EBADF, "Bad file descriptor"))
        loop.call_soon(fail, OSError(errno.EIO, "the disk"))
        loop.call_soon(fail, ValueError("a fault"))
        await asyncio.sleep(0.01)
        return 7

    assert run_to_end(work()) == 7
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        "[Errno 5] the disk",
        "a fault",
    ]
