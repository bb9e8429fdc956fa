"""What happens to the service, one function each. Each returns the moment from which streaming is counted again."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tests.vm.guest.base import NotSeenError, active, now_s, report, run, shown, tried, wait_until
from tests.vm.guest.installing import AIR, UNIT, adapter_powered, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.vm.guest.heard import Heard

_HOLD_S: Final = 5.0
"""How long something is away that comes back."""
_PERIODS: Final = 3


def bluetoothd_restarted(_heard: Heard) -> float:
    """`systemctl restart bluetooth`."""
    run("systemctl", "restart", "bluetooth")
    return now_s()


def bluetoothd_killed(_heard: Heard) -> float:
    """Kill it with SIGKILL; Debian's unit does not have it started again, so this does if nothing else has."""
    run("systemctl", "kill", "--signal=KILL", "bluetooth")
    time.sleep(2.0)
    if not active("bluetooth"):
        run("systemctl", "start", "bluetooth")
    return now_s()


def adapter_off_and_on(heard: Heard) -> float:
    """`bluetoothctl power off`, then `power on`."""
    run("bluetoothctl", "power", "off")
    wait_until("no sample comes", lambda: heard.silent(2.0), 60.0)
    time.sleep(_HOLD_S)
    run("bluetoothctl", "power", "on")
    return now_s()


def adapter_removed_and_added(heard: Heard) -> float:
    """Close the virtual controller and open it again: hci0 goes and comes."""
    run("systemctl", "stop", AIR)
    wait_until("no sample comes", lambda: heard.silent(2.0), 60.0)
    time.sleep(_HOLD_S)
    run("systemctl", "start", AIR)
    wait_until("the adapter is back", adapter_powered, 180.0)
    return now_s()


def dbus_restarted(_heard: Heard) -> float:
    """`systemctl restart dbus`. bluetoothd ends with its bus; where nothing starts it again, this does, and says so."""
    run("systemctl", "restart", "dbus")
    began = now_s()
    time.sleep(5.0)
    if not active("bluetooth"):
        report("  bluetoothd did not come back by itself after the restart of D-Bus: started by hand")
        tried("systemctl", "reset-failed", "bluetooth")
        run("systemctl", "start", "bluetooth")
        began = now_s()
    return began


def mosquitto_restarted(_heard: Heard) -> float:
    """Have the broker away for a while; results wait for it."""
    run("systemctl", "stop", "mosquitto")
    time.sleep(_HOLD_S)
    run("systemctl", "start", "mosquitto")
    return now_s()


def frozen(_heard: Heard) -> float:
    """SIGSTOP: the watchdog ends the daemon and systemd starts it anew."""
    pid, restarts = _pid(), _restarts()
    run("kill", "-STOP", pid)
    took_s = wait_until("the watchdog restarts the service", lambda: _restarts() > restarts and _up_but(pid), 600.0)
    report(f"  the watchdog had it restarted after {took_s:.0f} s; result: {shown(UNIT, 'NRestarts')} restarts")
    return now_s()


def killed(_heard: Heard) -> float:
    """SIGKILL."""
    pid = _pid()
    run("kill", "-KILL", pid)
    began = now_s()
    wait_until("systemd restarts the service", lambda: _up_but(pid), 300.0)
    return began


def clock_stepped(_heard: Heard) -> float:
    """Step it an hour ahead, and after a while an hour back."""
    _step(timedelta(hours=1))
    time.sleep(20.0)
    _step(timedelta(hours=-1))
    return now_s()


def nothing_there(heard: Heard) -> float:
    """No sensor, no adapter, no broker for three periods of the watchdog: up, says so, and was not restarted."""
    run("systemctl", "stop", AIR, "mosquitto", UNIT)
    run("systemctl", "start", UNIT, timeout_s=300.0)
    pid = _pid()
    period_s = _seconds(shown(UNIT, "WatchdogUSec"))
    time.sleep(_PERIODS * period_s + 5.0)
    if not active(UNIT) or _pid() != pid or _restarts():
        message = f"after {_PERIODS} periods of the watchdog ({period_s:.0f} s): {shown(UNIT, 'ActiveState')}, "
        message += f"{_restarts()} restarts"
        raise NotSeenError(message)
    report(f"  up after {_PERIODS} periods of {period_s:.0f} s, no restart; STATUS: {status()}")
    del heard
    run("systemctl", "start", "mosquitto", AIR)
    wait_until("the adapter is back", adapter_powered, 180.0)
    return now_s()


SCENARIOS: Final[dict[str, Callable[[Heard], float]]] = {
    "bluetoothd restarted": bluetoothd_restarted,
    "bluetoothd killed": bluetoothd_killed,
    "adapter powered off and on": adapter_off_and_on,
    "adapter removed and added": adapter_removed_and_added,
    "D-Bus restarted": dbus_restarted,
    "mosquitto restarted": mosquitto_restarted,
    "daemon frozen": frozen,
    "daemon killed": killed,
    "clock stepped by an hour both ways": clock_stepped,
    "no sensor, no adapter, no broker": nothing_there,
}
"""In this order; the reboot comes after them."""


def _pid() -> str:
    return shown(UNIT, "MainPID")


def _restarts() -> int:
    return int(shown(UNIT, "NRestarts") or 0)


def _up_but(pid: str) -> bool:
    return active(UNIT) and _pid() not in {pid, "0", ""}


def _step(by: timedelta) -> None:
    there = datetime.now().astimezone() + by
    run("date", "--set", there.isoformat())


def _seconds(text: str) -> float:
    """Return what systemd shows as `30s` or `1min 30s`."""
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
    total = 0.0
    for word in text.split():
        digits = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        total += float(digits) * units[word[len(digits) :]]
    return total
