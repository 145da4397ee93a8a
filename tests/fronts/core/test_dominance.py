import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import non_dominated
from tests.fronts.twins import front_mask

finite = st.floats(-1e6, 1e6)
few_levels = st.integers(-2, 3).map(float)  # many ties and duplicates


def points(elements):
    shapes = st.tuples(st.integers(0, 30), st.integers(2, 3))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=elements))


@settings(deadline=None)
@given(points(few_levels) | points(finite))
def test_agrees_with_all_pairs(values):
    assert non_dominated(values).tolist() == front_mask(values.tolist())


@settings(deadline=None)
@given(points(few_levels))
def test_agrees_with_pymoo(values):
    first = NonDominatedSorting().do(values, only_non_dominated_front=True)
    assert np.flatnonzero(non_dominated(values)).tolist() == sorted(first.tolist())


@settings(deadline=None)
@given(points(few_levels), st.randoms(use_true_random=False))
def test_does_not_depend_on_the_order_of_rows(values, random):
    order = random.sample(range(len(values)), len(values))
    assert non_dominated(values[order]).tolist() == non_dominated(values)[order].tolist()


@settings(deadline=None)
@given(points(few_levels))
def test_dropping_dominated_points_changes_nothing(values):
    kept = values[non_dominated(values)]
    assert non_dominated(kept).all()


def test_duplicates_and_ties():
    values = [[0.0, 1.0], [0.0, 1.0], [0.0, 2.0], [1.0, 0.0], [1.0, 1.0], [-0.0, 1.0]]
    assert non_dominated(values).tolist() == [True, True, False, True, False, True]


@pytest.mark.parametrize("values", [[], np.empty((0, 2)), np.empty((0, 3))])
def test_no_points(values):
    mask = non_dominated(values)
    assert mask.shape == (0,)
    assert mask.dtype == bool


def test_one_point_is_its_own_front():
    assert non_dominated([[3.0, 4.0, 5.0]]).tolist() == [True]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(InputError, match="row 1 is"):
        non_dominated([[0.0, 1.0], [bad, 0.0]])


def test_the_input_is_not_changed():
    values = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    values.flags.writeable = False
    before = values.copy()
    non_dominated(values)
    assert (values == before).all()
