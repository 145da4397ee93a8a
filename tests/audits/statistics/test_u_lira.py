import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.stats import norm

from pareto_explorer.audits.statistics import (
    jackknife,
    pooled,
    shrunken,
    u_lira,
    u_lira_accuracy,
    u_lira_scores,
)
from pareto_explorer.errors import InputError
from tests.audits.statistics.draws import gaussian_pair

densities = pytest.mark.parametrize("density", [pooled, shrunken])


def seeds(least=4):
    shape = st.tuples(st.just(2), st.integers(least, 6), st.integers(1, 4))
    return shape.flatmap(lambda s: arrays(np.float64, s, elements=st.integers(-8, 8).map(float)))


def by_hand(x, others, density):
    """The log-density of one model's margins, fitted to the models of the other seeds."""
    k = len(others)
    mean, variance = others.mean(0), others.var(0, ddof=1)
    if density is pooled:
        return norm.logpdf(x, mean, np.sqrt(variance.mean() * (1 + 1 / k)))
    spread = ((k - 1) * variance + 4 * variance.mean()) / (k + 3)
    return stats.t.logpdf(x, k + 3, mean, np.sqrt(spread * (1 + 1 / k)))


@densities
def test_scores_are_log_likelihood_ratios_under_the_other_seeds(density):
    u, r = gaussian_pair(7, 12, 0.8, rho=0.3)
    u[:, :6] *= 3
    found = u_lira_scores(u, r, density)
    for x, scores in zip((u, r), found, strict=True):
        for j in range(7):
            sides = (np.delete(side, j, axis=0) for side in (u, r))
            one, other = (by_hand(x[j], side, density) for side in sides)
            assert scores[j] == pytest.approx(one - other)


@densities
@pytest.mark.parametrize(
    ("d", "accuracy", "auc", "tpr"),
    [(0.5, 0.599, 0.638, 0.034), (1.0, 0.691, 0.760, 0.092), (2.0, 0.841, 0.921, 0.372)],
)
def test_closed_forms_of_normal_margins(density, d, accuracy, auc, tpr):
    sign = np.where(np.arange(400) % 2, 1, -1)  # as much below as above
    found = u_lira(*gaussian_pair(64, 400, d * sign), density)
    exact = [norm.cdf(d / 2), norm.cdf(d / np.sqrt(2)), norm.cdf(d - norm.ppf(0.99))]
    assert exact == pytest.approx([accuracy, auc, tpr], abs=5e-4)
    reach = 0.01 if density is pooled else 0.02
    assert [found.accuracy, found.auc] == pytest.approx(exact[:2], abs=reach)
    assert found.tpr_1pct == pytest.approx(exact[2], abs=2 * reach)


@densities
@pytest.mark.parametrize("rho", [0.0, 0.4])
@pytest.mark.parametrize("n", [4, 8, 16])
def test_finds_nothing_where_there_is_nothing(n, rho, density):
    found = u_lira(*gaussian_pair(n, 6000, 0.0, rho), density)
    assert found.accuracy == pytest.approx(0.5, abs=0.01)
    assert found.auc == pytest.approx(0.5, abs=0.01)
    assert found.tpr_1pct == pytest.approx(0.01, abs=0.005)


def test_fits_that_saw_the_model_find_what_is_not_there():
    u, r = gaussian_pair(16, 3000, 0.0)
    (own, other) = (
        norm.logpdf(u, x.mean(0), x.std(0)) - norm.logpdf(u, y.mean(0), y.std(0))
        for x, y in ((u, r), (r, u))
    )
    assert (own > 0).mean() > 0.55
    assert (other < 0).mean() > 0.55
    assert u_lira_accuracy(u, r, shrunken) < 0.51


def test_few_seeds_see_less_than_there_is():
    found = [u_lira_accuracy(*gaussian_pair(n, 5000, 1.0)) for n in (4, 8, 16, 64)]
    shares = (np.array(found) - 0.5) / (norm.cdf(0.5) - 0.5)
    assert shares.tolist() == pytest.approx([0.72, 0.91, 0.98, 1.0], abs=0.04)


def test_own_spreads_help_where_they_differ():
    spread = np.repeat([0.2, 5.0], 1000)
    u, r = gaussian_pair(16, 2000, 0.0)
    u, r = spread * u + 0.4, spread * r
    assert u_lira_accuracy(u, r, shrunken) > u_lira_accuracy(u, r, pooled) + 0.02


@densities
@given(pair=seeds())
def test_a_model_against_itself_is_exactly_a_half(density, pair):
    found = u_lira(pair[0], pair[0], density)
    assert (found.accuracy, found.auc) == (0.5, 0.5)
    assert (found.per_seed == 0.5).all()


@densities
@given(pair=seeds(), random=st.randoms(use_true_random=False))
def test_the_order_of_the_seeds_does_not_matter(density, pair, random):
    u, r = pair + np.array([[[0.3]], [[0.0]]])  # no ratio is rounded to either side of 0
    u = u + np.random.default_rng(0).normal(size=u.shape)
    order = random.sample(range(len(u)), len(u))
    before, after = u_lira(u, r, density), u_lira(u[order], r[order], density)
    assert after.accuracy == pytest.approx(before.accuracy)
    assert after.per_seed == pytest.approx(before.per_seed[order])
    assert after.auc == pytest.approx(before.auc)


def test_what_does_not_vary_is_told_by_its_value_alone():
    still, same = np.zeros((5, 3)), np.zeros((5, 3))
    assert u_lira_accuracy(still, same) == 0.5
    assert u_lira_accuracy(still + 1, same) == 1.0
    assert u_lira_accuracy(still + 1, same, shrunken) == 1.0


def test_the_rate_at_few_false_positives_needs_many_scores():
    assert u_lira(*gaussian_pair(10, 99, 1.0)).tpr_1pct is None
    assert u_lira(*gaussian_pair(10, 100, 1.0)).tpr_1pct is not None


def test_one_value_for_each_seed():
    found = u_lira(*gaussian_pair(6, 50, 1.0))
    assert found.per_seed.shape == (6,)
    assert found.accuracy == pytest.approx(found.per_seed.mean())
    assert u_lira_accuracy(*gaussian_pair(6, 50, 1.0)) == found.accuracy


def test_the_jackknife_covers_the_truth():
    inside = 0
    for seed in range(60):
        found = jackknife(u_lira_accuracy, *gaussian_pair(8, 40, 0.0, seed=seed))
        low, high = found.interval()
        inside += low <= 0.5 <= high
    assert inside >= 51  # of 57 to expect


def test_three_seeds_are_too_few():
    with pytest.raises(InputError, match="give at least 4"):
        u_lira(*gaussian_pair(3, 5, 0.0))
