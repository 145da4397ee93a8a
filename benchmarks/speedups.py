"""What ways of saving time in steps and evaluations would save, and what they change.

    python benchmarks/speedups.py [--rounds 30] [--case "digits 8x8x1"]

A round times every way once, in an order that rotates; the table has medians over the rounds of
CPU time, and of its ratio within a round to the first way. "differs by" is the largest difference
in parameters after all rounds, or in logits. Steps are those of Jacobian descent with UPGrad; an
evaluation's passes are those over sets of the sizes of digits.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
from rich.console import Console
from rich.table import Table
from step_cost import BATCH, colour_cnn, make_data
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pareto_explorer.tasks.models.registry import digits_cnn
from pareto_explorer.unlearning import Budget, make_method

SIZES = (1078, 180, 180, 359)  # train, held-out, validation, test
LARGEST = 1024  # samples
ELEMENTS = 2**17  # of their inputs
Way = Callable[[], Sequence[Tensor]]


def small_mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


#: Network, side, channels, steps in a round.
CASES = {
    "MLP 8x8x1": (small_mlp, 8, 1, 60),
    "digits 8x8x1": (digits_cnn, 8, 1, 10),
    "32x32x3": (colour_cnn, 32, 3, 1),
}


def stepping(case: str, rounds: int, **implementation: bool) -> Way:
    """Some steps at each call, by one implementation of SGD."""
    make_network, side, channels, steps = CASES[case]
    torch.manual_seed(0)
    config = {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}
    method = make_method(
        config | {"lr": 1e-3, "batch_norm": "batch", "momentum": 0.9, "weight_decay": 5e-4}
    )
    budget = Budget(steps * (rounds + 1), BATCH, steps)
    data, draws = make_data(side, channels, "cpu"), torch.Generator().manual_seed(0)
    models = method.run(make_network(), data, budget, draws)
    next(models)
    models._setting.optimizer.param_groups[0].update(implementation)  # type: ignore[attr-defined]
    return lambda: [parameter.detach() for parameter in next(models).parameters()]


def fused(model: nn.Module) -> nn.Module:
    """A copy in which convolutions take over the batch norm that follows them."""
    found = copy.deepcopy(model)
    for module in [*found.modules()]:
        if isinstance(module, nn.Sequential):
            for place, (one, after) in enumerate(pairwise(module)):
                if isinstance(one, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                    module[place], module[place + 1] = fuse_conv_bn_eval(one, after), nn.Identity()
    return found


def together(sets: Sequence[Tensor], size: int) -> list[Tensor]:
    """Batches that go across the borders of sets, so that only the last one is partial."""
    batches, waiting, room = [], [], size
    for inputs in sets:
        parts = torch.split(inputs, [min(room, len(inputs)), max(len(inputs) - room, 0)])
        for part in (parts[0], *torch.split(parts[1], size)):
            waiting.append(part)
            room -= len(part)
            if room == 0:
                batches.append(torch.cat(waiting) if len(waiting) > 1 else waiting[0])
                waiting, room = [], size
    return [*batches, *([torch.cat(waiting)] if waiting else [])]


def evaluations(case: str) -> dict[str, Way]:
    """Ways to pass all sets through a model in eval mode."""
    make_network, side, channels, _ = CASES[case]
    torch.manual_seed(0)
    model, shape = make_network(), (channels, side, side)
    with torch.no_grad():
        for _ in range(5):  # running statistics
            model(torch.randn(BATCH, *shape))
    model.eval()
    sets = [torch.randn(size, *shape) for size in SIZES]
    fitting = min(LARGEST, ELEMENTS // sets[0][0].numel())

    def apart(network: nn.Module, size: int) -> list[Tensor]:
        return [network(part) for inputs in sets for part in torch.split(inputs, size)]

    def joint(network: nn.Module, size: int) -> list[Tensor]:
        return [network(part) for part in together(sets, size)]

    ways = {
        "passes: set by set, 1,024 at once": lambda: apart(model, LARGEST),
        f"passes: set by set, {fitting:,} at once": lambda: apart(model, fitting),
        f"passes: across sets, {fitting:,} at once": lambda: joint(model, fitting),
        f"passes: convolutions fused, {fitting:,} at once": lambda: apart(fused(model), fitting),
    }
    return {name: partial(_without_gradient, way) for name, way in ways.items()}


def _without_gradient(way: Callable[[], list[Tensor]]) -> list[Tensor]:
    with torch.no_grad():
        return [torch.cat(way())]


def measure(ways: Mapping[str, Way], rounds: int) -> dict[str, tuple[float, float, float]]:
    """Of each way the median time, the median ratio to the first one, and the difference."""
    order, first = list(ways), next(iter(ways))
    times: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, Sequence[Tensor]] = {}
    for _ in range(rounds):
        for name in order:
            started = time.process_time()
            found[name] = ways[name]()
            times[name].append(time.process_time() - started)
        order.append(order.pop(0))
    return {
        name: (
            statistics.median(own),
            statistics.median(a / b for a, b in zip(own, times[first], strict=True)),
            max(float((a - b).abs().max()) for a, b in zip(found[name], found[first], strict=True)),
        )
        for name, own in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--case", choices=list(CASES), action="append")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for case in options.case or CASES:
        steps = CASES[case][-1]
        table = Table(title=case, title_justify="left")
        for heading in ("", "ms", "ratio", "differs by"):
            table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
        ways = {
            "step: SGD by foreach": stepping(case, options.rounds, foreach=True, fused=False),
            "step: SGD fused": stepping(case, options.rounds, foreach=False, fused=True),
        }
        rows = measure(ways, options.rounds)
        per_step = {name: (own / steps, *rest) for name, (own, *rest) in rows.items()}
        for name, (own, ratio, change) in (
            per_step | measure(evaluations(case), options.rounds)
        ).items():
            table.add_row(name, f"{1e3 * own:.2f}", f"{ratio:.3f}", f"{change:.1e}")
        Console().print(table)


if __name__ == "__main__":
    main()
