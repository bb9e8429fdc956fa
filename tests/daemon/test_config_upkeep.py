"""The keys of logs and of what is kept: what they take, and what is told of a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ankled.daemon.config import check, load
from ankled.daemon.loglines.parts import PARTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[log]\nlevels = { mqt = 'debug' }", "log.levels.mqt is not a known key; did you mean mqtt?"),
        ("[log]\nlevels.mqtt = 5", 'log.levels.mqtt is 5; allowed is "debug", "error", "info" or "warning"'),
        ("[log]\nlevels = 'debug'", 'log.levels is "debug"; allowed is a table'),
        ("[log]\nlevels.zzz = 'info'", f"log.levels.zzz is not a known key; known here are {', '.join(sorted(PARTS))}"),
        ("[capture]\nrotate = 'day'", 'capture.rotate is "day"; allowed is "set" or "size-or-time"'),
        ("[capture]\nkeep_gb = -1", "capture.keep_gb is -1; allowed is a number from 0 to 1000000"),
        (
            "[capture]\nkept_days = 1",
            "capture.kept_days is not a known key; did you mean keep_days?",
        ),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    """It names the key, what was found, and what is allowed."""
    path = tmp_path / "ankled.toml"
    path.write_text(text)
    (problem,) = check(path)
    assert str(problem).endswith(message)


def test_levels_of_parts_are_taken(tmp_path: Path) -> None:
    """A table in one line or of its own."""
    path = tmp_path / "ankled.toml"
    for text in ("[log]\nlevels = { mqtt = 'debug', bleak = 'info' }", "[log.levels]\nmqtt = 'debug'\nbleak = 'info'"):
        path.write_text(text)
        assert load(path).log.levels == {"mqtt": "debug", "bleak": "info"}
