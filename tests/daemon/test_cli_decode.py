"""`ankled decode` and `ankled drivers`: packets and drivers for people and for scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.cli import decode
from ankled.daemon.errors import UsageError
from ankled.drivers.registry import registry
from tests.daemon.commands import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.commands import Shell

SENSOR = '''
import numpy as np, msgspec
from ankled.drivers.driver import *
from ankled.drivers.driver import refuse_context, context_number
from ankled.drivers.errors import DecodeError
from ankled.drivers import messages as m

DATA, INFO = "0000abcd-1212-efde-1523-785feabcd123", "0000abce-1212-efde-1523-785feabcd123"

class State(msgspec.Struct):
    begun: bytes = b""
    factor: float = 1.0

class Plugin(Driver):
    """Packets of 2 bytes at least, cut anywhere: x of the acceleration, then that of the rate, if it has 4."""
    info = DriverInfo(name="plugged", title="A plug-in", kind="sensor", services=(DATA,), streams=("acc", "gyr"),
        characteristics={"data": DATA, "about": INFO}, name_prefixes=("Plug",), rates_hz=(50.0, 100.0),
        default_rate_hz=50.0, acc_ranges_g=(8.0,), gyr_ranges_dps=(500.0,), clock="sensor")
    State = State

    @classmethod
    def for_decoding(cls, context):
        refuse_context(context, ("factor",))
        one = cls()
        one.state.factor = context_number(context, "factor") or 1.0
        return one

    def start(self):
        return []

    def feed(self, item):
        match item:
            case m.Notification(characteristic=uuid, data=data) if uuid == DATA:
                if not data:
                    raise DecodeError("a packet has 1 byte at least")
                whole = self.state.begun + data
                if len(whole) < 2:
                    self.state.begun = whole
                    return []
                self.state.begun = b""
                acc, gyr = (self.state.factor * np.array([[v, 0.0, 0.0]]) for v in whole[:2])
                return [m.Deadline(name="x", after_s=1.0), m.Event(name="settings", value={"rate_hz": 50.0}),
                    m.Block(acc=acc, gyr=gyr if len(whole) == 4 else None, time_s=np.array([0.25]), missing=2)]
            case m.ReadResult(characteristic=uuid, data=data) if uuid == INFO:
                if len(data) != 1:
                    raise DecodeError(f"about has 1 byte, not {len(data)}")
                return [m.Event(name="info", value={"about": data[0]})]
        return []
'''


@pytest.fixture
def plugged(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a shell in which another package brings a driver, and one brings a broken one."""
    (tmp_path / "plugged_in.py").write_text(SENSOR)
    folder = tmp_path / "plugged_in-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-in\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[ankled.drivers]\nplugged = plugged_in:Plugin\nbroken = plugged_in:Missing\n"
    )
    return os.environ | {"PYTHONPATH": str(tmp_path)}


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], env=environment, capture_output=True, text=True, check=False)


# --- decode ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("characteristic", ["level", "Level", "2a19", "0x2A19", "00002A19-0000-1000-8000-00805F9B34FB"])
@pytest.mark.parametrize("packet", ["32", "0x32", " 32 "])
def test_one_packet_to_one_line(characteristic: str, packet: str, shell: Shell) -> None:
    """A characteristic has a name and a UUID, short or long, in either case."""
    done = shell("decode", "battery", characteristic, packet, "--json")
    assert (done.code, done.out, done.err) == (0, '{"type":"event","name":"battery","value":{"level":50}}\n', "")


@pytest.mark.parametrize(
    "packet",
    [
        "07341256890704030201",
        "07 34 12 56 89 07 04 03 02 01",
        "07:34:12:56:89:07:04:03:02:01",
        "0734-1256-8907-0403-0201",
        "0x07 0X34 0x12 0x56 8907 04030201",
        "07_341256890704030201",
    ],
)
def test_hexadecimal_as_people_have_it(packet: str, shell: Shell) -> None:
    """However a tool has printed it."""
    (event,) = shell("decode", "rsc", "measurement", packet, "--json").records
    assert event["name"] == "cadence"
    assert event["value"] == {
        "cadence_per_min": 86,
        "speed_mps": 4660 / 256,
        "stride_length_m": 19.29,
        "distance_m": 1690906.0,
        "running": True,
    }


@given(st.binary(max_size=40), st.sampled_from([None, " ", ":", "-"]), st.booleans())
def test_any_packet_is_read(data: bytes, separator: str | None, upper: bool) -> None:
    """What `bytes.hex` writes comes back."""
    text = data.hex(separator) if separator and data else data.hex()
    assert decode._bytes(text.upper() if upper else text) == data


@given(st.text(max_size=20))
def test_any_text_is_a_packet_or_refused(text: str) -> None:
    """In one sentence, never otherwise."""
    hexadecimal = re.sub(r"(?<![0-9a-f])0x", "", re.sub(r"[\s:,_-]+", " ", text.lower()))
    if re.fullmatch(r"( |[0-9a-f]{2})*", hexadecimal):
        assert decode._bytes(text) == bytes.fromhex(hexadecimal)
    else:
        with pytest.raises(UsageError, match="is no packet"):
            decode._bytes(text)


def test_several_packets_in_their_order(shell: Shell) -> None:
    """One line for each output; every argument is a packet."""
    done = shell("decode", "battery", "2a19", "00", "32", "64", "--json")
    assert [json.loads(line)["value"]["level"] for line in done.out.splitlines()] == [0, 50, 100]


def test_a_table_for_people(shell: Shell) -> None:
    """Without --json."""
    assert shell("decode", "battery", "level", "32").out == "battery\n  level  50\n"
    assert shell("decode", "rsc", "sensor_location", "01").out == 'info\n  sensor_location  "top of shoe"\n'


def test_a_beat_is_told_as_a_status(shell: Shell) -> None:
    """What a sensor's clock showed is no sample: an event, in both forms."""
    done = shell("decode", "openankle", "clock", "1042b70007", "204eb70007", "--json")
    told = [{"type": "event", "name": "status", "value": {"clock_s": clock_s}} for clock_s in (12.01, 12.013088)]
    assert (done.code, done.records) == (0, told)
    assert shell("decode", "openankle", "clock", "10 42 b7 00 07").out == "status\n  clock_s  12.01\n"


def test_what_is_read_and_never_sent(shell: Shell) -> None:
    """A characteristic that can only be read is decoded as well."""
    done = shell("decode", "device_information", "2A2B", "e907010f0e1e2d032101", "--json")
    assert done.records[0]["value"]["datetime"] == "2025-01-15T14:30:45"  # type: ignore[index]  # an object of JSON


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("batery", "2a19", "32"), f'no driver is called "batery"; there are {", ".join(registry())}'),
        (("battery", "2a53", "32"), 'battery has no characteristic "2a53"; it has level (2a19), status (2bed)'),
        (("battery", "lever", "32"), 'battery has no characteristic "lever"; it has level (2a19), status (2bed)'),
        (("battery", "2a19", "3"), '"3" is no packet: "3" has an odd number of digits; a byte has 2'),
        (("battery", "2a19", "0x3 2"), '"0x3 2" is no packet: "0x3" has an odd number of digits; a byte has 2'),
        (("battery", "2a19", "3g"), '"3g" is no packet: "3g" has other characters than the digits 0-9 and a-f'),
        (
            ("battery", "2a19", "32", "--context", "[1]"),
            '--context is [1]; a JSON object is needed, such as {"rate_hz": 52}',
        ),
        (
            ("battery", "2a19", "32", "--context", '{"chip": 1}'),
            '--context: context key "chip" is not known here; allowed: none',
        ),
    ],
)
def test_a_wrong_command(words: tuple[str, ...], told: str, shell: Shell) -> None:
    """One sentence that says what is wrong and what is allowed, code 2, nothing on standard output."""
    assert shell.refused("decode", *words, "--json", code=2) == f"ankled: {told}\n"


def test_a_context_that_is_no_json(shell: Shell) -> None:
    """With the reader's own word for it."""
    told = shell.refused("decode", "battery", "2a19", "32", "--context", "{rate_hz: 52}", code=2)
    assert told.startswith("ankled: --context is no JSON: ")


@pytest.mark.parametrize("words", [(), ("battery",), ("battery", "2a19")])
def test_arguments_that_are_missing(words: tuple[str, ...], shell: Shell) -> None:
    """They are named."""
    assert shell.refused("decode", *words, code=2).endswith("HEX (see ankled decode --help)\n")


@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_bytes_that_do_not_decode(json_too: tuple[str, ...], shell: Shell) -> None:
    """Code 4, as for any data that cannot be used; of several packets the sentence counts which."""
    told = shell.refused("decode", "battery", "2a19", "65", *json_too, code=4)
    assert told == "ankled: the battery level is 101; allowed are 0 to 100 percent\n"
    assert shell.refused("decode", "battery", "2a19", "", code=4) == "ankled: a battery level has 1 byte, this one 0\n"
    done = shell("decode", "battery", "2a19", "32", "65", "64", "--json")
    assert (done.code, len(done.records)) == (4, 1)
    assert done.err.startswith("ankled: packet 2 of 3: the battery level is 101")


def test_samples_of_another_packages_driver(plugged: dict[str, str]) -> None:
    """A plug-in decodes as ours do: acc, gyr and time or null, and what is missing; a broken one is a warning."""
    done = _run(plugged, "decode", "plugged", "data", "0503", "05030000", "--json", "--context", '{"factor": 2}')
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    samples = {"type": "samples", "acc": [[10.0, 0.0, 0.0]], "device_time_s": [0.25], "missing": 2}
    assert lines[1::2] == [samples | {"gyr": None}, samples | {"gyr": [[6.0, 0.0, 0.0]]}]
    assert lines[0::2] == [{"type": "event", "name": "settings", "value": {"rate_hz": 50.0}}] * 2
    assert done.stderr.startswith('ankled: warning: the driver "broken" (plugged_in:Missing) cannot be used: ')
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)


def test_samples_as_a_table(plugged: dict[str, str]) -> None:
    """With the units at the top."""
    done = _run(plugged, "decode", "plugged", "abcd", "05030000")
    assert done.stdout.splitlines()[2:] == [
        "samples: 1, 2 missing before",
        "device time [s]  ax [m/s2]  ay [m/s2]  az [m/s2]  gx [rad/s]  gy [rad/s]  gz [rad/s]",
        "       0.250000     5.0000     0.0000     0.0000      3.0000      0.0000      0.0000",
    ]


def test_a_value_that_takes_several_packets(plugged: dict[str, str]) -> None:
    """The first tells nothing yet, which is said; the next one completes it."""
    alone = _run(plugged, "decode", "plugged", "data", "05", "--json")
    assert (alone.returncode, alone.stdout) == (0, "")
    assert "nothing wrong, but neither samples nor news" in alone.stderr
    both = _run(plugged, "decode", "plugged", "data", "05", "03", "--json")
    assert json.loads(both.stdout.splitlines()[1])["acc"] == [[5.0, 0.0, 0.0]]
    assert "nothing wrong" not in both.stderr


def test_a_characteristic_that_is_only_read(plugged: dict[str, str]) -> None:
    """It is decoded as a value read, and a wrong one is refused as such."""
    assert json.loads(_run(plugged, "decode", "plugged", "about", "07", "--json").stdout)["value"] == {"about": 7}
    wrong = _run(plugged, "decode", "plugged", "about", "0707", "--json")
    assert (wrong.returncode, wrong.stderr.splitlines()[-1]) == (4, "ankled: about has 1 byte, not 2")


# --- drivers --------------------------------------------------------------------------------------------------------


def test_every_driver_is_listed(shell: Shell) -> None:
    """For people by name; for scripts as one object each, with everything a driver says of its family."""
    shown = shell("drivers").out
    assert [line.split()[0] for line in shown.splitlines() if line[:1].strip()] == list(registry())
    records = shell("drivers", "--json").records
    assert [record["name"] for record in records] == list(registry())
    for record, driver in zip(records, registry().values(), strict=True):
        assert record["title"] == driver.info.title
        assert record["rates_hz"] == list(driver.info.rates_hz)
        assert driver.info.title in shown


def test_a_plugged_in_driver_is_listed(plugged: dict[str, str]) -> None:
    """With its rates, ranges, clock and how it is recognised."""
    done = _run(plugged, "drivers")
    assert done.stdout.partition("plugged")[2].splitlines() == [
        "       A plug-in",
        "  sends       acc, gyr",
        "  rates       50, 100 Hz (50 unless asked)",
        "  acc ranges  8 g",
        "  gyr ranges  500 deg/s",
        "  clock       the sensor's own time",
        "  services    0000abcd-1212-efde-1523-785feabcd123",
        '  known by    a name that begins with "Plug"',
        "  decodes     data (0000abcd-1212-efde-1523-785feabcd123), about (0000abce-1212-efde-1523-785feabcd123)",
    ]
    assert done.stderr.startswith('ankled: warning: the driver "broken"')
    assert done.returncode == 0
