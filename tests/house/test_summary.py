"""The last word of a test run: what was not tested, and that a promised broker may not be skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.house import tree

if TYPE_CHECKING:
    from pathlib import Path

SKIPS = """
import pytest

def test_with_a_broker():
    pytest.skip("mosquitto is not on this machine")

def test_with_data(data_folder):
    assert data_folder
"""


def _run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest over two tests that need what is missing, with the conftest of this tree."""
    folder.mkdir(exist_ok=True)
    shutil.copy(tree.ROOT / "tests" / "conftest.py", folder)
    (folder / "test_skips.py").write_text(SKIPS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANKLED_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, cwd=folder, env=environment | variables, capture_output=True, text=True, check=False)


def test_the_summary_names_what_was_not_tested(tmp_path: Path) -> None:
    """A green run on a machine without broker and recordings says what it does not prove."""
    done = _run(tmp_path / "tests")
    assert done.returncode == 0
    assert "Not tested here: 1 test (mosquitto is not on this machine)" in done.stdout
    assert "Not tested here: 1 test (no real recordings: ANKLED_DATA is not set)" in done.stdout


def test_a_promised_broker_that_is_missing_fails(tmp_path: Path) -> None:
    """`.ci/run` sets ANKLED_REQUIRE_MOSQUITTO: there a skip for want of mosquitto is a failure."""
    done = _run(tmp_path / "tests", ANKLED_REQUIRE_MOSQUITTO="1")
    assert done.returncode == 1
    assert "1 failed, 1 skipped" in done.stdout
    assert "ANKLED_REQUIRE_MOSQUITTO is set, and yet: mosquitto is not on this machine" in done.stdout


def test_a_data_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    """A mistyped ANKLED_DATA is a mistake of the user, not a reason to test less."""
    done = _run(tmp_path / "tests", ANKLED_DATA=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "which is not a folder" in done.stdout
