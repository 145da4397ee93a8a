"""What one unlearning step costs, against a plain weighted sum and TorchJD's recommended loop.

    python benchmarks/step_cost.py [--rounds 60] [--threads 1] [--device cpu]

Every path starts from the same model, reads the same two batches through the same draws, keeps
batch norm in the same mode and uses the same optimiser. A round times a few steps of each path,
in an order that rotates, and the table shows medians over the rounds: of the time, and of the
ratio of times within a round. The exit code is 1 if a goal was missed.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import time
from dataclasses import replace

import torch
from loops import LR, Loop, WeightedSum
from rich.console import Console
from rich.table import Table
from torch import nn
from torchjd.aggregation import UPGrad
from torchjd.autojac import backward, jac_to_grad

from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.models.registry import digits_cnn
from pareto_explorer.unlearning import Budget, UnlearningData, make_method

GOALS = {"weighted sum": 1.05, "torchjd": 0.6}
AGGREGATORS = ("upgrad", "mgda", "cup")
BATCH = 64


def colour_cnn(width: int = 24) -> nn.Module:
    """Four convolutions with batch norm on three channels, at two resolutions."""

    def block(inputs: int, outputs: int) -> nn.Sequential:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    return nn.Sequential(
        block(3, width),
        block(width, width),
        nn.MaxPool2d(2),
        block(width, 2 * width),
        block(2 * width, 2 * width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, 10),
    )


#: Network, side, channels, steps in a round.
CASES = {"digits 8x8x1": (digits_cnn, 8, 1, 20), "32x32x3": (colour_cnn, 32, 3, 2)}


def make_data(side: int, channels: int, device: str) -> UnlearningData:
    def samples(n: int, seed: int) -> Samples:
        draws = torch.Generator().manual_seed(seed)
        inputs = torch.randn(n, channels, side, side, generator=draws)
        return Samples(inputs, torch.randint(10, (n,), generator=draws)).to(device)

    return UnlearningData(samples(1000, 0), samples(108, 1), samples(180, 2), 10)


class TorchJD(Loop):
    """(b) TorchJD's recommended loop, with its UPGrad."""

    def round(self) -> None:
        """Takes the steps of one round."""
        aggregator = UPGrad()
        for _ in range(self.steps):
            backward(list(self.losses()))
            jac_to_grad(self.parameters, aggregator)
            self.optimizer.step()
            self.optimizer.zero_grad()


class Ours:
    """The package's method as a sweep runs it, diagnostics included."""

    def __init__(
        self, aggregator: str, model: nn.Module, data: UnlearningData, budget: Budget
    ) -> None:
        config = {"aggregator": aggregator, "forget_loss": "kl_uniform", "batch_norm": "batch"}
        method = make_method({"method": "jacobian_descent", "lr": LR} | config)
        draws = torch.Generator().manual_seed(0)
        self.models = method.run(copy.deepcopy(model), data, budget, draws)

    def round(self) -> None:
        """Goes on to the next evaluation."""
        next(self.models)


def measure(case: str, rounds: int, steps: int | None, device: str) -> dict[str, list[float]]:
    """Times all paths in interleaved rounds; seconds per step, one number per round."""
    make_network, side, channels, default_steps = CASES[case]
    steps = steps or default_steps
    torch.manual_seed(0)
    model, data = make_network().to(device), make_data(side, channels, device)
    budget = Budget(steps * (rounds + 1), BATCH, steps)
    paths: dict[str, WeightedSum | TorchJD | Ours] = {
        "weighted sum": WeightedSum(model, data, BATCH, steps, torch.Generator().manual_seed(0)),
        "torchjd": TorchJD(model, data, BATCH, steps, torch.Generator().manual_seed(0)),
        **{name: Ours(name, model, data, replace(budget)) for name in AGGREGATORS},
    }
    for path in paths.values():
        path.round()
    times: dict[str, list[float]] = {name: [] for name in paths}
    order = list(paths)
    for _ in range(rounds):
        for name in order:
            start = time.perf_counter()
            paths[name].round()
            if device != "cpu":
                torch.cuda.synchronize()
            times[name].append((time.perf_counter() - start) / steps)
        order.append(order.pop(0))
    return times


def report(case: str, times: dict[str, list[float]], console: Console) -> bool:
    """Prints one table; says whether all goals were met."""
    table = Table(title=f"{case}, batch {BATCH} + {BATCH}", title_justify="left")
    table.add_column("step")
    for heading in ("ms", *(f"x {name}" for name in GOALS), "goals"):
        table.add_column(heading, justify="right")
    met = True
    for name, own in times.items():
        ratios = {
            goal: statistics.median(a / b for a, b in zip(own, times[goal], strict=True))
            for goal in GOALS
        }
        verdict = ""
        if name in AGGREGATORS:
            missed = [goal for goal, limit in GOALS.items() if ratios[goal] > limit]
            verdict = f"missed: {', '.join(missed)}" if missed else "met"
            met = met and not missed
        milliseconds = f"{1e3 * statistics.median(own):.2f}"
        table.add_row(name, milliseconds, *(f"{ratio:.3f}" for ratio in ratios.values()), verdict)
    console.print(table)
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--steps", type=int, help="steps of a path in a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--case", choices=list(CASES), action="append")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    console = Console()
    met = [
        report(case, measure(case, options.rounds, options.steps, options.device), console)
        for case in options.case or CASES
    ]
    limits = " and ".join(f"{limit} x {name}" for name, limit in GOALS.items())
    console.print(f"Goals, at most {limits}: {'met' if all(met) else 'missed'}.")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
