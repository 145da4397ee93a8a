from __future__ import annotations

from collections import Counter

import pytest

from pareto_explorer.figures import (
    plot_anytime,
    plot_attainment,
    plot_diagnostics,
    plot_difference,
)
from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.results.run import Run

FAMILIES = ("upgrad/kl_heldout", "mgda/kl_heldout")
FIGURES = {
    "diagnostics": lambda run: plot_diagnostics(run.points),
    "anytime": lambda run: plot_anytime(run.points, run.box),
    "attainment": lambda run: plot_attainment(run.points, run.landmarks, run.box),
    "difference": lambda run: plot_difference(run.points, run.landmarks, run.box, *FAMILIES),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_on_its_own_has_one_legend_entry_per_family(run: Run, name: str) -> None:
    figure = FIGURES[name](run)
    assert figure.layout.showlegend
    entries = [trace for trace in figure.data if trace.showlegend]
    groups = Counter(trace.legendgroup for trace in entries)
    assert set(groups.values()) == {1}
    assert {f"family {family}" for family in FAMILIES} <= set(groups)
    for trace in entries:
        if trace.legendgroup.startswith("family"):
            assert trace.name == plain(trace.legendgroup.removeprefix("family "))
            assert trace.line.width > 0
    plot = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    assert plot > 250
