"""Every way a connection to a broker fails is one sentence that says what to do, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
from typing import TYPE_CHECKING

import aiomqtt  # noqa: TID251 - what lies below a connection is looked at
import msgspec
import pytest

from ankled.daemon.errors import BrokerError
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.mqtt.credentials import credentials
from ankled.daemon.mqtt.tls import Trust
from tests.daemon.brokers import HOST, Gate, Mosquitto, Subscriber, eventually, find, free_port, payload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


async def refusal(address: BrokerAddress, timeout_s: float = 5.0) -> str:
    """Return the sentence of the error that connecting raises."""
    with pytest.raises(BrokerError) as failure:
        async with connected(address, timeout_s=timeout_s):
            pytest.fail("it connected")
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    return str(failure.value)


async def test_nobody_listens() -> None:
    """A closed port is told from every other failure."""
    port = free_port()
    told = await refusal(BrokerAddress(host=HOST, port=port))
    assert told == f"nobody listens at {HOST}:{port}; start the broker or correct its address"


async def test_a_name_that_does_not_resolve() -> None:
    """A misspelt host is named. The top level `invalid` is reserved for names that never exist (RFC 6761)."""
    told = await refusal(BrokerAddress(host="broker.invalid", port=1883))
    assert told.startswith('the broker\'s name "broker.invalid" does not resolve')


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_what_listens_is_not_an_mqtt_broker(greeting: bytes) -> None:
    """A service of another kind, silent or talking, is told from a broker, and every socket to it is closed."""
    begun = ended = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal begun, ended
        begun += 1
        writer.write(greeting)
        with contextlib.suppress(ConnectionError):
            while await reader.read(100):
                pass
        writer.close()
        ended += 1

    async with await asyncio.start_server(serve, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BrokerError, match=f"{HOST}:{port} gave no MQTT answer within 0.3 s; .* with TLS"):
            async with connected(BrokerAddress(host=HOST, port=port), timeout_s=0.3):
                pytest.fail("it connected")
        await eventually(lambda: begun == ended > 0)


@pytest.fixture
def guarded(mosquitto_program: str, tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a mosquitto that knows one user, kim."""
    program = find("mosquitto_passwd")
    if program is None:
        pytest.skip("mosquitto_passwd is not installed")
    file = tmp_path / "passwords"
    subprocess.run([program, "-b", "-c", str(file), "kim", "open sesame"], check=True)
    server = Mosquitto(mosquitto_program, tmp_path, "allow_anonymous false", f"password_file {file}")
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize(
    ("username", "password"), [(None, None), ("kim", None), ("kim", "wrong"), ("kit", "open sesame")]
)
async def test_refused_credentials(guarded: Mosquitto, username: str | None, password: str | None) -> None:
    """A wrong or missing user or password is told with the broker's code and the keys to correct, never itself."""
    address = msgspec.structs.replace(guarded.address, username=username, password=password)
    told = await refusal(address)
    assert f"{HOST}:{address.port} refused the user name or password (code 135: Not authorized)" in told
    assert "mqtt.password_file" in told
    assert "wrong" not in told


async def test_right_credentials(guarded: Mosquitto, tmp_path: Path) -> None:
    """The user of the URL or of the configuration, with the password from its file, is let in."""
    (tmp_path / "password").write_text("open sesame\n", encoding="utf-8")
    address = BrokerAddress.parse(guarded.address.url).known_as(credentials("kim", str(tmp_path / "password")))
    async with Subscriber.on(address) as subscriber:
        async with connected(address) as connection:
            await connection.publish(Message("t", b"in"))
        await subscriber.until(1)
    assert payload(subscriber.messages[0]) == b"in"


@pytest.fixture
def tls_broker(mosquitto_program: str, tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a mosquitto with a certificate for the loopback address that it signed itself."""
    program = find("openssl")
    if program is None:
        pytest.skip("openssl, which makes the certificate for mosquitto, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subject = ["-subj", "/CN=ankled test", "-addext", f"subjectAltName=IP:{HOST}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [program, "req", "-x509", "-days", "2", "-nodes", *curve, *subject, *files], check=True, capture_output=True
    )
    server = Mosquitto(mosquitto_program, tmp_path, f"certfile {certificate}", f"keyfile {key}")
    server.start()
    server.address = msgspec.structs.replace(server.address, tls=True)
    yield server
    server.kill()


async def test_tls(tls_broker: Mosquitto, tmp_path: Path) -> None:
    """With the authority named in ca_file the connection is made; without it the sentence says which key to set."""
    told = await refusal(tls_broker.address)
    assert f"the certificate of the broker at {HOST}:{tls_broker.address.port} is not trusted: self" in told
    assert "mqtt.ca_file" in told
    trust = Trust(ca_file=str(tmp_path / "certificate.pem"))
    async with connected(msgspec.structs.replace(tls_broker.address, trust=trust)) as connection:
        await connection.publish(Message("t", b"private"))


async def test_plain_against_tls_and_tls_against_plain(tls_broker: Mosquitto, mosquitto: Mosquitto) -> None:
    """Each of the two mix-ups is told from a broker that is away."""
    plain = msgspec.structs.replace(tls_broker.address, tls=False)
    assert "with TLS?" in await refusal(plain, timeout_s=0.5)
    tls = msgspec.structs.replace(mosquitto.address, tls=True)
    assert "no TLS with the broker" in await refusal(tls, timeout_s=0.5)


async def test_a_ca_file_that_is_no_certificate(tmp_path: Path) -> None:
    """A file that holds no certificates is named."""
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    address = BrokerAddress(host=HOST, port=1, tls=True, trust=Trust(ca_file=str(tmp_path / "ca.pem")))
    assert f'mqtt.ca_file is "{tmp_path / "ca.pem"}", which cannot be read as certificates' in await refusal(address)


async def test_the_end_of_a_connection_is_noticed_without_sending(gate: Gate) -> None:
    """`lost` raises when the broker goes, and the connection counts as unusable from then on."""
    async with connected(gate.address) as connection:
        assert connection.usable
        gate.cut()
        with pytest.raises(BrokerError, match="closed the connection"):
            await connection.lost()
        assert not connection.usable


async def test_cancelling_while_connecting_leaves_no_client_behind(gate: Gate) -> None:
    """The thread that connects is waited for: it must not go on to become a client that nobody owns."""
    attempt = asyncio.create_task(anext(connected(gate.address).gen))
    while gate.taken == 0:  # noqa: ASYNC110 - the thread tells nobody that it has begun
        await asyncio.sleep(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    async with asyncio.timeout(5):
        while gate.relaying:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_a_cancellation_that_comes_with_the_answer_counts(mosquitto: Mosquitto) -> None:
    """Who is cancelled at the moment of the acknowledgement is cancelled: a publisher that stops does not go on."""
    async with connected(mosquitto.address) as connection:
        publishing = asyncio.create_task(connection.publish(Message("t", b"")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        client = connection._line
        assert isinstance(client, aiomqtt.Client)
        assert client._pending_publishes
        client._client.loop_write()
        while client._pending_publishes:  # the answer is taken in before anybody else has a turn
            client._client.loop_read()
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing


async def test_a_result_does_not_wait_for_the_acknowledgement_of_another(mosquitto: Mosquitto) -> None:
    """Nagle's algorithm is off: it would hold a result back behind one that the broker has yet to acknowledge."""
    async with connected(mosquitto.address) as connection:
        assert isinstance(connection._line, aiomqtt.Client)
        sock = connection._line._client.socket()
        assert isinstance(sock, socket.socket)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_that_a_connection_broke_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The library's own word for it comes beside ours, as an error, and is left out."""
    logging.getLogger("aiomqtt").error("failed to receive on socket: %s", "[Errno 104] Connection reset by peer")
    logging.getLogger("aiomqtt").error("failed otherwise")
    assert [record.message for record in caplog.records] == ["failed otherwise"]
