"""What rules are given, made by hand."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pareto_explorer.unlearning import Ledger
from pareto_explorer.unlearning.aggregators import Descent, Rule, Step
from pareto_explorer.unlearning.core.gradients import Jacobian


def jacobian_of(g_r: object, g_f: object, sizes: tuple[int, ...] | None = None) -> Jacobian:
    """A Jacobian that holds two gradients, over parameters of the given sizes."""
    rows = torch.tensor(np.stack((g_r, g_f)), dtype=torch.float64)
    sizes = sizes or (rows.shape[1],)
    jacobian = Jacobian([nn.Parameter(torch.zeros(n, dtype=torch.float64)) for n in sizes])
    jacobian.rows.copy_(rows)
    return jacobian


def step_of(
    g_r: object,
    g_f: object,
    losses: tuple[float, float] = (1.0, 1.0),
    sizes: tuple[int, ...] | None = None,
) -> Step:
    jacobian = jacobian_of(g_r, g_f, sizes)
    gramian = jacobian.gramian() if sizes is None else jacobian.gramians()
    loss_r, loss_f = (torch.tensor(x, dtype=torch.float64) for x in losses)
    return Step((loss_r, loss_f), gramian, jacobian)


def losses_step(losses: Tensor) -> Step:
    return step_of([1.0, 0.0], [0.0, 1.0], tuple(losses.tolist()))


def begun(rule: Rule, **replaced: object) -> Rule:
    """A rule in a run that offers nothing but a ledger, unless something is given."""

    def missing(*_: object) -> object:
        raise AssertionError("the rule asked for what it should not need")

    offered = {
        "ledger": Ledger(),
        "generator": torch.Generator().manual_seed(0),
        "lr": lambda: 0.1,
        "products": lambda jacobian, others: jacobian.gramian(others),
        "draw": missing,
        "retain_again": missing,
        "losses_again": missing,
    }
    rule.begin(Descent(**(offered | replaced)))  # type: ignore[arg-type]
    return rule


def direction(rule: Rule, step: Step) -> np.ndarray:
    """The step that a rule makes of two gradients."""
    step.jacobian.combine(rule(step))
    return torch.cat([part.flatten() for part in step.jacobian.step]).numpy()
