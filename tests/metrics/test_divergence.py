from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from pareto_explorer.metrics import js_divergence


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 30))
def test_js_is_scipys_mean_squared_distance(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    p, q = (scale * torch.randn(7, 5, generator=generator) for _ in range(2))
    distances = jensenshannon(
        softmax(p.double().numpy(), 1), softmax(q.double().numpy(), 1), axis=1
    )
    assert js_divergence(p, q) == pytest.approx(float((distances**2).mean()), abs=1e-12)
    assert js_divergence(p, q) == pytest.approx(js_divergence(q, p))
    assert js_divergence(p, p) == 0.0
    assert 0 <= js_divergence(p, q) <= math.log(2) + 1e-12


def test_disjoint_predictions_are_log_two_apart() -> None:
    p, q = torch.tensor([[1e4, 0.0, -1e4]]), torch.tensor([[-1e4, 0.0, 1e4]])
    assert js_divergence(p, q) == pytest.approx(math.log(2))
