"""`docs/requests.md`, made from the forms, so that it says what is so.

`make requests` writes it; a test holds the two equal, and another runs its examples.
"""

from __future__ import annotations

import argparse
import inspect as python
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import inspect

from ankled.daemon.requests import answers, reading
from ankled.daemon.requests.answering import PAGE_BYTES
from ankled.daemon.requests.desk import Bounds
from ankled.daemon.requests.forms import FORMS, Nothing
from ankled.daemon.requests.shape import fields, shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ankled.daemon.requests.forms import Form

EXAMPLES: Final[dict[str, dict[str, object]]] = {
    "history": {"source": "left", "after_seq": 41},
    "mark_set": {"athlete": "kim"},
    "log_level": {"level": "debug", "part": "mqtt"},
    "adopt": {"address": "C0:11:22:33:44:55", "slug": "left", "side": "left", "mass_kg": 1.0},
    "rename": {"device": "left", "label": "Left weight"},
    "remove": {"device": "left"},
    "connect": {"device": "left"},
    "disconnect": {"device": "left"},
    "set_weight": {"device": "left", "mass_kg": 1.5, "athlete": None},
    "recalibrate": {"device": "left"},
}
"""The fields of an example of each request that has any."""

_BOUNDS: Final = Bounds()
_INTRODUCTION: Final = f"""\
# Requests

<!-- Made by `make requests` from daemon/requests/forms.py. -->

A running daemon can be asked over MQTT. A request is a JSON object on `ankled/NODE/bridge/request/NAME`; its answer
comes on `ankled/NODE/bridge/response/NAME`, to whoever listens there. (`ankled` is `mqtt.base` of the configuration,
`NODE` its `node`; below it is `gym`.)

```sh
mosquitto_sub -t 'ankled/gym/bridge/response/#' -v &
mosquitto_pub -t ankled/gym/bridge/request/health_check -q 1 -m '{{"transaction": 17}}'
```

With MQTT 5 one command does both:

```sh
mosquitto_rr -t ankled/gym/bridge/request/health_check -e ankled/gym/bridge/response/health_check -m '{{}}'
```

## Who may ask for what

The key `requests` of the configuration decides: `off` (nothing is even subscribed), `safe` (those marked so below: they
can neither alter what is stored nor lose anything; the default), or `all`. Who may publish on the topics of requests is
the broker's business: `systemd/mosquitto-acl.example` separates readers, operators and nodes. No request can name a
file or a folder.

## Answers

`{{"transaction": 17, "status": "ok", "data": {{...}}}}`, or
`{{"transaction": 17, "status": "error", "error": "..."}}` with a sentence that says all that is wrong and what is
allowed instead.

* **transaction** is any text of up to 128 characters or 64-bit whole number that the request bears, null where it
  bears none (or could not be read). Everybody's answers come on one topic: a caller tells its own by it.
* **Response topic and correlation data** of MQTT 5 are heeded. The topic must lie below
  `ankled/NODE/bridge/response/`, up to four levels of letters, digits, `_` and `-`, such as
  `ankled/gym/bridge/response/history/my-client`; a request that names another is refused, for the daemon may write
  where its callers may not.
* A request whose name cannot be part of a topic is answered on `bridge/response/{answers.NAMELESS}`.
* **Lost answers**: answers are never retained, and dropped while the broker is away. Who hears none within
  {_BOUNDS.deadline_s:g} s asks again. A request that alters something and comes again within 5 s, byte for byte and
  with a transaction, is not done again but answered again.
* **Order**: requests that alter something are done one after the other, in the order in which they came; those that
  only look wait for nobody.
* **Bounds**: {reading.LARGEST // 1024} KiB a request, {_BOUNDS.most} under way at once, {_BOUNDS.deadline_s:g} s each,
  {answers.LARGEST // 1024} KiB an answer. What exceeds them is told so.
* **Retained** requests are ignored: they would be made anew at every start.
"""

_HISTORY: Final = f"""\
Every device and every athlete counts its results in `seq`, without holes. A subscriber that sees a hole, or comes back
after a while, asks with the last `seq` it has, then again with the last one of the answer while `more` is true. An
answer holds at most `limit` results and {PAGE_BYTES // 1024} KiB of them. Results may come twice, as a repeat from the
broker and from history: their `id` tells. An athlete may be asked for by name or by pseudonym; the answer's `source`
is the pseudonym. What lies below `oldest_seq` is gone; `[outbox]` of the configuration says
how long results are kept.
"""


def document() -> str:
    """Return the whole document."""
    parts = [_INTRODUCTION]
    parts += ["## Overview\n", "\n".join(_overview()) + "\n"]
    parts += ["\n".join(_chapter(form)) for form in FORMS]
    return "\n".join(parts)


def _overview() -> Iterator[str]:
    yield "| request | allowed by | what it does |"
    yield "|---|---|---|"
    for form in FORMS:
        by = "`safe`, `all`" if form.level == "safe" else "`all`"
        yield f"| [`{form.name}`](#{form.name}) | {by} | {form.summary} |"


def _chapter(form: Form) -> Iterator[str]:
    yield f"## {form.name}\n"
    yield f"{form.summary} Allowed by {'`safe` and `all`' if form.level == 'safe' else '`all`'}.\n"
    if form.name == "history":
        yield _HISTORY
    if form.takes is not Nothing:
        yield f"Takes: {_told(form.takes)}\n"
        yield "| field | allowed | without it |"
        yield "|---|---|---|"
        for name, words, without in fields(form.takes):
            yield f"| `{name}` | {words} | {without} |"
        yield ""
    yield f"Gives: {_told(form.gives)}\n"
    yield f"```text\n{shape(inspect.type_info(form.gives))}\n```\n"
    content = json.dumps(EXAMPLES.get(form.name, {}))
    yield "```sh"
    yield f"mosquitto_pub -t ankled/gym/bridge/request/{form.name} -q 1 -m '{content}'"
    yield "```\n"


def _told(struct: type) -> str:
    """Return what a struct says of itself, in one paragraph."""
    return " ".join((python.getdoc(struct) or "").split())


def main() -> None:
    """Write the document into the file named on the command line."""
    parser = argparse.ArgumentParser(description="Write the document of all requests.")
    parser.add_argument("file", type=Path)
    path: Path = parser.parse_args().file
    path.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
