from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import pareto_explorer
from pareto_explorer.errors import InputError
from pareto_explorer.fronts import anytime_curves, family_hypervolumes, front, replicate_means
from pareto_explorer.fronts.core import checked
from pareto_explorer.fronts.core.box import Box, Objective
from tests.fronts.core.test_tables import BOX, row, table
from tests.fronts.twins import dominates, front_mask

ONES = (1.0, 1.0)
CALLS = {
    "nondominated": lambda points: checked.nondominated(points, keep_equal=True),
    "pareto_layers": checked.pareto_layers,
    "volume": lambda points: checked.volume(points, (1.0,) * np.shape(points)[1]),
    "exclusive_contributions": lambda points: checked.exclusive_contributions(points, ONES),
    "attained": lambda points: checked.attained(points, np.zeros(len(points), int), [50.0]),
    "igd_plus_distance": lambda points: checked.igd_plus_distance(points, points),
    "epsilon_additive": lambda points: checked.epsilon_additive(points, points),
    "r2_exact": checked.r2_exact,
}
"""Every function of the module, with nothing to give but points."""


def test_nothing_else_calls_moocore_or_an_indicator_of_pymoo():
    package = Path(pareto_explorer.__file__).parent
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.startswith(("moocore", "pymoo.indicators")) for name in names):
                found.add(path.relative_to(package).as_posix())
    assert found == {"fronts/core/checked.py"}


def test_every_call_is_tried_here():
    assert set(CALLS) == set(checked.__all__)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e101, -1.7e308])
@pytest.mark.parametrize("name", CALLS)
def test_a_value_that_cannot_be_calculated_with_is_refused(name, bad):
    with pytest.raises(InputError, match="column 1 of row 0 is"):
        CALLS[name]([[0.5, bad], [0.25, 0.5]])


@pytest.mark.parametrize("width", [2, 3, 4])
def test_minus_infinity_is_no_segmentation_fault(width):
    points = np.zeros((9, width))
    points[4, -1] = -np.inf
    with pytest.raises(InputError, match="-inf"):
        checked.nondominated(points, keep_equal=False)


@pytest.mark.parametrize("points", [[0.5, 0.5], [[[0.5, 0.5]]], np.empty((2, 0))])
@pytest.mark.parametrize("name", ["nondominated", "pareto_layers", "exclusive_contributions"])
def test_another_shape_than_a_matrix_with_columns_is_refused(name, points):
    with pytest.raises(InputError, match="values: shape"):
        CALLS[name](points)


def test_a_matrix_without_rows_never_gets_there():
    nothing = np.empty((0, 2))
    assert checked.nondominated(nothing, keep_equal=True).shape == (0,)
    assert checked.pareto_layers(nothing).shape == (0,)
    assert checked.volume(nothing, ONES) == 0
    assert checked.exclusive_contributions(nothing, ONES).shape == (0,)
    assert checked.attained(nothing, np.zeros(0, int), [50.0]).shape == (0, 3)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.floats(0, 1))
)
def test_layout_and_type_change_nothing(points):
    strange = np.asfortranarray(np.repeat(points, 2, axis=0))[::2].astype(">f8")
    assert checked.nondominated(strange, keep_equal=True).tolist() == front_mask(points)
    layers = checked.pareto_layers(points)
    for layer, following in pairwise(range(layers.max() + 2)):
        members, others = points[layers == layer], points[layers == following]
        assert all(any(dominates(a, b) for a in members) for b in others)
    corner = (1.0,) * points.shape[1]
    assert checked.volume(strange, corner) == checked.volume(points, corner)


def test_numbers_near_the_largest_give_a_finite_volume_or_a_sentence():
    assert np.isfinite(checked.volume([[-1e100] * 3, [-1e99, 0, -1e100]], (1.0, 1.0, 1.0)))
    box = Box((Objective("loss", "min", 0.0, 1e-6), Objective("gain", "max", 1.0, 0.0)))
    assert box.measurable(np.array([[1e90, 0], [1e95, 0], [np.nan, 0]])).tolist() == [1, 0, 0]
    with pytest.raises(InputError, match=r"loss of row 1 is 1e\+95, too far outside the box"):
        box.normalise([[1e90, 0.0], [1e95, 0.0]])
    with pytest.raises(InputError, match=r"nadir of loss: 1e\+308 is not finite or too large"):
        Objective("loss", "min", 0.0, 1e308)
    with pytest.raises(InputError, match=r"nadir of loss: a number of 1329 bits is"):
        Objective("loss", "min", 0.0, 10**400)


@pytest.mark.parametrize("size", [1.7e308, 1e101, np.inf])
@pytest.mark.filterwarnings("error")
def test_a_point_too_large_to_calculate_with_counts_for_nothing(size):
    points = table(
        row("f-1", 0, 1, 0.5, 0.5),
        row("f-2", 0, 1, -size, 0.5),
        row("f-3", 0, 1, size, 0.5),
        row("f-4", 0, 1, -size, -size),
    )
    curves = anytime_curves(points, BOX)
    assert curves["hypervolume"].max() == 0.25
    assert front(points, BOX)["trial_id"].tolist() == ["f-1"]
    assert family_hypervolumes(points, BOX)["f"].mean == 0.25


@pytest.mark.filterwarnings("error")
def test_means_of_large_numbers_are_finite_and_exact():
    large = table(*(row("a", i, 1, 0.5, 0.5, other=x) for i, x in enumerate([1.7e308, 1.5e308])))
    found = replicate_means(large, BOX)
    assert found["other"].tolist() == [1.6e308]
    assert found["other.std"].tolist() == pytest.approx([2e307 / 2**0.5])
