"""Runs in the machine at each boot: installs, plays the scenarios, reboots once, and powers off with an exit code."""

from __future__ import annotations

import json
import subprocess
import time
import traceback
from typing import Any, Final

from tests.vm.guest import account, asked, installing
from tests.vm.guest.base import SHARE, NotSeenError, now_s, report, run, shown, tried, wait_until
from tests.vm.guest.heard import Heard
from tests.vm.guest.scenarios import SCENARIOS

_STATE: Final = SHARE / "state.json"
_LIMIT_S: Final = 300.0
"""Streaming is to be back within this; under emulation everything takes its time."""
REBOOT: Final = "reboot"


class Test:
    """What is known over the reboot: which scenarios are done, and which of them went wrong."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {"done": [], "wrong": [], "installed": False, "rebooted": False}
        if _STATE.exists():
            self._known = json.loads(_STATE.read_text(encoding="utf-8"))
        self.heard: Heard | None = None
        self._only = [one.strip() for one in (SHARE / "only.txt").read_text(encoding="utf-8").split(",") if one.strip()]

    def play(self) -> None:
        """Play everything, or what is left after the reboot."""
        if not self._known["rebooted"]:
            if self._known["installed"]:  # started again by hand, to look into something
                self.heard = Heard()
            else:
                self._install()
            for name, scenario in SCENARIOS.items():
                if self._wanted(name) and name not in self._known["done"] + self._known["wrong"]:
                    self._one(name, scenario)
            if self._wanted(REBOOT):
                self._reboot()
                return
        else:
            self.heard = Heard()
            self._again(REBOOT, 0.0)
        self._end()

    def _wanted(self, name: str) -> bool:
        return not self._only or any(one in name for one in self._only)

    def _install(self) -> None:
        began = now_s()
        report(f"booted after {began:.0f} s; {run('bluetoothctl', '--version').strip()}, {run('uname', '-r').strip()}")
        installing.install()
        report(f"installed in {now_s() - began:.0f} s; {installing.exposure()}")
        wait_until("mosquitto is up", lambda: bool(tried("systemctl", "is-active", "mosquitto") == "active\n"), 60.0)
        self.heard = Heard()
        installing.start_air()
        installing.configure()
        report(f"the service is up: {installing.status()}")
        self._again("boot and install", now_s())
        time.sleep(15.0)
        rates = self.heard.rates_hz(10.0)
        self._known["installed"] = True
        self._keep()
        report(f"  two sensors through bluetoothd, samples/s over ten seconds: {rates}")

    def _one(self, name: str, scenario: Any) -> None:
        assert self.heard is not None
        began_s = now_s()
        try:
            from_s = scenario(self.heard)
        except NotSeenError as error:
            self._wrong(name, str(error))
            return
        self._again(name, from_s, began_s)

    def _again(self, name: str, from_s: float, began_s: float | None = None) -> None:
        """Wait for the streams, and take the account."""
        assert self.heard is not None
        try:
            after_s = self.heard.streaming(from_s, _LIMIT_S)
        except NotSeenError as error:
            self._wrong(name, str(error))
            return
        found = account.settle(self.heard)
        account.tell(name, after_s, found, None if began_s is None else self.heard.hole_s(began_s))
        report(f"  the daemon holds {installing.holds()}")
        (self._known["done"] if found.complete else self._known["wrong"]).append(name)
        self._keep()

    def _wrong(self, name: str, why: str) -> None:
        assert self.heard is not None
        report(f"{name}: FAILED: {why}; STATUS: {installing.status()}")
        self._known["wrong"].append(name)
        self._keep()
        self._journal(name)
        account.tell(name, None, account.read(self.heard))
        for unit in ("mosquitto", "bluetooth", installing.AIR, installing.UNIT):
            tried("systemctl", "start", unit)

    def _reboot(self) -> None:
        assert self.heard is not None
        self._journal("before the reboot")
        self.heard.close()
        self._known["rebooted"] = True
        self._keep()
        run("systemctl", "reboot")

    def _keep(self) -> None:
        _STATE.write_text(json.dumps(self._known), encoding="utf-8")

    def _end(self) -> None:
        self._replay()
        self._journal("end")
        wrong = self._known["wrong"]
        well = len(self._known["done"])
        report(f"{well} scenarios as they should be, {len(wrong)} not{': ' if wrong else ''}{', '.join(wrong)}")
        finish(1 if wrong else 0)

    def _replay(self) -> None:
        """Stop the service and compare what its captures give with what it has stored."""
        began = now_s()
        run("systemctl", "stop", installing.UNIT)
        report(f"stopped within {now_s() - began:.0f} s; {shown(installing.UNIT, 'Result')}")
        again, missing = account.recomputed()
        report(f"replay of the captures: {again} results, {again - len(missing)} of them in the outbox to the byte")
        if missing or not again:
            self._known["wrong"].append("replay of the captures")
            (SHARE / "missing.txt").write_bytes(b"\n".join([*missing, b""]))

    @staticmethod
    def _journal(name: str) -> None:
        told = tried("journalctl", "-b", "--no-pager", "-o", "short-precise", "-n", "4000")
        (SHARE / f"journal {name.replace(',', '')}.txt").write_text(told, encoding="utf-8")


def finish(code: int) -> None:
    """Leave the exit code and switch the machine off."""
    (SHARE / "exit").write_text(str(code), encoding="ascii")
    subprocess.run(["systemctl", "poweroff"], check=False)


if __name__ == "__main__":
    try:
        asked.listen()
        Test().play()
    except Exception:  # noqa: BLE001  (whatever it is, the host is to see it and the machine is to end)
        report(traceback.format_exc())
        (SHARE / "journal.txt").write_text(tried("journalctl", "-b", "--no-pager", "-n", "3000"), encoding="utf-8")
        finish(1)
