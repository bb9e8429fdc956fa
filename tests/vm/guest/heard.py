"""What a subscriber hears: samples of each sensor as they come, and the `seq` of every result."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Final

from tests.vm.guest.base import SHARE, NotSeenError, now_s, wait_until

NODE: Final = "testmachine"
SENSORS: Final = ("left", "right")
RATE_HZ: Final = 100.0
_KEPT: Final = SHARE / "heard.json"
_LOG: Final = SHARE / "heard.txt"
_NOT_RESULTS: Final = ("live", "imu", "availability", "state")
_STEADY_S: Final = 5.0
"""Streaming is what has gone on for so long, without a hole of more than _HOLE_S, at _ENOUGH of the rate or more."""
_HOLE_S: Final = 2.5
_ENOUGH: Final = 0.8


class Heard:
    """Runs mosquitto_sub for as long as it is open, anew when it ends; remembers over a reboot what it has heard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: dict[str, list[tuple[float, int]]] = {sensor: [] for sensor in SENSORS}
        self._results: dict[str, list[float]] = {sensor: [] for sensor in SENSORS}
        known = json.loads(_KEPT.read_text(encoding="utf-8")) if _KEPT.exists() else {}
        self.seqs: dict[str, set[int]] = {source: set(seqs) for source, seqs in known.items()}
        self.last: dict[str, Any] = {}
        self._ended = False
        threading.Thread(target=self._listen, name="subscriber", daemon=True).start()

    def close(self) -> None:
        """Keep what was heard, for the time after a reboot."""
        self._ended = True
        with self._lock:
            _KEPT.write_text(json.dumps({one: sorted(seqs) for one, seqs in self.seqs.items()}), encoding="utf-8")

    def streaming(self, after_s: float, limit_s: float) -> float:
        """Wait until both sensors stream with new results; return the seconds from `after_s` to the start."""
        wait_until("both sensors stream, with new results", lambda: self.since(after_s) is not None, limit_s)
        since = self.since(after_s)
        if since is None:
            message = "the stream broke off again"
            raise NotSeenError(message)
        return max(0.0, since - after_s)

    def since(self, after_s: float) -> float | None:
        """Return when the later of the two streams began that go on now, or None."""
        with self._lock:
            began = [self._began(sensor, after_s) for sensor in SENSORS]
            results = [[at for at in self._results[sensor] if at > after_s] for sensor in SENSORS]
        known = [one for one in began if one is not None]
        if len(known) < len(SENSORS) or not all(results):
            return None
        return max(known) if all(times[-1] > max(known) for times in results) else None

    def hole_s(self, from_s: float) -> float:
        """Return the longest time without a sample of one of the sensors, from a moment on."""
        with self._lock:
            times = [[from_s, *(at for at, _ in got if at > from_s)] for got in self._samples.values()]
        return max((after - before for one in times for before, after in itertools.pairwise(one)), default=0.0)

    def rates_hz(self, seconds: float) -> dict[str, float]:
        """Return how many samples a second came lately."""
        after_s = now_s() - seconds
        with self._lock:
            return {
                one: round(sum(n for at, n in got if at > after_s) / seconds, 1) for one, got in self._samples.items()
            }

    def silent(self, seconds: float) -> bool:
        """Tell whether no sample came lately."""
        return not any(self.rates_hz(seconds).values())

    def _began(self, sensor: str, after_s: float) -> float | None:
        got = [one for one in self._samples[sensor] if one[0] > after_s]
        now = now_s()
        if not got or now - got[-1][0] > _HOLE_S:
            return None
        first = len(got) - 1
        while first > 0 and got[first][0] - got[first - 1][0] < _HOLE_S:
            first -= 1
        took_s = got[-1][0] - got[first][0]
        count = sum(n for _, n in got[first:])
        return got[first][0] if took_s >= _STEADY_S and count > _ENOUGH * RATE_HZ * took_s else None

    def _listen(self) -> None:
        command = ["mosquitto_sub", "-i", "account", "-c", "-q", "1", "-V", "5", "-x", "86400", "-F", "%r %t %p"]
        while not self._ended:
            with subprocess.Popen(
                [*command, "-t", f"ankled/{NODE}/#"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as subscriber:
                assert subscriber.stdout is not None
                for line in subscriber.stdout:
                    self._take(line)
            time.sleep(1.0)

    def _take(self, line: str) -> None:
        retained, topic, payload = line.rstrip("\n").split(" ", 2)
        names = topic.split("/")[2:]  # SOURCE/KIND, or athlete/SOURCE/KIND
        source, kind = (names[1:] if names[0] == "athlete" else names)[:2]
        try:
            told = json.loads(payload)
        except ValueError:
            return
        now = now_s()
        with self._lock:
            if kind == "imu" and source in self._samples:
                got = self._samples[source]
                got.append((now, len(told["acc_mps2"])))
                if len(got) > 20_000:
                    del got[:10_000]
                return
            if (source, kind) == ("bridge", "event") and isinstance(told, dict):
                source = str(told.get("device"))
            if source == "bridge" or kind in _NOT_RESULTS:
                self.last[topic.split("/", 2)[2]] = told
                return
            if isinstance(told, dict) and isinstance(told.get("seq"), int):
                self.seqs.setdefault(source, set()).add(told["seq"])
                if retained == "0" and source in self._results and kind == "rep":
                    self._results[source].append(now)


def keep(text: str, name: str) -> None:
    """Leave a text on the share, for whoever looks at a failure."""
    Path(SHARE / name).write_text(text, encoding="utf-8")
