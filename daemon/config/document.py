"""`docs/configuration.md`, made from the structs and config/keys.py, so that it says what is so: `make schemas`."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from msgspec import inspect

from ankled.daemon.config.keys import KEYS
from ankled.daemon.config.leaves import leaves
from ankled.daemon.config.migrations import MIGRATIONS
from ankled.daemon.config.problems import show
from ankled.daemon.config.variables import OTHERS
from ankled.daemon.config.walk import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.config.leaves import Leaf

_INTRODUCTION: Final = """\
# Configuration

<!-- Made by `make schemas` from daemon/config. -->

One TOML file; without any the defaults hold. `systemd/ankled.example.toml` has every key with its default.
`ankled run --config FILE.toml` reads FILE.toml; without `--config` the file that `$ANKLED_CONFIG` names, else
`/etc/ankled/ankled.toml` if it is there. The log's line `configured` tells which, with all that it was made of.

## Drop-ins

`*.toml` in the folder `FILE.toml.d` beside the file (`/etc/ankled/ankled.toml.d/` beside `/etc/ankled/ankled.toml`) are
read after it, in the order of their names; hidden ones are not. Tables merge, and a later value replaces an earlier
one, arrays as a whole. `[[devices]]` merge by their `slug`: of a device that an earlier file has the keys are changed, and
one of another slug is added. To give `left` another mass:

```toml
[[devices]]
slug = "left"
mass_kg = 1.5
```

## Environment

A variable sets a key, and counts before every file: `ANKLED_NODE=gym` is `node = "gym"`, and `ANKLED_MQTT__BROKER` is
`broker` of `[mqtt]`, two underscores between table and key. The value is TOML (`7`, `true`, `["a", "b"]`, `{ x = 1 }`)
or, where it is no TOML or the key takes text, the text as it stands. What is empty is not set. Of devices
`ANKLED_DEVICES` takes an array of tables, which merge by slug. A variable that begins with `ANKLED_` and is neither a
key nor one of these is an error:

"""
_CHECK: Final = """\

## Checking

`ankled check-config` tells everything that is wrong at once, each with file, line, column, key, what was found and what
is allowed, and a warning for each key of an older form:

```
/etc/ankled/ankled.toml:7:1: mqtt.keepalive_s is 2; allowed is a whole number from 5 to 3600
```

`--json` prints each as one JSON object a line: `severity` (`error` or `warning`), `file` (or the variable's name),
`line`, `column`, `key`, `message`, `found`, `allowed`, `nearest` (null where there is none). `--show` prints every
value and where it comes from, with `--json` as objects with `key`, `value`, `file`, `line`, `column`. `--migrate` prints the
file with renamed keys renamed and removed ones as comments; all else stays as it is. The exit code is 3 where
something is wrong. No password is printed.

`docs/config.schema.json` is a JSON Schema. Editors with Taplo (Even Better TOML) complete and check a file by it whose
first line is `#:schema PATH/config.schema.json`.

## Versions

`version = 1` names the form of the file, and may be left out. A later one than is known is an error. Keys of earlier
forms are warned of, and do nothing unless they were only renamed:

| key | now |
|---|---|
"""
_RELOAD: Final = """\

## Reload

`SIGHUP`, `systemctl reload ankled` or the request `reload` have the file, its drop-ins and the unchanged environment
read again. Where anything is wrong, nothing changes and the log tells all of it. Else the keys marked `now` below hold
at once, and no link is dropped but of devices that are gone or are to be found or driven otherwise; those marked
`restart` wait for one. The log's line `configuration reloaded` and the answer list both: `applied` and `needs_restart`.

## Every key

"Not set" is a key that has no default.
"""


def page() -> str:
    """Return the whole page."""
    return "".join(line for part in _parts() for line in part)


def _parts() -> Iterator[Iterator[str] | str]:
    yield _INTRODUCTION
    yield (f"* `{name}`: {told}\n" for name, told in OTHERS.items())
    yield _CHECK
    yield (f"| `{row.key}` | {row.told} |\n" for row in MIGRATIONS)
    yield _RELOAD
    for table, keys in groupby(leaves(), key=lambda leaf: leaf.path.rpartition(".")[0]):
        yield _heading(table)
        yield "| key | takes | unit | default | reload | |\n|---|---|---|---|---|---|\n"
        yield (_row(leaf) for leaf in keys)


def _heading(table: str) -> str:
    if not table:
        return "\n### Without a table\n\n"
    return f"\n### `{f'[[{table}]]' if table == 'devices' else f'[{table}]'}`\n\n"


def _row(leaf: Leaf) -> str:
    key = KEYS[leaf.path]
    default = "required" if leaf.required else "not set" if leaf.default is None else f"`{_written(leaf.default)}`"
    cells = (f"`{leaf.path.rpartition('.')[2]}`", _takes(leaf), leaf.unit, default, key.reload, key.told)
    return f"| {' | '.join(cells)} |\n"


def _takes(leaf: Leaf) -> str:
    kind, described = unwrap(leaf.kind)
    return described or ("any number" if kind == inspect.FloatType() else leaf.allowed)


def _written(value: object) -> str:
    return "[]" if value == () else "{}" if value == {} else show(value)
