import numpy as np
import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, replicate_means
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.fronts.selection.constraints import (
    Constraint,
    constraints_on,
    feasible,
    require_feasible,
)
from tests.fronts.core.test_tables import row, table

BOX = Box((Objective("cost", "min", 0.0, 1.0), Objective("gain", "max", 1.0, 0.0)))


def twin_table(*values):
    """One trial per (cost, gain, validation_cost); gain has no twin."""
    rows = [
        row(f"t{i}", r, 1, cost, gain, validation_cost=v)
        for i, (cost, gain, v) in enumerate(values)
        for r in (0, 1)
    ]
    return table(*rows)


POINTS = twin_table((0.1, 0.2, 0.3), (0.9, 0.6, 0.2), (0.0, 0.9, 0.5))


def test_constraints_look_at_the_validation_twin():
    found = constraints_on(POINTS, BOX, {"cost": 0.3}, {"gain": 0.5})
    assert found == (
        Constraint("cost", "validation_cost", "max", 0.3),
        Constraint("gain", "gain", "min", 0.5),
    )
    assert feasible(replicate_means(POINTS), found).tolist() == [False, True, False]
    assert feasible(replicate_means(POINTS), found[:1]).tolist() == [True, True, False]
    assert str(found[0]) == "validation_cost at most 0.3"
    assert str(found[1]) == "gain at least 0.5"


def test_costs_and_validation_metrics_can_be_bounded_themselves():
    found = constraints_on(POINTS, BOX, {"samples": 10, "validation_cost": 0.4, "seconds": 9.0})
    assert [c.column for c in found] == ["samples", "validation_cost", "seconds"]


def test_an_excess_is_in_metric_units_and_infinite_for_nan():
    frame = pd.DataFrame({"a": [0.1, 0.5, np.nan]})
    assert Constraint("a", "a", "max", 0.3).excess(frame).tolist() == [
        0,
        pytest.approx(0.2),
        np.inf,
    ]
    assert Constraint("a", "a", "min", 0.3).excess(frame).tolist() == [
        pytest.approx(0.2),
        0,
        np.inf,
    ]


def test_what_nothing_keeps_is_refused_with_the_nearest():
    means = replicate_means(POINTS)
    found = constraints_on(POINTS, BOX, {"cost": 0.15}, {"gain": 0.55})
    with pytest.raises(InputError) as caught:
        require_feasible(means, found, validation_box(POINTS, BOX))
    assert str(caught.value) == (
        "`maximum` cost=0.15, `minimum` gain=0.55: none of 3 models keeps this; the nearest, "
        "t1 at step 1, has validation_cost 0.2 (0.05 too much): relax the bound or sweep further."
    )
    require_feasible(means, found[1:], validation_box(POINTS, BOX))


def test_the_nearest_is_measured_in_shares_of_the_box():
    wide = Box((Objective("cost", "min", 0.0, 10.0), Objective("gain", "max", 1.0, 0.0)))
    points = twin_table((0, 0.95, 3.0), (0, 0.6, 1.0))
    found = constraints_on(points, wide, {"cost": 0.5}, {"gain": 0.9})
    with pytest.raises(InputError, match=r"the nearest, t0 .* has validation_cost 3 \(2\.5 too mu"):
        require_feasible(replicate_means(points), found, validation_box(points, wide))


def test_a_small_nearest_miss_of_a_minimum_is_too_little():
    found = constraints_on(POINTS, BOX, None, {"gain": 0.95})
    with pytest.raises(InputError, match=r"t2 at step 1, has gain 0\.9 \(0\.05 too little\)"):
        require_feasible(replicate_means(POINTS), found, BOX)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (({"csot": 1.0}, None), r"`maximum`: 'csot' is not known; did you mean 'cost'\?"),
        ((None, {"cost": float("nan")}), r"`minimum` cost: nan is not finite"),
        ((None, {"config.lr": 1.0}), r"`minimum`: 'config\.lr' is not known"),
    ],
)
def test_bad_bounds_are_one_sentence(bounds, message):
    with pytest.raises(InputError, match=message):
        constraints_on(POINTS, BOX, *bounds)
