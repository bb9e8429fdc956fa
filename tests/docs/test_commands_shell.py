"""The shell block that makes certificates and a broker that asks for them works, and the configuration beside it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import aiomqtt  # noqa: TID251 - only to see that the broker takes nobody without a certificate
import pytest

from ankled.daemon.config import load
from ankled.daemon.mqtt.options import Options
from ankled.daemon.mqtt.publisher import Publisher
from ankled.daemon.mqtt.topics import Topics
from tests.daemon.brokers import HOST, Mosquitto, find
from tests.docs.pages import blocks
from tests.docs.table import SHELL, lines_of

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "docs/mqtt-connection.md"


async def test_the_certificates_serve_broker_and_daemon(
    mosquitto_program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are made, mosquitto starts with the file, the TOML block connects, who has no certificate does not."""
    if find("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not installed")
    monkeypatch.chdir(tmp_path)
    broker = Mosquitto(mosquitto_program, tmp_path)  # writes a file that the one of the page then replaces
    port = broker.address.port
    *making, starting = [line.text for line in lines_of(SHELL) if line.page == PAGE]
    assert starting == "mosquitto -c mosquitto.conf"
    script = "\n".join(["set -eu", *making])
    done = await asyncio.create_subprocess_exec("bash", "-c", script, stderr=asyncio.subprocess.PIPE)
    _, err = await done.communicate()
    assert done.returncode == 0, err
    text = (tmp_path / "mosquitto.conf").read_text(encoding="utf-8").replace("8883", f"{port} {HOST}")
    text += "user root\n" if os.geteuid() == 0 else ""
    (tmp_path / "mosquitto.conf").write_text(text)
    broker.start()
    try:
        (toml,) = [b.text for b in blocks() if b.page == PAGE and b.language == "toml" and "cert_file" in b.text]
        (tmp_path / "ankled.toml").write_text(toml.replace("localhost", f"localhost:{port}"))
        address = load(tmp_path / "ankled.toml").mqtt.address()
        async with Publisher(address, Topics(node="gym"), Options(timeout_s=5.0)) as publisher:
            publisher.keep("ankled/gym/left/availability", b'{"state":"online"}')
            await publisher.drain(5.0)
            assert publisher.statistics.connected
        with pytest.raises(aiomqtt.MqttError):
            await aiomqtt.Client(HOST, port, timeout=5.0).__aenter__()
    finally:
        broker.kill()
