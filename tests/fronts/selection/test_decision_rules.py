import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymoo.decomposition.asf import ASF
from pymoo.mcdm.high_tradeoff import HighTradeoffPoints
from pymoo.mcdm.pseudo_weights import PseudoWeights
from pymoo.problems import get_problem

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.selection.decision_rules import closest, knee, pseudo_weight, trade_offs
from tests.fronts import twins_selection as twins

BENT = [[0.0, 1.0], [0.05, 0.6], [0.1, 0.1], [0.6, 0.05], [1.0, 0.0]]


@st.composite
def fronts(draw, least=1):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    m = draw(st.sampled_from((2, 3)))
    points = rng.uniform(size=(draw(st.integers(4 * least, 60)), m))
    if draw(st.booleans()):
        points = points / np.linalg.norm(points, axis=1, keepdims=True)  # a round front
    front = points[non_dominated(points)]
    return front if len(front) >= least else np.array(BENT)


def test_the_knee_of_a_bent_front_by_hand():
    found = knee(BENT)
    assert found.position == 2
    # every point is a neighbour; the cheapest move, to either end, loses 0.9 to gain 0.1
    assert found.trade_off == pytest.approx(0.9 / 0.1)


def test_a_straight_front_and_fewer_than_three_points_have_no_knee():
    x = np.linspace(0, 1, 9)
    assert knee(np.column_stack([x, 1 - x])) is None
    assert knee([[0.0, 1.0], [1.0, 0.0]]) is None
    assert knee([[0.2, 0.3]]) is None


@settings(deadline=None)
@given(fronts(least=3))
def test_trade_offs_agree_with_the_loop(front):
    expected = [twins.trade_off(front.tolist(), i) for i in range(len(front))]
    np.testing.assert_allclose(trade_offs(front), expected)


@settings(deadline=None)
@given(fronts(least=3))
def test_the_knee_agrees_with_the_loop_and_is_one_of_pymoos(front):
    found = knee(front)
    assert (found.position if found else None) == twins.knee(front.tolist())
    with warnings.catch_warnings():
        theirs = HighTradeoffPoints().do(front)
    assert (found is None) == (theirs is None)
    if found:
        assert found.position in theirs


@pytest.mark.filterwarnings("error")
def test_pymoo_does_not_switch_off_the_warnings_of_the_process():
    before = list(warnings.filters)
    knee(BENT)
    assert warnings.filters == before
    with pytest.raises(RuntimeWarning):
        np.divide(np.zeros(1), 0)


@settings(deadline=None)
@given(fronts())
def test_closest_agrees_with_the_loop(front):
    assert closest(front) == twins.closest(front.tolist())


def test_closest_as_in_pymoos_guide():
    front = get_problem("zdt1").pareto_front(n_pareto_points=101)
    assert closest(front) == ASF().do(front, 1 / np.array([0.5, 0.5])).argmin()
    # on the curve f2 = 1 - sqrt(f1) both objectives are (3 - sqrt 5) / 2 there
    assert front[closest(front)] == pytest.approx([0.382, 0.382], abs=0.006)


def test_closest_takes_the_sum_where_the_worst_objective_is_the_same():
    assert closest([[0.5, 0.4], [0.5, 0.2], [0.6, 0.0]]) == 1


def test_values_better_than_the_ideal_are_closer_still():
    assert closest([[-0.2, 0.1], [0.0, 0.05], [-0.1, 0.3]]) == 1
    assert closest([[-0.2, -0.1], [-0.3, 0.2]]) == 0


@settings(deadline=None)
@given(fronts(least=2), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_pseudo_weights_agree_with_the_loop_and_with_pymoo(front, weights):
    wanted = np.array(weights[: front.shape[1]]) / sum(weights[: front.shape[1]])
    own = twins.pseudo_weights(front.tolist())
    distance = [sum(abs(a - b) for a, b in zip(each, wanted, strict=True)) for each in own]
    found = pseudo_weight(front, weights[: front.shape[1]])
    assert distance[found.position] == pytest.approx(min(distance))
    assert found.weights == pytest.approx(own[found.position])
    assert found.position == PseudoWeights(wanted).do(front)


def test_extreme_weights_take_the_ends_of_the_front():
    assert pseudo_weight(BENT, [1, 0]).position == 0
    assert pseudo_weight(BENT, [0, 5]).position == 4
    assert pseudo_weight(BENT, [1, 1]).position == 2


@pytest.mark.filterwarnings("error")
def test_an_objective_that_does_not_vary_has_no_pseudo_weight():
    flat = [[0.0, 1.0, 0.3], [0.4, 0.4, 0.3], [1.0, 0.0, 0.3]]
    assert pseudo_weight(flat, [0.2, 0.2, 0.6]) == (1, (0.5, 0.5, 0.0))
    assert pseudo_weight(flat, [0, 0, 1]) == (1, (0.5, 0.5, 0.0))
    assert pseudo_weight([[0.1, 0.2]], [0.7, 0.3]) == (0, (0.0, 0.0))


@pytest.mark.parametrize("rule", [knee, closest, trade_offs, lambda v: pseudo_weight(v, [1, 1])])
def test_nan_is_refused(rule):
    with pytest.raises(InputError, match="is nan"):
        rule([[0.0, 1.0], [np.nan, 0.5], [1.0, 0.0]])
