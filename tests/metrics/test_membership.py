from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.svm import SVC
from torch import Tensor

from pareto_explorer.metrics import confidences, membership_inference


def beta(a: float, b: float, n: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).beta(a, b, n))


def test_confidence_is_the_probability_of_the_label() -> None:
    logits = torch.tensor([[0.0, 0.0], [np.log(3.0), 0.0], [1000.0, -1000.0]])
    values = confidences(logits, torch.tensor([1, 0, 1]))
    assert values.dtype == torch.float64
    assert values.tolist() == pytest.approx([0.5, 0.75, 0.0])


def test_separable_confidences_are_told_apart() -> None:
    retain, others = 0.99 + beta(2, 2, 300, 0) / 100, beta(2, 2, 60, 1) / 2
    assert membership_inference(retain, others, torch.tensor([0.999, 0.995])) == 0.0
    assert membership_inference(retain, others, torch.tensor([0.2, 0.3])) == 1.0
    assert membership_inference(retain, others, torch.tensor([0.2, 0.999])) == 0.5


def unbalanced(retain: Tensor, others: Tensor, forget: Tensor) -> float:
    features = torch.cat([retain, others]).unsqueeze(1).numpy()
    is_member = [1] * len(retain) + [0] * len(others)
    attack = SVC(C=3, gamma="auto", kernel="rbf").fit(features, is_member)
    return float((attack.predict(forget.unsqueeze(1).numpy()) == 0).mean())


def test_an_unbalanced_fit_is_constant_where_the_balanced_one_is_not() -> None:
    # The sizes of the digits task: 970 retain, 180 validation and 108 forget samples.
    retain, others = beta(8, 2, 970, 0), beta(4, 2, 180, 1)
    forget = torch.linspace(0.3, 1.0, 108)  # from hardly known to memorised
    assert unbalanced(retain, others, forget) == 0.0
    assert 0.2 < membership_inference(retain, others, forget) < 0.8


def test_the_attack_is_fitted_on_the_first_of_each_set() -> None:
    retain, others, forget = beta(8, 2, 90, 0), beta(4, 2, 40, 1), beta(5, 2, 50, 2)
    expected = unbalanced(retain[:40], others, forget)
    assert 0 < expected < 1
    assert membership_inference(retain, others, forget) == expected
    shuffled = torch.cat([retain[:40].flip(0), retain[40:] - 0.5])
    assert membership_inference(shuffled, others, forget) == expected
    assert membership_inference(retain[:30], others, forget) == unbalanced(
        retain[:30], others[:30], forget
    )


@pytest.mark.parametrize("scale", [1e-3, 1e-2, 0.3])
def test_many_samples_give_what_a_fit_to_each_of_them_gives(scale: float) -> None:
    rng = np.random.default_rng(0)
    members = 1 - rng.exponential(scale, 3000).clip(0, 1)
    others = np.where(
        rng.random(3000) < 0.8, 1 - rng.exponential(3 * scale, 3000), rng.random(3000)
    )
    forget = np.where(
        rng.random(2000) < 0.9, 1 - rng.exponential(2 * scale, 2000), rng.random(2000)
    )
    others, forget = others.clip(0, 1), forget.clip(0, 1)
    features = np.concatenate([members, others])[:, None]
    attack = SVC(C=3, gamma="auto", kernel="rbf").fit(features, np.repeat([1, 0], 3000))
    exact = (attack.predict(forget[:, None]) == 0).mean()
    found = membership_inference(*map(torch.from_numpy, (members, others, forget)))
    assert 0.02 < exact < 0.98
    assert found == pytest.approx(exact, abs=1e-3)
