import numpy as np
import pytest
import torch
from torch import nn

from pareto_explorer.unlearning import Budget, Ledger, UnlearningData
from pareto_explorer.unlearning.methods.fisher_forgetting import FisherForgetting, fisher_diagonal
from tests.unlearning.toys import CLASSES, draws, flat, make_data, network, samples


def hand_made(model, inputs):
    """Σ_k p_k (e_k − p)² = p (1 − p) per logit, times x² per weight."""
    p = model(inputs).softmax(1).detach()
    slopes = p * (1 - p)
    return (slopes[:, :, None] * inputs[:, None, :] ** 2).mean(0), slopes.mean(0)


def test_the_diagonal_of_softmax_regression_is_p_times_one_less_p_times_x_squared():
    data, ledger = samples(9, 5, dtype=torch.float64), Ledger()
    model = nn.Linear(4, CLASSES, dtype=torch.float64)
    found = fisher_diagonal(model, list(model.parameters()), data, ledger)
    for ours, theirs in zip(found, hand_made(model, data.inputs), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert (ledger.forward, ledger.backward) == (9, 9 * CLASSES)


def displacement(noise, features=3000, seed=0):
    data = samples(6, 5, features, torch.float64)
    torch.manual_seed(0)
    model = nn.Linear(features, CLASSES, dtype=torch.float64)
    before = flat(model)
    fisher = torch.cat([part.reshape(-1) for part in hand_made(model, data.inputs)])
    sets = UnlearningData(data, data, data, CLASSES)
    list(FisherForgetting(noise=noise).run(model, sets, Budget(1, 5, 1), draws(seed)))
    return flat(model) - before, fisher


def test_the_noise_is_normal_with_the_fourth_root_of_the_inverse_as_its_deviation():
    moved, fisher = displacement(0.02)
    normal = np.sort((moved * (fisher + 1e-8) ** 0.25 / 0.02).numpy())
    assert abs(normal.mean()) < 0.04
    assert normal.std() == pytest.approx(1, abs=0.03)
    quantiles = np.quantile(normal, [0.1587, 0.8413, 0.9772])
    np.testing.assert_allclose(quantiles, [-1, 1, 2], atol=0.1)


def test_noise_of_any_scale_has_the_same_shape():
    once, twice = displacement(0.01)[0], displacement(0.02)[0]
    torch.testing.assert_close(twice, 2 * once, rtol=1e-6, atol=1e-12)


def test_weights_without_information_get_finite_noise():
    data, model = make_data(), network()
    data.retain.inputs[:, 2] = 0
    list(FisherForgetting(noise=1e-3).run(model, data, Budget(1, 5, 1), draws()))
    assert torch.isfinite(flat(model)).all()


def test_the_forget_set_and_the_labels_are_never_read():
    def weights(data):
        model = network()
        list(FisherForgetting().run(model, data, Budget(1, 5, 1), draws()))
        return flat(model)

    data = make_data()
    expected = weights(data)
    data.forget.inputs.fill_(float("nan"))
    data.retain.labels.fill_(0)
    assert torch.equal(weights(data), expected)


def test_counts_every_class_backward():
    budget = Budget(1, 5, 1)
    list(FisherForgetting(fisher_samples=8).run(network(), make_data(), budget, draws()))
    assert (budget.ledger.forward, budget.ledger.backward) == (8, 8 * CLASSES)
