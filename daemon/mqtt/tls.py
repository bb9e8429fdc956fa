"""TLS to a broker: whom we trust, who we are, and a sentence for each way in which that fails.

There is no option to trust everybody. A certificate that its owner signed himself is trusted by naming it in `ca_file`;
one made out to another name by saying so in `server_name`. Neither opens the door to who comes in between.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from ankled.daemon.errors import ConfigError

if TYPE_CHECKING:
    import socket

# OpenSSL's X509_V_ERR_* (include/openssl/x509_vfy.h)
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_OTHER_NAME: Final = (62, 64)  # of a host, of an IP address

_CLIENT_TROUBLE: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "asks for a client certificate; name one in mqtt.cert_file and mqtt.key_file",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "says that the client certificate in mqtt.cert_file has expired; renew it",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "says that the client certificate in mqtt.cert_file is revoked; get a new one",
    "TLSV1_ALERT_UNKNOWN_CA": (
        "does not know the authority that signed the client certificate in mqtt.cert_file; "
        "use a certificate of an authority that the broker trusts"
    ),
}
"""What the broker's alerts mean to us, by OpenSSL's name for them."""


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to trust (without `ca_file`: whom this machine trusts), what to show of oneself, and the name to ask for."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: str | None = None
    server_name: str | None = None

    def __repr__(self) -> str:
        """Return what is no secret."""
        return f"Trust(ca_file={self.ca_file!r}, cert_file={self.cert_file!r}, server_name={self.server_name!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what is no secret."""
        return [(name, getattr(self, name)) for name in ("ca_file", "cert_file", "server_name")]


class Context(ssl.SSLContext):
    """Asks for `server_name` whatever the host is called, and remembers the broker's alert, which paho only logs."""

    server_name: str | None = None
    alert: str = ""

    def wrap_socket(  # noqa: PLR0913, PLR0917  (the signature of the base)
        self,
        sock: socket.socket,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the same
        do_handshake_on_connect: bool = True,  # noqa: FBT001, FBT002 - the same
        suppress_ragged_eofs: bool = True,  # noqa: FBT001, FBT002 - the same
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Wrap a socket as the base does, for the right name."""
        name = self.server_name or server_hostname
        return super().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, name, session)


class _Socket(ssl.SSLSocket):
    """With TLS 1.3 a broker refuses a client's certificate only after the handshake: it shows in the first answer."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive, and have the context remember an alert."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            cast("Context", self.context).alert = error.reason or ""
            raise


def context(trust: Trust) -> Context:
    """Return a context that verifies certificate and name. Raises ConfigError with the key and file that is at fault.

    It is made anew for each connection, so that files that are renewed count.
    """
    made = Context(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and host name by itself
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.sslsocket_class = _Socket
    made.server_name = trust.server_name
    if trust.ca_file is None:
        made.load_default_certs()
    else:
        _readable("mqtt.ca_file", trust.ca_file)
        try:
            made.load_verify_locations(cafile=trust.ca_file)
        except ssl.SSLError as error:
            msg = f'mqtt.ca_file is "{trust.ca_file}", which cannot be read as certificates; allowed is PEM'
            raise ConfigError(msg) from error
    if trust.cert_file is not None:
        _show(made, trust, trust.cert_file)
    elif trust.key_file is not None:
        msg = f'mqtt.key_file is "{trust.key_file}" without a certificate; name it in mqtt.cert_file'
        raise ConfigError(msg)
    return made


def _show(made: Context, trust: Trust, cert_file: str) -> None:
    """Load the client's certificate and key."""
    key_file = trust.key_file or cert_file
    _readable("mqtt.cert_file", cert_file)
    _readable("mqtt.key_file", key_file)
    if "CERTIFICATE-----" not in _text("mqtt.cert_file", cert_file):
        msg = f'mqtt.cert_file is "{cert_file}", which holds no certificate; allowed is PEM'
        raise ConfigError(msg)
    if "PRIVATE KEY-----" not in _text("mqtt.key_file", key_file):
        msg = (
            f'mqtt.key_file is "{key_file}", which holds no private key; allowed is PEM'
            if trust.key_file is not None
            else f'mqtt.cert_file is "{cert_file}", which holds no private key; name one that does in mqtt.key_file'
        )
        raise ConfigError(msg)
    asked = False

    def password() -> str:
        # always given: without it, OpenSSL would ask at the terminal and wait
        nonlocal asked
        asked = True
        return trust.key_password or ""

    try:
        made.load_cert_chain(cert_file, key_file, password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            msg = f'mqtt.key_file is "{key_file}", which is not the key of the certificate in "{cert_file}"'
        elif asked and trust.key_password is None:
            msg = f'mqtt.key_file is "{key_file}", which is encrypted; name its password in mqtt.key_password_file'
        elif asked:
            msg = f'mqtt.key_file is "{key_file}", which the password in mqtt.key_password_file does not open'
        else:
            msg = f'mqtt.cert_file is "{cert_file}", which cannot be used ({error.reason}); allowed is PEM'
        raise ConfigError(msg) from error


def untrusted(error: ssl.SSLCertVerificationError, where: str, name: str) -> str:
    """Return the sentence for a broker whose certificate does not hold."""
    whose = f"the certificate of the broker at {where}"
    if error.verify_code == _EXPIRED:
        return f"{whose}, or of the authority that signed it, has expired; renew it, or correct this machine's clock"
    if error.verify_code == _NOT_YET_VALID:
        return f"{whose}, or of the authority that signed it, is not valid yet; correct this machine's clock"
    if error.verify_code in _OTHER_NAME:
        return f'{whose} is not made out to "{name}"; connect by a name that is in it, or give that in mqtt.server_name'
    return f"{whose} is not trusted: {error.verify_message}; name the authority that signed it in mqtt.ca_file"


def alerted(alert: str | None, where: str) -> str | None:
    """Return the sentence for an alert about the client's certificate; None for any other."""
    told = _CLIENT_TROUBLE.get(alert or "")
    if told is None and alert is not None and "CERTIFICATE" in alert and "ALERT" in alert:
        told = f"does not accept the client certificate in mqtt.cert_file ({alert.lower().replace('_', ' ')})"
    return None if told is None else f"the broker at {where} {told}"


def _readable(key: str, path: str) -> None:
    if not Path(path).is_file():
        msg = f'{key} is "{path}", which is not a file'
        raise ConfigError(msg)
    _text(key, path)


def _text(key: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="latin-1")
    except OSError as error:
        msg = f'{key} is "{path}", which cannot be read: {error.strerror or error}'
        raise ConfigError(msg) from error
