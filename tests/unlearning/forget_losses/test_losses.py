import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import log_softmax, rel_entr, softmax
from torch import nn

from pareto_explorer.unlearning.core.losses import ForgetBatch
from pareto_explorer.unlearning.core.references import class_means
from pareto_explorer.unlearning.forget_losses.bounded_cross_entropy import bounded_cross_entropy
from pareto_explorer.unlearning.forget_losses.kl_heldout import (
    kl_heldout,
    kl_heldout_detached,
    kl_heldout_published,
)
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform, kl_uniform_reverse
from pareto_explorer.unlearning.forget_losses.negative_cross_entropy import negative_cross_entropy
from pareto_explorer.unlearning.forget_losses.random_labels import random_labels
from tests.unlearning.toys import CLASSES, linear, make_data, references

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 4.0, 1.0], [5.0, 5.0, -2.0]])
LABELS = np.array([0, 2, 1, 0])
UNIFORM = np.full(CLASSES, 1 / CLASSES)
PUBLISHED = (
    kl_heldout,
    kl_heldout_detached,
    kl_heldout_published,
)
SIMPLE = (
    kl_uniform,
    kl_uniform_reverse,
    negative_cross_entropy,
    bounded_cross_entropy,
    random_labels,
)
matrices = hnp.arrays(np.float64, (4, CLASSES), elements=st.floats(-30, 30))


def batch(logits, labels=LABELS, loss=None, model=None, data=None):
    logits = torch.as_tensor(logits)
    return ForgetBatch(logits, torch.as_tensor(labels), references(model or linear(), loss, data))


def value(loss, logits=LOGITS, **knobs):
    return loss(batch(logits), **knobs).item()


@given(matrices)
def test_kl_uniform(logits):
    expected = rel_entr(UNIFORM, np.exp(log_softmax(logits, 1))).sum(1).mean()
    assert value(kl_uniform, logits) == pytest.approx(expected, abs=1e-9)
    assert value(kl_uniform, logits) >= -1e-12


@given(matrices)
def test_kl_uniform_reverse(logits):
    expected = rel_entr(softmax(logits, 1), UNIFORM).sum(1).mean()
    assert value(kl_uniform_reverse, logits) == pytest.approx(expected, abs=1e-12)
    assert -1e-12 <= value(kl_uniform_reverse, logits) <= math.log(CLASSES) + 1e-12


def test_uniform_predictions_are_the_minimum_of_both_directions():
    for loss in (kl_uniform, kl_uniform_reverse):
        assert value(loss, np.full((4, CLASSES), 7.0)) == pytest.approx(0, abs=1e-15)


def test_the_two_directions_differ():
    assert value(kl_uniform) > 1.2 * value(kl_uniform_reverse)


@given(matrices)
def test_negative_cross_entropy(logits):
    expected = log_softmax(logits, 1)[np.arange(4), LABELS].mean()
    assert value(negative_cross_entropy, logits) == pytest.approx(expected, abs=1e-12)


@given(matrices, st.floats(0.1, 20))
def test_clipping_bounds_every_sample(logits, clip):
    expected = np.maximum(log_softmax(logits, 1)[np.arange(4), LABELS], -clip).mean()
    found = value(negative_cross_entropy, logits, clip=clip)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found >= -clip - 1e-12


def test_samples_beyond_the_clip_have_no_gradient():
    logits = torch.tensor(LOGITS, requires_grad=True)
    negative_cross_entropy(batch(logits), clip=0.5).backward()
    beyond = -log_softmax(LOGITS, 1)[np.arange(4), LABELS] > 0.5
    assert beyond.any()
    assert not beyond.all()
    moved = logits.grad.abs().sum(1).numpy() > 0
    np.testing.assert_array_equal(moved, ~beyond)


@given(matrices)
def test_bounded_cross_entropy(logits):
    p = softmax(logits, 1)[np.arange(4), LABELS]
    found = value(bounded_cross_entropy, logits)
    assert found == pytest.approx(-np.log(1 - p / 2).mean(), abs=1e-12)
    assert 0 <= found <= math.log(2) + 1e-12


def test_random_labels():
    drawn = references(linear(), None).random_labels(torch.as_tensor(LABELS)).numpy()
    expected = -log_softmax(LOGITS, 1)[np.arange(4), drawn].mean()
    assert value(random_labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("loss", "expected", "norm"),
    [
        (kl_uniform, 12.3 - math.log(10), 0.95),
        (kl_uniform_reverse, 2.30, 1.4e-4),
        (negative_cross_entropy, -1e-5, 1.05e-5),
        (bounded_cross_entropy, 0.693, 1.05e-5),
    ],
)
def test_strength_at_a_memorised_sample(loss, expected, norm):
    """Value and logit-gradient norm at p_y = 1 − 1e-5 and C = 10."""
    p = torch.full((1, 10), 1e-5 / 9, dtype=torch.float64)
    p[0, 4] = 1 - 1e-5
    logits = p.log().requires_grad_()
    found = loss(batch(logits, [4]))
    found.backward()
    assert found.item() == pytest.approx(expected, rel=0.005)
    assert logits.grad.norm().item() == pytest.approx(norm, rel=0.05)


@pytest.mark.parametrize("loss", SIMPLE, ids=lambda loss: loss.__name__)
def test_gradients(loss):
    def of_logits(logits):
        return loss(batch(logits))

    assert torch.autograd.gradcheck(of_logits, torch.tensor(LOGITS, requires_grad=True))


@pytest.mark.parametrize("loss", SIMPLE + PUBLISHED, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
def test_extreme_logits_stay_finite_in_float32(loss, size):
    logits = torch.tensor(
        [[size, 0.0, -size], [-size, size, size], [0.0, 0.0, size]], requires_grad=True
    )
    model = linear(torch.float32)
    found = loss(batch(logits, [2, 0, 2], loss, model))
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(logits.grad).all()


def heldout_reference(logits, labels, heldout_logits, heldout_labels):
    """RAUL's class-wise divergence, class by class."""
    terms = []
    for k in set(labels) & set(heldout_labels):
        q_f = softmax(logits[labels == k], 1).mean(0).clip(1e-10, 1 - 1e-10)
        q_h = softmax(heldout_logits[heldout_labels == k], 1).mean(0).clip(1e-10, 1 - 1e-10)
        terms.append((q_f * (np.log(q_f) - np.log(q_h))).sum())
    return np.mean(terms) if terms else 0.0


@pytest.mark.parametrize("loss", PUBLISHED, ids=lambda loss: loss.__name__)
@given(matrices)
def test_kl_heldout(loss, logits):
    data = make_data(heldout=5, dtype=torch.float64)  # one batch is the whole held-out set
    model = nn.Linear(4, CLASSES, dtype=torch.float64)
    given_batch = batch(logits, LABELS, loss, model, data)
    expected = heldout_reference(
        logits,
        LABELS,
        model(data.heldout.inputs).detach().numpy(),
        data.heldout.labels.numpy(),
    )
    found = loss(given_batch).item()
    assert found == pytest.approx(expected, abs=1e-9)
    assert -1e-8 <= found <= math.log(1e10)


@pytest.mark.parametrize("loss", PUBLISHED, ids=lambda loss: loss.__name__)
def test_kl_heldout_without_a_shared_class_is_zero_with_a_zero_gradient(loss):
    data = make_data(heldout=5)
    data.heldout.labels.fill_(2)
    logits = torch.tensor(LOGITS, dtype=torch.float32, requires_grad=True)
    found = loss(batch(logits, [0, 1, 1, 0], loss, linear(torch.float32), data))
    found.backward()
    assert found.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("loss", PUBLISHED, ids=lambda loss: loss.__name__)
def test_only_the_published_variant_differentiates_the_reference_distribution(loss):
    model = nn.Linear(4, CLASSES)
    logits = torch.tensor(LOGITS, dtype=torch.float32, requires_grad=True)
    loss(batch(logits, LABELS, loss, model)).backward()
    assert logits.grad.any()
    if loss is kl_heldout_published:
        assert model.weight.grad is not None
        assert model.weight.grad.any()
    else:
        assert model.weight.grad is None


def test_the_whole_published_objective_has_the_right_gradient():
    """gradcheck through both the forget and the held-out predictions."""
    data = make_data(heldout=5, dtype=torch.float64)

    class Scaled(nn.Module):
        def __init__(self, weight):
            super().__init__()
            self.weight = weight

        def forward(self, inputs):
            return inputs @ self.weight

    def objective(weight):
        logits = data.forget.inputs @ weight
        return kl_heldout_published(batch(logits, data.forget.labels, None, Scaled(weight), data))

    weight = torch.randn(4, CLASSES, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(objective, weight)


def test_class_means_leave_absent_classes_at_zero():
    means = class_means(torch.tensor(LOGITS), torch.tensor([0, 0, 1, 0]))
    assert means.counts.tolist() == [3, 1, 0]
    np.testing.assert_allclose(means.probabilities[0], softmax(LOGITS[[0, 1, 3]], 1).mean(0))
    assert not means.probabilities[2].any()
