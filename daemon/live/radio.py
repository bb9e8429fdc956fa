"""Opening the radio: the adapters of this machine through BlueZ, or the radio made of software."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from ankled.daemon.errors import RadioUnavailableError, UsageError
from ankled.daemon.live.discover import discover
from ankled.drivers import link_errors
from ankled.drivers.link import Backend
from ankled.drivers.registry import sensor_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

_ADVICE: Final[dict[type[link_errors.LinkError], str]] = {
    link_errors.AdapterMissingError: "there is no Bluetooth adapter that can be used; plug one in",
    link_errors.AdapterOffError: "the Bluetooth adapter is off; switch it on, for instance with bluetoothctl power on",
    link_errors.NoPermissionError: (
        "this user may not use Bluetooth; allow it, on Debian by making the user a member of the group bluetooth"
    ),
    link_errors.NoBluetoothdError: (
        "no bluetoothd answers on the system's D-Bus; install BlueZ and start it, with systemctl start bluetooth"
    ),
}


def unavailable(error: link_errors.LinkError) -> RadioUnavailableError:
    """Return what to tell whoever wanted to use the radio: what to do, and what was heard of it."""
    advice = _ADVICE.get(type(error), "the Bluetooth adapter does not work")
    return RadioUnavailableError(f"{advice} ({error})")


def check(spec: str | None) -> None:
    """Raise UsageError for a `spec` that cannot be one, and where the radio of software is not installed."""
    if spec is None:
        return
    try:
        # Imported here: the radio of software is an extra, which a daemon with a real one does not need.
        from ankled.simulators.radio.errors import RadioError  # noqa: PLC0415  (see above)
        from ankled.simulators.radio.wire import parse_spec  # noqa: PLC0415  (see above)
    except ModuleNotFoundError as error:
        message = f"--radio needs the package {error.name}, which comes with ankled[radio]"
        raise UsageError(message) from error
    try:
        kind = parse_spec(spec).kind
    except RadioError as error:
        message = f"--radio: {error}"
        raise UsageError(message) from error
    if kind == "vhci":
        message = "--radio vhci is for ankled simulate; here it is an adapter of this machine, used without --radio"
        raise UsageError(message)


async def ready(backends: Mapping[str, Backend]) -> None:
    """Raise RadioUnavailableError where no adapter works: who waits at a terminal wants to know."""
    try:
        await discover(backends, sensor_for, 0.0, now_s=time.monotonic)
    except link_errors.LinkError as error:
        raise unavailable(error) from error


@contextlib.asynccontextmanager
async def opened(spec: str | None, adapters: Sequence[str] = ()) -> AsyncIterator[dict[str, Backend]]:
    """Yield the adapters by name: those of BlueZ, or, with `spec`, the one that a simulator offers there.

    Both may go and come again meanwhile. Raises UsageError as `check` does, RadioUnavailableError when nobody answers.
    """
    check(spec)
    if spec is None:
        yield {name: Backend(adapter=name) for name in adapters} or {"default": Backend()}
        return
    from ankled.simulators.radio import backend  # noqa: PLC0415  (as in check)
    from ankled.simulators.radio.errors import LostError, RadioError  # noqa: PLC0415  (as in check)
    from ankled.simulators.radio.redial import Redial  # noqa: PLC0415  (as in check)

    try:
        radio = await Redial.open(spec)
    except LostError as error:
        raise RadioUnavailableError(f"the radio at {spec} cannot be used: {error}") from error
    except RadioError as error:
        message = f"{error}; ankled simulate --scenario NAME --radio {spec} does"
        raise RadioUnavailableError(message) from error
    try:
        scanner, client = backend.backends(radio)
        yield {spec: Backend(adapter=spec, scanner=scanner, client=client, watcher=radio.watch)}
    finally:
        await radio.close()
