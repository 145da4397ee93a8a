import numpy as np
import pytest
import torch

from pareto_explorer.unlearning.aggregators.eupmu_implicit import EUPMUImplicit
from tests.unlearning.aggregators.pairs import pair
from tests.unlearning.aggregators.steps import begun, direction, step_of


def test_multiplier_follows_what_the_retain_loss_did():
    now = iter([torch.tensor(1.3), torch.tensor(0.2), torch.tensor(0.2)])
    rule = begun(EUPMUImplicit(0.5, 0.1, 2.0), retain_again=lambda: next(now), lr=lambda: 0.25)
    g, multipliers = pair(-0.5), []
    for _ in range(3):
        weights = rule(step_of(*g, (1.0, 3.0)))
        assert weights[1] == 1
        multipliers.append(weights[0].item())
        rule.after()
    # Rises by 0.3: 2 − 0.1 (−1.2 + 0.5); falls by 0.8: less 0.1 (3.2 + 0.5).
    assert multipliers == pytest.approx([2.0, 2.07, 1.7], rel=1e-6)


def test_multiplier_is_never_negative():
    rule = begun(EUPMUImplicit(0.0, 1.0, 0.1), retain_again=lambda: torch.tensor(0.0))
    rule(step_of(*pair(0.5), (1.0, 1.0)))
    rule.after()
    np.testing.assert_array_equal(
        rule(step_of(*pair(0.5), (1.0, 1.0))).numpy(), np.array([0.0, 1.0])
    )


def test_on_linear_losses_it_settles_at_the_explicit_surgery():
    """With exact first-order changes the fixed point is g_r·d = −ε."""
    g_r, g_f = pair(-0.6, 1.5, 2.0)
    d = np.zeros_like(g_r)
    rule = begun(
        EUPMUImplicit(0.3, 0.1, 1.0),
        retain_again=lambda: torch.tensor(1.0 - 0.1 * (g_r @ d)),
        lr=lambda: 0.1,
    )
    for _ in range(400):
        d = direction(rule, step_of(g_r, g_f, (1.0, 1.0)))
        rule.after()
    assert g_r @ d == pytest.approx(-0.3, abs=1e-4)
