"""TLS to a real mosquitto: what is trusted, what is not, and one sentence with the remedy for each refusal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from ankled.daemon.errors import BrokerError, ConfigError
from ankled.daemon.mqtt.connection import Message, connected
from ankled.daemon.mqtt.tls import Trust, context
from tests.daemon.brokers import HOST, Mosquitto, free_port
from tests.daemon.certificates import Authority, Signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from tests.daemon.commands import Shell

    Serve = Callable[..., BrokerAddress]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that signs for the broker and its clients."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that nobody here trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture
def serve(mosquitto_program: str, tmp_path: Path) -> Iterator[Serve]:
    """Return what starts a mosquitto with a certificate, and more lines of configuration."""
    started: list[Mosquitto] = []

    def start(signed: Signed, *lines: str) -> BrokerAddress:
        server = Mosquitto(
            mosquitto_program, tmp_path, f"certfile {signed.cert_file}", f"keyfile {signed.key_file}", *lines
        )
        started.append(server)
        server.start()
        for line in lines:
            if line.startswith("listener"):
                server.until_listening(int(line.split()[1]))
        return replace(server.address, tls=True)

    yield start
    for server in started:
        server.kill()


async def told(address: BrokerAddress, **trust: Any) -> str:
    """Return the sentence of the error that connecting raises; no task is left behind."""
    with pytest.raises(BrokerError) as failure:
        async with connected(replace(address, trust=Trust(**trust)), timeout_s=5.0):
            pytest.fail("it connected")
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    assert "\n" not in str(failure.value)
    return str(failure.value)


async def accepted(address: BrokerAddress, **trust: Any) -> bool:
    """Tell whether a message goes through."""
    async with connected(replace(address, trust=Trust(**trust)), timeout_s=5.0) as connection:
        return await connection.publish(Message("t", b"private"))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_signed_broker(serve: Serve, authority: Authority, protocol: Any) -> None:
    """With its authority in ca_file the broker is trusted, in both versions of MQTT."""
    address = replace(serve(authority.sign("broker")), protocol=protocol)
    assert await accepted(address, ca_file=authority.ca_file)


async def test_a_wrong_authority(serve: Serve, authority: Authority, stranger: Authority) -> None:
    """A broker of another authority is refused, and so is any private one where only the system's are trusted."""
    address = serve(authority.sign("broker"))
    for ca_file in (stranger.ca_file, None):
        sentence = await told(address, ca_file=ca_file)
        assert sentence == (
            f"the certificate of the broker at {HOST}:{address.port} is not trusted: "
            "unable to get local issuer certificate; name the authority that signed it in mqtt.ca_file"
        )


async def test_a_wrong_name(serve: Serve, authority: Authority) -> None:
    """A certificate for another name is refused, unless that name is the one that is asked for."""
    address = serve(authority.sign("broker", alternative="DNS:broker.example.org"))
    whose = f"the certificate of the broker at {HOST}:{address.port} is not made out to"
    remedy = "connect by a name that is in it, or give that in mqtt.server_name"
    assert await told(address, ca_file=authority.ca_file) == f'{whose} "{HOST}"; {remedy}'
    other = {"ca_file": authority.ca_file, "server_name": "other.example.org"}
    assert await told(address, **other) == f'{whose} "other.example.org"; {remedy}'
    assert await accepted(address, ca_file=authority.ca_file, server_name="broker.example.org")


async def test_an_expired_broker(serve: Serve, authority: Authority) -> None:
    """An expired certificate is refused, and the sentence thinks of a wrong clock too."""
    address = serve(authority.sign("broker", days=-1))
    assert await told(address, ca_file=authority.ca_file) == (
        f"the certificate of the broker at {HOST}:{address.port}, or of the authority that signed it, has expired; "
        "renew it, or correct this machine's clock"
    )


@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
async def test_a_broker_that_asks_for_a_certificate(
    serve: Serve, authority: Authority, stranger: Authority, version: str
) -> None:
    """Without one, with one of a stranger and with an expired one we are told so; with a good one let in."""
    lines = (f"cafile {authority.ca_file}", "require_certificate true", f"tls_version {version}")
    address = serve(authority.sign("broker"), *lines)
    where = f"the broker at {HOST}:{address.port}"
    assert "mqtt.cert_file" in await told(address, ca_file=authority.ca_file)
    if version == "tlsv1.3":  # before, the alert may mean anything
        assert await told(address, ca_file=authority.ca_file) == (
            f"{where} asks for a client certificate; name one in mqtt.cert_file and mqtt.key_file"
        )

    def client(signed: Signed) -> dict[str, str]:
        return {"ca_file": authority.ca_file, "cert_file": signed.cert_file, "key_file": signed.key_file}

    assert await told(address, **client(stranger.sign("client"))) == (
        f"{where} does not know the authority that signed the client certificate in mqtt.cert_file; "
        "use a certificate of an authority that the broker trusts"
    )
    assert await told(address, **client(authority.sign("client", days=-1))) == (
        f"{where} says that the client certificate in mqtt.cert_file has expired; renew it"
    )
    assert await accepted(address, **client(authority.sign("client")))
    locked = authority.sign("client", password="four words")  # noqa: S106 - made up
    assert await accepted(address, **client(locked), key_password="four words")  # noqa: S106 - the same


async def test_a_renewed_certificate_counts_at_the_next_connection(serve: Serve, authority: Authority) -> None:
    """A client certificate that is replaced in its file is used without a restart."""
    address = serve(authority.sign("broker"), f"cafile {authority.ca_file}", "require_certificate true")
    signed = authority.sign("client", days=-1)
    mine = {"ca_file": authority.ca_file, "cert_file": signed.cert_file, "key_file": signed.key_file}
    assert "has expired" in await told(address, **mine)
    authority.sign("client")
    assert await accepted(address, **mine)


async def test_websockets_over_tls(serve: Serve, authority: Authority) -> None:
    """wss:// verifies as mqtts:// does."""
    signed, port = authority.sign("broker"), free_port()
    # mosquitto 2.0.11 does not start with listeners for websockets alone
    web = (
        f"listener {port} {HOST}",
        "protocol websockets",
        f"certfile {signed.cert_file}",
        f"keyfile {signed.key_file}",
    )
    address = replace(serve(signed, *web), port=port, transport="websockets", path="/mqtt")
    assert await accepted(address, ca_file=authority.ca_file)
    assert f"of the broker at wss://{HOST}:{port}/mqtt is not trusted" in await told(address)


def test_files_that_cannot_be_used(tmp_path: Path, authority: Authority) -> None:
    """Each is one sentence that begins with the key and names the file; none waits for a password at the terminal."""
    good, other = authority.sign("good"), authority.sign("other")
    locked = authority.sign("locked", password="four words")  # noqa: S106 - made up
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    gone = str(tmp_path / "gone")
    cases: list[tuple[dict[str, str], str]] = [
        ({"ca_file": gone}, f'mqtt.ca_file is "{gone}", which is not a file'),
        ({"ca_file": str(junk)}, f'mqtt.ca_file is "{junk}", which cannot be read as certificates; allowed is PEM'),
        ({"cert_file": gone}, f'mqtt.cert_file is "{gone}", which is not a file'),
        ({"cert_file": str(junk)}, f'mqtt.cert_file is "{junk}", which holds no certificate; allowed is PEM'),
        (
            {"key_file": good.key_file},
            f'mqtt.key_file is "{good.key_file}" without a certificate; name it in mqtt.cert_file',
        ),
        (
            {"cert_file": good.cert_file},
            f'mqtt.cert_file is "{good.cert_file}", which holds no private key; name one that does in mqtt.key_file',
        ),
        (
            {"cert_file": good.cert_file, "key_file": str(junk)},
            f'mqtt.key_file is "{junk}", which holds no private key; allowed is PEM',
        ),
        (
            {"cert_file": good.cert_file, "key_file": other.key_file},
            f'mqtt.key_file is "{other.key_file}", which is not the key of the certificate in "{good.cert_file}"',
        ),
        (
            {"cert_file": locked.cert_file, "key_file": locked.key_file},
            f'mqtt.key_file is "{locked.key_file}", which is encrypted; name its password in mqtt.key_password_file',
        ),
        (
            {"cert_file": locked.cert_file, "key_file": locked.key_file, "key_password": "guess"},
            f'mqtt.key_file is "{locked.key_file}", which the password in mqtt.key_password_file does not open',
        ),
    ]
    for trust, sentence in cases:
        with pytest.raises(ConfigError) as failure:
            context(Trust(**trust))
        assert str(failure.value) == sentence


def test_check_config_examines_what_tls_needs(tmp_path: Path, authority: Authority, shell: Shell) -> None:
    """Before anything runs, a key of another certificate is told of, for a fallback as for the first broker."""
    good, other = authority.sign("good"), authority.sign("other")
    lines = ["[mqtt]", "fallbacks = ['mqtts://host']", f"cert_file = '{good.cert_file}'"]
    (tmp_path / "c.toml").write_text("\n".join([*lines, f"key_file = '{other.key_file}'"]))
    done = shell("check-config", tmp_path / "c.toml")
    assert done.code == 3
    assert f'mqtt.key_file is "{other.key_file}", which is not the key of the certificate' in done.err
    (tmp_path / "c.toml").write_text("\n".join([*lines, f"key_file = '{good.key_file}'"]))
    assert shell("check-config", tmp_path / "c.toml").code == 0


def test_certificate_and_key_in_one_file(tmp_path: Path, authority: Authority) -> None:
    """Without key_file, the key is looked for beside the certificate."""
    signed = authority.sign("both")
    both = tmp_path / "both.pem"
    both.write_text(Path(signed.cert_file).read_text() + Path(signed.key_file).read_text())
    assert context(Trust(cert_file=str(both))).check_hostname
