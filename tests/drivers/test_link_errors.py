"""What the link makes of everything that bleak and D-Bus raise."""

from __future__ import annotations

import pytest
from bleak import exc
from dbus_fast import AuthError, DBusError

from ankled.drivers import bluez, link_errors
from ankled.drivers.link import translate
from tests.daemon.tiny import DATA

REASON = exc.BleakBluetoothNotAvailableReason
RAISED = [
    (exc.BleakBluetoothNotAvailableError("x", REASON.NO_BLUETOOTH), link_errors.AdapterMissingError),
    (exc.BleakBluetoothNotAvailableError("x", REASON.NO_BLE_CENTRAL_ROLE), link_errors.AdapterMissingError),
    (exc.BleakBluetoothNotAvailableError("x", REASON.POWERED_OFF), link_errors.AdapterOffError),
    (exc.BleakBluetoothNotAvailableError("x", REASON.DENIED_BY_SYSTEM), link_errors.NoPermissionError),
    (exc.BleakDeviceNotFoundError("C0", "x"), link_errors.DeviceNotFoundError),
    (exc.BleakCharacteristicNotFoundError(DATA), link_errors.NotOfferedError),
    (exc.BleakGATTProtocolError(0x05), link_errors.RequestRefusedError),
    (exc.BleakDBusError("org.bluez.Error.NotReady", ["x"]), link_errors.AdapterOffError),
    (exc.BleakDBusError("org.bluez.Error.NotConnected", []), link_errors.LinkLostError),
    (exc.BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", ["x"]), link_errors.LinkLostError),
    (exc.BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-remote"]), link_errors.LinkLostError),
    (exc.BleakDBusError("org.bluez.Error.Failed", ["Operation already in progress"]), link_errors.LinkFailedError),
    (DBusError("org.freedesktop.DBus.Error.NoReply", "x"), link_errors.LinkTimeoutError),
    (AuthError("x"), link_errors.NoPermissionError),
    (PermissionError("x"), link_errors.NoPermissionError),
    (ConnectionRefusedError("x"), link_errors.NoBluetoothdError),
    (EOFError(), link_errors.NoBluetoothdError),
    (TimeoutError(), link_errors.LinkTimeoutError),
    (exc.BleakError("Not connected"), link_errors.LinkFailedError),
    (KeyError("org.bluez.GattService1"), link_errors.LinkFailedError),
    (AssertionError(), link_errors.LinkFailedError),
    (AttributeError("'NoneType' object has no attribute 'call'"), link_errors.LinkFailedError),
]


@pytest.mark.parametrize(("raised", "kind"), RAISED, ids=lambda value: repr(value)[:60])
def test_what_bleak_and_dbus_raise_has_a_class(raised: Exception, kind: type[link_errors.LinkError]) -> None:
    """By class, reason, name or code; and the sentence begins with what was being done."""
    error = translate(raised, "reading the battery")
    assert type(error) is kind
    assert str(error).startswith("reading the battery: ")
    assert len(str(error)) > len("reading the battery: ")
    assert "<" not in str(error), "a sentence, and nothing of Python's"


def test_every_reason_of_bleak_has_a_class() -> None:
    """A new version of bleak with a new reason shows here."""
    for reason in REASON:
        error = translate(exc.BleakBluetoothNotAvailableError("x", reason), "scanning")
        assert isinstance(error, link_errors.AdapterError)


def test_every_exception_of_bleak_has_a_class() -> None:
    """A new version of bleak with a new exception shows here, for it may tell more than that something failed."""
    known = {type(one) for one, _ in RAISED}
    there = {
        one
        for one in vars(exc).values()
        if isinstance(one, type) and issubclass(one, Exception) and one.__module__ == exc.__name__
    }
    assert there <= known


def test_what_an_object_that_is_gone_means_depends_on_what_it_was() -> None:
    """The adapter, the device or the link."""
    for what in ("Object", "Interface", "Method"):
        name = f"org.freedesktop.DBus.Error.Unknown{what}"
        assert bluez.kind_of(name, "", link_errors.AdapterMissingError) is link_errors.AdapterMissingError
        gone = translate(exc.BleakDBusError(name, ["x"]), "connecting", link_errors.DeviceNotFoundError)
        assert isinstance(gone, link_errors.DeviceNotFoundError)
