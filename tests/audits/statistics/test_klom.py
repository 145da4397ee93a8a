import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pareto_explorer.audits.statistics import beside_floor, gaussian_klom, klom
from tests.audits.statistics import twins
from tests.audits.statistics.draws import gaussian_pair

margins = st.tuples(st.integers(2, 8), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float64, (2, *shape), elements=st.floats(-120, 120, width=32))
)


@given(margins)
def test_is_the_literal_histogram(pair):
    p, q = pair
    spans = np.ptp(np.clip(np.concatenate([p, q]), -100, 100), axis=0)
    wide = (spans == 0) | (spans > 1e-6)  # numpy refuses histograms of no width
    expected = [twins.klom(a, b) for a, b in zip(p.T[wide], q.T[wide], strict=True)]
    assert klom(p, q)[wide] == pytest.approx(expected, abs=1e-9)


def test_identical_and_disjoint():
    u, r = gaussian_pair(16, 30, 0.0)
    assert (klom(u, u) == 0).all()
    assert klom(50 + u / 100, r / 100) == pytest.approx(np.full(30, np.log(1e5)), abs=1e-3)
    assert (klom(np.ones((3, 2)), np.ones((3, 2))) == 0).all()
    assert klom([[1000.0]], [[500.0]]).tolist() == [0.0]  # both beyond 100


def test_the_right_edge_counts():
    p, q = [[0.0], [20.0]], [[0.0], [19.5]]
    assert klom(p, q).tolist() == [0.0]
    assert klom([[0.0], [20.0]], [[0.0], [18.5]])[0] > 4


@pytest.mark.parametrize("d", [0.5, 1.0])
def test_many_models_give_the_closed_form(d):
    u, r = gaussian_pair(5000, 40, d)
    assert klom(u, r).mean() == pytest.approx(d**2 / 2, abs=0.02)
    assert gaussian_klom(u, r).mean() == pytest.approx(d**2 / 2, abs=0.02)


@pytest.mark.parametrize(("n", "floor"), [(10, 5.63), (16, 3.83), (32, 1.68), (100, 0.34)])
def test_the_floor_of_few_models_is_high(n, floor):
    u, r = gaussian_pair(n, 2000, 0.0)
    assert klom(u, r).mean() == pytest.approx(floor, abs=0.15)
    assert klom(u, r).mean() > 2 * gaussian_klom(u, r).mean()


@pytest.mark.parametrize(("n", "bias"), [(10, 0.29), (16, 0.15), (64, 0.03)])
def test_the_bias_of_fitted_normals(n, bias):
    assert gaussian_klom(*gaussian_pair(n, 4000, 0.0)).mean() == pytest.approx(bias, abs=0.03)


def test_of_normals():
    u, r = np.array([[1.0], [3.0]]), np.array([[0.0], [8.0]])
    expected = np.log(np.sqrt(32 / 2)) + (2 + 4) / (2 * 32) - 0.5
    assert gaussian_klom(u, r)[0] == pytest.approx(expected)
    assert gaussian_klom(u, u).tolist() == [0.0]


def test_beside_its_floor():
    u, r = gaussian_pair(20, 2000, 0.0, rho=0.9)
    found, floor = beside_floor(lambda a, b: klom(a, b).mean(), u, r)
    assert floor == pytest.approx(5.63, abs=0.15)
    assert found == pytest.approx(floor, abs=0.15)  # however alike the models of a seed are
    assert klom(u, r).mean() < floor - 1


def test_halves_are_of_different_seeds():
    u, r = np.arange(7.0)[:, np.newaxis], 100 + np.arange(7.0)[:, np.newaxis]
    seen = []
    beside_floor(lambda a, b: seen.append((a[:, 0].tolist(), b[:, 0].tolist())) or 0.0, u, r)
    assert seen == [
        ([0, 1, 2], [103, 104, 105]),
        ([3, 4, 5], [100, 101, 102]),
        ([100, 101, 102], [103, 104, 105]),
        ([103, 104, 105], [100, 101, 102]),
    ]
