"""Removes from texts what a bundle must not tell: secrets, names, hosts and addresses, however they are written."""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ankled.daemon.doctor.secrets import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ankled.daemon.doctor.secrets import Private

_HEX_DIGITS: Final = 12
_IPV6: Final = 6
_SHORT: Final = 3
"""A shorter word is replaced only where it stands by itself: inside of others it tells nothing."""
_PARTED: Final = re.compile(
    r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:([:\-_.])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![0-9A-Fa-f])"
)
_BARE: Final = re.compile(r"(?<![0-9A-Za-z])(?:0x)?([0-9A-Fa-f]{12})(?![0-9A-Za-z])")
_UUID: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_BYTE: Final = r"(?:0x[0-9A-Fa-f]{1,2}|\b[0-9A-Fa-f]{2}\b|\b\d{1,3}\b)"
_BYTES: Final = re.compile(rf"{_BYTE}(?:(?:\s*[,;]\s*|\s+){_BYTE}){{5,}}")
_ESCAPED: Final = re.compile(r"(?:\\{1,2}x[0-9A-Fa-f]{2}){6,}")
_LITERAL: Final = re.compile(r"""(?<!\w)[bB](?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\\"(?:(?!\\").)*\\")""")
_USER: Final = re.compile(r"(://)[^/\s\"'<>]*@")
_QUERY: Final = re.compile(r"((?:mqtts?|wss?|https?)://[^\s\"'?<>]*)\?[^\s\"'<>]+")
_KEYED: Final = re.compile(
    r"((?:password|passwd|passphrase|secret|token|api[_-]?key|authorization|psk)[\"']?\s*[:=]\s*)"
    r"(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,;}\]]+)",
    re.IGNORECASE,
)
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)
_HOME: Final = re.compile("(/(?:" + "home|Users" + r")/)[^/\s\"':,;]+")
_IP: Final = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?![\w:])")

_STAND_IN: Final = re.compile(
    r"(?:device|athlete|label|host|ip|address)-\d+|this-(?:machine|user)|/somebody|\[bytes\]|\*\*\*"
)


class Scrubber:
    """Replaces, the same by the same in all texts of a bundle."""

    def __init__(self, private: Private, *, keep_hosts: bool = False) -> None:
        """Learn what is known."""
        self._keep_hosts = keep_hosts
        self._devices: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._words = {form.lower(): to for word, to in private.words.items() for form in _forms(word)}
        for address in private.addresses:
            if len(_digits(address)) == _HEX_DIGITS:
                self._device(_digits(address))
            else:
                self._words[address.lower()] = f"address-{len(self._words) + 1}"
        self._pattern = _any_of(self._words)

    def learn(self, text: str) -> None:
        """Take note of all addresses in a text, so that they are known where they are written in another way."""
        for hit in _PARTED.finditer(text):
            self._device(_digits(hit[0]))

    def scrub(self, text: str) -> str:
        """Return the text without anything that it must not tell."""
        text = _PEM.sub("***", text)
        text = _QUERY.sub(r"\1?***", _USER.sub(r"\1***@", text))
        text = _KEYED.sub(r'\1"***"', text)
        # names first: a label or a password may hold what looks like an address
        text = self._pattern.sub(self._word, text) if self._pattern else text
        text = _HOME.sub(r"\1somebody", text)
        text = _PARTED.sub(lambda hit: self._device(_digits(hit[0])), text)
        text = _LITERAL.sub("[bytes]", _ESCAPED.sub("[bytes]", _BYTES.sub("[bytes]", text)))
        text = self._known(text)
        text = _bare_but_in_uuids(text, self._device)
        return _IP.sub(self._place, text)

    def leaks(self, data: bytes) -> list[str]:
        """Return what still stands in the bytes, by its stand-in: a last look before anything is written."""
        text = _STAND_IN.sub(" ", data.decode(errors="replace"))
        found = {self._word(hit) for hit in self._pattern.finditer(text)} if self._pattern else set()
        lower = text.lower()
        found |= {to for digits, to in self._devices.items() if digits in lower or _turned(digits) in lower}
        found |= {self._device(_digits(hit[0])) for hit in _PARTED.finditer(text)}
        return sorted("a secret" if one == HIDDEN else one for one in found)

    def _word(self, hit: re.Match[str]) -> str:
        return self._words.get(hit[0].lower(), HIDDEN)

    def _device(self, digits: str) -> str:
        digits = digits.lower()
        return self._devices.setdefault(digits, f"device-{len(self._devices) + 1}")

    def _known(self, text: str) -> str:
        """Replace known addresses inside of longer rows of digits, in either order of their bytes."""
        for digits, to in self._devices.items():
            text = re.sub(f"{digits}|{_turned(digits)}", to, text, flags=re.IGNORECASE)
        return text

    def _place(self, hit: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(hit[0])
        except ValueError:
            return hit[0]
        # one that was made from an address of a network card tells that: RFC 4291, appendix A
        made = address.version == _IPV6 and address.packed[11:13] == b"\xff\xfe"
        if address.is_loopback or address.is_unspecified or (self._keep_hosts and not made):
            return hit[0]
        return self._places.setdefault(str(address), f"ip-{len(self._places) + 1}")


def _bare_but_in_uuids(text: str, to: Callable[[str], str]) -> str:
    pieces, at = [], 0
    for uuid in _UUID.finditer(text):
        pieces += [_BARE.sub(lambda hit: to(hit[1]), text[at : uuid.start()]), uuid[0]]
        at = uuid.end()
    return "".join([*pieces, _BARE.sub(lambda hit: to(hit[1]), text[at:])])


def _digits(address: str) -> str:
    return re.sub(r"[^0-9a-f]", "", address.lower())


def _turned(digits: str) -> str:
    """Return the bytes the other way round, as packets carry addresses."""
    return "".join(reversed([digits[at : at + 2] for at in range(0, len(digits), 2)]))


def _forms(word: str) -> Iterator[str]:
    """Yield the ways in which a word may be written: in JSON, in a URL, in the other form of Unicode."""
    for form in {unicodedata.normalize(kind, word) for kind in ("NFC", "NFD")} | {word}:
        yield from (form, json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1], repr(form)[1:-1])
        for safe in ("", "/"):
            yield quote(form, safe=safe)


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds any of the words, the longest first; short ones only where they stand by themselves."""
    pieces = [
        re.escape(word) if len(word) >= _SHORT else rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
        for word in sorted(words, key=len, reverse=True)
    ]
    return re.compile("|".join(pieces), re.IGNORECASE) if pieces else None
