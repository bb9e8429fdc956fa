"""What this process holds at the moment: counted from within, since nobody outside can see tasks and objects."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from pathlib import Path
from typing import Final

FIELDS: Final = ("rss_mib", "heap_kblocks", "objects_k", "tasks", "threads", "files", "sockets", "dbus")


def held() -> dict[str, float]:
    """Count. `heap_kblocks` are thousands of blocks of Python's allocator, `objects_k` of objects it can collect."""
    gc.collect()
    running = asyncio._get_running_loop()
    objects = gc.get_objects()
    # by its name: not every process that is looked at has dbus-fast loaded
    dbus = sum(type(one).__name__ == "MessageBus" for one in objects)
    links = [_target(one) for one in Path("/proc/self/fd").iterdir()]
    return {
        "rss_mib": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "heap_kblocks": sys.getallocatedblocks() / 1000.0,
        "objects_k": len(objects) / 1000.0,
        "tasks": 0 if running is None else len(asyncio.all_tasks(running)),
        "threads": threading.active_count(),
        "files": len(links),
        "sockets": sum(link.startswith("socket:") for link in links),
        "dbus": dbus,
    }


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # the one that the listing itself was read through
        return ""
