from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.svm import SVC
from torch import Tensor

from pareto_explorer.metrics import confidence_svm, confidences, membership_inference
from pareto_explorer.metrics.confidence_svm import BOUNDARY, _features, decision_values


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


def draws(kind: int, easy: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Confidences of one of six kinds; a larger ``easy`` brings them nearer to 1."""
    if kind == 0:
        return rng.beta(8 * easy, 2, n)
    if kind == 1:  # all nearly certain
        return 1 - rng.exponential(0.003 / easy, n).clip(0, 1)
    if kind == 2:  # with many equal ones
        return rng.beta(5 * easy, 2, n).round(2)
    if kind == 3:  # certain of most
        certain = 1 - rng.exponential(0.01 / easy, n).clip(0, 1)
        return np.where(rng.random(n) < 0.8, certain, rng.random(n))
    if kind == 4:  # 0 and 1 alone, as of a model that always names one class
        return (rng.random(n) < easy / 2).astype(float)
    return 1 / (1 + np.exp(-rng.normal(4 * easy, 3, n)))


def generated(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 150))
    sizes = {1.3: n, 0.8: n, 1.0: 200}
    members, others, forget = (draws(seed % 6, easy, m, rng) for easy, m in sizes.items())
    return members, others, forget


def libsvm(members: np.ndarray, others: np.ndarray, tol: float = 1e-8) -> SVC:
    samples = np.concatenate([members, others])[:, np.newaxis]
    attack = SVC(C=3, gamma="auto", kernel="rbf", tol=tol)
    return attack.fit(samples, np.repeat([1, 0], len(members)))


def in_double_precision(attack: SVC, x: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Decision values with libsvm's support vectors, the free ones fitted again.

    libsvm keeps the kernel in single precision. What it gets right is which samples are at a bound.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-((a[:, np.newaxis] - b) ** 2))

    signs = np.repeat([1.0, -1.0], len(x) // 2)
    dual = np.zeros(len(x))
    dual[attack.support_] = attack.dual_coef_[0]
    free = (np.abs(dual) > 1e-7) & (np.abs(dual) < 3 - 1e-7)
    bound = kernel(x, x[~free]) @ dual[~free]
    if free.any():  # these have margin 1, and all dual variables sum to 0
        ones = np.ones((free.sum(), 1))
        matrix = np.block([[kernel(x[free], x[free]), ones], [ones.T, np.zeros((1, 1))]])
        right = np.append(signs[free] - bound[free], -dual[~free].sum())
        *dual[free], offset = np.linalg.lstsq(matrix, right, rcond=1e-14)[0]
    else:
        offset = np.median(signs - bound)
    return kernel(queries, x) @ dual + offset


def test_the_fit_is_that_of_libsvm() -> None:
    for seed in range(200):
        members, others, forget = generated(seed)
        attack = libsvm(members, others)
        values = decision_values(members, others, forget, cost=3.0)
        precise = in_double_precision(attack, np.concatenate([members, others]), forget)
        assert values == pytest.approx(precise, abs=BOUNDARY), seed
        # Where both classes are the same, all lies on the boundary; libsvm's signs are rounding.
        decided = np.abs(values) > BOUNDARY
        assert decided.all() or np.array_equal(np.sort(members), np.sort(others))
        expected = ((attack.predict(forget[:, np.newaxis]) == 0) & decided).mean()
        found = membership_inference(*map(torch.from_numpy, (members, others, forget)))
        assert found == expected, seed


def of_three_values(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, 322) / 2, rng.integers(0, 3, 322) / 2


def all_sure(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(322), np.random.default_rng(seed).random(322)


@pytest.mark.parametrize("drawn", [of_three_values, all_sure])
@pytest.mark.parametrize("seed", [0, 175, 295, 301])
def test_where_samples_repeat_the_fit_is_that_of_libsvm(drawn, seed) -> None:
    """With the last three seeds and three values, undamped corrections go round in circles."""
    members, others = drawn(seed)
    queries = np.linspace(0, 1, 11)
    attack = libsvm(members, others)
    precise = in_double_precision(attack, np.concatenate([members, others]), queries)
    assert decision_values(members, others, queries, 3.0) == pytest.approx(precise, abs=BOUNDARY)


def test_the_kernel_is_a_product_of_few_features() -> None:
    x = np.linspace(0, 1, 101)
    features = _features(x)
    assert len(features) == 13
    assert features.T @ features == pytest.approx(np.exp(-((x[:, np.newaxis] - x) ** 2)), abs=1e-13)


@pytest.mark.parametrize("equal", [0.0, 0.1, 1.0])
def test_samples_on_the_boundary_count_as_members(equal: float) -> None:
    same = torch.full((50,), equal, dtype=torch.float64)
    attack = libsvm(same.numpy(), same.numpy())
    assert (attack.predict(same.numpy()[:, np.newaxis]) == 1).all()
    assert membership_inference(same, same, same) == 0.0


def test_swapped_classes_have_opposite_values() -> None:
    members, others, forget = generated(3)
    values = decision_values(members, others, forget, cost=3.0)
    swapped = decision_values(others, members, forget, cost=3.0)
    assert swapped == pytest.approx(-values, abs=BOUNDARY)


@pytest.mark.parametrize("n", [1, 2, 50])
def test_fits_where_classes_do_not_overlap_at_all(n: int) -> None:
    rng = np.random.default_rng(n)
    members, others = 1 - rng.random(n) / 100, rng.random(n) / 100
    middle = np.array([0.2, 0.8])
    assert np.sign(decision_values(members, others, middle, cost=3.0)).tolist() == [-1, 1]


def test_a_fit_that_does_not_converge_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confidence_svm, "_ITERATIONS", 3)
    with pytest.raises(ArithmeticError, match="has not converged"):
        decision_values(*generated(0), cost=3.0)


def test_many_samples_give_what_libsvm_gives() -> None:
    rng = np.random.default_rng(0)
    members, others, forget = (draws(3, easy, 1500, rng) for easy in (1.3, 0.8, 1.0))
    expected = (libsvm(members, others, tol=1e-3).predict(forget[:, np.newaxis]) == 0).mean()
    found = membership_inference(*map(torch.from_numpy, (members, others, forget)))
    assert 0.02 < expected < 0.98
    assert found == pytest.approx(expected, abs=1e-3)
