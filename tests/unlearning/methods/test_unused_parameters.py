"""Every method on a model of which some parameters reach no loss."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from pareto_explorer.unlearning import METHODS, Budget, Ledger, make_method
from pareto_explorer.unlearning.methods.fisher_forgetting import fisher_diagonal
from tests.unlearning.toys import CLASSES, draws, flat, make_data, samples


class Spare(nn.Module):
    """A second head, a number and an empty tensor, none of which is used."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(4, 6), nn.Linear(6, CLASSES)
        self.other = nn.Linear(6, 7)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.empty = nn.Parameter(torch.empty(0))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.body(x)))


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_a_model_with_unused_parameters(name):
    parts = {"aggregator": "upgrad", "forget_loss": "kl_uniform"}
    method = make_method({"method": name, **{part: parts[part] for part in METHODS[name].needs}})
    torch.manual_seed(0)
    model = Spare()
    shown = list(
        method.run(
            copy.deepcopy(model),
            replace(make_data(), fresh_model=Spare),
            Budget(2, 5, 2),
            draws(),
        )
    )
    assert torch.isfinite(flat(shown[-1])).all()


def test_unused_parameters_have_no_information():
    torch.manual_seed(0)
    model, data = Spare(), samples(5, 3)
    named = dict(model.named_parameters())
    found = dict(
        zip(named, fisher_diagonal(model, list(named.values()), data, Ledger()), strict=True)
    )
    used = [name for name in named if name.startswith(("body", "head"))]
    alone = fisher_diagonal(model, [named[name] for name in used], data, Ledger())
    for name, expected in zip(used, alone, strict=True):
        assert torch.equal(found[name], expected)
        assert found[name].any()
    for name in named.keys() - set(used):
        assert torch.equal(found[name], torch.zeros_like(named[name]))
