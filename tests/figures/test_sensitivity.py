from __future__ import annotations

from pareto_explorer.figures.sensitivity import plot_sensitivity, sensitivity_info
from pareto_explorer.fronts.statistics.sensitivity import reference_sensitivity
from pareto_explorer.results.run import Run


def test_ranks_are_those_of_the_table(run: Run) -> None:
    info = sensitivity_info(run.points, run.box)
    assert info.references == (1.0001, 1.1, 1.5, 2.0)
    table = reference_sensitivity(run.points, run.box).set_index(["family", "reference"])
    assert len(info.families) == 7
    for family in info.families:
        for i, reference in enumerate(info.references):
            row = table.loc[(family.name, reference)]
            assert (family.ranks[i], family.hypervolumes[i]) == (row["rank"], row["hypervolume"])
    firsts = [family.ranks[0] for family in info.families]
    assert firsts == sorted(firsts)


def test_the_best_is_on_top_and_names_are_escaped(run: Run) -> None:
    figure = plot_sensitivity(run.points, run.box)
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.layout.xaxis.ticktext) == ["1.0001", "1.1", "1.5", "2"]
    assert figure.data[0].y[0] == 1
    assert any("&lt;b&gt;" in trace.name for trace in figure.data)
    (only,) = plot_sensitivity(run.points, run.box, shown=["fine_tune"]).data
    assert only.legendgroup == "family fine_tune"
