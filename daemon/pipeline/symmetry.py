"""Left and right of one athlete: running comparison of each quantity over the pairs so far."""

from __future__ import annotations

import msgspec

from ankled.daemon.records import Rep, Symmetry
from ankled.kernels import symmetry

_WINDOW = 64
"""Pairs that a mean and its interval look back on."""
_SAME_BANDWIDTH = 0.01
"""Relative difference up to which the bandwidths of two sides count as one."""

QUANTITIES = ("rom", "time", "contact_time", "force", "impulse")


class Balance(msgspec.Struct, kw_only=True):
    """Memory of one athlete's pairs: the last indices of each quantity, their last values, the summed impulses."""

    indices: dict[str, list[float]] = msgspec.field(default_factory=dict)
    latest: dict[str, Symmetry] = msgspec.field(default_factory=dict)
    impulse_left_n_s: float = 0.0
    impulse_right_n_s: float = 0.0


def _quantity(rep: Rep, name: str) -> float | None:
    """Return the compared quantity of a repetition: always a magnitude.

    The first stride of a bout is known from its toe-off on only, so neither its time nor its impulse compares.
    """
    if name == "rom":
        return rep.rom_deg
    if name == "time":
        return None if rep.first else rep.duration_s
    if name == "contact_time":
        return rep.contact_time_s
    if name == "force":
        return None if rep.lateral_force_peak_n is None else abs(rep.lateral_force_peak_n)
    return None if rep.first else rep.lateral_force_impulse_n_s


def _same_bandwidth(left: Rep, right: Rep) -> bool:
    """Tell whether forces of both sides may be compared: a force depends on the bandwidth it was measured in."""
    if left.bandwidth_hz is None or right.bandwidth_hz is None:
        return False
    return abs(left.bandwidth_hz - right.bandwidth_hz) <= _SAME_BANDWIDTH * left.bandwidth_hz


def compare(balance: Balance, left: Rep, right: Rep) -> dict[str, Symmetry | None]:
    """Take a pair into `balance` and return the comparison of each quantity, None where a side lacks it."""
    result: dict[str, Symmetry | None] = {}
    for name in QUANTITIES:
        result[name] = None
        a, b = _quantity(left, name), _quantity(right, name)
        if a is None or b is None or (name in ("force", "impulse") and not _same_bandwidth(left, right)):
            continue
        index, ratio = symmetry.index_percent(a, b), symmetry.log_ratio_percent(a, b)
        if index is None or ratio is None:
            continue
        indices = [*balance.indices.get(name, []), index][-_WINDOW:]
        balance.indices[name] = indices
        mean = symmetry.mean_interval(indices)
        result[name] = Symmetry(
            left=a,
            right=b,
            index_percent=index,
            log_ratio_percent=ratio,
            mean_index_percent=mean.mean if mean else index,
            low_percent=mean.low if mean else None,
            high_percent=mean.high if mean else None,
            pairs=len(indices),
        )
        if name == "impulse":
            balance.impulse_left_n_s += a
            balance.impulse_right_n_s += b
    balance.latest.update({name: value for name, value in result.items() if value is not None})
    return result


def load_share(balance: Balance) -> tuple[float | None, float | None]:
    """Return each leg's share of the summed impulse of all pairs, percent."""
    share = symmetry.load_share_percent([balance.impulse_left_n_s], [balance.impulse_right_n_s])
    return share or (None, None)
