"""The figures of accuracy are where they were: the committed ones, within their tolerances."""

import pytest

from benchmarks.regression import FILE, PART, differences, load, measure_part
from benchmarks.report import values

SIMULATED = ("simulators", "fields_known", "fields_found", "totals", "promptness", "standing")
RECORDINGS = [name for name in PART if name not in SIMULATED]


@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize("suite", RECORDINGS)
def test_figures_on_recordings_stay(suite: str) -> None:
    """Pins what is reached on real recordings; `python -m benchmarks.regression --update` moves it."""
    assert differences(suite, values([measure_part(suite)]), load()) == []


@pytest.mark.parametrize("suite", SIMULATED)
def test_figures_on_simulations_stay(suite: str) -> None:
    """Pins what the pipeline reaches against exact truth, on machines without recordings too."""
    assert differences(suite, values([measure_part(suite)]), load()) == []


def test_every_suite_has_committed_figures() -> None:
    """Pins that the file covers each compared suite: an empty file would compare nothing."""
    suites = {key.split("/")[0] for key in load(FILE)}
    assert suites == set(PART)
