"""Checks that look at several keys at once. They see only tables whose own keys are in order."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from ankled.daemon.config.problems import Found, nearest
from ankled.daemon.errors import ConfigError, UsageError
from ankled.daemon.mqtt import tls
from ankled.daemon.mqtt.broker_url import BrokerAddress
from ankled.daemon.settings import RESERVED_SLUGS
from ankled.drivers.driver import Options
from ankled.drivers.errors import OptionsError
from ankled.drivers.registry import find, registered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ankled.daemon.config.schema import DeviceConfig, MqttConfig
    from ankled.daemon.settings import Mount, Vector

_SHORTEST, _LONGEST = 1e-6, 1e6
"""How long a direction may be written, so that no product of two is beyond floats."""
_LEAST_ANGLE_DEG = 10.0


def node_rules(node: str) -> Iterator[Found]:
    """Yield what is wrong with the node's slug."""
    if node in RESERVED_SLUGS:
        yield Found("node", _reserved(node))


def mqtt_rules(mqtt: MqttConfig) -> Iterator[Found]:
    """Yield what is wrong with the addresses of the brokers and the files they need."""
    wrong = False
    for name, text in mqtt.named():
        try:
            BrokerAddress.parse(text, name)
        except UsageError as error:
            wrong = True
            yield Found(name, str(error).removeprefix(f"{name} "))
    if wrong:
        return
    try:
        first, *others = addresses = mqtt.addresses()
        if any(address.tls for address in addresses):
            tls.context(first.trust)
    except (UsageError, ConfigError) as error:
        key, _, text = str(error).partition(" ")
        yield Found(key, text)
        return
    for key in ("ca_file", "cert_file", "key_file"):
        path = getattr(mqtt, key)
        if path is not None and not _is_file(path):
            yield Found(f"mqtt.{key}", f'is "{path}", which is not a file')
    if any(address.password is not None and address.username is None for address in addresses):
        yield Found("mqtt.password_file", "is set without a user name; name one in mqtt.username or in mqtt.broker")
    if any(address.embedded for address in others) or (first.embedded and others):
        yield Found(
            "mqtt.fallbacks",
            "cannot go together with the embedded broker, which never fails and is nobody's fallback",
        )


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # a name too long, or a folder that may not be looked into
        return False


def device_rules(
    path: str, device: DeviceConfig, given: Collection[str], drivers: Collection[str] | None
) -> Iterator[Found]:
    """Yield what is wrong within one device.

    `given` are all keys of its table, also those left out of `device` because they are wrong; `drivers` are the names
    the registry knows, None where unknown.
    """
    for key, slug in (("slug", device.slug), ("athlete", device.athlete)):
        if slug in RESERVED_SLUGS:
            yield Found(f"{path}.{key}", _reserved(slug))
    if "address" not in given and "name" not in given:
        yield Found(path, f'("{device.slug}") has neither address nor name; one of them is needed to find the sensor')
    if drivers is not None and device.driver is not None and device.driver not in drivers:
        known = ", ".join(sorted(drivers))
        yield Found(
            f"{path}.driver",
            f'is "{device.driver}"; allowed is one of {known}',
            value=device.driver,
            allowed=known,
            nearest=nearest(device.driver, drivers),
        )
    if device.driver is not None and device.driver in registered().drivers:
        info = find(device.driver).info
        for wished in (
            Options(rate_hz=device.rate_hz),
            Options(acc_range_g=device.acc_range_g),
            Options(gyr_range_dps=device.gyr_range_dps),
        ):
            try:
                info.check(wished)
            except OptionsError as error:
                key, _, text = str(error).partition(" ")
                yield Found(f"{path}.{key}", text)
    if device.mount is not None:
        yield from mount_rules(f"{path}.mount", device.mount)


def clashes(devices: dict[int, DeviceConfig]) -> Iterator[Found]:
    """Yield every key by which two devices, given by their place in the file, cannot be told apart."""
    seen: dict[tuple[str, ...], int] = {}
    slugs: dict[str | None, int] = {device.slug: index for index, device in devices.items()}
    for index, device in devices.items():
        path = f"devices[{index}]"
        claims: list[tuple[str, tuple[str, ...], str]] = [
            (f"{path}.slug", ("slug", device.slug), f'is "{device.slug}"')
        ]
        if device.address is not None:
            claims.append((f"{path}.address", ("address", device.address.upper()), f'is "{device.address}"'))
        elif device.name is not None:
            claims.append((f"{path}.name", ("name", device.name), f'is "{device.name}" without an address'))
        if device.athlete in slugs:
            path_of = f"devices[{slugs[device.athlete]}].slug"
            yield Found(
                f"{path}.athlete", f'is "{device.athlete}", as {path_of} is; results of both would have the same ids'
            )
        if device.athlete is not None and device.side != "unknown":
            wearer = ("side", device.athlete, device.side)
            claims.append((f"{path}.side", wearer, f'is "{device.side}" of athlete "{device.athlete}"'))
        for key, claim, what in claims:
            first = seen.setdefault(claim, index)
            if first != index:
                yield Found(key, f"{what}, as devices[{first}] already is; each must be its own")


def mount_rules(path: str, mount: Mount) -> Iterator[Found]:
    """Yield what is wrong with two axes of a leg."""
    lengths = {"left": math.hypot(*mount.left), "up": math.hypot(*mount.up)}
    wrong = {name: length for name, length in lengths.items() if not _SHORTEST <= length <= _LONGEST}
    for name, length in wrong.items():
        if length == 0.0:
            yield Found(f"{path}.{name}", "is a vector of length zero; allowed is any direction in the sensor's frame")
        else:
            yield Found(f"{path}.{name}", f"is {length:g} long; allowed is {_SHORTEST:g} to {_LONGEST:g}")
    if not wrong:
        angle_deg = math.degrees(math.asin(min(1.0, _area(mount.left, mount.up) / (lengths["left"] * lengths["up"]))))
        if angle_deg < _LEAST_ANGLE_DEG:
            yield Found(
                path,
                (
                    f"has left and up {angle_deg:.1f} degrees from parallel; "
                    f"they must be at least {_LEAST_ANGLE_DEG:g} degrees apart"
                ),
            )


def _area(a: Vector, b: Vector) -> float:
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return math.hypot(*cross)


def _reserved(slug: str) -> str:
    return f'is "{slug}", which is reserved; not allowed are {", ".join(sorted(RESERVED_SLUGS))}'
