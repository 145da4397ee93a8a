from dataclasses import replace

import numpy as np
import pytest
from pymoo.decomposition.asf import ASF
from pymoo.mcdm.pseudo_weights import PseudoWeights
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting
from pymoo.visualization.scatter import Scatter

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.interchange import to_pymoo


def test_front_and_population_are_those_of_the_run(run):
    result = to_pymoo(run)
    means = run.means()
    on_front = means[means["on_front"]]
    assert result.F.tolist() == on_front[["forget_gap", "retain_gap"]].to_numpy().tolist()
    assert len(result.pop) == len(means)
    assert result.opt.get("F").tolist() == result.F.tolist()
    assert result.opt.get("trial_id").tolist() == on_front["trial_id"].tolist()
    assert result.opt.get("step").tolist() == on_front["step"].tolist()
    assert result.data["metrics"] == ["forget_gap", "retain_gap"]


def test_knobs_are_objects_with_none_for_what_is_not_set(run):
    result = to_pymoo(run)
    knobs = result.data["knobs"]
    assert result.X.dtype == object
    assert result.X.shape == (len(result.F), len(knobs))
    means = run.means()
    found = result.pop.get("X")
    for knob, column in zip(knobs, found.T, strict=True):
        expected = means[f"config.{knob}"]
        assert [value is None for value in column] == expected.isna().tolist()
        assert [v for v in column if v is not None] == expected.dropna().tolist()


@pytest.mark.parametrize("first", ["min", "max"])
@pytest.mark.parametrize("second", ["min", "max"])
def test_everything_is_minimised(run, first, second):
    ends = {"min": (0.0, 1.0), "max": (1.0, 0.0)}
    box = Box(
        (
            Objective("forget_gap", first, *ends[first]),
            Objective("test_accuracy", second, *ends[second]),
        )
    )
    turned = replace(run, box=box)
    result = to_pymoo(turned)
    signs = [1 if direction == "min" else -1 for direction in (first, second)]
    F = result.pop.get("F")
    assert (F * signs).tolist() == turned.means()[list(box.metrics)].to_numpy().tolist()
    best = NonDominatedSorting().do(F, only_non_dominated_front=True)
    assert sorted(map(tuple, F[best])) == sorted(map(tuple, result.F))


def test_pymoos_plots_and_decision_making_accept_it(run):
    result = to_pymoo(run)
    ideal, nadir = result.F.min(axis=0), result.F.max(axis=0)
    scaled = (result.F - ideal) / (nadir - ideal)
    assert ASF().do(scaled, np.array([2.0, 2.0])).argmin() in range(len(result.F))
    assert PseudoWeights(np.array([0.5, 0.5])).do(result.F) in range(len(result.F))
    plot = Scatter(title="front")
    plot.add(result.F)
    assert len(plot.to_plot) == 1


def test_a_run_without_a_finite_point_gives_an_empty_result(run):
    result = to_pymoo(replace(run, points=run.points.assign(status="failed")))
    assert result.F.shape == (0, 2)
    assert len(result.opt) == 0
    assert not result.success
