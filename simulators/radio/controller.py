"""A virtual Bluetooth controller that does what a real one does where Bumble's own does not."""

from __future__ import annotations

import asyncio
import random
import struct
from typing import TYPE_CHECKING, Final

from bumble import controller as bumble_controller
from bumble import hci, ll

from ankled.simulators.radio.air import Advert
from ankled.simulators.radio.connection import End
from ankled.simulators.radio.handlers import Handlers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.simulators.radio.air import Air
    from ankled.simulators.radio.connection import Timing

ACL_OCTETS: Final = 251
"""Longest payload of a link-layer packet with data length extension (Bluetooth Core 5.4, Vol 6, Part B, 2.4)."""

DEFAULT_SLOTS: Final = 7
"""Connections that a typical controller can hold."""

_MISSING: Final = (
    hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY
)
"""Features that Bumble's controller claims and does not have; Linux takes it at its word."""


class Advertiser(bumble_controller.LegacyAdvertiser):
    """Advertises at the interval that it was told, plus the random delay of up to 10 ms of Core 5.4, Vol 6, B, 4.4.2.2.

    The delay comes from a generator of its own, so it is the same in every run.
    """

    def __init__(self, controller: AirController) -> None:
        super().__init__(controller)
        self._station = controller
        self._delays = random.Random(controller.name)  # noqa: S311  (spreads advertisements; no secret)

    def _on_timer_fired(self) -> None:
        station = self._station
        if not self.enabled:
            return
        if self.advertising_type == hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType.ADV_IND:
            station.air.advertise(
                Advert(
                    advertiser_address=self.address,
                    data=self.advertising_data,
                    scan_response=self.scan_response_data,
                    sender=station,
                )
            )
        wait_s = self.advertising_interval_min * 0.625e-3 + self._delays.uniform(0.0, 0.01)
        self.timer_handle = asyncio.get_running_loop().call_later(wait_s, self._on_timer_fired)


class AirController(Handlers):
    """One controller. Its host is whatever `host` is set to: a Bumble host, or the sending side of a socket.

    `rssi_dbm` is how loudly others hear it, `away` how many reasons there are for nobody to hear it, `slots` how many
    connections it can hold. For a peripheral: `asks_interval_s` is what it asks for, `stretched_s` the time between
    connection events whatever was agreed on, `on_event` what to call at each. `congested`: its host takes nothing now.
    """

    def __init__(self, name: str, air: Air, *, slots: int = DEFAULT_SLOTS) -> None:
        super().__init__(name, link=air)
        self.air = air
        self.slots = slots
        self.rssi_dbm = -60
        self.away = 0
        self.asks_interval_s: float | None = None
        self.stretched_s: float | None = None
        self.on_event: Callable[[], None] | None = None
        self.congested = False
        self.le_features = self.le_features & ~_MISSING
        self.acl_data_packet_length = self.le_acl_data_packet_length = ACL_OCTETS
        self.supported_max_tx_octets = self.supported_max_rx_octets = ACL_OCTETS
        self.suggested_max_tx_octets = ACL_OCTETS
        self.le_legacy_advertiser = Advertiser(self)
        self._ends: dict[int, End] = {}
        self._loop = asyncio.get_running_loop()
        air.enter(self)

    @property
    def ends(self) -> tuple[End, ...]:
        """The open connections, oldest first."""
        return tuple(self._ends.values())

    @property
    def listens(self) -> bool:
        """Whether it scans, or waits for somebody to connect to."""
        return self.le_scan_enable or self.pending_le_connection is not None

    def on_packet(self, packet: bytes) -> None:
        """Take a packet of the host: data goes on its way unparsed, commands to Bumble's handlers."""
        if packet[0] != hci.HCI_ACL_DATA_PACKET:
            self.on_hci_packet(hci.HCI_Packet.from_bytes(packet))
            return
        handle_and_flags = packet[1] | packet[2] << 8
        if end := self._ends.get(handle_and_flags & 0xFFF):
            end.send(((handle_and_flags >> 12) & 3 == hci.HCI_ACL_PB_CONTINUATION, packet[5:]))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Handle a command, without Bumble's logging."""
        if isinstance(packet, hci.HCI_Command):
            self.on_hci_command_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Give a packet to the host, without Bumble's logging."""
        self.tell(bytes(packet))

    def tell(self, packet: bytes) -> None:
        """Give a packet to the host soon, in order."""
        if self.host is not None:
            self._loop.call_soon(self.host.on_packet, packet)

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Core 5.4, Vol 4, E, 7.3.2: everything ends; the peers run into their supervision timeout."""
        self.silence()
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_fragment(self, end: End, continues: bool, data: bytes) -> None:  # noqa: FBT001  (the fields of a fragment)
        """Hand data from the air to the host."""
        flag = hci.HCI_ACL_PB_CONTINUATION if continues else hci.HCI_ACL_PB_FIRST_FLUSHABLE
        self.tell(struct.pack("<BHH", hci.HCI_ACL_DATA_PACKET, end.handle | flag << 12, len(data)) + data)

    def completed(self, end: End, count: int) -> None:
        """Tell the host how many of its packets are through (HCI_Number_Of_Completed_Packets)."""
        event = hci.HCI_NUMBER_OF_COMPLETED_PACKETS_EVENT
        self.tell(struct.pack("<BBBBHH", hci.HCI_EVENT_PACKET, event, 5, 1, end.handle, count))

    def on_control(self, end: End, packet: ll.ControlPdu) -> None:
        """Take a link-layer control packet from the air."""
        if isinstance(packet, ll.TerminateInd):
            self.on_le_disconnected(end, packet.error_code)
        else:
            self.on_ll_control_pdu(end.peer_address, packet)

    def on_advert(self, advert: Advert) -> None:
        """Report an advertisement, and connect if it is the one that is waited for."""
        if self.le_scan_enable:
            self._report(advert, hci.HCI_LE_Advertising_Report_Event.EventType.ADV_IND, advert.data)
            if self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING:
                self._report(advert, hci.HCI_LE_Advertising_Report_Event.EventType.SCAN_RSP, advert.scan_response)
        pending = self.pending_le_connection
        wanted = pending is not None and pending.peer_address == advert.advertiser_address
        if wanted and self.air.connect(self, advert, self.wanted_timing):
            self.pending_le_connection = None

    def open_end(self, peer: AirController, role: hci.Role, timing: Timing) -> End:
        """Begin this side of a connection and tell the host."""
        end = End(self, peer, self.allocate_connection_handle(), role)
        self._ends[end.handle] = self.le_connections[end.peer_address] = end
        if role == hci.Role.PERIPHERAL:
            self.le_legacy_advertiser.stop()
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.SUCCESS,
                connection_handle=end.handle,
                role=role,
                peer_address_type=end.peer_address.address_type,
                peer_address=end.peer_address,
                connection_interval=timing.interval,
                peripheral_latency=0,
                supervision_timeout=timing.supervision,
                central_clock_accuracy=0,
            )
        )
        return end

    def on_le_disconnected(self, connection: bumble_controller.Connection, reason: int) -> None:
        """End this side of a connection and tell the host."""
        self._ends.pop(connection.handle).open = False
        super().on_le_disconnected(connection, reason)

    def vanish(self) -> None:
        """Lose power for a moment: this side's host sees every connection end, the other sides hear nothing more."""
        for end in self.ends:
            self.on_le_disconnected(end, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def silence(self) -> None:
        """Forget everything, as at HCI_Reset: neither the host nor the peers are told."""
        for end in self.ends:
            end.open = False
        self._ends.clear()
        self.le_connections.clear()
        self.le_legacy_advertiser.stop()
        self.pending_le_connection = None
        self.le_scan_enable = False

    def close(self) -> None:
        """Leave the air; by this name a transport ends its source and its sink."""
        self.air.leave(self)

    def relieve(self) -> None:
        """Go on after congestion."""
        self.congested = False
        for end in self.ends:
            if end.way is not None:
                end.way.hasten()

    def _report(self, advert: Advert, kind: hci.HCI_LE_Advertising_Report_Event.EventType, data: bytes) -> None:
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind,
            address_type=advert.advertiser_address.address_type,
            address=advert.advertiser_address,
            data=data,
            rssi=advert.sender.rssi_dbm,
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))
