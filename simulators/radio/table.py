"""The GATT table of a simulated device, made of what its `Peripheral` declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from bumble import att, core, gatt

from ankled.simulators.peripherals.model import AttError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ankled.simulators.peripherals.model import Characteristic, Peripheral, Service

T = TypeVar("T")

_PROPERTIES: Final = {
    "read": gatt.Characteristic.Properties.READ,
    "write": gatt.Characteristic.Properties.WRITE,
    "write-without-response": gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": gatt.Characteristic.Properties.NOTIFY,
    "indicate": gatt.Characteristic.Properties.INDICATE,
}


class Table:
    """Services for Bumble's GATT server. `now` is the radio's clock; `fail` is told of a defect in the peripheral."""

    def __init__(self, peripheral: Peripheral, now: Callable[[], float], fail: Callable[[Exception], None]) -> None:
        self._peripheral = peripheral
        self._now = now
        self._fail = fail
        self._values: dict[str, gatt.Characteristic[bytes]] = {}
        self._indicated: set[str] = set()
        self.services = [self._service(service) for service in peripheral.services]

    def handle(self, uuid: str) -> int:
        """Return the attribute handle of a characteristic's value."""
        return self._values[uuid].handle

    def indicates(self, uuid: str) -> bool:
        """Tell whether the central has asked for indications of a characteristic, and not for notifications."""
        return uuid in self._indicated

    def forget(self) -> None:
        """Begin without subscriptions."""
        self._indicated.clear()

    def _service(self, service: Service) -> gatt.Service:
        return gatt.Service(core.UUID(service.uuid), [self._characteristic(one) for one in service.characteristics])

    def _characteristic(self, one: Characteristic) -> gatt.Characteristic[bytes]:
        uuid, peripheral = one.uuid, self._peripheral
        readable, writable = "read" in one.properties, any(name.startswith("write") for name in one.properties)

        def read(_connection: object) -> bytes:
            if not readable:
                raise att.ATT_Error(AttError.READ_NOT_PERMITTED)
            return self._ask(lambda: peripheral.read(uuid, self._now()))

        def write(_connection: object, data: bytes) -> None:
            if not writable:
                raise att.ATT_Error(AttError.WRITE_NOT_PERMITTED)
            self._ask(lambda: peripheral.write(uuid, data, self._now()))

        def subscribe(_bearer: object, notify: bool, indicate: bool) -> None:  # noqa: FBT001  (as Bumble calls it)
            (self._indicated.add if indicate and not notify else self._indicated.discard)(uuid)
            self._ask(lambda: peripheral.subscribe(uuid, on=notify or indicate, now_s=self._now()))

        properties = gatt.Characteristic.Properties(0)
        for name in one.properties:
            properties |= _PROPERTIES[name]
        access = gatt.Characteristic.READABLE | gatt.Characteristic.WRITEABLE
        value = gatt.Characteristic[bytes](
            core.UUID(uuid), properties, access, gatt.CharacteristicValue(read=read, write=write)
        )
        value.on(gatt.Characteristic.EVENT_SUBSCRIPTION, subscribe)
        self._values[uuid] = value
        return value

    def _ask(self, question: Callable[[], T]) -> T:
        """Return the peripheral's answer; what it refuses becomes an ATT error, and so does a defect, once told."""
        try:
            return question()
        except AttError as refusal:
            raise att.ATT_Error(refusal.code) from refusal
        except Exception as defect:
            self._fail(defect)
            raise att.ATT_Error(AttError.UNLIKELY) from defect
