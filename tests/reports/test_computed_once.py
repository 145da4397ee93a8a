"""What several cards need is computed once, and passed on."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from pareto_explorer.fronts import (
    family_contributions,
    family_indicators,
    front,
    knob_contributions,
    knob_importance,
    replicate_means,
)
from pareto_explorer.reports import write_report
from pareto_explorer.results.run import load_run
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_synthetic_run(
        tmp_path_factory.mktemp("runs") / "run", replicates=2, configurations=4
    ).path


def counted(monkeypatch, function) -> list[int]:
    """The number of rows of each table on which a function of ours is called, wherever it is."""
    calls: list[int] = []

    def count(points, *arguments, **options):
        calls.append(len(points))
        return function(points, *arguments, **options)

    for name, module in list(sys.modules.items()):
        if name.startswith("pareto_explorer"):
            for attribute, value in list(vars(module).items()):
                if value is function:
                    monkeypatch.setattr(module, attribute, count)
    return calls


def test_a_report_averages_its_points_once_for_what_it_tells_and_once_for_choosing(
    path, monkeypatch, tmp_path
):
    calls = counted(monkeypatch, replicate_means)
    write_report(path, tmp_path / "report")
    # the frame of a figure without families is that of a front of no points
    assert [rows for rows in calls if rows] == 2 * [len(load_run(path).points)]


@pytest.mark.parametrize(
    "function",
    [front, family_contributions, knob_contributions, family_indicators, knob_importance],
    ids=lambda function: function.__name__,
)
def test_means_at_hand_give_the_same_as_the_points(path, function):
    run = load_run(path)
    means = run.means()
    before = means.copy()
    expected, found = (function(run.points, run.box, means=given) for given in (None, means))
    if function is knob_importance:
        expected, found = expected.table, found.table
    if isinstance(expected, dict):
        assert found == expected
    else:
        pd.testing.assert_frame_equal(found, expected)
    pd.testing.assert_frame_equal(means, before)
