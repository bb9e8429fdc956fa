"""The address of a broker: what may be written, and one sentence for everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.broker_url import ALLOWED, BrokerAddress, without_password


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mqtt://host", BrokerAddress(host="host", port=1883)),
        ("mqtt://host/", BrokerAddress(host="host", port=1883)),
        ("MQTT://Host.example.org:1884", BrokerAddress(host="Host.example.org", port=1884)),
        ("mqtts://10.0.0.1", BrokerAddress(host="10.0.0.1", port=8883, tls=True)),
        ("mqtt://[::1]:1885", BrokerAddress(host="::1", port=1885)),
        ("mqtt://kim@host", BrokerAddress(host="host", port=1883, username="kim")),
        ("ws://host", BrokerAddress(host="host", port=80, transport="websockets", path="/mqtt")),
        ("ws://host:9001/", BrokerAddress(host="host", port=9001, transport="websockets", path="/")),
        ("ws://host:9001/p@th", BrokerAddress(host="host", port=9001, transport="websockets", path="/p@th")),
        (
            "wss://kim@[::1]/a/b?token=x",
            BrokerAddress(
                host="::1", port=443, tls=True, transport="websockets", path="/a/b", query="?token=x", username="kim"
            ),
        ),
        ("unix:///run/a@b.sock", BrokerAddress(transport="unix", path="/run/a@b.sock")),
        ("unix://kim@/run/x", BrokerAddress(transport="unix", path="/run/x", username="kim")),
        ("embedded", BrokerAddress(host="127.0.0.1", port=0, embedded=True)),
        ("embedded:1900", BrokerAddress(host="127.0.0.1", port=1900, embedded=True)),
    ],
)
def test_what_may_be_written(text: str, address: BrokerAddress) -> None:
    """Every form that is documented, with the port of its scheme where none is given."""
    assert BrokerAddress.parse(text) == address


@pytest.mark.parametrize(("written", "meant"), [("a%40b:c", "a@b:c"), ("p@ss", "p@ss"), ("", "")])
def test_passwords_in_the_url(written: str, meant: str) -> None:
    """A password may hold what it likes: escaped, or as it is, since the last @ parts it from the host."""
    address = BrokerAddress.parse(f"mqtt://kim:{written}@host:1")
    assert (address.host, address.port, address.username, address.password) == ("host", 1, "kim", meant)


SOCKET = "allowed is unix:///PATH, such as unix:///run/mqtt.sock"
NO_SOCKET = ", which no socket can have"
PORTS = "allowed is a whole number from 1 to 65535"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", f'is "", which has no scheme; {ALLOWED}'),
        ("host:1883", f'is "host:1883", which has no scheme; {ALLOWED}'),
        ("http://host", f'is "http://host" with the unknown scheme "http"; {ALLOWED}'),
        ("mqtt://", f'is "mqtt://" with no host; {ALLOWED}'),
        ("mqtt://:1883", f'is "mqtt://:1883" with no host; {ALLOWED}'),
        ("mqtt://a b", f'is "mqtt://a b" with a host that is not a name or an address; {ALLOWED}'),
        ("mqtt://a..b", f'is "mqtt://a..b" with a host that is not a name or an address; {ALLOWED}'),
        ("mqtt://host/topic", f'is "mqtt://host/topic" with a host that is not a name or an address; {ALLOWED}'),
        ("mqtt://host:", f'is "mqtt://host:" with the port ""; {PORTS}'),
        ("mqtt://host:0", f'is "mqtt://host:0" with the port "0"; {PORTS}'),
        ("mqtt://host:65536", f'is "mqtt://host:65536" with the port "65536"; {PORTS}'),
        ("mqtt://host?x", f'is "mqtt://host?***" with a host that is not a name or an address; {ALLOWED}'),
        ("ws://:80/x", f'is "ws://:80/x" with no host; {ALLOWED}'),
        ("ws://host/a b", 'is "ws://host/a b" with a path that is not plain ASCII without spaces; write others as %XX'),
        ("ws://kim:a/b@host/x", 'is "ws://kim:***@host/x" with a / in the password; write it as %2F'),
        ("kim:secret@host", f'is "kim:***@host", which has no scheme; {ALLOWED}'),
        ("unix://run/x", f'is "unix://run/x" without the path of a socket; {SOCKET}'),
        ("unix:///", f'is "unix:///" without the path of a socket; {SOCKET}'),
        ("unix:///" + "x" * 107, f'is "unix:///{"x" * 107}" with a path of more than 107 bytes{NO_SOCKET}'),
        ("embedded:x", f'is "embedded:x" with the port "x"; {PORTS}'),
        ("mqtt://:x@host", 'is "mqtt://:***@host" with a password but no user name; allowed is user:password@HOST'),
        ("mqtt://kim:secret@host:x", f'is "mqtt://kim:***@host:x" with the port "x"; {PORTS}'),
    ],
)  # fmt: skip
def test_what_may_not(text: str, told: str) -> None:
    """One sentence with the option, the value without its password, and what is allowed."""
    with pytest.raises(UsageError) as failure:
        BrokerAddress.parse(text, "--broker")
    assert str(failure.value) == f"--broker {told}"


@given(st.text() | st.from_regex(r"(mqtt|mqtts|ws|wss|unix|embedded)(://|:).{0,20}", fullmatch=True))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    """No text breaks the parser, and every host it lets pass can at least be looked up without an encoding error."""
    try:
        address = BrokerAddress.parse(text)
    except UsageError:
        return
    assert 0 <= address.port <= 65535
    assert address.host.encode("idna")
    assert BrokerAddress.parse(address.url if not address.embedded else text).port == address.port


@given(st.text(min_size=1), st.from_regex(r"[a-z]{1,10}", fullmatch=True))
def test_a_password_is_never_shown(password: str, user: str) -> None:
    """Neither the address as text nor its URL nor the redacted URL holds the password."""
    address = BrokerAddress(host="h", port=1, username=user, password=f"<{password}>")
    shown = f"{address!r} {address} {address.url} {address.where} {address.__rich_repr__()}"
    assert f"<{password}>" not in shown
    assert without_password(f"mqtt://{user}:<{password}>@h") == f"mqtt://{user}:***@h"
