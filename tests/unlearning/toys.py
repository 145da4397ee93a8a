"""Small models and data on which unlearning takes milliseconds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.unlearning import Budget, References, UnlearningData
from pareto_explorer.unlearning.core.data import Streams

CLASSES = 3


def samples(n: int, seed: int, features: int = 4, dtype: torch.dtype = torch.float32) -> Samples:
    draws = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, features, generator=draws, dtype=dtype)
    return Samples(inputs, torch.randint(CLASSES, (n,), generator=draws))


def make_data(
    retain: int = 23, forget: int = 11, heldout: int = 13, dtype: torch.dtype = torch.float32
) -> UnlearningData:
    retained = samples(retain, 1, dtype=dtype)
    order = torch.arange(retain)
    return UnlearningData(
        retained,
        samples(forget, 2, dtype=dtype),
        samples(heldout, 3, dtype=dtype),
        CLASSES,
        fresh_model=untrained,
        adjacent=retained.take(order[: retain // 3]),
        remote=retained.take(order[retain // 3 :]),
        refusals=samples(forget, 4, dtype=dtype),
    )


def network(seed: int = 0) -> nn.Module:
    """Two layers with batch norm between them."""
    torch.manual_seed(seed)
    return untrained()


def untrained() -> nn.Module:
    """The same, with weights from wherever the global generator is."""
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, CLASSES))


def linear(dtype: torch.dtype = torch.float64) -> nn.Module:
    """Softmax regression that starts at zero."""
    model = nn.Linear(4, CLASSES, dtype=dtype)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def references(model: nn.Module, loss: object, data: UnlearningData | None = None) -> References:
    data = data or make_data()
    budget = Budget(1, 5, 1)
    return References(model, data, Streams(data, 5, draws()), budget.ledger, loss)


def flat(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])
