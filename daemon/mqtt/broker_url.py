"""The address of a broker as a user writes it: `mqtt://[user[:password]@]HOST[:PORT]`, `mqtts://` or `embedded`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

import msgspec

from ankled.daemon.errors import ConfigError, UsageError

ALLOWED = "allowed are mqtt://HOST[:PORT], mqtts://HOST[:PORT] and embedded[:PORT]"

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_HIGHEST_PORT = 65535
_FORM = re.compile(r"(?P<scheme>[^:/]*)://(?P<rest>.*)", re.DOTALL)
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^:@]*)(?::(?P<password>.*))?@)?(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?", re.DOTALL
)
# labels of 1 to 63 characters: with any other, looking the name up fails with an error about its encoding
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\]")


class BrokerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broker is and who we are to it. An embedded one has port 0 until it has been started, unless told."""

    host: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    tls: bool = False
    embedded: bool = False
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None

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
        if scheme not in _PORTS:
            msg = f'{name} is "{shown}" with the unknown scheme "{form["scheme"]}"; {ALLOWED}'
            raise UsageError(msg)
        rest = form["rest"].removesuffix("/")
        parts = _AUTHORITY.fullmatch(rest)
        if parts is None or not _HOST.fullmatch(parts["host"]):
            what = "no host" if parts is None or not parts["host"] else "a host that is not a name or an address"
            msg = f'{name} is "{shown}" with {what}; {ALLOWED}'
            raise UsageError(msg)
        if parts["user"] == "":
            msg = f'{name} is "{shown}" with a password but no user name; allowed is user:password@HOST'
            raise UsageError(msg)
        return cls(
            host=parts["host"].strip("[]"),
            port=_PORTS[scheme] if parts["port"] is None else _port(parts["port"], shown, name),
            tls=scheme == "mqtts",
            username=None if parts["user"] is None else unquote(parts["user"]),
            password=None if parts["password"] is None else unquote(parts["password"]),
        )

    def with_credentials(
        self, username: str | None = None, password_file: str | None = None, ca_file: str | None = None
    ) -> BrokerAddress:
        """Return the address with what the configuration adds to its URL. Raises ConfigError for a file's fault."""
        if ca_file is not None and not Path(ca_file).is_file():
            msg = f'mqtt.ca_file is "{ca_file}", which is not a file'
            raise ConfigError(msg)
        return msgspec.structs.replace(
            self,
            username=self.username if username is None else username,
            password=self.password if password_file is None else _password(password_file),
            ca_file=ca_file,
        )

    @property
    def url(self) -> str:
        """The address as a URL without credentials, fit for logs and results."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def __repr__(self) -> str:
        """Return the URL only: an address ends up in logs and tracebacks, its password must not."""
        return f"BrokerAddress({self.url})"


def without_password(text: str) -> str:
    """Return a broker's URL with the password, if there is one, replaced by stars."""
    return re.sub(r"(://[^:@/]*):.*@", r"\1:***@", text, flags=re.DOTALL)


def _port(text: str, shown: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= _HIGHEST_PORT:
        msg = f'{name} is "{shown}" with the port "{text}"; allowed is a whole number from 1 to {_HIGHEST_PORT}'
        raise UsageError(msg)
    return int(text)


def _password(path: str) -> str:
    try:
        password = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        msg = f'mqtt.password_file is "{path}", which cannot be read: {error.strerror or error}'
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f'mqtt.password_file is "{path}", which is not UTF-8 text'
        raise ConfigError(msg) from error
    if not password:
        msg = f'mqtt.password_file is "{path}", which is empty; allowed is one line with the password'
        raise ConfigError(msg)
    return password
