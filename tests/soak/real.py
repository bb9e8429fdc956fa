"""`python -m tests.soak.real`: twenty minutes of real time with real processes, and whether anything grows."""

# ruff: noqa: ASYNC220, ASYNC240 - small local files and two children: nothing here is worth a thread
from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiomqtt  # noqa: TID251 - a client that is not ours, beside the daemon under test
import msgspec

from tests.daemon.brokers import HOST, Mosquitto, find, payload
from tests.daemon.commands import spawn
from tests.soak.account import Account
from tests.soak.held import FIELDS
from tests.soak.scene import SENSORS, config, faults
from tests.soak.trend import judge, told

MINUTES = float(os.environ.get("SOAK_MIN", "20"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
WARM_MIN = min(5.0, MINUTES / 4.0)
_START_S = 300.0
_DRAIN_S = 120.0


class Health:
    """The newest health of the daemon, from the broker, through all its restarts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.newest: dict[str, Any] | None = None
        self.came = asyncio.Event()

    async def follow(self) -> None:
        """Listen until cancelled."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(HOST, self._port, timeout=2.0) as client:
                    await client.subscribe("ankled/gym/bridge/health")
                    async for message in client.messages:
                        self.newest = msgspec.json.decode(payload(message))
                        self.came.set()
            await asyncio.sleep(0.5)

    async def next(self, within_s: float) -> dict[str, Any]:
        """Return the next one."""
        self.came.clear()
        async with asyncio.timeout(within_s):
            await self.came.wait()
        assert self.newest is not None
        return self.newest


def figures(inside: dict[str, float], health: dict[str, Any]) -> dict[str, float | None]:
    """Return one row of the table."""
    latency = health["latency"]["acknowledged"]
    return {
        **inside,
        "queued": health["inputs"]["waiting"] + health["broker"]["queued"] + health["capture"]["queued"],
        "pending": health["outbox"]["pending"],
        "p50_ms": latency["p50_ms"],
        "p99_ms": latency["p99_ms"],
        "lag_ms": health["process"]["loop_lag_ms"],
        "sent": health["broker"]["sent"],
        "acked": health["broker"]["acknowledged"],
        "links": sum(device["reconnects"] for device in health["devices"]),
        "online": sum(device["online"] for device in health["devices"]),
    }


def line(minute: float, row: dict[str, float | None]) -> None:
    """Print one row."""
    shown = " ".join(f"{key}={'-' if value is None else f'{value:.10g}'}" for key, value in _rounded(row).items())
    sys.stdout.write(f"{minute:6.2f} min  {shown}\n")
    sys.stdout.flush()


def _rounded(row: dict[str, float | None]) -> dict[str, float | None]:
    return {key: None if value is None else round(value, 1) for key, value in row.items()}


async def restarts(broker: Mosquitto, rng: random.Random, done: list[str]) -> None:
    """End mosquitto, in order or not, and start it again, until cancelled."""
    while True:
        await asyncio.sleep(rng.uniform(40.0, 120.0))
        how = rng.choice(("stop", "kill"))
        await asyncio.to_thread(broker.stop if how == "stop" else broker.kill)
        try:
            await asyncio.sleep(rng.uniform(0.2, 5.0))
        finally:
            broker.start()
        done.append(how)


async def inside(daemon: subprocess.Popen[bytes], into: Path) -> dict[str, float]:
    """Have the daemon count what it holds."""
    before = into.stat().st_size if into.exists() else 0
    daemon.send_signal(signal.SIGUSR2)
    async with asyncio.timeout(30.0):
        while not into.exists() or into.stat().st_size == before or not into.read_bytes().endswith(b"\n"):
            assert daemon.poll() is None, "the daemon has ended"
            await asyncio.sleep(0.1)
    return msgspec.json.decode(into.read_bytes().splitlines()[-1], type=dict[str, float])


async def soak(folder: Path, program: str) -> int:
    """Run everything; return 0 where nothing grew and the account is complete."""
    broker = Mosquitto(program, folder, "max_queued_messages 0")
    broker.start()
    radio, counts = f"unix:{folder}/radio", folder / "held.jsonl"
    (folder / "ankled.toml").write_text(config(str(folder), broker.address.url))
    (folder / "faults").write_text("\n".join(faults(SEED, 60.0 * MINUTES)) + "\n")
    worn = [word for label, (make, _) in SENSORS.items() for word in ("--sensor", f"{label}={make}")]
    logs = [(folder / name).open("wb") for name in ("simulate.log", "daemon.log")]
    # a loaded machine simulates sixteen links more easily with fewer connection events
    how = ("--scenario", "demo", "--repeat", "--at-once", "--interval-ms", "100", "--slots", str(len(SENSORS)))
    world = spawn(
        "simulate", *how, *worn, "--radio", radio, "--faults", folder / "faults", stdout=logs[0], stderr=logs[0]
    )
    daemon = None
    tasks: list[asyncio.Task[None]] = []
    try:
        while not (folder / "radio").exists():
            assert world.poll() is None, (folder / "simulate.log").read_text()
            await asyncio.sleep(0.1)
        words = ("run", "--radio", radio, "--config", folder / "ankled.toml", "--log-level", "info")
        module = (sys.executable, "-m", "tests.soak.inside", counts, *words)
        daemon = subprocess.Popen([*map(str, module)], stdout=logs[1], stderr=logs[1])
        health, broken = Health(broker.address.port), list[str]()
        tasks.append(asyncio.create_task(health.follow(), name="health"))
        await health.next(_START_S)
        begun_s = time.monotonic()
        tasks.append(asyncio.create_task(restarts(broker, random.Random(SEED), broken), name="restarts"))
        rows: list[tuple[float, dict[str, float | None]]] = []
        while True:
            row = figures(await inside(daemon, counts), await health.next(60.0))
            minute = (time.monotonic() - begun_s) / 60.0
            rows.append((minute, row))
            line(minute, row)
            if minute >= MINUTES - 0.01:
                break
            await asyncio.sleep(max(0.0, 60.0 * min(round(minute) + 1, MINUTES) - 60.0 * minute))
        tasks.pop().cancel()
        await asyncio.sleep(0)
        if not broker.alive:
            broker.start()
        world.send_signal(signal.SIGTERM)
        account = await Account.of(broker.address.port, health.next, _DRAIN_S)
        return verdict(rows, account, broken)
    finally:
        for task in tasks:
            task.cancel()
        for process in (world, daemon):
            if process is not None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(30.0)
                process.kill()
        broker.kill()
        for log in logs:
            log.close()


def verdict(rows: list[tuple[float, dict[str, float | None]]], account: Account, broken: list[str]) -> int:
    """Print what came of it."""
    minutes = [minute for minute, _ in rows]
    names = (*FIELDS, "queued", "pending")
    judged = [judge(name, minutes, [float(row[name] or 0.0) for _, row in rows], WARM_MIN) for name in names]
    flat = [one for one in judged if one is not None]
    sys.stdout.write(f"mosquitto ended {broken.count('stop')} times in order and {broken.count('kill')} times not\n")
    sys.stdout.write("D-Bus connections: the radio is made of software, so there is none to leave behind\n")
    sys.stdout.write(f"{account.told()}\nafter {WARM_MIN:g} minutes of warm-up:\n{told(flat)}\n")
    if not flat:
        sys.stdout.write("verdict: too short to tell a slope\n")
        return 1
    good = all(one.flat for one in flat) and account.complete
    sys.stdout.write(f"verdict: {'flat, and the account complete' if good else 'NOT flat, or results missing'}\n")
    return 0 if good else 1


if __name__ == "__main__":
    found = find("mosquitto")
    if found is None:
        sys.exit("the soak needs mosquitto; on Debian: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="soak") as made:
        sys.exit(asyncio.run(soak(Path(os.environ.get("SOAK_FOLDER", made)), found)))
