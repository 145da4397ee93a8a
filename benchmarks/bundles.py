"""What replicates that step together save, against the same replicates one after the other.

    python benchmarks/bundles.py [--rounds 30] [--threads 1] [--device cpu] [--case mlp]

Both ways start from the same models, read the same batches and take the steps of a sweep,
diagnostics included. A round takes a few steps in each way, in an order that alternates. On a CPU
the clock is the process's own (CPU seconds, which other programs on the machine disturb least); the
table shows medians over the rounds: of the milliseconds of one replicate's step, and of the ratio
within a round, above 1 where the bundle is faster. The exit code is 1 if the multilayer perceptrons
miss their goal, or a bundle leads elsewhere. Convolutions have no goal: on a CPU they lose.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from step_cost import colour_cnn, make_data
from torch import nn

from pareto_explorer.tasks.models.registry import digits_cnn
from pareto_explorer.unlearning import Budget, make_method
from pareto_explorer.unlearning.bundle import descend_together

GOAL = 1.3
"""How many times as fast a bundle of six perceptrons has to be."""

GOAL_MEMBERS = 6
MEMBERS = (2, 3, 6, 12)
BATCH = 64
LR = 1e-3


def mlp() -> nn.Module:
    """Two hidden layers, as for a table of measurements."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def mlp_with_batch_norm(width: int = 256) -> nn.Module:
    """The same, wider and with batch norm."""

    def block(inputs: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU())

    return nn.Sequential(nn.Flatten(), block(64), block(width), nn.Linear(width, 10))


class Case(NamedTuple):
    """A network, its images, and the steps of a round."""

    build: Callable[[], nn.Module]
    side: int
    channels: int
    steps: int
    has_goal: bool = False


CASES = {
    "mlp": Case(mlp, 8, 1, 20, has_goal=True),
    "wide mlp, batch norm": Case(mlp_with_batch_norm, 8, 1, 10),
    "digits cnn": Case(digits_cnn, 8, 1, 4),
    "32x32x3 cnn": Case(colour_cnn, 32, 3, 1),
}


class Found(NamedTuple):
    """Medians of a case: seconds of a replicate's step in both ways, and their ratio."""

    alone: float
    together: float
    ratio: float
    difference: float


def make_runs(case: Case, members: int, aggregator: str, device: str) -> list[Iterator[nn.Module]]:
    data = make_data(case.side, case.channels, device)
    parts = {"method": "jacobian_descent", "aggregator": aggregator, "forget_loss": "kl_uniform"}
    method, runs = make_method({**parts, "lr": LR}), []
    for seed in range(members):
        torch.manual_seed(seed)
        draws = torch.Generator(device).manual_seed(seed)
        budget = Budget(10**6, BATCH, case.steps)
        runs.append(method.run(case.build().to(device), data, budget, draws))
    return runs


def measure(case: Case, members: int, aggregator: str, rounds: int, device: str) -> Found:
    """Takes interleaved rounds; the first is not timed, and compared instead."""
    apart, bundle = (make_runs(case, members, aggregator, device) for _ in range(2))

    def alone() -> list[nn.Module]:
        return [next(run) for run in apart]

    def together() -> list[nn.Module]:
        descend_together(bundle)
        return [next(run) for run in bundle]

    difference = max(
        float((one - other).detach().abs().max())
        for pair in zip(alone(), together(), strict=True)
        for one, other in zip(*(model.parameters() for model in pair), strict=True)
    )
    ways, times = [alone, together], dict[object, list[float]]({alone: [], together: []})
    for _ in range(rounds):
        for way in ways:
            started = clock(device)
            way()
            times[way].append((clock(device) - started) / (case.steps * members))
        ways.reverse()
    ratios = [a / b for a, b in zip(times[alone], times[together], strict=True)]
    medians = (statistics.median(own) for own in (times[alone], times[together], ratios))
    return Found(*medians, difference)


def clock(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--aggregator", default="upgrad")
    parser.add_argument("--members", type=int, action="append")
    parser.add_argument("--case", choices=list(CASES), action="append")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = Table(title=f"{options.aggregator}, batch {BATCH} + {BATCH}, {options.device}")
    for heading in ("network", "replicates", "ms alone", "ms together", "times as fast"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    missed = []
    for name in options.case or CASES:
        for members in options.members or MEMBERS:
            case = CASES[name]
            found = measure(case, members, options.aggregator, options.rounds, options.device)
            milliseconds = (f"{1e3 * own:.2f}" for own in (found.alone, found.together))
            table.add_row(name, str(members), *milliseconds, f"{found.ratio:.2f}")
            if case.has_goal and members == GOAL_MEMBERS and found.ratio < GOAL:
                missed.append(f"{name} with {members}: {found.ratio:.2f} < {GOAL}")
            if not found.difference < 1e-4:
                missed.append(f"{name} with {members}: parameters {found.difference:.1e} apart")
    console = Console()
    console.print(table)
    console.print(f"Missed: {'; '.join(missed)}." if missed else "Met.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
