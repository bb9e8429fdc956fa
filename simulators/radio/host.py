"""A Bumble host that spends no time on logging, hands values on at once, and knows when its controller is gone."""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING, Any, Final, cast

from bumble import att, hci
from bumble import host as bumble_host
from bumble.transport.common import TransportLostError

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND_TIMEOUT_S: Final = 5.0
"""How long a controller may take to answer a command."""

_HEADERS: Final = struct.Struct("<BHHHH")  # HCI ACL: type, handle and flags, length; L2CAP: length, channel
_VALUE: Final = struct.Struct("<BH")  # ATT: opcode, handle
_CONFIRMATION: Final = bytes([att.Opcode.ATT_HANDLE_VALUE_CONFIRMATION])

# Bumble warns of what is expected of this radio: full slots, cancelled connections, late packets of a lost link.
logging.getLogger("bumble").setLevel(logging.ERROR)
logging.getLogger("bumble.host").setLevel(logging.CRITICAL)  # what it calls an error it also raises


class QuietHost(bumble_host.Host):
    """The host side of HCI.

    `on_value` holds for each connection handle who gets notified and indicated values, with the attribute's handle.
    `deaf` makes it ignore all data from the air, as a device does whose firmware hangs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on_value: dict[int, Callable[[int, bytes], None]] = {}
        self.deaf = False
        self.lost = False

    @property
    def waiting(self) -> int:
        """How many packets wait to be sent."""
        return 0 if self.le_acl_packet_queue is None else self.le_acl_packet_queue.pending

    def on_packet(self, packet: bytes) -> None:
        """Take a packet of the controller; a value in one piece goes straight to whom it is for."""
        if packet[0] != hci.HCI_ACL_DATA_PACKET:
            super().on_packet(packet)
            return
        if self.deaf:
            return
        if len(packet) >= _HEADERS.size + _VALUE.size:
            _, handle_and_flags, _, length, channel = _HEADERS.unpack_from(packet)
            handle = handle_and_flags & 0xFFF
            starts = (handle_and_flags >> 12) & 3 != hci.HCI_ACL_PB_CONTINUATION
            whole = starts and length == len(packet) - _HEADERS.size
            if whole and channel == att.ATT_CID and (taker := self.on_value.get(handle)):
                opcode, attribute = _VALUE.unpack_from(packet, _HEADERS.size)
                if opcode == att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION:
                    taker(attribute, packet[_HEADERS.size + _VALUE.size :])
                    return
                if opcode == att.Opcode.ATT_HANDLE_VALUE_INDICATION:
                    taker(attribute, packet[_HEADERS.size + _VALUE.size :])
                    self.send_l2cap_pdu(handle, att.ATT_CID, _CONFIRMATION)
                    return
        super().on_packet(packet)

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Handle an event or data, without Bumble's logging."""
        if isinstance(packet, hci.HCI_Event):
            self.on_hci_event_packet(packet)
        elif isinstance(packet, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Give a packet to the controller, without Bumble's logging."""
        if self.hci_sink is not None and not self.lost:
            self.hci_sink.on_packet(bytes(packet))

    def send_l2cap_pdu(self, connection_handle: int, cid: int, pdu: bytes) -> None:
        """Send an L2CAP packet in fragments that fit the controller; into the void if the connection has ended."""
        queue = self.le_acl_packet_queue
        if queue is None or connection_handle not in self.connections:
            return
        sdu = struct.pack("<HH", len(pdu), cid) + pdu
        size = queue.max_packet_size
        for offset in range(0, len(sdu), size):
            part = sdu[offset : offset + size]
            flag = hci.HCI_ACL_PB_CONTINUATION if offset else hci.HCI_ACL_PB_FIRST_NON_FLUSHABLE
            head = struct.pack("<BHH", hci.HCI_ACL_DATA_PACKET, connection_handle | flag << 12, len(part))
            # The queue only counts packets and hands them to `send_hci_packet`, which takes their bytes.
            queue.enqueue(cast("hci.HCI_Packet", head + part), connection_handle)

    def on_transport_lost(self) -> None:
        """End everything that waits for the controller, now and from now on."""
        if self.lost:
            return
        self.lost = True
        if self.pending_response is not None and not self.pending_response.done():
            self.pending_response.set_exception(TransportLostError("the controller is gone"))
        self.emit("flush")

    async def _send_command(
        self, command: hci.HCI_SyncCommand[Any] | hci.HCI_AsyncCommand, response_timeout: float | None = None
    ) -> hci.HCI_Command_Complete_Event[Any] | hci.HCI_Command_Status_Event:
        """Send a command and wait for its answer, but neither for ever nor of a controller that is gone."""
        if self.lost:
            raise TransportLostError("the controller is gone")
        return await super()._send_command(command, response_timeout or COMMAND_TIMEOUT_S)
