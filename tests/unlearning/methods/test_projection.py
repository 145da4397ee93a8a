import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pareto_explorer.unlearning.methods._projection import flat_gradient, move, project_off
from tests.unlearning.toys import draws


def vectors(seed, rows, n=30):
    return torch.randn(rows, n, generator=draws(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 4), st.lists(st.floats(-8, 8), min_size=5, max_size=5))
def test_it_is_the_least_squares_residual_at_any_scale(seed, m, exponents):
    vector, *rows = (v * 10**e for v, e in zip(vectors(seed, m + 1), exponents, strict=False))
    rows = torch.stack(rows)
    found = project_off(vector, rows).numpy()
    basis, _ = np.linalg.qr((rows / rows.norm(dim=1, keepdim=True)).numpy().T)
    expected = vector.numpy() - basis @ (basis.T @ vector.numpy())
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.linalg.norm(vector))


def test_zero_rows_project_nothing_off():
    vector, row = vectors(0, 2)
    zero = torch.zeros_like(row)
    assert torch.equal(project_off(vector, torch.stack((zero, zero))), vector)
    torch.testing.assert_close(
        project_off(vector, torch.stack((row, zero))), project_off(vector, row[None])
    )


@pytest.mark.parametrize("factor", [1.0, -1.0, 1e6])
def test_parallel_rows_count_once(factor):
    vector, row = vectors(0, 2)
    found = project_off(vector, torch.stack((row, factor * row)))
    torch.testing.assert_close(found, project_off(vector, row[None]), atol=1e-6, rtol=0)


def test_a_vector_along_the_rows_vanishes():
    rows = vectors(0, 2)
    assert project_off(rows[0] - 3 * rows[1], rows).norm() < 1e-6


def test_single_precision_keeps_what_is_left_orthogonal():
    vector, *rows = vectors(0, 3, n=1000).float()
    rows = torch.stack(rows)
    rows[1] = rows[0] + 1e-3 * rows[1]
    found = project_off(vector, rows)
    assert found.dtype == torch.float32
    cosines = (rows @ found).abs() / rows.norm(dim=1) / found.norm()
    assert cosines.max() < 1e-6


def test_numbers_that_are_none_stay():
    vector, row = vectors(0, 2)
    row[3] = torch.nan
    assert project_off(vector, row[None]).isnan().any()


def test_gradients_and_moves_go_by_the_order_of_the_parameters():
    model = nn.Linear(3, 2, dtype=torch.float64)
    unused = nn.Parameter(torch.ones(2, dtype=torch.float64))
    parameters = [model.weight, unused, model.bias]
    inputs = vectors(0, 4, n=3)
    loss = model(inputs).square().sum()
    found = flat_gradient(loss, parameters, keep_graph=True)
    loss.backward()
    expected = [model.weight.grad.reshape(-1), torch.zeros(2), model.bias.grad]
    torch.testing.assert_close(found, torch.cat([part.double() for part in expected]))
    before = [p.detach().clone() for p in parameters]
    move(parameters, found, -0.5)
    torch.testing.assert_close(model.weight.detach(), before[0] - 0.5 * model.weight.grad)
    torch.testing.assert_close(model.bias.detach(), before[2] - 0.5 * model.bias.grad)
    assert torch.equal(unused, before[1])
