"""The address of a broker as a user writes it: `mqtt://[user[:password]@]HOST[:PORT]`, `ws://` and so on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import unquote

import msgspec

from ankled.daemon.errors import UsageError
from ankled.daemon.mqtt.tls import Trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.mqtt.credentials import Credentials

ALLOWED: Final = (
    "allowed are mqtt://HOST[:PORT], mqtts://HOST[:PORT], ws://HOST[:PORT][/PATH], wss://HOST[:PORT][/PATH], "
    "unix:///PATH and embedded[:PORT]"
)

Protocol: TypeAlias = Literal["auto", "5", "3.1.1"]

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_WEB: Final = ("ws", "wss")
_WEB_PATH: Final = "/mqtt"
_HIGHEST_PORT: Final = 65535
_LONGEST_SOCKET_PATH: Final = 107  # sun_path less its closing zero (unix(7))
_FORM = re.compile(r"(?P<scheme>[^:/]*)://(?P<rest>.*)", re.DOTALL)
_USER = r"(?:(?P<user>[^:@/]*)(?::(?P<password>{}*))?@)?"
_HOST_PORT = r"(?P<host>\[[^\]]*\]|[^:{0}]*)(?::(?P<port>[^{0}]*))?"
_AUTHORITY = re.compile(_USER.format(".") + r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?", re.DOTALL)
# with a path behind it, a slash in the password would be the path's
_WEB_AUTHORITY = re.compile(
    _USER.format("[^/]") + _HOST_PORT.format("/?") + r"(?P<path>/[^?]*)?(?P<query>\?.*)?", re.DOTALL
)
_SOCKET = re.compile(_USER.format(".") + r"(?P<path>.*)", re.DOTALL)
# labels of 1 to 63 characters: with any other, looking the name up fails with an error about its encoding
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\]")
# what may stand in the first line of an HTTP request
_WEB_TARGET = re.compile(r"[!-~]*")


class BrokerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broker is and who we are to it. An embedded one has port 0 until it has been started, unless told.

    `path` is that of the websocket, or of the unix socket, which has no host and port. `query` is kept apart from it
    and never shown: tokens stand there.
    """

    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    tls: bool = False
    embedded: bool = False
    transport: Literal["tcp", "websockets", "unix"] = "tcp"
    path: str = ""
    query: str = ""
    username: str | None = None
    password: str | None = None
    trust: Trust = Trust()
    protocol: Protocol = "auto"

    @classmethod
    def parse(cls, text: str, name: str = "--broker") -> BrokerAddress:
        """Return the address in `text`, which stood at the option or key `name`.

        Raises UsageError with a sentence that begins with `name` and does not repeat the password.
        """
        shown = without_password(text)
        if text == "embedded" or text.startswith("embedded:"):
            _, colon, port = text.partition(":")
            return cls(host="127.0.0.1", port=_port(port, shown, name) if colon else 0, embedded=True)
        form = _FORM.fullmatch(text)
        if form is None:
            msg = f'{name} is "{shown}", which has no scheme; {ALLOWED}'
            raise UsageError(msg)
        scheme = form["scheme"].lower()
        if scheme == "unix":
            return _socket(form["rest"], shown, name)
        if scheme not in _PORTS:
            msg = f'{name} is "{shown}" with the unknown scheme "{form["scheme"]}"; {ALLOWED}'
            raise UsageError(msg)
        web = scheme in _WEB
        rest = form["rest"] if web else form["rest"].removesuffix("/")
        parts = (_WEB_AUTHORITY if web else _AUTHORITY).fullmatch(rest)
        if parts is None or not _HOST.fullmatch(parts["host"]):
            what = "no host" if parts is None or not parts["host"] else "a host that is not a name or an address"
            msg = f'{name} is "{shown}" with {what}; {ALLOWED}'
            raise UsageError(msg)
        found = parts.groupdict("")
        if web and not _WEB_TARGET.fullmatch(found["path"] + found["query"]):
            msg = f'{name} is "{shown}" with a path that is not plain ASCII without spaces; write others as %XX'
            raise UsageError(msg)
        if web and "@" in found["path"] and not found["port"].isdigit():
            msg = f'{name} is "{shown}" with a / in the password; write it as %2F'
            raise UsageError(msg)
        username, password = _login(parts, shown, name)
        return cls(
            host=parts["host"].strip("[]"),
            port=_PORTS[scheme] if parts["port"] is None else _port(parts["port"], shown, name),
            tls=scheme in ("mqtts", "wss"),
            transport="websockets" if web else "tcp",
            path=(found["path"] or _WEB_PATH) if web else "",
            query=found.get("query", ""),
            username=username,
            password=password,
        )

    def known_as(self, found: Credentials) -> BrokerAddress:
        """Return the address with the credentials that were found elsewhere; those of the URL fill what they lack."""
        return msgspec.structs.replace(
            self,
            username=self.username if found.username is None else found.username,
            password=self.password if found.password is None else found.password,
        )

    def exposed(self) -> Iterator[str]:
        """Yield a sentence where the password would cross a network in clear text."""
        local = (
            self.transport == "unix" or self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"
        )
        if self.password is not None and not self.tls and not self.embedded and not local:
            yield f"the password goes to {self.url} readable for everybody in between; use mqtts:// or wss://"

    @property
    def url(self) -> str:
        """The address as a URL without credentials, fit for logs and results."""
        if self.transport == "unix":
            return f"unix://{self.path}"
        scheme = {"tcp": "mqtt", "websockets": "ws"}[self.transport] + ("s" if self.tls else "")
        return f"{scheme}://{self._bracketed}:{self.port}{self.path}"

    @property
    def where(self) -> str:
        """The place alone, for sentences: host and port, the websocket's URL, or the socket's path."""
        if self.transport == "unix":
            return self.path
        return f"{self.host}:{self.port}" if self.transport == "tcp" else self.url

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __repr__(self) -> str:
        """Return the URL only: an address ends up in logs and tracebacks, its password must not."""
        return f"BrokerAddress({self.url})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return the URL only, for the same reason."""
        return [("url", self.url)]


def without_password(text: str) -> str:
    """Return a broker's URL with the password and the query, if there are any, replaced by stars."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "", text
    user, at, place = rest.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        rest = f"{name}{colon}{'***' if colon else ''}@{place}"
    head, question, _ = rest.partition("?")
    return f"{scheme}{mark}{head}{question}{'***' if question else ''}"


def _login(parts: re.Match[str], shown: str, name: str) -> tuple[str | None, str | None]:
    if parts["user"] == "":
        msg = f'{name} is "{shown}" with a password but no user name; allowed is user:password@HOST'
        raise UsageError(msg)
    username, password = parts["user"], parts["password"]
    return None if username is None else unquote(username), None if password is None else unquote(password)


def _socket(rest: str, shown: str, name: str) -> BrokerAddress:
    parts = _SOCKET.fullmatch(rest)
    path = "" if parts is None else parts["path"]
    if parts is None or not path.startswith("/") or "\0" in path or path.endswith("/"):
        msg = (
            f'{name} is "{shown}" without the path of a socket; allowed is unix:///PATH, such as unix:///run/mqtt.sock'
        )
        raise UsageError(msg)
    if len(path.encode(errors="surrogateescape")) > _LONGEST_SOCKET_PATH:
        msg = f'{name} is "{shown}" with a path of more than {_LONGEST_SOCKET_PATH} bytes, which no socket can have'
        raise UsageError(msg)
    username, password = _login(parts, shown, name)
    return BrokerAddress(transport="unix", path=path, username=username, password=password)


def _port(text: str, shown: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= _HIGHEST_PORT:
        port = '"***"' if "@" in text else f'"{text}"'  # what stands before an @ may be a password
        msg = f'{name} is "{shown}" with the port {port}; allowed is a whole number from 1 to {_HIGHEST_PORT}'
        raise UsageError(msg)
    return int(text)
