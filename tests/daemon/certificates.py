"""An authority of the tests, and certificates that it signs, made by openssl."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.daemon.brokers import HOST, find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


class Signed:
    """A certificate and its key."""

    def __init__(self, folder: Path, name: str) -> None:
        self.cert_file = str(folder / f"{name}.pem")
        self.key_file = str(folder / f"{name}.key")


class Authority:
    """Signs certificates for the loopback address, or for whatever is asked for."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        program = find("openssl")
        if program is None:
            pytest.skip("openssl, which makes the certificates, is not installed")
        self._program = program
        self._folder = folder
        self._own = Signed(folder, name)
        self.ca_file = self._own.cert_file
        self._run(
            "req", "-x509", "-days", "2", "-nodes", *_CURVE, "-subj", f"/CN={name}",
            "-keyout", self._own.key_file, "-out", self.ca_file,
        )  # fmt: skip

    def sign(self, name: str, *, alternative: str = f"IP:{HOST}", days: int = 2, password: str | None = None) -> Signed:
        """Return a certificate; one of less than no days has expired."""
        made = Signed(self._folder, name)
        request, extra = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={alternative}\n")
        locked = ["-nodes"] if password is None else ["-passout", f"pass:{password}"]
        self._run("req", *locked, *_CURVE, "-subj", f"/CN={name}", "-keyout", made.key_file, "-out", str(request))
        self._run(
            "x509", "-req", "-in", str(request), "-CA", self.ca_file, "-CAkey", self._own.key_file, "-CAcreateserial",
            "-days", str(days), "-extfile", str(extra), "-out", made.cert_file,
        )  # fmt: skip
        return made

    def _run(self, *words: str) -> None:
        command: Sequence[str] = [self._program, *words]
        subprocess.run(command, check=True, capture_output=True)
