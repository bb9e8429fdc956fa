"""The HCI commands that Bumble's virtual controller lacks or answers wrongly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bumble import controller as bumble_controller
from bumble import hci, ll

from ankled.simulators.radio.connection import End, Timing

if TYPE_CHECKING:
    from ankled.simulators.radio.connection import Link

_SUCCESS = hci.HCI_ErrorCode.SUCCESS


class Handlers(bumble_controller.Controller):
    """The part of `AirController` that answers commands of the host; sections are those of Core 5.4, Vol 4, E."""

    slots: int
    wanted_timing = Timing()

    def _end(self, handle: int) -> End | None:
        end = self.find_le_connection_by_handle(handle)
        return end if isinstance(end, End) else None

    def _link(self, handle: int) -> Link | None:
        end = self._end(handle)
        return None if end is None else end.way

    def on_hci_command(self, command: hci.HCI_Command) -> Any:  # noqa: ANN401  (parameters or None, as Bumble has it)
        """Refuse what nobody handles, in the form that fits the command."""
        if isinstance(command, hci.HCI_SyncCommand):
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR)
        self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR, command.op_code)
        return None

    def on_hci_disconnect_command(self, command: hci.HCI_Disconnect_Command) -> None:
        """7.1.6: the peer gets the reason that the host gives, the host gets Terminated By Local Host."""
        end = self._end(command.connection_handle)
        if end is None:
            self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, command.op_code)
            return
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        end.send(ll.TerminateInd(command.reason))
        self.on_le_disconnected(end, hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)

    def on_hci_le_create_connection_command(self, command: hci.HCI_LE_Create_Connection_Command) -> None:
        """7.8.12: one at a time, one per peer, and no more than there are slots."""
        status: int = hci.HCI_COMMAND_STATUS_PENDING
        if self.pending_le_connection is not None:
            status = hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR
        elif command.peer_address in self.le_connections:
            status = hci.HCI_ErrorCode.CONNECTION_ALREADY_EXISTS_ERROR
        elif len(self.le_connections) >= self.slots:
            status = hci.HCI_ErrorCode.CONNECTION_LIMIT_EXCEEDED_ERROR
        else:
            self.pending_le_connection = command
            self.wanted_timing = Timing.from_hci(command.connection_interval_max, command.supervision_timeout)
        self._send_hci_command_status(status, command.op_code)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """7.8.13: the pending connection completes with Unknown Connection Identifier."""
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        event = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, event)  # after the command's own answer
        return hci.HCI_StatusReturnParameters(_SUCCESS)

    def on_hci_le_connection_update_command(self, command: hci.HCI_LE_Connection_Update_Command) -> None:
        """7.8.18: the time between connection events changes for both."""
        end, way = self._end(command.connection_handle), self._link(command.connection_handle)
        super().on_hci_le_connection_update_command(command)
        if end is not None and way is not None:
            way.retime(Timing.from_hci(command.connection_interval_max, command.supervision_timeout))

    def on_hci_le_set_data_length_command(
        self, command: hci.HCI_LE_Set_Data_Length_Command
    ) -> hci.HCI_StatusAndConnectionHandleReturnParameters:
        """7.8.33: granted; the packets of this air are as long as the longest anyway."""
        handle = command.connection_handle
        if self._end(handle) is None:
            status = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
            return hci.HCI_StatusAndConnectionHandleReturnParameters(status, handle)
        event = hci.HCI_LE_Data_Length_Change_Event(
            connection_handle=handle,
            max_tx_octets=command.tx_octets,
            max_tx_time=command.tx_time,
            max_rx_octets=self.supported_max_rx_octets,
            max_rx_time=self.supported_max_rx_time,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, event)  # after the command's own answer
        return hci.HCI_StatusAndConnectionHandleReturnParameters(_SUCCESS, handle)

    def on_hci_read_rssi_command(self, command: hci.HCI_Read_RSSI_Command) -> hci.HCI_Read_RSSI_ReturnParameters:
        """7.5.4: how loudly the peer is heard."""
        way = self._link(command.handle)
        if way is None:
            status = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
            return hci.HCI_Read_RSSI_ReturnParameters(status, handle=command.handle, rssi=127)
        peer = way.peripheral if way.central.station is self else way.central
        return hci.HCI_Read_RSSI_ReturnParameters(_SUCCESS, handle=command.handle, rssi=peer.station.rssi_dbm)
