import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest

from pareto_explorer.audits.statistics import certified_losses
from tests.audits.statistics.draws import gaussian_pair

pairs = st.integers(4, 10).flatmap(
    lambda n: arrays(np.float64, (2, n, 1), elements=st.integers(-3, 3).map(float))
)


@given(pairs)
def test_is_the_bound_at_the_threshold_that_the_other_half_chose(pair):
    u, r = pair[0, :, 0], pair[1, :, 0]
    half = len(u) // 2
    values = np.sort(np.concatenate([u[:half], r[:half]]))
    best = None
    for cut in (values[1:] + values[:-1]) / 2:
        excess = int((u[:half] > cut).sum()) - int((r[:half] > cut).sum())
        if best is None or abs(excess) > abs(best[0]):
            best = excess, cut
    excess, cut = best
    false, missed = (r[half:] > cut).sum(), (u[half:] <= cut).sum()
    if excess < 0:
        false, missed = (r[half:] < cut).sum(), (u[half:] >= cut).sum()
    fpr, fnr = (
        binomtest(int(k), len(u) - half).proportion_ci(0.95, method="exact").high
        for k in (false, missed)
    )
    ratios = [(1 - 1e-5 - a) / b for a, b in ((fpr, fnr), (fnr, fpr))]
    assert certified_losses(*pair)[0] == pytest.approx(max(0.0, np.log(max(1e-9, *ratios))))


@pytest.mark.parametrize(("n", "largest"), [(8, 0.0), (16, 0.53), (32, 1.35), (64, 2.10)])
def test_few_models_certify_little(n, largest):
    u, r = gaussian_pair(n, 5, 30.0)
    assert certified_losses(u, r) == pytest.approx(np.full(5, largest), abs=6e-3)
    assert certified_losses(-u, -r) == pytest.approx(certified_losses(u, r))


def test_holds_where_there_is_nothing():
    found = certified_losses(*gaussian_pair(32, 2000, 0.0))
    assert (found > 0).mean() < 0.05


def test_of_normal_margins_two_apart():
    assert certified_losses(*gaussian_pair(64, 500, 2.0)).mean() == pytest.approx(0.76, abs=0.1)
