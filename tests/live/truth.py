"""The truth about time: when the samples that a driver decoded were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.live.runs import BOOT_NS, NS

if TYPE_CHECKING:
    from ankled.drivers.samples import FloatArray, Samples
    from ankled.simulators.peripherals.board import Board, Taken
    from ankled.simulators.radio.world import World

SETTLED_S = 20.0


class Truth:
    """Notes the samples that a board hands out, with the radio's time of each."""

    def __init__(self, board: Board) -> None:
        self._gyr: list[FloatArray] = []
        self._time_s: list[FloatArray] = []
        take = board.take

        def noted(count: int) -> Taken:
            taken = take(count)
            self._gyr.append(taken.gyr)
            self._time_s.append(board.radio_s(taken.time_s))
            return taken

        board.take = noted  # type: ignore[method-assign]  # listens in, changes nothing

    def errors(self, heard: list[Samples]) -> FloatArray:
        """Return how late the time of each sample is, s, for those heard 20 s or more after the first.

        The samples heard are found among those taken by what the gyroscope said in mid-movement, then counted on.
        """
        true_s, gyr = np.concatenate(self._time_s), np.concatenate(self._gyr)
        times = np.concatenate([one.time_s for one in heard if one.time_s is not None]) - BOOT_NS / NS
        rates = np.concatenate([one.gyr for one in heard if one.gyr is not None])
        assert len(times) == len(rates)
        fastest = int(np.argmax(np.linalg.norm(rates, axis=1)))
        part = slice(max(fastest - 5, 0), fastest + 5)
        lags = [
            np.abs(gyr[start : start + 10] - rates[part]).max() if len(gyr[start : start + 10]) == 10 else np.inf
            for start in range(len(gyr))
        ]
        shift = int(np.argmin(lags)) - part.start
        assert lags[shift + part.start] < 0.02, "the same samples, but for the resolution of the words"
        count = min(len(times), len(true_s) - shift)
        late = times[max(-shift, 0) : count] - true_s[max(shift, 0) : shift + count]
        return np.asarray(late[times[max(-shift, 0) : count] > times[0] + SETTLED_S])


def listen(world: World) -> dict[str, Truth]:
    """Listen in on every board of a world that has not begun."""
    return {label: Truth(world.peripheral(label).board) for label in world.labels}
