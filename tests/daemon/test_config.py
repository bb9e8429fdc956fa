"""The configuration file: what it may hold, and that every error in it is named at once, by file, key and value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankled.daemon.config import Config, InvalidConfigError, check, load
from ankled.daemon.config.load import _across
from ankled.daemon.config.walk import mismatches
from ankled.daemon.errors import ConfigError
from ankled.daemon.mqtt.broker_url import ALLOWED, BrokerAddress
from ankled.daemon.settings import DeviceSettings, Mount, PipelineSettings

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = Path(__file__).parents[2] / "systemd" / "ankled.example.toml"
ADDRESS = "a Bluetooth address such as C0:11:22:33:44:55, or the UUID that macOS gives instead"
LEVELS = "one to four levels of a-z, 0-9, _ and -, parted by /"
TABLES = "an array of tables, each begun by its name in [[double brackets]]"
LEFT = '[[devices]]\nslug = "left"\naddress = "C0:11:22:33:44:55"\n'


@pytest.fixture
def told(tmp_path: Path) -> Callable[[str], list[str]]:
    """Return a function that gives the errors of a file's text, without the file's name."""
    path = tmp_path / "ankled.toml"

    def problems(text: str, drivers: list[str] | None = None) -> list[str]:
        path.write_text(text, encoding="utf-8")
        return [re.sub(rf"^{re.escape(str(path))}(:\d+:\d+)?: ", "", str(one)) for one in check(path, drivers=drivers)]

    return problems


def test_the_example_is_right() -> None:
    """The documented file loads, with all that it shows commented out taken as comments."""
    config = load(EXAMPLE)
    assert [device.slug for device in config.devices] == ["left", "right"]


def test_the_example_names_every_key_and_its_default() -> None:
    """No key of the structs is missing from the documentation, and every value shown is one the structs accept."""
    text = EXAMPLE.read_text(encoding="utf-8")

    def keys(info: msgspec.inspect.Type) -> set[str]:
        match info:
            case msgspec.inspect.StructType():
                return {field.encode_name for field in info.fields}.union(*(keys(field.type) for field in info.fields))
            case msgspec.inspect.VarTupleType():
                return keys(info.item_type)
            case msgspec.inspect.UnionType():
                return set().union(*(keys(member) for member in info.types))
            case _:
                return set()

    documented = set(re.findall(r"^(?:# )?(\w+) =|^\[+(\w+)\]+$|(\w+) = \[", text, flags=re.MULTILINE))
    assert {name for names in documented for name in names if name} == keys(msgspec.inspect.type_info(Config))


def test_the_example_with_its_comments_opened_is_right(tmp_path: Path) -> None:
    """Every commented key of the example can be used as it stands, except files that this machine has not got."""
    text = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("/etc/ankled/", f"{tmp_path}/")
    for name in ("mqtt-password", "ca.pem", "client.pem", "client.key", "key-password"):
        (tmp_path / name).write_text("something", encoding="utf-8")
    (tmp_path / "all.toml").write_text(text, encoding="utf-8")
    config = load(tmp_path / "all.toml")
    assert config.devices[0].mount == Mount(left=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))
    assert config.mqtt.address().password == "something"  # noqa: S105 - of a file made above
    # what the example calls defaults are the defaults
    for section in ("session", "outbox", "homeassistant", "capture", "log", "pipeline_"):
        assert getattr(config, section) == getattr(Config(), section)
    for key in ("adopt", "requests"):
        assert getattr(config, key) == getattr(Config(), key)
    for key in ("base", "broker", "protocol", "keepalive_s", "timeout_s"):
        assert getattr(config.mqtt, key) == getattr(Config().mqtt, key)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """Every key but those of a device has a default."""
    (tmp_path / "empty.toml").touch()
    assert load(tmp_path / "empty.toml") == Config()


def test_all_errors_are_found_in_one_go(told: Callable[[str], list[str]]) -> None:
    """Errors of every sort, at every depth, in one file: each is told, and none hides another."""
    assert told(
        """
        node = "Gym 1"
        adpt = "none"
        [mqtt]
        broker = "http://host:1883"
        keepalive_s = true
        [pipeline]
        set_rest_s = nan
        [[devices]]
        slug = "left"
        side = "lef"
        mass_kg = 0
        address = "C0:11"
        mount = { left = [0, 0, 0], up = [0, 1] }
        [[devices]]
        name = "no slug"
        [[devices]]
        slug = "left"
        """
    ) == [
        'node is "Gym 1"; allowed is 1 to 64 characters of a-z, 0-9, _ and -',
        "adpt is not a known key; did you mean adopt?",
        "mqtt.keepalive_s is true; allowed is a whole number from 5 to 3600",
        "pipeline.set_rest_s is nan; allowed is a number from 1 to 600",
        'devices[0].side is "lef"; allowed is "left", "right" or "unknown"',
        "devices[0].mass_kg is 0; allowed is a number above 0 to 50",
        f'devices[0].address is "C0:11"; allowed is {ADDRESS}',
        "devices[0].mount.up is an array of 2; allowed is an array of 3 numbers",
        "devices[1].slug is missing; it must be 1 to 64 characters of a-z, 0-9, _ and -",
        f'mqtt.broker is "http://host:1883" with the unknown scheme "http"; {ALLOWED}',
        'devices[2] ("left") has neither address nor name; one of them is needed to find the sensor',
        'devices[2].slug is "left", as devices[0] already is; each must be its own',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('node = "bridge"', 'node is "bridge", which is reserved; not allowed are athlete, bridge'),
        ('node = "gym\\n"', 'node is "gym\\n"; allowed is 1 to 64 characters of a-z, 0-9, _ and -'),
        ("node = 1", "node is 1; allowed is 1 to 64 characters of a-z, 0-9, _ and -"),
        ("node = 2026-01-01", "node is 2026-01-01; allowed is 1 to 64 characters of a-z, 0-9, _ and -"),
        ("mqtt = 1", "mqtt is 1; allowed is a table"),
        ("[devices]", f"devices is a table; allowed is {TABLES}"),
        ("devices = [1]", "devices[0] is 1; allowed is a table"),
        ("[capture]\nfolder = ''", 'capture.folder is ""; allowed is text of at least one character'),
        ("[capture]\nenabled = 1", "capture.enabled is 1; allowed is true or false"),
        ("[log]\nlevel = 'loud'", 'log.level is "loud"; allowed is "debug", "error", "info" or "warning"'),
        ("[mqtt]\nkeepalive_s = 30.0", "mqtt.keepalive_s is 30.0; allowed is a whole number from 5 to 3600"),
        ("[outbox]\nkept_h = -1", "outbox.kept_h is -1; allowed is a number from 0 to 8760"),
        ("[mqtt]\nbase = 'a//b'", f'mqtt.base is "a//b"; allowed is {LEVELS}'),
        ("[capture]\nfoo = 1",
         ("capture.foo is not a known key; known here are enabled, folder, rotate, rotate_mb, rotate_min, keep_gb, "
          "keep_days, min_free_gb")),
        ("log.'a b' = 1", 'log."a b" is not a known key; known here are level, levels, format, publish'),
        ("[mqtt]\npassword_file = '/nowhere'\nusername = 'kim'",
         'mqtt.password_file is "/nowhere", which cannot be read: No such file or directory'),
        ("[mqtt]\npassword_file = '/dev/null'\nusername = 'kim'",
         'mqtt.password_file is "/dev/null", which is empty; allowed is one line with the password'),
        ("[mqtt]\nca_file = '/nowhere'", 'mqtt.ca_file is "/nowhere", which is not a file'),
        (LEFT + "mass_kg = 50.1", "devices[0].mass_kg is 50.1; allowed is a number above 0 to 50"),
        (LEFT + "mass_kg = inf", "devices[0].mass_kg is inf; allowed is a number above 0 to 50"),
        (LEFT + "rate_hz = 5", "devices[0].rate_hz is 5; allowed is a number from 10 to 2000"),
        (LEFT + "athlete = 'athlete'",
         'devices[0].athlete is "athlete", which is reserved; not allowed are athlete, bridge'),
        (LEFT + "mount = { left = [0, 1, 0], up = [0, 0, 0] }",
         "devices[0].mount.up is a vector of length zero; allowed is any direction in the sensor's frame"),
        (LEFT + "mount = { left = [0, 1e-200, 0], up = [0, 0, 1] }",
         "devices[0].mount.left is 1e-200 long; allowed is 1e-06 to 1e+06"),
        (LEFT + "mount = { left = [0, 1, 0], up = [1e308, 1e308, 1e308] }",
         "devices[0].mount.up is 1.73205e+308 long; allowed is 1e-06 to 1e+06"),
        (LEFT + "mount = { left = [0, 1, 0], up = [0, -2, 0.1] }",
         "devices[0].mount has left and up 2.9 degrees from parallel; they must be at least 10 degrees apart"),
        (LEFT + "mount = { left = [0, 1, 0] }",
         "devices[0].mount.up is missing; it must be an array of 3 numbers"),
        (LEFT + "mount = { left = [0, 1, 'x'], up = [0, 0, 1] }",
         'devices[0].mount.left[2] is "x"; allowed is a number'),
        (LEFT + "driver = 'movesence'", 'devices[0].driver is "movesence"; allowed is one of movesense, polar'),
        (LEFT + LEFT.replace("left", "other").replace("C0", "c0"),
         'devices[1].address is "c0:11:22:33:44:55", as devices[0] already is; each must be its own'),
        (LEFT.replace("address", "name").replace("C0", "X").replace(":", "") * 2,
         'devices[1].slug is "left", as devices[0] already is; each must be its own'),
    ],
)  # fmt: skip
def test_each_error_is_one_sentence(told: Callable[..., list[str]], text: str, message: str) -> None:
    """The sentence names the key, the value found and what is allowed."""
    assert message in told(text, drivers=["polar", "movesense"])


def test_two_weights_on_one_leg(told: Callable[[str], list[str]]) -> None:
    """An athlete has one device a side; of unknown side there may be many, and nobody's devices may share a side."""
    device = '[[devices]]\nslug = "{0}"\nname = "{0}"\n'
    wearer = 'athlete = "kim"\nside = "left"\n'
    twice = device.format("a") + wearer + device.format("b") + wearer
    assert told(twice) == ['devices[1].side is "left" of athlete "kim", as devices[0] already is; each must be its own']
    assert told(twice.replace('side = "left"', "")) == []
    assert told(twice.replace('athlete = "kim"', "")) == []


def test_a_password_needs_a_user(told: Callable[[str], list[str]], tmp_path: Path) -> None:
    """A password file without a user name would be ignored by the broker, so it is an error."""
    (tmp_path / "password").write_text("x", encoding="utf-8")
    (sentence,) = told(f'[mqtt]\npassword_file = "{tmp_path / "password"}"')
    assert sentence == "mqtt.password_file is set without a user name; name one in mqtt.username or in mqtt.broker"
    assert told(f'[mqtt]\nbroker = "mqtt://kim@host"\npassword_file = "{tmp_path / "password"}"') == []


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8 and not TOML: each is one sentence, with line and column where there are any."""
    assert str(check(tmp_path / "gone")[0]) == f"{tmp_path / 'gone'} cannot be read: No such file or directory"
    assert str(check(tmp_path)[0]) == f"{tmp_path} cannot be read: Is a directory"
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b'node = "gym"\nadopt = "\xff"\n')
    assert str(check(bad)[0]) == f"{bad} is not UTF-8 text: byte 0xff at line 2, column 10; save it as UTF-8"
    bad.write_text("node = 'gym'\nnode 5\n", encoding="utf-8")
    (problem,) = check(bad)
    assert str(problem).startswith(f"{bad} is not TOML: ")
    assert "line 2, column 6" in str(problem)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    """Editors of some systems write one, where nobody sees it."""
    (tmp_path / "marked.toml").write_bytes(b'\xef\xbb\xbfnode = "gym"')
    assert load(tmp_path / "marked.toml").node == "gym"


def test_load_raises_all_of_them(tmp_path: Path) -> None:
    """The error is a ConfigError with a line for each problem, and holds them apart for who wants that."""
    path = tmp_path / "ankled.toml"
    path.write_text("node = 1\nfoo = 2", encoding="utf-8")
    with pytest.raises(InvalidConfigError) as failure:
        load(path)
    assert isinstance(failure.value, ConfigError)
    assert [problem.key for problem in failure.value.problems] == ["node", "foo"]
    assert str(failure.value).splitlines() == [str(problem) for problem in failure.value.problems]


def test_the_pipeline_gets_all_that_alters_results(tmp_path: Path) -> None:
    """A mass that is written is `configured`, one that is not is the default; the rest is handed on."""
    path = tmp_path / "ankled.toml"
    path.write_text(
        'node = "gym"\n[pipeline]\nset_rest_s = 20\n'
        + LEFT
        + 'mass_kg = 1\nside = "left"\nathlete = "kim"\nmovement = "reps"\nexercise = "curl"\nrate_hz = 104\n'
        + "planned_sets = 3\ntarget_range_deg = 60\n"
        + '[[devices]]\nslug = "b"\nname = "x"\n',
        encoding="utf-8",
    )
    assert load(path).pipeline("s1") == PipelineSettings(
        node="gym",
        session="s1",
        set_rest_s=20.0,
        devices=(
            DeviceSettings(
                slug="left", side="left", athlete="kim", mass_kg=1.0, mass_source="configured", movement="reps",
                exercise="curl", rate_hz=104.0, planned_sets=3, target_range_deg=60.0,
            ),
            DeviceSettings(slug="b"),
        ),
    )  # fmt: skip


def test_defaults_agree_with_the_settings_of_the_pipeline() -> None:
    """Without a file and with an empty one, the pipeline does the same."""
    assert Config().pipeline() == PipelineSettings()


def test_the_digest_follows_the_settings_and_not_the_password() -> None:
    """Any setting changes it; a password in the URL does not, since the digest is published."""

    def with_broker(url: str) -> Config:
        return Config(mqtt=msgspec.structs.replace(Config().mqtt, broker=url))

    assert Config().digest() == Config().digest()
    assert re.fullmatch("[0-9a-f]{16}", Config().digest())
    assert Config(node="gym").digest() != Config().digest()
    assert with_broker("mqtt://kim:a@h").digest() == with_broker("mqtt://kim:b@h").digest()
    assert with_broker("mqtt://kim:a@h").digest() != with_broker("mqtt://kit:a@h").digest()


def test_the_broker_of_the_configuration() -> None:
    """The section's user name wins over that of the URL."""
    mqtt = msgspec.structs.replace(Config().mqtt, broker="mqtts://kit:x@host", username="kim")
    assert mqtt.address() == BrokerAddress(host="host", port=8883, tls=True, username="kim", password="x")  # noqa: S106 - made up


_VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["node", "mqtt", "devices", "log", "pipeline", "session", "capture", "slug", "side", "mount", "x"]
)


@given(st.dictionaries(_KEYS, _VALUES | st.dictionaries(_KEYS, _VALUES, max_size=3), max_size=4))
def test_the_check_agrees_with_msgspec(data: dict[str, object]) -> None:
    """Whatever the file holds, the check never breaks, and what it lets pass msgspec takes without an error."""
    found = list(mismatches(data, msgspec.inspect.type_info(Config)))
    across = list(_across(data, {one.key for one in found}, None))
    if not found:
        msgspec.convert(data, Config)
    assert all(one.key and one.message and "\n" not in one.message for one in found + across)
