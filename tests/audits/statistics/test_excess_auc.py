from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from pareto_explorer.audits.statistics import (
    effect_sizes,
    energy_distance,
    equivalent_auc,
    excess_auc,
    jackknife,
    squared_excess_auc,
    squared_excess_auc_by_seed,
    squared_excess_auc_independent,
)
from pareto_explorer.errors import InputError
from tests.audits.statistics.draws import gaussian_pair, tied_pair

eighths = st.integers(-6, 6).map(lambda k: k / 8)


def seeds(least, most=7):
    shape = st.tuples(st.just(2), st.integers(least, most), st.integers(1, 4))
    return shape.flatmap(lambda s: arrays(np.float64, s, elements=eighths))


def psi(a, b):
    return (a > b) + (a == b) / 2 - 0.5


def over_quadruples(u, r):
    products = [psi(u[a], r[b]) * psi(u[c], r[d]) for a, b, c, d in permutations(range(len(u)), 4)]
    return np.mean(products)


def closed_form(d):
    return (norm.cdf(d / np.sqrt(2)) - 0.5) ** 2


@given(seeds(4, 6))
def test_is_the_mean_over_quadruples(pair):
    assert squared_excess_auc(*pair).value == pytest.approx(over_quadruples(*pair), abs=1e-12)


def test_is_the_mean_over_quadruples_of_six_seeds_with_ties():
    u, r = tied_pair(6, 50)
    assert squared_excess_auc(u, r).value == pytest.approx(over_quadruples(u, r), abs=1e-12)


@given(seeds(4, 7))
def test_the_values_of_seeds_have_it_as_their_mean(pair):
    found = squared_excess_auc_by_seed(*pair)
    assert found.shape == (len(pair[0]),)
    assert found.mean() == pytest.approx(squared_excess_auc(*pair).value, abs=1e-12)


def test_the_value_of_a_seed_is_what_the_jackknife_makes_of_leaving_it_out():
    u, r = gaussian_pair(6, 40, 1.0, 0.4)
    whole, found = over_quadruples(u, r), squared_excess_auc_by_seed(u, r)
    for seed in range(6):
        without = over_quadruples(*(np.delete(side, seed, axis=0) for side in (u, r)))
        assert found[seed] == pytest.approx(6 * whole - 5 * without, abs=1e-12)
    se = squared_excess_auc(u, r).se
    assert found.std(ddof=1) / np.sqrt(6) == pytest.approx(se)
    four = squared_excess_auc_by_seed(u[:4], r[:4])
    assert four == pytest.approx([over_quadruples(u[:4], r[:4])] * 4)


def test_independent_form_is_the_mean_over_pairs_of_pairs():
    u, r = tied_pair(5, 30)
    r = r[:4]
    products = [
        psi(u[a], r[b]) * psi(u[c], r[d])
        for a, c in permutations(range(5), 2)
        for b, d in permutations(range(4), 2)
    ]
    assert squared_excess_auc_independent(u, r) == pytest.approx(np.mean(products), abs=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.9, 1.0])
@pytest.mark.parametrize("d", [0.0, 1.0])
@pytest.mark.parametrize("n", [4, 8, 16])
def test_is_unbiased_whatever_the_correlation_of_a_seed(n, d, rho):
    u, r = gaussian_pair(n, 1500, d, rho, seed=n)
    found = [squared_excess_auc(u[:, [i]], r[:, [i]]).value for i in range(1500)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - closed_form(d)) <= 3 * error
    assert squared_excess_auc(u, r).value == pytest.approx(np.mean(found))


@pytest.mark.parametrize("d", [0.5, 2.0])
def test_independent_form_is_unbiased(d):
    u, r = gaussian_pair(8, 4000, d)
    assert squared_excess_auc_independent(u, r[:5]) == pytest.approx(closed_form(d), abs=4e-3)
    assert closed_form(d) == pytest.approx({0.5: 0.0191, 2.0: 0.1775}[d], abs=5e-5)


def test_the_usual_form_is_biased_where_seeds_are_shared():
    u, r = gaussian_pair(8, 4000, 0.0, rho=0.9)
    assert squared_excess_auc_independent(u, r) == pytest.approx(-0.019, abs=2e-3)
    assert squared_excess_auc(u, r).value == pytest.approx(0, abs=2e-3)


@given(seeds(4))
def test_a_model_against_itself_is_exactly_0(pair):
    u = pair[0]
    assert squared_excess_auc(u, u).value == 0
    assert (excess_auc(u, u) == 0).all()
    assert (effect_sizes(u, u) == 0).all()
    assert energy_distance(u, u) == pytest.approx(0, abs=1e-12)


@given(seeds(4))
def test_complete_separation(pair):
    u, r = pair[0] + 10, pair[1]
    assert squared_excess_auc(u, r).value == 0.25
    assert squared_excess_auc(r, u).value == 0.25
    assert (excess_auc(u, r) == 0.5).all()
    assert squared_excess_auc_independent(u, r[:2]) == 0.25


@given(seeds(4), st.randoms(use_true_random=False))
def test_the_order_of_the_seeds_does_not_matter(pair, random):
    u, r = pair
    order = random.sample(range(len(u)), len(u))
    assert squared_excess_auc(u[order], r[order]).value == pytest.approx(
        squared_excess_auc(u, r).value, abs=1e-12
    )
    assert excess_auc(u[order], r[order]) == pytest.approx(excess_auc(u, r))
    assert energy_distance(u[order], r[order]) == pytest.approx(energy_distance(u, r), abs=1e-12)


@given(seeds(5))
def test_standard_error_is_that_of_leaving_out_each_seed(pair):
    u, r = pair
    expected = jackknife(lambda u, r: squared_excess_auc(u, r).value, u, r)
    found = squared_excess_auc(u, r)
    assert found.se == pytest.approx(expected.se, abs=1e-12)
    assert (found.value, found.seeds) == (expected.value, expected.seeds)


def test_four_seeds_have_no_standard_error():
    found = squared_excess_auc(*gaussian_pair(4, 3, 1.0))
    assert np.isnan(found.se)


def test_blocks_of_samples_give_what_all_at_once_give():
    u, r = gaussian_pair(24, 1000, 0.7, seed=1)  # more than two blocks
    parts = [
        squared_excess_auc(u[:, i : i + 100], r[:, i : i + 100]).value for i in range(0, 1000, 100)
    ]
    assert squared_excess_auc(u, r).value == pytest.approx(np.mean(parts), abs=1e-12)
    assert len(excess_auc(u, r)) == 1000


def test_excess_auc_of_a_sample():
    u, r = tied_pair(6, 20)
    pairs = [psi(u[a], r[b]) for a, b in permutations(range(6), 2)]
    assert excess_auc(u, r) == pytest.approx(np.mean(pairs, axis=0))


def test_equivalent_auc():
    assert equivalent_auc(0.25) == 1.0
    assert equivalent_auc(closed_form(1.0)) == pytest.approx(norm.cdf(1 / np.sqrt(2)))
    assert equivalent_auc(-0.002) == 0.5


def test_effect_sizes():
    u, r = gaussian_pair(4000, 3, np.array([0.0, 1.0, -2.0]))
    assert effect_sizes(u, r) == pytest.approx([0, 1, -2], abs=0.08)
    assert effect_sizes([[1.0, 2.0]] * 2, [[1.0, 3.0]] * 2).tolist() == [0.0, -np.inf]


@given(seeds(2))
def test_energy_distance_is_the_mean_over_pairs(pair):
    u, r = pair
    pairs = list(permutations(range(len(u)), 2))
    terms = [2 * abs(u[a] - r[b]) - abs(u[a] - u[b]) - abs(r[a] - r[b]) for a, b in pairs]
    assert energy_distance(u, r) == pytest.approx(np.mean(terms), abs=1e-12)


@pytest.mark.parametrize(("d", "expected"), [(0.0, 0.0), (0.5, 0.1396), (1.0, 0.5418)])
def test_energy_distance_of_normal_margins(d, expected):
    found = energy_distance(*gaussian_pair(16, 6000, d, rho=0.4))
    assert found == pytest.approx(expected, abs=0.01)


def test_energy_distance_sees_what_the_excess_auc_does_not():
    u, r = gaussian_pair(16, 2000, 0.0)
    assert energy_distance(3 * u, r) > 0.3
    assert squared_excess_auc(3 * u, r).value == pytest.approx(0, abs=3e-3)


@pytest.mark.parametrize(
    ("u", "r", "words"),
    [
        (np.zeros((3, 2)), np.zeros((3, 2)), "unlearned: 3 models found; give at least 4"),
        (
            np.zeros((4, 2)),
            np.zeros((5, 2)),
            r"retrained: shape \(5, 2\) found where unlearned has",
        ),
        (np.zeros(4), np.zeros(4), r"unlearned: shape \(4,\) found"),
        (np.zeros((4, 0)), np.zeros((4, 0)), r"unlearned: shape \(4, 0\) found"),
        (np.zeros((4, 2)), np.full((4, 2), np.nan), "retrained: nan of model 0, sample 0"),
    ],
)
def test_refuses(u, r, words):
    with pytest.raises(InputError, match=words):
        squared_excess_auc(u, r)
