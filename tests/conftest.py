"""What every test shares: real recordings, repeatable property tests, and a last word on what was skipped."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parents[1]

# Files that mostly wait, for half a minute and more: begun first, they do not keep one worker busy at the end.
_LONG_FILES = (
    "test_start_order.py",
    "test_storm.py",
    "test_disk_full_daemon.py",
    "test_commands_live.py",
    "test_outbox_daemon.py",
    "test_ending.py",
    "test_life_run.py",
    "test_cli_radio.py",
    "test_mqtt_versions.py",
    "test_forget.py",
    "test_requests_daemon.py",
    "test_requests_wiring.py",
    "test_control_run.py",
    "test_bridge_parts.py",
)

# Compiled kernels of test runs stay in the tree: a rerun compiles nothing, and the user's own cache is left alone.
# Set before any test imports ankled.kernels, which reads it once.
os.environ.setdefault("ANKLED_CACHE_DIR", str(ROOT / ".cache"))

# The first example of a test may compile a kernel, so no example has a deadline and a slow start is no failure.
_RELAXED = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("ankled", deadline=None, suppress_health_check=_RELAXED)
hypothesis.settings.register_profile(
    "ankled-ci", deadline=None, suppress_health_check=_RELAXED, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("ankled-ci" if os.environ.get("CI") else "ankled")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the folder of real recordings, or skip: they are other people's and no part of the project."""
    name = os.environ.get("ANKLED_DATA")
    if not name:
        pytest.skip("no real recordings: ANKLED_DATA is not set")
    folder = Path(name)
    if not folder.is_dir():
        pytest.fail(f"ANKLED_DATA names {name}, which is not a folder")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first."""
    items.sort(
        key=lambda item: _LONG_FILES.index(item.path.name) if item.path.name in _LONG_FILES else len(_LONG_FILES)
    )


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a test was skipped, without the word pytest puts in front."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a broker is promised (`.ci/run`), a test that skips for want of it has failed."""
    report = yield
    if os.environ.get("ANKLED_REQUIRE_MOSQUITTO") and report.skipped and "mosquitto" in _reason(report).lower():
        report.outcome = "failed"
        report.longrepr = f"ANKLED_REQUIRE_MOSQUITTO is set, and yet: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which data sets or tools were missing, and so how much was not tested."""
    skipped = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not skipped:
        terminalreporter.write_line("Nothing was skipped: every data set and tool that a chosen test asks for is here.")
    for reason, count in skipped.most_common():
        terminalreporter.write_line(f"Not tested here: {count} test{'s' if count > 1 else ''} ({reason})", yellow=True)
