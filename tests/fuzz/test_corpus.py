"""Inputs that once were a fault, and a few of every kind, are taken as they should be."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.loop import attempt
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from tests.fuzz.loop import Target

CORPUS = Path(__file__).with_name("corpus")
FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.fixture(scope="module")
def targets() -> dict[str, Target]:
    """Return one of each fuzzer: what they learn first takes a second."""
    return {name: make() for name, make in TARGETS.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_file_of_the_corpus(path: Path, targets: dict[str, Target]) -> None:
    """No crash, no hang, and nothing but a sound result or an error of the expected kind."""
    attempt(targets[path.parent.name], path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_inputs_at_random(name: str, targets: dict[str, Target]) -> None:
    """The same seed draws the same inputs, and they are taken as they should be."""
    for number in range(10):
        data = targets[name].draw(random.Random(f"0/{number}"))
        assert data == targets[name].draw(random.Random(f"0/{number}"))
        attempt(targets[name], data)


def test_every_fuzzer_has_a_corpus() -> None:
    """A fault that was mended stays mended: there is a file of each."""
    assert {path.parent.name for path in FILES} == set(TARGETS)
