"""The AsyncAPI 3 document of a daemon: what it sends, what it takes, and how each request finds its answer."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from ankled.daemon.asyncapi.asked import ASKED, Refusal
from ankled.daemon.asyncapi.payloads import document_schemas
from ankled.daemon.asyncapi.published import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import msgspec

    from ankled.daemon.asyncapi.asked import Asked
    from ankled.daemon.asyncapi.fields import Definitions
    from ankled.daemon.asyncapi.published import Published

    Examples = Mapping[str, Sequence[Any]]
    Part = dict[str, Any]

_BINDING: Final = "0.2.0"
_PARAMETERS: Final = {
    "base": ("The topic above all nodes: one to four levels.", "ankled"),
    "node": ("The name of a daemon, which no other on the same broker may bear.", "gym"),
    "device": ("The slug of a sensor, which never changes.", "left"),
    "athlete": ("The slug of whoever wears the weights.", "kim"),
    "id": ("What Home Assistant knows a device by.", "ankled-gym-left"),
}
_ABOUT: Final = """\
Sensors in ankle weights become repetitions, sets and sessions: one JSON object a message.

What is sent at least once carries an `id`, by which repeats are known, and a `seq` without holes: whoever sees one asks
for what is missing by the request `history`. Requests carry a `transaction` of the caller's choice, which the answer
repeats. Written from the side of the daemon: it *sends* results and *receives* requests."""
_LEVELS: Final = {
    "safe": 'Carried out unless `requests = "off"`.',
    "all": 'Carried out only with `requests = "all"`.',
}
_DISCOVERY: Final = "homeassistant_discovery"
_CORRELATED: Final = {"correlationId": {"$ref": "#/components/correlationIds/transaction"}}


def document(examples: Examples, said: Definitions) -> Part:
    """Return the document. `examples` holds payloads by the name of a message."""
    references, schemas = document_schemas(said)
    parts = _Parts(references)
    for one in PUBLISHED:
        parts.add_published(one)
    for request in ASKED:
        parts.add_asked(request)
    parts.add_discovery()
    for name, payloads in examples.items():
        parts.messages[name]["examples"] = [{"payload": payload} for payload in payloads]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:ankled",
        "info": {
            "title": "ankled",
            "version": version("ankled"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": parts.channels,
        "operations": parts.operations,
        "components": {
            "messages": parts.messages,
            "schemas": schemas,
            "parameters": {
                name: {"description": text, "examples": [example]} | ({"default": example} if name == "base" else {})
                for name, (text, example) in _PARAMETERS.items()
            },
            "correlationIds": {
                "transaction": {
                    "description": "Chosen by the caller, repeated in the answer.",
                    "location": "$message.payload#/transaction",
                }
            },
            "securitySchemes": {
                "password": {"type": "userPassword", "description": "User name and password of the broker."},
                "certificate": {"type": "X509", "description": "A client certificate that the broker trusts."},
            },
        },
    }


class _Parts:
    """Channels, operations and messages as they are put together."""

    def __init__(self, references: Mapping[type[msgspec.Struct], Part]) -> None:
        self._references = references
        self.channels: Part = {}
        self.operations: Part = {}
        self.messages: Part = {
            "refused": _message("refused", str(Refusal.__doc__), references[Refusal]) | _CORRELATED,
        }

    def add_published(self, one: Published) -> None:
        """Add a topic that the daemon sends on by itself."""
        self.messages[one.key] = _message(one.key, one.summary, self._references[one.content])
        self.channels[one.key] = _channel(one.address, one.summary, [one.key])
        self._add_sent(one.key, one.summary, _mqtt(one.qos, retain=one.retain))

    def add_asked(self, one: Asked) -> None:
        """Add a request and its answers."""
        form, request, answer = one.form, f"request_{one.form.name}", f"response_{one.form.name}"
        self.messages[request] = _message(request, form.summary, self._references[one.request]) | _CORRELATED
        self.messages[answer] = _message(answer, f"Done: {form.summary}", self._references[one.answer]) | _CORRELATED
        self.channels[request] = _channel(one.request_address, form.summary, [request])
        self.channels[answer] = _channel(one.answer_address, f"Answers to `{form.name}`.", [answer, "refused"])
        self.operations[f"answer_{form.name}"] = {
            "action": "receive",
            "channel": _ref("channels", request),
            "summary": form.summary,
            "description": _LEVELS[form.level],
            "messages": [_ref("channels", request, "messages", request)],
            "bindings": _mqtt(1, retain=False),
            "reply": {
                "channel": _ref("channels", answer),
                "messages": [_ref("channels", answer, "messages", name) for name in (answer, "refused")],
            },
        }

    def add_discovery(self) -> None:
        """Add what Home Assistant defines: its own documentation says what is in it."""
        summary = "Home Assistant's discovery of the bridge, a sensor or an athlete; empty takes it back."
        self.messages[_DISCOVERY] = _message(_DISCOVERY, summary, {"type": "object"})
        self.channels[_DISCOVERY] = _channel("homeassistant/device/{id}/config", summary, [_DISCOVERY])
        self._add_sent(_DISCOVERY, summary, _mqtt(1, retain=True))

    def _add_sent(self, key: str, summary: str, bindings: Part) -> None:
        self.operations[f"send_{key}"] = {
            "action": "send",
            "channel": _ref("channels", key),
            "summary": summary,
            "messages": [_ref("channels", key, "messages", key)],
            "bindings": bindings,
        }


def _message(name: str, summary: str, payload: Part) -> Part:
    return {"name": name, "summary": summary, "contentType": "application/json", "payload": payload}


def _channel(address: str, summary: str, messages: Sequence[str]) -> Part:
    used = {name: _ref("components", "parameters", name) for name in _PARAMETERS if f"{{{name}}}" in address}
    return {
        "address": address,
        "summary": summary,
        "parameters": used,
        "messages": {name: _ref("components", "messages", name) for name in messages},
    }


def _servers() -> Part:
    variables = {
        "host": {"description": "Where the broker is.", "default": "localhost"},
        "port": {"description": "Its port.", "default": "1883"},
    }
    secure = variables | {"port": {"description": "Its port.", "default": "8883"}}
    both = {"host": "{host}:{port}", "protocolVersion": "5.0"}
    schemes = [_ref("components", "securitySchemes", name) for name in ("password", "certificate")]
    return {
        "plain": both | {"protocol": "mqtt", "variables": variables, "security": schemes[:1]},
        "tls": both | {"protocol": "secure-mqtt", "variables": secure, "security": schemes},
    }


def _mqtt(qos: int, *, retain: bool) -> Part:
    return {"mqtt": {"qos": qos, "retain": retain, "bindingVersion": _BINDING}}


def _ref(*path: str) -> Part:
    return {"$ref": "/".join(["#", *path])}
