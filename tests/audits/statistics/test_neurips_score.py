from math import ceil, log

import numpy as np
import pytest

from pareto_explorer.audits.statistics import (
    beside_floor,
    forgetting_quality,
    privacy_losses,
    quality_points,
)
from tests.audits.statistics import twins
from tests.audits.statistics.draws import gaussian_pair


@pytest.mark.parametrize(("d", "scale"), [(0.0, 1.0), (1.0, 1.0), (3.0, 0.3), (0.0, 3.0)])
def test_is_the_literal_loop_over_the_grid(d, scale):
    u, r = gaussian_pair(16, 2, d, seed=int(10 * scale + d))
    u = scale * u
    expected = [twins.privacy_loss(*pair) for pair in zip(u.T, r.T, strict=True)]
    assert privacy_losses(u, r) == pytest.approx(expected, abs=1e-12)
    assert forgetting_quality(u, r) == pytest.approx(twins.quality(expected, 16))


def test_identical_arrays_have_no_loss():
    u, _ = gaussian_pair(16, 20, 0.0)
    assert (privacy_losses(u, u) == 0).all()
    assert forgetting_quality(u, u) == 1.0


def test_separated_ones_have_all_of_it():
    u, r = gaussian_pair(16, 20, 30.0)
    assert (privacy_losses(u, r) == 50).all()
    assert forgetting_quality(u, r) == 0.0


def test_spreads_that_differ_by_a_hundred_are_told_apart():
    u, r = gaussian_pair(16, 5, 0.0)
    assert (privacy_losses(u / 1000, r) == 50).all()
    assert (privacy_losses(r, u / 1000) == 50).all()


def test_margins_that_never_vary():
    ones = np.ones((8, 1))
    assert privacy_losses(ones, ones).tolist() == [0.0]
    assert privacy_losses(ones, 2 * ones).tolist() == [50.0]


def test_points_of_a_loss():
    losses = np.array([0.0, 0.49, 0.5, 0.99, 1.0, 2.99, 3.0, 50.0])
    assert ceil(log(15)) == 3
    assert quality_points(losses, 16).tolist() == [1, 1, 0.5, 0.5, 0.25, 2**-5, 0, 0]
    for models in (3, 5, 10, 64):
        assert quality_points(losses, models).mean() == pytest.approx(twins.quality(losses, models))


@pytest.mark.parametrize(("n", "expected", "nothing"), [(10, 0.122, 0.169), (64, 0.041, 0.181)])
def test_the_floor_is_far_from_1(n, expected, nothing):
    found, floor = beside_floor(forgetting_quality, *gaussian_pair(2 * n, 60, 1.0))
    assert found == pytest.approx(expected, abs=0.03)
    assert floor == pytest.approx(nothing, abs=0.03)


def test_at_most_500_samples_count():
    r = np.zeros((4, 501))
    told = [forgetting_quality(r + (np.arange(501) == told), r) for told in (0, 250, 499, 500)]
    assert told == [0.998, 0.998, 1.0, 0.998]


def test_the_order_of_the_models_does_not_matter():
    u, r = gaussian_pair(9, 6, 0.5)
    order = np.random.default_rng(0).permutation(9)
    assert forgetting_quality(u[order], r) == forgetting_quality(u, r)
