import numpy as np
import pytest
import torch
from torchjd.aggregation import MoDoWeighting

from pareto_explorer.unlearning.aggregators.mgda import MGDA
from pareto_explorer.unlearning.aggregators.modo import MoDo
from pareto_explorer.unlearning.core.gradients import Jacobian
from tests.unlearning.aggregators.pairs import gramian, pair, step
from tests.unlearning.aggregators.steps import begun, direction, step_of


def drawing(jacobian, *rows):
    """Losses of fresh batches, linear in the parameters, whose gradients are given."""
    parameters, left = jacobian._parameters, iter(rows)

    def draw():
        flat = torch.cat(list(parameters))
        return tuple(torch.as_tensor(row) @ flat for row in next(left))

    return draw


@pytest.mark.parametrize(("lr", "ridge"), [(0.1, 0.1), (0.02, 0.0), (0.5, 2.0)])
def test_weights_are_torchjds_over_a_run(lr, ridge):
    draws = torch.Generator().manual_seed(0)
    rule, reference = begun(MoDo(lr, ridge)), MoDoWeighting(lr, ridge)
    for _ in range(20):
        first, second = torch.randn(2, 2, 9, generator=draws, dtype=torch.float64)
        products = first @ (first + second).mT
        torch.testing.assert_close(rule.weigh(products), reference(products))


def test_the_step_is_the_weighted_mean_of_the_gradients_of_both_batches():
    first, second = np.random.default_rng(0).normal(size=(2, 2, 6))
    now = step_of(*first)
    rule = begun(MoDo(0.05), draw=drawing(now.jacobian, second))
    d = direction(rule, now)
    weights = MoDoWeighting(0.05)(torch.tensor(first @ second.T)).numpy()
    assert 0 < weights[0] < 1
    np.testing.assert_allclose(d, weights @ (first + second) / 2, rtol=1e-9)


def test_without_noise_or_ridge_it_converges_to_mgda():
    g = pair(-0.2, 1.0, 1.4)
    rule = begun(MoDo(0.05, 0.0))
    for _ in range(500):
        weights = rule.weigh(gramian(torch.tensor(np.stack(g))))
    np.testing.assert_allclose(weights.numpy() @ g, step(MGDA(), *g), atol=1e-9)


def test_noise_does_not_pull_the_weights_from_the_quieter_gradient():
    """With the Gramian of one batch, squared noise would make the noisy gradient seem long."""
    draws, gramians = np.random.default_rng(0), []
    mean = np.zeros((2, 200))
    mean[0, 0] = mean[1, 1] = 1.0
    rule, single = begun(MoDo(0.005, 0.0)), begun(MoDo(0.005, 0.0))
    for _ in range(3000):
        noise = draws.normal(size=(2, 2, 200)) * [[0.0], [0.3]]
        first, second = mean + noise
        gramians.append(rule.weigh(torch.tensor(first @ second.T)))
        biased = single.weigh(torch.tensor(first @ first.T))
    assert torch.stack(gramians[1000:]).mean(0)[0].item() == pytest.approx(0.5, abs=0.05)
    assert biased[0] > 0.9


def test_tensors_have_weights_of_their_own():
    sizes, draws = (3, 4), np.random.default_rng(1)
    first, second = draws.normal(size=(2, 2, 7))
    now = step_of(*first, sizes=sizes)
    whole = begun(MoDo(0.1), draw=drawing(now.jacobian, second), products=Jacobian.gramians)
    d = direction(whole, now)
    expected = []
    for part in (slice(0, 3), slice(3, 7)):
        alone = step_of(*first[:, part])
        rule = begun(MoDo(0.1), draw=drawing(alone.jacobian, second[:, part]))
        expected.append(direction(rule, alone))
    np.testing.assert_allclose(d, np.concatenate(expected), rtol=1e-12)


def test_a_new_run_starts_anew():
    rule, products = MoDo(0.1), torch.tensor([[1.0, 0.2], [0.3, 4.0]]).double()
    first = begun(rule).weigh(products)
    assert not torch.equal(rule.weigh(products), first)
    assert torch.equal(begun(rule).weigh(products), first)
