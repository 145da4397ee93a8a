import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.methods._teachers import Teacher, divergence
from tests.unlearning.toys import draws, network


def pair(seed=0, scale=3.0):
    return (scale * torch.randn(2, 6, 4, generator=draws(seed), dtype=torch.float64)).unbind()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_divergence_is_kullback_and_leiblers_with_the_teacher_first(temperature):
    teacher, student = pair()
    p, q = (softmax(z.numpy() / temperature, 1) for z in (teacher, student))
    expected = temperature**2 * rel_entr(p, q).sum(1).mean()
    assert divergence(teacher, student, temperature).item() == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_divergence_has_the_gradient_that_its_docstring_says(temperature):
    teacher, student = pair()
    student.requires_grad_()
    (found,) = torch.autograd.grad(divergence(teacher, student, temperature), student)
    p, q = ((z.detach() / temperature).softmax(1) for z in (teacher, student))
    torch.testing.assert_close(found, temperature * (q - p) / len(p))


def test_divergence_is_zero_only_from_itself_and_finite_at_extreme_logits():
    teacher, student = pair()
    assert divergence(teacher, teacher).item() == pytest.approx(0, abs=1e-15)
    assert divergence(teacher, student) > 0
    far = torch.tensor([[1e4, 0.0, -1e4]]).double()
    assert divergence(far, far.flip(1)).item() == pytest.approx(2e4)
    assert np.isfinite(divergence(far.flip(1), far, 4.0).item())


def test_a_teacher_is_a_frozen_copy_in_eval_mode_that_counts():
    model, ledger = network(), Ledger()
    model.train()
    teacher = Teacher(model, ledger)
    inputs = torch.randn(5, 4, generator=draws())
    expected = network().eval()(inputs)
    with torch.no_grad():
        model[3].weight.zero_()
    found = teacher(inputs)
    assert not found.requires_grad
    torch.testing.assert_close(found, expected)
    assert (ledger.forward, ledger.backward) == (5, 0)
    assert model[1].num_batches_tracked == 0
