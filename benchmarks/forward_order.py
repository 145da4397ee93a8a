"""What the order of a step's two forward passes does to the unlearned model.

    python benchmarks/forward_order.py [--seeds 3] [--lr 0.0001 0.001] [--steps 60]

Jacobian descent forgets the digit 8 from the same original models, batches and draws, once with
the retain batch first, as all methods here have it, and once with the forget batch first. With
batch statistics the order moves running statistics, with frozen batch norm it does nothing. The
table shows accuracies of the evaluated models, means over training seeds.
"""

from __future__ import annotations

import argparse
import copy
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import fmean
from unittest.mock import patch

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import Samples, UnlearningTask, WholeClass, digits, train_model
from pareto_explorer.unlearning import Budget, make_method
from pareto_explorer.unlearning.core.loss_pair import Objectives
from pareto_explorer.unlearning.core.losses import ForgetBatch
from pareto_explorer.unlearning.methods._descent import BATCH_NORM_POLICIES

PARTS = ("forget", "retain", "test")
ORDERS = ("retain", "forget")
FAMILIES = {
    "upgrad/kl_uniform": {"aggregator": "upgrad", "forget_loss": "kl_uniform"},
    "cup/negative_cross_entropy": {"aggregator": "cup", "forget_loss": "negative_cross_entropy"},
}


def _forget_first(self: Objectives, retain: Samples, forget: Samples) -> tuple[Tensor, Tensor]:
    """As ``Objectives._losses``, in the other order."""
    batch = ForgetBatch(self._model(forget.inputs), forget.labels, self._references)
    loss_f = self.forget_loss(batch)
    return self._retain_loss(self._model(retain.inputs), retain.labels), loss_f


@contextmanager
def order(first: str) -> Iterator[None]:
    """Makes every step pass this batch forward first."""
    if first == "retain":
        yield
        return
    with patch.object(Objectives, "_losses", _forget_first):
        yield


def accuracy(model: nn.Module, samples: Samples) -> float:
    with torch.no_grad():
        return (model(samples.inputs).argmax(1) == samples.labels).double().mean().item()


def unlearned(
    task: UnlearningTask, original: nn.Module, config: dict[str, object], budget: Budget, seed: int
) -> list[float]:
    """Accuracies on the parts after unlearning."""
    model = copy.deepcopy(original)
    method = make_method({"method": "jacobian_descent"} | config)
    draws = torch.Generator().manual_seed(seed)
    for _ in method.run(model, unlearning_data(task), budget, draws):
        pass
    return [accuracy(model, getattr(task, part)) for part in PARTS]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lr", type=float, nargs="+", default=[1e-4, 1e-3])
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = digits(WholeClass(label=8))
    originals = [train_model(task, task.train, seed) for seed in range(options.seeds)]
    table = Table(title=f"digits without 8, {options.steps} steps, {options.seeds} seeds")
    for heading in ("family", "lr", "batch_norm", "first", *PARTS):
        table.add_column(heading)
    start = [[accuracy(m, getattr(task, part)) for part in PARTS] for m in originals]
    table.add_row("original", *3 * [""], *_means(start))
    cells = [*itertools.product(FAMILIES.items(), options.lr, BATCH_NORM_POLICIES, ORDERS)]
    for (name, parts), lr, policy, first in track(cells, "unlearning", transient=True):
        config = {**parts, "batch_norm": policy, "lr": lr}
        with order(first):
            rows = [
                unlearned(task, m, config, Budget(options.steps, 64, options.steps), seed)
                for seed, m in enumerate(originals)
            ]
        table.add_row(name, f"{lr:g}", policy, first, *_means(rows))
    Console().print(table)


def _means(rows: list[list[float]]) -> list[str]:
    return [f"{fmean(column):.3f}" for column in zip(*rows, strict=True)]


if __name__ == "__main__":
    main()
