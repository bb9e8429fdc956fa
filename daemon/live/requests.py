"""One request to a device: how it is made, what its outcome says about the link, and which one tells least but that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ankled.drivers import link_errors, messages
from ankled.drivers.uuids import sig

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ankled.drivers.driver import DriverInfo
    from ankled.drivers.link import Connection

HARMLESS: Final = tuple(sig(short) for short in (0x2A19, 0x2A00, 0x2A29, 0x2A24, 0x2A26, 0x2A27, 0x2A28, 0x2A25))
"""What may be read of any device without consequences: battery level, device name, then device information."""


class Answer(NamedTuple):
    """The outcome of a request; `error` says why there is no value."""

    data: bytes = b""
    error: link_errors.LinkError | None = None

    @property
    def alive(self) -> bool:
        """Whether it proves that the device is there."""
        return self.error is None or isinstance(self.error, link_errors.RequestRefusedError)

    @property
    def over(self) -> bool:
        """Whether it proves that the link is not."""
        gone = link_errors.LinkLostError | link_errors.DeviceNotFoundError | link_errors.AdapterError
        return isinstance(self.error, gone)

    @property
    def late(self) -> bool:
        """Whether there was none in time."""
        return isinstance(self.error, link_errors.LinkTimeoutError)


async def ask(
    connection: Connection,
    action: messages.Subscribe | messages.Read | messages.Write,
    notified: Callable[[bytes], None],
) -> Answer:
    """Make a request and return its outcome. Values of a subscription go to `notified`, which must not block."""
    uuid = action.characteristic
    try:
        match action:
            case messages.Read():
                return Answer(await connection.read(uuid))
            case messages.Write():
                await connection.write(uuid, action.data, response=action.response)
            case messages.Subscribe(on=True):
                await connection.subscribe(uuid, notified)
            case _:
                await connection.unsubscribe(uuid)
    except link_errors.LinkError as error:
        return Answer(error=error)
    return Answer()


def probe_of(connection: Connection, info: DriverInfo, subscribed: Collection[str]) -> str | None:
    """Return what to read only to see whether the device answers, or None where nothing is fit for that.

    What is subscribed to is read only if it is harmless, for BlueZ gives the value as a notification too; and what the
    driver knows the meaning of is not read at all.
    """
    readable = {uuid for uuid, properties in connection.characteristics.items() if "read" in properties}
    harmless = [uuid for uuid in HARMLESS if uuid in readable]
    others = sorted(readable.difference(subscribed, info.characteristics.values()))
    return next((uuid for uuid in (*sorted(harmless, key=subscribed.__contains__), *others)), None)
