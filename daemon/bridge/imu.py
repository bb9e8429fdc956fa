"""Decoded samples for whoever asked for them: put together for a tenth of a second, then sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ankled.daemon.errors import UsageError
from ankled.daemon.moments import Imu

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.daemon.pipeline import Core
    from ankled.drivers.samples import Samples

_PERIOD_NS: Final = 100_000_000
_MOST: Final = 1024
"""Samples in one message at most; of more at once the oldest are left out, and counted as missing."""
_ACC_DIGITS: Final = 4
_GYR_DIGITS: Final = 5
_TIME_DIGITS: Final = 6


class _Batch:
    """What waits of one sensor."""

    def __init__(self) -> None:
        self.due_ns = 0
        self.waiting: list[Samples] = []


class ImuStream:
    """`wanted` tells whether a sensor's samples are to be sent, `show` gets device and message."""

    def __init__(self, core: Core, wanted: Callable[[str], bool], show: Callable[[str, bytes], None]) -> None:
        self._core = core
        self._wanted = wanted
        self._show = show
        self._batches: dict[str, _Batch] = {}

    def sampled(self, samples: Samples) -> None:
        """Take in a block of samples."""
        if not self._wanted(samples.device):
            return
        batch = self._batches.setdefault(samples.device, _Batch())
        # Streams may come and go: a message has a gyroscope for all of its samples, or for none.
        if batch.waiting and (batch.waiting[0].gyr is None) != (samples.gyr is None):
            self._send(batch, samples.host_ns)
        batch.waiting.append(samples)
        if samples.host_ns >= batch.due_ns:
            self._send(batch, samples.host_ns)

    def passed(self, host_ns: int) -> None:
        """Let time pass: send what nothing has followed."""
        for batch in self._batches.values():
            if batch.waiting and host_ns >= batch.due_ns:
                self._send(batch, host_ns)

    def _send(self, batch: _Batch, host_ns: int) -> None:
        waiting, batch.waiting = batch.waiting, []
        batch.due_ns = host_ns + _PERIOD_NS
        slug, context = waiting[0].device, self._core.context
        try:
            side = self._core.device_settings(slug).side
        except UsageError:  # it was removed meanwhile
            return
        missing = sum(one.missing for one in waiting)
        time_s = np.concatenate([one.time_s for one in waiting if one.time_s is not None])
        acc = np.concatenate([one.acc for one in waiting])
        gyrs = [one.gyr for one in waiting if one.gyr is not None]
        left_out = max(0, len(time_s) - _MOST)
        time_s, acc = time_s[left_out:], acc[left_out:]
        gyr = np.concatenate(gyrs)[left_out:] if gyrs else None
        first_s = float(time_s[0])
        imu = Imu(
            session=context.session,
            node=context.node,
            device=slug,
            side=side,
            t0_s=first_s,
            t0_utc=context.utc(first_s),
            offset_s=np.round(time_s - first_s, _TIME_DIGITS).tolist(),
            acc_mps2=np.round(acc, _ACC_DIGITS).tolist(),
            gyr_rad_s=None if gyr is None else np.round(gyr, _GYR_DIGITS).tolist(),
            missing=missing + left_out,
        )
        self._show(slug, msgspec.json.encode(imu))
