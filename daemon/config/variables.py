"""Variables of the environment: those that are a key of the configuration, and the few that are something else.

`ANKLED_MQTT__BROKER` is the key `broker` of `[mqtt]`, `ANKLED_NODE` the key `node`. Names of other variables hold no
two underscores in a row, and no key is called as they are.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

from msgspec import inspect

from ankled.daemon.config.problems import Problem, nearest
from ankled.daemon.config.schema import Config
from ankled.daemon.config.walk import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX: Final = "ANKLED_"
CONFIG: Final = "ANKLED_CONFIG"

OTHERS: Final = {
    CONFIG: "the configuration file of `ankled run` and `ankled check-config` where none is named",
    "ANKLED_CACHE_DIR": "the folder of the compiled kernels",
    "ANKLED_MQTT_USERNAME": "who we are to the broker; counts before `mqtt.username`",
    "ANKLED_MQTT_PASSWORD": "its password; counts before `mqtt.password_file`",
    "ANKLED_MQTT_KEY_PASSWORD": "the password of the client's key; counts before `mqtt.key_password_file`",
    "ANKLED_DATA": "tests: the folder of real recordings",
    "ANKLED_VECTORS": "tests: the file of packets and what they mean",
    "ANKLED_TRIALS": "tests: how many trials at random",
    "ANKLED_REQUIRE_MOSQUITTO": "tests: fail rather than skip without mosquitto",
}
"""Every variable that is no key, and what it is. One that stands neither here nor in the schema is an error."""


def names(kind: inspect.Type | None = None, path: str = PREFIX) -> Iterator[str]:
    """Yield the variables of all keys and tables."""
    kind = unwrap(inspect.type_info(Config) if kind is None else kind)[0]
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            name = f"{path}{field.encode_name.upper()}"
            yield name
            yield from names(field.type, f"{name}__")


def settings(environ: Mapping[str, str]) -> Iterator[tuple[str, list[str], object] | Problem]:
    """Yield (variable, path of the key, value) for each that sets a key, and a problem for each unknown one.

    What is empty is not set, as it is with the variables for user names and passwords.
    """
    for variable in sorted(environ):
        text = environ[variable]
        if not variable.startswith(PREFIX) or variable in OTHERS or not text:
            continue
        path, kind = _key(variable)
        if kind is None:
            known = [name.removeprefix(PREFIX).lower() for name in (*OTHERS, *names())]
            near = nearest(variable.removeprefix(PREFIX), known).upper()
            told = f"did you mean {PREFIX}{near}?" if near else "a key is set by ANKLED_KEY or ANKLED_TABLE__KEY"
            message = f"is a variable that ankled does not know; {told}"
            yield Problem(file=variable, key="", message=message, nearest=f"{PREFIX}{near}" if near else None)
        elif not _encodable(text):
            yield Problem(file=variable, key="", message="is not UTF-8 text")
        else:
            yield variable, path, _value(text, kind)


def _key(variable: str) -> tuple[list[str], inspect.Type | None]:
    """Return the path of a variable's key and its type, None where there is no such key."""
    path: list[str] = []
    kind: inspect.Type = inspect.type_info(Config)
    for part in variable.removeprefix(PREFIX).split("__"):
        if isinstance(kind, inspect.DictType):  # of names, such as those of parts of the log
            path.append(part.lower())
            kind = unwrap(kind.value_type)[0]
            continue
        fields = kind.fields if isinstance(kind, inspect.StructType) else ()
        field = next((field for field in fields if field.encode_name.upper() == part), None)
        if field is None:
            return path, None
        path.append(field.encode_name)
        kind = unwrap(field.type)[0]
    return path, kind


def _value(text: str, kind: inspect.Type) -> object:
    """Return the value: of TOML, or the text as it stands where it is no TOML, or text is wanted."""
    try:
        found: dict[str, Any] = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    value = found.pop("value")
    wants_text = isinstance(kind, (inspect.StrType, inspect.LiteralType))
    return text if found or (wants_text and not isinstance(value, str)) else value


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
