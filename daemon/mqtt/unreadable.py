"""Messages that the library cannot read: let go of one by one, where it would give up the connection.

Whoever may publish to a topic that we subscribe to could cut us off with each of them. One that brokers do pass on has
a U+FEFF in a property of MQTT 5: paho takes it for an error, although the standard allows it (MQTT 5.0, 1.5.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from paho.mqtt import MQTTException
from paho.mqtt.enums import MQTTErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    import paho.mqtt.client as paho

_KIND: Final = 0xF0
_PUBLISH: Final = 0x30
_LENGTH_BYTES: Final = 2

log = structlog.stdlib.get_logger(__name__)


def let_go(client: paho.Client) -> None:
    """Have a client acknowledge messages that it cannot read, and go on. What else cannot be read ends it as ever."""
    read: Callable[[], MQTTErrorCode] = client._packet_handle  # noqa: SLF001 - paho offers no way in
    told = False

    def handle() -> MQTTErrorCode:
        nonlocal told
        try:
            return read()
        except (MQTTException, UnicodeDecodeError) as error:
            command, packet = client._in_packet["command"], bytes(client._in_packet["packet"])  # noqa: SLF001 - as above
            qos = command >> 1 & 3
            if command & _KIND != _PUBLISH or qos > 1:
                raise
            if not told:  # once a connection: who sends many must not fill the log
                log.warning("message not read", reason=str(error))
            told = True
            if not qos:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            at = _LENGTH_BYTES + int.from_bytes(packet[:_LENGTH_BYTES], "big")
            return client._send_puback(int.from_bytes(packet[at : at + _LENGTH_BYTES], "big"))  # noqa: SLF001 - as above

    client._packet_handle = handle  # type: ignore[method-assign]  # noqa: SLF001 - as above
