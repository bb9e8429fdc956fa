"""Opening the radio: the adapters of this machine through BlueZ, or the radio made of software."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ankled.daemon.errors import RadioUnavailableError, UsageError
from ankled.drivers.link import Backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


@contextlib.asynccontextmanager
async def opened(spec: str | None, adapters: Sequence[str] = ()) -> AsyncIterator[dict[str, Backend]]:
    """Yield the adapters by name: those of BlueZ, or, with `spec`, the one that a simulator offers there.

    Raises UsageError for a `spec` that cannot be one, RadioUnavailableError when nobody answers.
    """
    if spec is None:
        yield {name: Backend(adapter=name) for name in adapters} or {"default": Backend()}
        return
    try:
        # Imported here: the radio of software is an extra, which a daemon with a real one does not need.
        from ankled.simulators.radio import backend, wire  # noqa: PLC0415  (see above)
        from ankled.simulators.radio.errors import RadioError  # noqa: PLC0415  (see above)
    except ModuleNotFoundError as error:
        message = f"--radio needs the package {error.name}, which comes with ankled[radio]"
        raise UsageError(message) from error
    try:
        wire.parse_spec(spec)
    except RadioError as error:
        message = f"--radio: {error}"
        raise UsageError(message) from error
    try:
        central = await wire.connect(spec)
    except RadioError as error:
        raise RadioUnavailableError(str(error)) from error
    try:
        scanner, client = backend.backends(central)
        yield {spec: Backend(adapter=spec, scanner=scanner, client=client)}
    finally:
        await central.close()
