from __future__ import annotations

from typing import Any

import pytest

from pareto_explorer.figures.hypervolume import (
    draw_hypervolumes,
    hypervolume_info,
    plot_hypervolumes,
)
from pareto_explorer.figures.shared.style import DARK, family_styles
from pareto_explorer.fronts import family_hypervolumes
from pareto_explorer.results.run import Run


@pytest.fixture(scope="module")
def volumes(run: Run) -> Any:
    return family_hypervolumes(run.points, run.box)


def test_families_are_ranked_by_their_mean(run: Run, volumes: Any) -> None:
    info = hypervolume_info(volumes, family_styles(run.points))
    means = [family.mean for family in info.families]
    assert means == sorted(means, reverse=True)
    best = info.families[0]
    assert best.replicates == tuple(volumes[best.name].per_replicate.values())
    assert (best.low, best.high) == tuple(volumes[best.name].interval)
    assert best.cross_fitted == volumes[best.name].cross_fitted_mean


def test_each_family_has_its_marks_at_its_values(run: Run, volumes: Any) -> None:
    figure = plot_hypervolumes(volumes, family_styles(run.points))
    for name, volume in volumes.items():
        marks = {t.meta["role"]: t for t in figure.data if t.legendgroup == f"family {name}"}
        assert list(marks["interval"].x) == list(volume.interval)
        assert list(marks["replicate"].x) == list(volume.per_replicate.values())
        assert list(marks["mean"].x) == [volume.mean]
        assert list(marks["cross-fitted"].x) == [volume.cross_fitted_mean]
        assert volume.interval.words() in marks["mean"].hovertemplate
    best = max(volumes, key=lambda name: volumes[name].mean)
    assert figure.layout.yaxis.categoryarray[-1] == best


def test_names_are_escaped_and_can_be_chosen(run: Run, volumes: Any) -> None:
    info = hypervolume_info(volumes, family_styles(run.points))
    hostile = next(name for name in volumes if "<b>" in name)
    figure = draw_hypervolumes(info, theme=DARK, shown=[hostile])
    assert {t.legendgroup for t in figure.data} == {f"family {hostile}"}
    assert all("<b>loss" not in t.hovertemplate for t in figure.data if t.hovertemplate)
    assert figure.layout.height < draw_hypervolumes(info).layout.height
