import pytest
import torch
from torch.nn import functional

from pareto_explorer.unlearning import Ledger
from pareto_explorer.unlearning.methods._squared_gradients import (
    mean_gradient,
    shuffled,
    squared_gradients,
)
from tests.unlearning.toys import CLASSES, draws, linear, samples


def rows(model, data):
    """Gradients of single samples by the weight of softmax regression, (p − onehot) xᵀ."""
    p = model(data.inputs).softmax(1).detach()
    slopes = p - torch.eye(CLASSES, dtype=p.dtype)[data.labels]
    return slopes[:, :, None] * data.inputs[:, None, :]


@pytest.mark.parametrize("batch_size", [1, 4, 11, 100])
def test_squares_of_batch_means_count_as_many_samples_as_they_have(batch_size):
    model, data, ledger = linear(), samples(11, 5, dtype=torch.float64), Ledger()
    squares = torch.zeros_like(model.weight)
    for part in rows(model, data).split(batch_size):
        squares += part.mean(0) ** 2 * len(part) / 11
    found, _ = squared_gradients(model, list(model.parameters()), data, batch_size, ledger)
    torch.testing.assert_close(found, squares.detach())
    assert (ledger.forward, ledger.backward) == (11, 11)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_mean_gradient_does_not_depend_on_the_batches(batch_size):
    model, data = linear(), samples(11, 5, dtype=torch.float64)
    loss = functional.cross_entropy(model(data.inputs), data.labels)
    expected = torch.autograd.grad(loss, list(model.parameters()))
    found = mean_gradient(
        model, list(model.parameters()), data, batch_size, Ledger(), functional.cross_entropy
    )
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_shuffling_keeps_inputs_with_their_labels():
    data = samples(11, 5)
    found = shuffled(data, draws())
    pairs = {(tuple(x), y) for x, y in zip(data.inputs.tolist(), data.labels.tolist(), strict=True)}
    mixed = zip(found.inputs.tolist(), found.labels.tolist(), strict=True)
    assert {(tuple(x), y) for x, y in mixed} == pairs
    assert not torch.equal(found.inputs, data.inputs)
    assert len(shuffled(data, draws(), 4)) == 4
    assert len(shuffled(data, draws(), 40)) == 11
