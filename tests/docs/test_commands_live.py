"""The documented commands that need sensors or a broker, with sensors on a radio of software and a real mosquitto."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.daemon.brokers import find
from tests.daemon.commands import started
from tests.docs.live import SOON_S, Place, line_with
from tests.docs.pages import ROOT, Line
from tests.docs.table import BROKER, DAEMON, RADIO, REQUEST, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.brokers import Mosquitto
    from tests.daemon.commands import Shell

ALERT = "ankled/gym/left/alert"


@pytest.fixture
def place(compiled: None, mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Return a folder with a broker, and somebody who walks with two sensors as the README says."""
    if any(find(name) is None for name in ("mosquitto_sub", "mosquitto_rr", "jq", "bash")):
        pytest.skip("the clients of mosquitto, or jq, are not installed")
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, mosquitto.address.port)
    (line,) = lines_with(RADIO, "ankled simulate")
    with started(*place.words(line.text)) as process:
        assert process.stdout is not None
        told: list[str] = []
        while not (told and told[-1].startswith("radio at ")):
            told.append(process.stdout.readline())
            assert told[-1]
        place.configure({label: address for label, address, *_ in map(str.split, told[:-1])})
        yield place
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON_S) == 0


def lines_with(how: str, begin: str) -> list[Line]:
    """Return the documented lines of a kind that begin so."""
    return [line for line in lines_of(how) if line.text.startswith(begin)]


def sub(place: Place, text: str) -> str:
    """Return a line of mosquitto_sub that ends at the first message."""
    once = text if " -C " in text else text.replace("mosquitto_sub ", "mosquitto_sub -C 1 ", 1)
    return place.rewritten(once.replace("mosquitto_sub ", f"mosquitto_sub -W {SOON_S} ", 1))


def test_with_sensors_and_a_broker(place: Place, shell: Shell) -> None:
    """Look, record, run; subscribe, ask and watch meanwhile; end; forget. Every documented line takes part in it."""
    tried = {line.text for line in lines_with(RADIO, "ankled simulate")}

    for line in (line for line in lines_of(RADIO) if line.text.split()[1] in {"scan", "record", "replay"}):
        words = place.words(line.text)
        more = [] if words[0] == "replay" else ["--radio", place.radio, "--duration-s", "3"]
        done = shell(*words, *more)
        assert done.code == 0, (line, done)
        assert words[0] != "scan" or "movesense" in done.out, done
        tried.add(line.text)
    assert (place.folder / "set.mcap").stat().st_size

    configured, *others = sorted(lines_with(RADIO, "ankled run"), key=lambda line: "--config" not in line.text)
    with started(*place.words(configured.text), "--radio", place.radio) as daemon:
        tried.add(configured.text)
        line_with(daemon, "sensor online", err=True)
        tried |= asked(place)
        tried |= watched(place, shell)
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=SOON_S)
        assert daemon.returncode == 0, log

    tried |= forgotten(place, shell)
    for line in others:
        with started(*place.words(line.text)) as daemon:
            line_with(daemon, "sensor online", err=True)
            daemon.send_signal(signal.SIGINT)
            _, log = daemon.communicate(timeout=SOON_S)
            assert daemon.returncode == 0, (line, log)
        tried.add(line.text)
    assert {line.text for line in lines_of(BROKER, RADIO, DAEMON)} == tried


def asked(place: Place) -> set[str]:
    """Subscribe as the pages do; publish, ask and replay what each waits for; each hears it."""
    subs = lines_with(BROKER, "mosquitto_sub")
    replays = lines_with(BROKER, "ankled replay")
    with contextlib.ExitStack() as stack:
        listening = [(line, stack.enter_context(place.shell(sub(place, line.text)))) for line in subs]
        said(place, ["ankled simulate --scenario walk --csv left.csv right.csv", *(line.text for line in replays)])
        deadline_s = time.monotonic() + SOON_S
        while any(process.poll() is None for _, process in listening) and time.monotonic() < deadline_s:
            said(place, asking())  # once more, for whoever had not subscribed yet
        for line, process in listening:
            out, err = process.communicate(timeout=SOON_S)
            assert process.returncode == 0, (line, err)
            assert out.strip(), line
    return {line.text for line in (*subs, *replays)}


def asking() -> list[str]:
    """Return the lines that make somebody hear: an alert from the examples, every request outside docs/requests.md."""
    example = json.loads((ROOT / "docs" / "examples" / "messages.json").read_text(encoding="utf-8"))["device_alert"][0]
    asked = [line.text for line in lines_of(REQUEST) if line.page != "docs/requests.md"]
    health = "mosquitto_pub -t ankled/gym/bridge/request/health_check -q 1 -m '{}'"
    return [f"mosquitto_pub -q 1 -t {ALERT} -m {shlex.quote(json.dumps(example))}", *asked, health]


def said(place: Place, texts: list[str]) -> None:
    """Run lines that end by themselves; a request with MQTT 5 is answered well."""
    for text in texts:
        with place.shell(place.rewritten(text)) as process:
            out, err = process.communicate(timeout=SOON_S)
            assert process.returncode == 0, (text, err)
            assert "mosquitto_rr" not in text or json.loads(out)["status"] == "ok"


def watched(place: Place, shell: Shell) -> set[str]:
    """Tell whose pseudonyms are whose, and let every monitor and the subscriber show a result before they are ended."""
    athletes = lines_with(DAEMON, "ankled athletes")
    for line in athletes:
        done = shell(*place.words(line.text))
        assert done.code == 0
        place.pseudonym = re.findall(r"(athlete-\w+)  kim\n", done.out)[0]
        assert ("robin" in done.out) == ("robin" in line.text)
    watching = [line for line in lines_of(BROKER) if line.text.startswith(("ankled monitor", "python "))]
    set_closed(place)
    with contextlib.ExitStack() as stack:
        begun = [(line, stack.enter_context(place.shell(place.rewritten(line.text)))) for line in watching]
        for line, process in begun:
            if line.text.startswith("python "):
                node, identity, _ = json.loads(line_with(process, "["))  # such as ["gym", "s/left/stride/1", 51.2]
                assert node in {"gym", "replay"}
                assert "/" in identity
            else:
                line_with(process, '"ankled.set/1"' if "set/1" in line.text else " rep ")
        place.interrupt()
        for line, process in begun:
            if line.text.startswith("ankled"):
                process.communicate(timeout=SOON_S)
                assert process.returncode == 130 or "|" in line.text, line
    return {line.text for line in (*athletes, *watching)}


def set_closed(place: Place) -> None:
    """End the open set by request, so that there is one to be shown."""
    text = "mosquitto_rr -t ankled/gym/bridge/request/mark_set -e ankled/gym/bridge/response/mark_set -m '{}'"
    with place.shell(place.rewritten(text)) as process:
        out, err = process.communicate(timeout=SOON_S)
        assert json.loads(out)["status"] == "ok", (out, err)


def forgotten(place: Place, shell: Shell) -> set[str]:
    """Forget as the page says: the first look removes nothing, the answer to the question removes all."""
    lines = lines_with(DAEMON, "ankled forget")
    for line in lines:
        dry = "--dry-run" in line.text
        words = place.words(line.text)
        done = shell(*words, *([] if dry else ["--yes"]))
        assert done.code == 0, (line, done)
        assert list((place.folder / "captures").glob("*.mcap")) if dry else True
    assert not list((place.folder / "captures").glob("*.mcap"))
    return {line.text for line in lines}
