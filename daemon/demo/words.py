"""Words and colours that the live view and the summary share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ankled.daemon.demo.training import MAKES, NODE

if TYPE_CHECKING:
    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.records import Set, Symmetry

SIDE_STYLE: Final = {"left": "cyan", "right": "magenta"}
FATIGUE_STYLE: Final = {"none": "green", "possible": "yellow", "likely": "bold red", "unknown": "dim"}

LINK: Final = {
    "waiting": "looking for the sensor",
    "connecting": "connecting",
    "starting": "connected, waiting for its samples",
    "silent": "connected, but silent",
    "backoff": "connecting again in a moment",
}
"""What a sensor does that does not stream."""

_DOING: Final = {"walk": "walking", "run": "running"}


def sensors() -> str:
    """Return which sensors are simulated, and where they are worn."""
    return ", ".join(f"{make} on the {label.replace('-', ' ')}" for label, make in MAKES.items())


def doing(movement: str) -> str:
    """Return a movement as one says it."""
    return _DOING.get(movement, movement.replace("_", " "))


def number(value: float | None, digits: int = 1) -> str:
    """Return a number for a column, or a dash."""
    return "-" if value is None else f"{value:.{digits}f}"


def right_against_left(percent: float) -> str:
    """Return a symmetry index in words."""
    shown = f"{abs(percent):.1f}"
    if shown == "0.0":
        return "no difference"
    return f"right {shown} % {'more' if percent > 0.0 else 'less'}"


def interval(symmetry: Symmetry) -> str:
    """Return the 95 % interval of the mean index, signed, or a dash."""
    if symmetry.low_percent is None or symmetry.high_percent is None:
        return "-"
    return f"{symmetry.low_percent:+.1f} to {symmetry.high_percent:+.1f} %"


def in_order(sets: list[Set]) -> list[Set]:
    """Return sets by their number, left before right."""
    return sorted(sets, key=lambda closed: (closed.set, closed.side))


def verdict(symmetry: Symmetry) -> str:
    """Return what the interval of the mean index allows to say."""
    if symmetry.low_percent is None or symmetry.high_percent is None:
        return "too few pairs"
    if symmetry.low_percent > 0.0:
        return "right is more"
    return "right is less" if symmetry.high_percent < 0.0 else "no clear difference"


def subscribing(address: BrokerAddress) -> str:
    """Return the command that shows the same messages."""
    host = "" if address.host in {"127.0.0.1", "localhost"} else f" -h {address.host}"
    return f"mosquitto_sub{host} -p {address.port} -t 'ankled/{NODE}/#' -v"
