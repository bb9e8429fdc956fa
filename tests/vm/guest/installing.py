"""The installation, as the README has it but for the network: packages come from the share, kernels come compiled."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.vm.guest.base import ANKLED, INSTALLED, SHARE, NotSeenError, report, run, shown, tried, wait_until
from tests.vm.guest.heard import NODE, SENSORS

UNIT: Final = "ankled.service"
AIR: Final = "vm-air.service"
_CONFIG: Final = Path("/etc/ankled/ankled.toml")
_SYSTEM: Final = Path("/etc/systemd/system")
_AIR_UNIT: Final = f"""\
[Unit]
Description=Two simulated sensors behind a virtual controller
[Service]
ExecStart={ANKLED} simulate --scenario walk --radio vhci --repeat --at-once \
    --sensor left=openankle --sensor right=openankle
Environment=ANKLED_CACHE_DIR=/var/cache/vm-air PYTHONUNBUFFERED=1
EnvironmentFile=/share/cpu.env
# Else the sensors fall silent while the daemon is busy: there is one slow processor.
Nice=-5
[Install]
WantedBy=multi-user.target
"""


def install() -> None:
    """Install the project and the service."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    run("tar", "-xf", str(SHARE / "source.tar"), "-C", str(INSTALLED))
    if (SHARE / "wheels").is_dir():
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(SHARE / "wheels"), "PIP_PROGRESS_BAR": "off"}
        run("make", "install", cwd=INSTALLED, env=offline, timeout_s=1800.0)
    for folder in ("ankled", "vm-air"):
        cache = Path("/var/cache", folder)
        cache.mkdir()
        run("tar", "-xf", str(SHARE / "kernels.tar"), "-C", str(cache))
    drop_in = _SYSTEM / f"{UNIT}.d" / "vm.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\nEnvironmentFile=/share/cpu.env\n", encoding="utf-8")
    (_SYSTEM / AIR).write_text(_AIR_UNIT, encoding="utf-8")
    run("systemctl", "daemon-reload")
    report(run(str(ANKLED), "service", "install", timeout_s=300.0).rstrip())


def start_air() -> None:
    """Have the sensors on the air now and after each boot, and an adapter for BlueZ."""
    run("systemctl", "enable", "--now", AIR)
    wait_until("the virtual adapter is there and powered", adapter_powered, 300.0)


def adapter_powered() -> bool:
    """Tell whether BlueZ has an adapter and it is on."""
    try:
        return "true" in run("busctl", "get-property", "org.bluez", "/org/bluez/hci0", "org.bluez.Adapter1", "Powered")
    except NotSeenError:
        return False


def configure() -> None:
    """Name the two sensors that the simulator tells of, and have their samples published, to be counted."""
    wait_until("the simulator tells its sensors", lambda: len(_sensors()) == len(SENSORS), 120.0)
    lines = [
        f'node = "{NODE}"',
        "[mqtt]",
        'broker = "mqtt://127.0.0.1:1883"',
        "publish_imu = true",
        "publish_live = false",
        "[capture]",
        'folder = "/var/lib/ankled/captures"',
        "[athletes]",
        "pseudonyms = false",  # as a replay elsewhere names them
        "[state]",
        'folder = "/var/lib/ankled/state"',
    ]
    for sensor, address in _sensors().items():
        lines += ["[[devices]]", f'slug = "{sensor}"', f'address = "{address}"', f'side = "{sensor}"']
        lines += ['athlete = "kim"', "mass_kg = 1.814", 'driver = "openankle"', "rate_hz = 100.0"]
    _CONFIG.write_text("\n".join([*lines, ""]), encoding="utf-8")
    run(str(ANKLED), "check-config", str(_CONFIG))
    run("systemctl", "restart", UNIT, timeout_s=300.0)


def exposure() -> str:
    """Return the last line of `systemd-analyze security`."""
    told = run("systemd-analyze", "security", "--no-pager", UNIT, timeout_s=300.0)
    (SHARE / "security.txt").write_text(told, encoding="utf-8")
    return told.strip().splitlines()[-1]


def holds() -> str:
    """Return what the daemon holds at the moment, which no trouble may have grow."""
    pid = shown(UNIT, "MainPID")
    of = Path("/proc", pid)
    rss_kib = int(re.findall(r"^VmRSS:\s+(\d+)", (of / "status").read_text(encoding="ascii"), re.MULTILINE)[0])
    peers = [line.split() for line in tried("busctl", "--system", "--unique", "--no-legend", "list").splitlines()]
    buses = sum(len(words) > 1 and words[1] == pid for words in peers)
    files, threads = (len(list((of / what).iterdir())) for what in ("fd", "task"))
    return f"{rss_kib / 1024:.0f} MiB, {files} files, {threads} threads, {buses} connections to D-Bus"


def replayed(capture: Path) -> list[bytes]:
    """Return every result that a capture gives when it is replayed."""
    there = {"ANKLED_CACHE_DIR": "/var/cache/vm-air"}
    for line in (SHARE / "cpu.env").read_text(encoding="utf-8").split():
        name, _, value = line.partition("=")
        there[name] = value
    told = run(str(ANKLED), "replay", str(capture), "--json", env=there, timeout_s=600.0, errors=False)
    return told.encode().splitlines()


def status() -> str:
    """Return the sentence that the service says of itself."""
    return shown(UNIT, "StatusText")


def _sensors() -> dict[str, str]:
    told = run("journalctl", "-b", "-o", "cat", "-u", AIR, "--no-pager")
    return dict(re.findall(r"^(left|right) +((?:[0-9A-F]{2}:){5}[0-9A-F]{2}) ", told, re.MULTILINE))
