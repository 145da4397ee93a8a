from __future__ import annotations

import math
import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.checked import pareto_layers
from pareto_explorer.sweeps.stopping.rung import Rung, farthest_first
from tests.fronts.twins import dominates
from tests.sweeps.twins_schedulers import order_of, place_of_last

FAR = (math.inf,) * 3

eighths = st.integers(-1, 12).map(lambda k: k / 8)  # ties, duplicates, beyond and better than ideal


def matrices(least=1, most=12):
    shape = st.tuples(st.integers(least, most), st.sampled_from([2, 3]))
    return shape.flatmap(lambda s: arrays(np.float64, s, elements=eighths))


@st.composite
def lines(draw, most=10):
    """Several points each, in two or three objectives."""
    values = draw(matrices(2, 4 * most))
    ends = draw(st.lists(st.integers(1, len(values) - 1), max_size=most, unique=True))
    return np.split(values, sorted(ends))


def rung_of(found) -> Rung:
    rung = Rung(len(found[0][0]))
    for number, line in enumerate(found):
        rung.add(f"t{number}", line)
    return rung


def ranks(values) -> np.ndarray:
    """The place of each point, where each is a line of its own."""
    values = np.asarray(values)
    rung = rung_of(values[:, np.newaxis])
    corner = FAR[: values.shape[1]]
    return np.array([len(rung.ahead([row], corner)) for row in range(len(values))], dtype=int)


@settings(deadline=None)
@given(matrices())
def test_ranks_agree_with_the_definition(values):
    order = order_of(values.tolist(), FAR[: values.shape[1]])
    found = ranks(values)
    assert sorted(found.tolist()) == list(range(len(values)))
    assert values[np.argsort(found)].tolist() == order


@settings(deadline=None)
@given(matrices())
def test_the_better_of_two_has_the_better_rank(values):
    found = ranks(values)
    for i, j in product(range(len(values)), repeat=2):
        if dominates(values[i], values[j]):
            assert found[i] < found[j]


@settings(deadline=None)
@given(matrices(), st.randoms(use_true_random=False))
def test_ranks_do_not_depend_on_the_order_of_different_rows(values, random):
    distinct = np.unique(values, axis=0)
    order = random.sample(range(len(distinct)), len(distinct))
    assert ranks(distinct[order]).tolist() == ranks(distinct)[order].tolist()


def test_equal_rows_are_ranked_in_their_order():
    assert ranks([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]).tolist() == [1, 0, 2]


def test_a_rank_is_not_the_row_that_comes_next_when_sorted():
    # the sorting permutation is [1, 2, 0]; taken for ranks it calls the best point the last
    assert ranks([[2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]).tolist() == [2, 0, 1]


def test_the_first_of_a_layer_cover_it():
    layer = np.array([[0.0, 1.0], [0.1, 0.9], [0.2, 0.8], [0.5, 0.5], [1.0, 0.0]])
    assert [*farthest_first(layer)] == [0, 4, 3, 2, 1]


@settings(deadline=None)
@given(matrices(most=40))
def test_layers_are_those_of_sorting_again_after_each_point(values):
    rung = Rung(values.shape[1])
    for number, point in enumerate(values):
        rung.add(f"t{number}", [point])
        assert rung.layers.tolist() == pareto_layers(values[: number + 1]).tolist()
    np.testing.assert_array_equal(rung.values, values)


def test_layers_of_many_points():
    values = np.random.default_rng(0).random((600, 2))
    values[::7] = values[3]  # duplicates
    assert rung_of(values[:, np.newaxis]).layers.tolist() == pareto_layers(values).tolist()


@settings(deadline=None, max_examples=200)
@given(lines())
def test_the_place_of_a_line_is_that_of_sorting_everything_again(found):
    corner = (1.0,) * len(found[0][0])
    rung = Rung(len(corner))
    for number, line in enumerate(found):
        rung.add(f"t{number}", line)
        assert rung.place(corner) == place_of_last(found[: number + 1], corner)


@settings(deadline=None)
@given(lines(), st.sampled_from([0.0, 0.02, 0.25]))
def test_a_line_is_beaten_where_each_of_its_points_is(found, margin):
    points = np.concatenate(found)
    beaten = [(point - points > margin).all(axis=1).any() for point in found[-1]]
    assert rung_of(found).beaten(margin) == all(beaten)


@settings(deadline=None)
@given(lines(), lines(most=2))
def test_a_pickled_rung_goes_on_alike(before, after):
    rung = rung_of(before)
    again = pickle.loads(pickle.dumps(rung))  # noqa: S301
    objectives = len(before[0][0])
    for number, line in enumerate(after):
        points = np.resize(line, (len(line), objectives))
        for one in (rung, again):
            one.add(f"late {number}", points)
    np.testing.assert_array_equal(again.layers, rung.layers)
    np.testing.assert_array_equal(again.values, rung.values)
    assert len(again) == len(rung) == len(before) + len(after)
    assert "t0" in again
    assert "nobody" not in again


def test_a_rung_leaves_its_input_alone_and_refuses_what_is_not_finite():
    values = np.array([[0.5, 0.25], [0.25, 0.5], [3.0, 3.0]])
    values.flags.writeable = False
    ranks(values)
    with pytest.raises(InputError, match="column 0 of row 0 is nan"):
        rung_of([[[math.nan, 1.0]]])
