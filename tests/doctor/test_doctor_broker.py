"""The doctor and a real mosquitto: well, off, frozen, with a wrong password, an access list, an expired certificate."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import aiomqtt  # noqa: TID251 - a daemon's word, kept by the broker
import pytest

from tests.daemon.brokers import HOST, PATIENCE_S, Mosquitto, Subscriber, find, free_port
from tests.daemon.certificates import Authority
from tests.doctor.examined import by_line, configured, examined

if TYPE_CHECKING:
    from pathlib import Path

    from ankled.daemon.doctor.finding import Finding


async def look(folder: Path, port: int, more: str = "", scheme: str = "mqtt") -> list[Finding]:
    """Examine a broker of the loopback address."""
    text = f'node = "gym"\n[mqtt]\nbroker = "{scheme}://{HOST}:{port}"\ntimeout_s = 2.0\n{more}'
    return await examined(configured(folder, text), "broker")


def guard(mosquitto_program: str, folder: Path, *acl: str, lines: tuple[str, ...] = ()) -> Mosquitto:
    """Start a mosquitto that knows one user, `node`, with the password `right`, and this access list."""
    passwords, rules = folder / "passwords", folder / "acl"
    passwords.touch(0o600)
    rules.write_text("\n".join(["user node", *acl, ""]))
    rules.chmod(0o600)
    program = find("mosquitto_passwd")
    assert program is not None
    subprocess.run([program, "-b", str(passwords), "node", "right"], check=True, timeout=PATIENCE_S)
    given = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {rules}", *lines)
    broker = Mosquitto(mosquitto_program, folder, *given)
    broker.start()
    return broker


async def test_all_is_well_and_nobody_is_disturbed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A broker takes us, tells its limits, lets us speak and hear; all that others hear is the doctor's one word."""
    async with Subscriber.on(mosquitto.address) as witness:
        found = await look(tmp_path, mosquitto.address.port)
        await witness.until(1)
    assert [one.verdict for one in found] == ["ok"] * 5
    assert "takes us without a user name, MQTT 5" in found[0].told
    assert "highest QoS: 2; retains: yes" in found[1].told
    assert [(str(m.topic), m.retain) for m in witness.messages] == [("ankled/gym/bridge/response/doctor", False)]


async def test_a_broker_that_is_off(tmp_path: Path) -> None:
    """The sentence of the daemon itself, and what to try."""
    ((verdict, told),) = by_line(await look(tmp_path, free_port()), "broker")
    assert verdict == "bad"
    assert "nobody listens at" in told


async def test_a_frozen_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The system takes the connection, and nobody answers: told when the time for it is over."""
    mosquitto.signal(signal.SIGSTOP)
    ((verdict, told),) = by_line(await look(tmp_path, mosquitto.address.port), "broker")
    assert verdict == "bad"
    assert "no MQTT answer within 2 s" in told


@pytest.mark.parametrize(("password", "verdict"), [("4711-sesame", "bad"), ("right", "ok")], ids=["bad", "good"])
async def test_credentials(mosquitto_program: str, tmp_path: Path, password: str, verdict: str) -> None:
    """A wrong password is told as such and never shown."""
    broker = guard(mosquitto_program, tmp_path, "topic readwrite #")
    secret = tmp_path / "password"
    secret.write_text(f"{password}\n")
    secret.chmod(0o600)
    try:
        found = await look(tmp_path, broker.address.port, f'username = "node"\npassword_file = "{secret}"\n')
    finally:
        broker.kill()
    assert found[0].verdict == verdict
    assert ("refused the user name or password" in found[0].told) == (verdict == "bad")
    assert "4711-sesame" not in "".join(f"{one.told}{one.do}" for one in found)


@pytest.mark.parametrize(
    ("protocol", "acl", "publish", "subscribe"),
    [
        ("5", "topic readwrite ankled/gym/#", "ok", "ok"),
        ("5", "topic read ankled/gym/#", "bad", "note"),
        ("5", "topic write ankled/gym/#", "ok", "note"),
        ("3.1.1", "topic readwrite ankled/gym/#", "ok", "ok"),
        ("3.1.1", "topic read ankled/gym/#", "not tried", "note"),
    ],
)
async def test_an_access_list(
    mosquitto_program: str, tmp_path: Path, protocol: str, acl: str, publish: str, subscribe: str
) -> None:
    """Each thing that is not allowed has its line; MQTT 3.1.1 does not tell, so what comes back is the proof."""
    broker = guard(mosquitto_program, tmp_path, acl)
    more = f'username = "node"\nprotocol = "{protocol}"\n'
    (tmp_path / "password").write_text("right\n")
    try:
        found = await look(tmp_path, broker.address.port, f'{more}password_file = "{tmp_path / "password"}"\n')
    finally:
        broker.kill()
    assert [verdict for verdict, _ in by_line(found, "broker publish")] == [publish]
    assert [verdict for verdict, _ in by_line(found, "broker subscribe")] == [subscribe]


@pytest.mark.parametrize(
    ("line", "verdict", "told"),
    [
        ("max_qos 0", "bad", "highest QoS: 0"),
        ("retain_available false", "note", "retains: no"),
        ("max_packet_size 20000", "note", "largest packet: 20000 bytes"),
        ("max_keepalive 20", "ok", "a sign of life every 20 s"),
        ("max_inflight_messages 7", "ok", "unacknowledged at once: 7"),
    ],
)
async def test_limits(mosquitto_program: str, tmp_path: Path, line: str, verdict: str, told: str) -> None:
    """What the broker says in CONNACK is told, and what is too little for results is not ok."""
    broker = Mosquitto(mosquitto_program, tmp_path, line)
    broker.start()
    try:
        ((found, words),) = by_line(await look(tmp_path, broker.address.port), "broker limits")
    finally:
        broker.kill()
    assert (found, told in words) == (verdict, True), words


@pytest.mark.parametrize(("days", "verdict"), [(2, "ok"), (-1, "bad")], ids=["valid", "expired"])
async def test_tls(mosquitto_program: str, tmp_path: Path, days: int, verdict: str) -> None:
    """An expired certificate is told as such."""
    authority = Authority(tmp_path)
    server = authority.sign("server", days=days)
    lines = (f"cafile {authority.ca_file}", f"certfile {server.cert_file}", f"keyfile {server.key_file}")
    broker = Mosquitto(mosquitto_program, tmp_path, *lines)
    broker.start()
    try:
        found = await look(tmp_path, broker.address.port, f'ca_file = "{authority.ca_file}"\n', "mqtts")
    finally:
        broker.kill()
    assert found[0].verdict == verdict
    assert ("has expired" in found[0].told) == (verdict == "bad")


async def test_a_daemon_of_the_same_name(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """One that is online there, while none runs on this machine, is another: told, with a way to part them."""
    async with aiomqtt.Client(HOST, mosquitto.address.port) as other:
        await other.publish("ankled/gym/bridge/state", b'{"state":"online"}', qos=1, retain=True)
    ((verdict, told),) = by_line(await look(tmp_path, mosquitto.address.port), "node")
    assert verdict == "note"
    assert "named gym is online there, and none that we can see runs on this machine" in told


async def test_each_broker_is_examined(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Fallbacks too, each by itself."""
    found = await look(tmp_path, free_port(), f'fallbacks = ["mqtt://{HOST}:{mosquitto.address.port}"]\n')
    assert [verdict for verdict, _ in by_line(found, "broker")] == ["bad", "ok"]
