"""The documented commands that need neither broker nor sensor do what they are shown for, one after the other."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import msgspec

from ankled.daemon.records import Record
from tests.docs.pages import ROOT
from tests.docs.table import OFFLINE, lines_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.daemon.commands import Shell

MADE = {  # what a line leaves behind
    "--truth truth.json": ("left.csv", "right.csv", "truth.json"),
    "capture import": ("walk.mcap",),
    "capture export": ("walk.foxglove.mcap",),
}


def test_they_run_in_their_order(compiled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    """Each ends with code 0; with --json every line is JSON, of a replay records; each writes the files it names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ankled.toml").write_text((ROOT / "systemd" / "ankled.example.toml").read_text(encoding="utf-8"))
    lines = lines_of(OFFLINE)
    assert {line.text.split()[1] for line in lines} >= {"simulate", "replay", "capture", "decode", "drivers"}
    for line in lines:
        words = [word.replace("/etc/ankled/", "") for word in shlex.split(line.text)]
        done = shell(*words[1:])
        assert done.code == 0, (line, done)
        assert done.out or "simulate" in words or "import" in words, line
        for text, names in MADE.items():
            if text in line.text:
                assert all((tmp_path / name).stat().st_size for name in names), (line, list(tmp_path.iterdir()))
        if "--json" in words:
            objects = [json.loads(text) for text in done.out.splitlines()]
            assert objects, line
            if "replay" in words:
                kinds = {type(msgspec.json.decode(text, type=Record)).__name__ for text in done.out.splitlines()}
                assert kinds >= {"Rep", "Set"}, line
        elif "replay" in words:
            assert re.search(r"\d", done.out), line


def test_what_readme_says_of_decoding(shell: Shell) -> None:
    """The two packets shown give a cadence and a charge."""
    texts = {line.text for line in lines_of(OFFLINE) if line.page == "README.md" and " decode " in line.text}
    said = "".join(shell(*shlex.split(text)[1:]).out for text in sorted(texts))
    assert "50" in said
    assert len(texts) == 2
