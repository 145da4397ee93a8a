import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.fronts.statistics import sign_flips
from pareto_explorer.fronts.statistics.sign_flips import max_t, signed_rank
from tests.fronts import twins_statistics as twins

quarters = st.integers(-4, 4).map(lambda k: k / 4)  # ties and zeros
shapes = st.tuples(st.integers(1, 5), st.integers(2, 8))


@settings(deadline=None, max_examples=60)
@given(shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=quarters)))
def test_max_t_agrees_with_the_definition(rows):
    assert max_t(rows) == pytest.approx(twins.max_t(rows.tolist()), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.lists(quarters, min_size=1, max_size=9))
def test_signed_rank_agrees_with_the_definition(differences):
    assert signed_rank(np.array(differences)) == pytest.approx(twins.signed_rank(differences))


def test_max_t_by_hand():
    # 3.5 is reached by its own row, unflipped or all flipped, alone: 2 of 8; 3 by |±2 ± 1| in 4
    rows = np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.5], [0.0, 0.0, 0.0]])
    assert max_t(rows).tolist() == [0.5, 0.25, 1.0]


@settings(deadline=None, max_examples=40)
@given(shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=quarters)), st.data())
def test_properties_of_max_t(rows, data):
    p = max_t(rows)
    assert ((p >= 2 / 2 ** rows.shape[1]) & (p <= 1)).all()
    order = data.draw(st.permutations(range(len(rows))))
    assert max_t(rows[order]) == pytest.approx(p[order])
    columns = data.draw(st.permutations(range(rows.shape[1])))
    assert max_t(rows[:, columns]) == pytest.approx(p)
    assert max_t(-3 * rows) == pytest.approx(p)
    ranked = np.argsort(-np.abs(rows.sum(axis=1)), kind="stable")
    assert (np.diff(p[ranked]) >= -1e-12).all()


def test_random_flips_are_seeded_and_near_all_flips(monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.normal(0.3, 1, (4, 11))
    exact = max_t(rows)
    monkeypatch.setattr(sign_flips, "_ALL_FLIPS_UP_TO", 10)
    sampled = max_t(rows)
    assert sampled == pytest.approx(exact, abs=0.03)
    assert (sampled != exact).any()
    assert (max_t(rows) == sampled).all()
    assert (max_t(rows, seed=1) != sampled).any()
    assert max_t(np.ones((1, 40))).tolist() == [1 / 4096]  # the flip of none is always among them


def test_many_replicates_are_exact_for_one_pair():
    # every rank against: only one of 2⁶⁰ sign patterns, and its opposite
    assert signed_rank(np.arange(1.0, 61.0)) == pytest.approx(2 / 2**60, rel=1e-9)
    assert signed_rank(np.zeros(9)) == 1.0


def test_the_input_is_not_changed():
    rows = np.array([[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]])
    rows.flags.writeable = False
    max_t(rows)
    signed_rank(rows[0])
    assert rows.tolist() == [[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]]
