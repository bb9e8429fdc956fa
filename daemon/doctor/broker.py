"""The brokers: whether each takes us, on which terms, what it lets us say and hear, and who else bears our name there.

We come under a name of our own, so a daemon that is connected stays so, and say one word on a topic of answers that
nobody has asked for and no broker keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import msgspec

from ankled.daemon.doctor.finding import Finding, bad, not_tried, note, ok
from ankled.daemon.doctor.processes import daemons
from ankled.daemon.doctor.running import in_thread
from ankled.daemon.errors import AnkledError, BrokerError
from ankled.daemon.mqtt.connection import connected
from ankled.daemon.mqtt.message import Message
from ankled.daemon.mqtt.refusals import Refusals
from ankled.daemon.mqtt.topics import Topics

if TYPE_CHECKING:
    from ankled.daemon.doctor.patient import Patient
    from ankled.daemon.doctor.running import Look
    from ankled.daemon.mqtt.broker_url import BrokerAddress
    from ankled.daemon.mqtt.connection import Connection
    from ankled.daemon.mqtt.properties import Terms

LINES: Final = ("broker", "broker limits", "broker publish", "broker subscribe", "node")
_HEARING_S: Final = 1.0
"""How long what the broker keeps, and our own word, may take to come after the subscription was agreed."""
_MOST_S: Final = 3.0
_SMALL_BYTES: Final = 64 * 1024
_WORD: Final = b'{"status":"ok","data":{},"note":"a word of ankled doctor, to be ignored"}'


class _Noted(Refusals):
    """Keeps why a message was refused instead of logging it."""

    def __init__(self) -> None:
        super().__init__()
        self.why = ""

    def note(self, topic: str, url: str, why: str) -> None:  # noqa: ARG002 - the signature of the base
        """Keep the reason."""
        self.why = why


def patience_s(patient: Patient) -> float:
    """Return how long all attempts with one broker may take: three versions, and what is said then."""
    return 4.0 * _timeout_s(patient) + 3.0 * _HEARING_S + 2.0


def _timeout_s(patient: Patient) -> float:
    return min(_MOST_S, patient.config.mqtt.timeout_s)


def looks(patient: Patient) -> list[Look]:
    """Return what looks at each broker, one after the other in the configuration's order."""
    mqtt = patient.config.mqtt if patient.broker is None else patient.config.mqtt.at(patient.broker)
    try:
        if not patient.sound and patient.broker is None:
            raise BrokerError("the configuration is wrong, see there")
        addresses = mqtt.addresses()
    except AnkledError as error:
        told = str(error)
        return [lambda _: [not_tried("broker", told)]]
    return [_look(address) for address in addresses]


def _look(address: BrokerAddress) -> Look:
    async def look(patient: Patient) -> list[Finding]:
        return await examine(patient, address)

    return look


async def examine(patient: Patient, address: BrokerAddress) -> list[Finding]:
    """Look at one broker."""
    if address.embedded:
        return [ok("broker", "the daemon brings its own, for a demonstration: it forgets all when it stops")]
    noted = _Noted()
    timeout_s = _timeout_s(patient)
    client_id = f"ankled-doctor-{token_hex(4)}"
    found: list[Finding] = []
    try:
        async with connected(address, client_id=client_id, timeout_s=timeout_s, noted=noted) as connection:
            who = "without a user name" if address.username is None else "with user name and password"
            if address.username is not None and address.password is None:
                who = "with a user name"
            told = f"{address.url} takes us {who}, MQTT {connection.version}"
            found += [ok("broker", told), of_terms(connection.terms, connection.version)]
            found += await _topics(patient, connection, noted)
    except BrokerError as error:
        return [*found, bad("broker", str(error), _advice(patient, address))]
    return found


def _advice(patient: Patient, address: BrokerAddress) -> str:
    local = address.transport == "unix" or address.host in {"localhost", "127.0.0.1", "::1"}
    see = "see what it says (systemctl status mosquitto)" if local else "see on its machine what its log says"
    config = "" if patient.path is None else f" --config {patient.path}"
    broker = "" if patient.broker is None else f" --broker {address.url}"
    return f"Do as that says, or {see}, then look again: ankled doctor{config}{broker}"


def of_terms(terms: Terms, version: str) -> Finding:
    """Return the finding for what a broker allows."""
    if version != "5":
        return ok("broker limits", f"a broker of MQTT {version} does not tell its limits")
    packet = "no limit" if terms.packet_bytes is None else f"{terms.packet_bytes} bytes"
    told = (
        f"largest packet: {packet}; highest QoS: {terms.qos}; retains: {'yes' if terms.retain else 'no'}; "
        f"unacknowledged at once: {terms.receive_maximum or 65535}; "
        f"keeps sessions: {'as asked' if terms.session_expiry_s is None else f'{terms.session_expiry_s} s'}"
    )
    if terms.keepalive_s is not None:
        told += f"; wants a sign of life every {terms.keepalive_s} s"
    if terms.qos == 0:
        return bad("broker limits", f"{told}: results are never acknowledged", "Allow QoS 1 there: max_qos 2")
    if not terms.retain:
        do = "Let it retain messages, or no state is there for who comes later: retain_available true"
        return note("broker limits", told, do)
    if terms.packet_bytes is not None and terms.packet_bytes < _SMALL_BYTES:
        do = f"Allow messages of {_SMALL_BYTES} bytes or more there, or answers get lost: max_packet_size 1048576"
        return note("broker limits", told, do)
    return ok("broker limits", told)


async def _topics(patient: Patient, connection: Connection, noted: _Noted) -> list[Finding]:
    """Subscribe to what a daemon subscribes to, say a word, and listen for what is kept."""
    topics = Topics(base=patient.config.mqtt.base, node=patient.config.node)
    word = topics.response("doctor")
    allow = f"Allow it in the broker's access list, for mosquitto: topic readwrite {topics.root}/#"
    heard: dict[str, bytes] = {}
    listening = asyncio.create_task(_listen(connection, heard, word), name="doctor listens")
    try:
        refused = ""
        for each in (topics.request("+"), *(topics.bridge(name) for name in ("state", "info", "health")), word):
            try:
                await connection.subscribe(each)
            except BrokerError as error:
                if not connection.usable:
                    raise
                refused = refused or str(error)
        taken = await connection.publish(Message(word, _WORD, 1))
        await asyncio.wait({listening}, timeout=_HEARING_S)
    finally:
        listening.cancel()
        await asyncio.wait({listening}, timeout=_HEARING_S)
    back = word in heard
    if not taken:
        published = bad("broker publish", f"{word} was refused: {noted.why}", allow)
    elif back or connection.version == "5":
        published = ok("broker publish", f"{word} was taken")
    else:
        told = f"a broker of MQTT {connection.version} does not tell what it refuses"
        published = not_tried("broker publish", told)
    subscribed = ok("broker subscribe", f"requests may be subscribed to: {topics.request('+')}")
    if refused:
        subscribed = bad("broker subscribe", refused, allow)
    elif not back:
        told = f"what is published below {topics.root} does not come back: requests may not reach the daemon either"
        subscribed = note("broker subscribe", told, allow)
    return [published, subscribed, await _node(patient, heard, topics)]


async def _listen(connection: Connection, heard: dict[str, bytes], until: str) -> None:
    # where the connection breaks, who speaks on it says so
    with contextlib.suppress(BrokerError):
        async for message in connection.received():
            heard[message.topic] = message.payload
            if message.topic == until:  # what is kept came before it
                return


async def _node(patient: Patient, heard: dict[str, bytes], topics: Topics) -> Finding:
    """Tell whether a daemon of this name is online on the broker, and whether it can be the one of this machine."""
    kept = {"info": heard.get(topics.bridge("info")), "health": heard.get(topics.bridge("health"))}
    patient.heard |= {name: payload for name, payload in kept.items() if payload}
    online = b"online" in heard.get(topics.bridge("state"), b"")
    here = await in_thread(lambda: daemons(patient))
    if not online:
        return ok("node", f"no daemon named {topics.node} is online there")
    if not here:
        told = f"a daemon named {topics.node} is online there, and none that we can see runs on this machine"
        do = f'If it is another machine, give this one a name of its own: node = "{topics.node}-2" in {patient.shown}'
        return note("node", told, do)
    problems = _problems(patient.heard.get("health", b""))
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        told = f"the daemon says: {problems[0]}{more}"
        return note("node", told, f"Read all that it says: mosquitto_sub -t {topics.bridge('health')} -C 1")
    return ok("node", f"the daemon named {topics.node} is online there and has no problem")


def _problems(health: bytes) -> list[str]:
    try:
        found = msgspec.json.decode(health or b"{}").get("problems", [])
    except (msgspec.MsgspecError, AttributeError, UnicodeDecodeError):
        return []
    return [str(one) for one in found] if isinstance(found, list) else []
