"""How a daemon is, in the one sentence that `systemctl status` and `ankled service status` show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ankled.daemon.life.sentence import Standing, Teller
from ankled.daemon.live.status import AdapterStatus, DeviceStatus, SupervisorStatus


def device(slug: str, *, online: bool) -> DeviceStatus:
    """Return a sensor that streams, or is waited for."""
    return DeviceStatus(
        slug=slug, state="streaming" if online else "waiting", since_ns=0, epoch=1, adopted=False, address=None,
        name=None, driver=None, adapter=None, rssi_dbm=None, mtu=None, attempts=0, reconnects=0, packets=0,
        packet_age_s=None, retry_s=None, last_error=None,
    )  # fmt: skip


def adapter(name: str, error: str | None) -> AdapterStatus:
    """Return an adapter that scans, or why it does not."""
    return AdapterStatus(
        name=name, state="scanning" if error is None else "down", since_ns=0, last_error=error, slots=7, taken=(),
        restarts=0, power_cycles=0, heard=0,
    )  # fmt: skip


def standing(online: int, of: int, *errors: str | None, connected: bool = True, waiting: int = 0) -> Standing:
    """Return how a daemon stands with so many sensors, and with adapters that have these errors."""
    return Standing(
        links=SupervisorStatus(
            devices=tuple(device(f"d{number}", online=number < online) for number in range(of)),
            adapters=tuple(adapter(f"hci{number}", error) for number, error in enumerate(errors)),
            strays=0,
            late_actions=0,
        ),
        broker="mqtt://gym:1883",
        connected=connected,
        waiting=waiting,
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (standing(2, 2, None, waiting=12), "2 of 2 sensors streaming, broker connected, 12 results waiting"),
        (standing(0, 1, "gone"), "no adapter (gone); 0 of 1 sensor streaming, broker connected"),
        (standing(1, 2, None, "off"), "adapter hci1 is down; 1 of 2 sensors streaming, broker connected"),
        (standing(0, 0, None, waiting=1), "no sensor, broker connected, 1 result waiting"),
    ],
)
def test_the_sentence(given: Standing, sentence: str) -> None:
    """What is not well stands first, then who is there."""
    assert Teller().sentence(given) == sentence


def test_the_broker_is_away_since_it_went() -> None:
    """The time is that of the first look without it; at the first two looks of a run it was just not reached yet."""
    now = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    teller = Teller(lambda: now)
    away = standing(0, 0, connected=False)
    for _ in range(2):
        assert teller.sentence(away) == "broker mqtt://gym:1883 not reached yet; no sensor"
        now += timedelta(seconds=2)
    assert teller.sentence(away) == "broker mqtt://gym:1883 away since 2030-01-02 03:04:05 UTC; no sensor"
    now -= timedelta(hours=1)  # the clock is set
    assert teller.sentence(away) == "broker mqtt://gym:1883 away since 2030-01-02 03:04:05 UTC; no sensor"
    assert teller.sentence(standing(0, 0)) == "no sensor, broker connected"
    now += timedelta(seconds=1)
    assert teller.sentence(away) == "broker mqtt://gym:1883 away since 2030-01-02 02:04:10 UTC; no sensor"


def test_what_stands_still_comes_first() -> None:
    """Whoever looks at a service that is about to be restarted sees why."""
    told = Teller().sentence(standing(0, 0), ("dispatcher (for 20 s, at most 15 s)",))
    assert told == "stands still: dispatcher (for 20 s, at most 15 s); no sensor, broker connected"
