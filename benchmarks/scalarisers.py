"""What TorchJD's scalarisers would cost in place of the derivatives that are written out here.

    python benchmarks/scalarisers.py [--rounds 40] [--calls 200]

Either turns the two losses of a step into the weights of its two gradients: ours by a formula,
TorchJD's by a graph on the two losses, which autograd differentiates. The first table has one row
per scalariser: CPU time per call (medians over rounds in which the two take turns), nodes of the
graph, and the largest relative deviation of the weights in float64, over losses from 1e-4 to 100.
The second has a whole step of Jacobian descent on a small and a mid-size network with either. The
last line says what importing TorchJD costs.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from rich.console import Console
from rich.table import Table
from step_cost import BATCH, CASES, make_data
from torch import Tensor
from torchjd import scalarization

from pareto_explorer.unlearning import AGGREGATORS, Budget, Descent, Rule, Step, UnlearningData
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform
from pareto_explorer.unlearning.methods.jacobian_descent import JacobianDescent

#: By our names, with equal preferences and our defaults.
HALVES = torch.tensor((0.5, 0.5), dtype=torch.float64)
TORCHJDS: dict[str, Callable[[], scalarization.Scalarizer]] = {
    "stch": lambda: scalarization.STCH(0.1, weights=HALVES),
    "pbi": lambda: scalarization.PBI(1.0, weights=HALVES),
    "cosmos": lambda: scalarization.COSMOS(1.0, weights=HALVES),
    "geometric_mean": scalarization.GeometricMean,
    "famo": lambda: scalarization.FAMO(2).double(),
    "uw": lambda: scalarization.UW(2).double(),
    "imtl_l": lambda: scalarization.IMTLL(2).double(),
    "dwa": scalarization.DWA,
}
LEARNED = {"uw", "imtl_l"}
RATE = 0.025


class Adapter(Rule):
    """Weighs by the derivative of one of TorchJD's scalars, and lets it learn as ours does."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.scalar = TORCHJDS[name]()
        self.seen = 0

    def forward(self, step: Step, /) -> Tensor:
        """Weighs the gradients of a step."""
        return self.weigh(step.values)

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates the scalar by the losses, and what it learns by itself."""
        if isinstance(self.scalar, scalarization.DWA) and self.seen and self.seen % 10 == 0:
            self.scalar.step()
        self.seen += 1
        losses = losses.clone().requires_grad_()
        learned = list(self.scalar.parameters()) if self.name in LEARNED else []
        weights, *slopes = torch.autograd.grad(self.scalar(losses), [losses, *learned])
        with torch.no_grad():
            for parameter, slope in zip(learned, slopes, strict=True):
                parameter -= RATE * slope
        return weights

    def after(self) -> None:
        """Lets FAMO see the losses again."""
        if isinstance(self.scalar, scalarization.FAMO):
            self.scalar.update(self.descent.losses_again().double())


def offered(losses: Callable[[], Tensor]) -> Descent:
    """A run that offers nothing but the losses after a step."""

    def missing(*_: object) -> Tensor:
        raise NotImplementedError

    ledger, draws = Budget(1, 1, 1).ledger, torch.Generator()
    return Descent(ledger, draws, lambda: RATE, missing, missing, missing, losses)  # type: ignore[arg-type]


def rules(name: str, after: Callable[[], Tensor]) -> tuple[Rule, Adapter]:
    """Ours and TorchJD's, both at the beginning of a run."""
    ours, theirs = AGGREGATORS[name].build(), Adapter(name)
    for rule in (ours, theirs):
        rule.begin(offered(after))
    return ours, theirs


def walk(n: int) -> Tensor:
    """Losses of n steps, from 1e-4 to 100."""
    draws = torch.Generator().manual_seed(0)
    return 10 ** (torch.rand(n, 2, generator=draws, dtype=torch.float64) * 6 - 4)


def deviation(name: str, n: int = 200) -> float:
    """The largest difference of weights over the larger of the two."""
    now = iter(walk(2 * n)[n:])
    kept: list[Tensor] = []

    def after() -> Tensor:
        if len(kept) % 2 == 0:
            kept.append(next(now))
        else:
            kept.append(kept[-1])
        return kept[-1]

    ours, theirs = rules(name, after)
    worst = 0.0
    for losses in walk(n):
        found, expected = ours.weigh(losses), theirs.weigh(losses)
        worst = max(worst, float((found - expected).abs().max() / expected.abs().max()))
        ours.after()
        theirs.after()
    return worst


def seconds(rule: Rule, losses: Tensor, calls: int) -> float:
    """CPU seconds per call of weighing and what follows the step."""
    start = time.process_time()
    for _ in range(calls):
        rule.weigh(losses)
        rule.after()
    return (time.process_time() - start) / calls


def nodes(name: str) -> int:
    """How many functions the graph of a scalar has."""
    root = TORCHJDS[name]()(torch.tensor((0.3, 2.0), dtype=torch.float64, requires_grad=True))
    seen, left = set(), [root.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            left.extend(parent for parent, _ in node.next_functions)
    return len(seen)


def by_scalariser(rounds: int, calls: int) -> Table:
    """One row per scalariser."""
    table = Table(title="weighing two losses", title_justify="left")
    table.add_column("scalariser")
    for heading in ("ours, µs", "TorchJD's, µs", "nodes", "deviation"):
        table.add_column(heading, justify="right")
    losses = torch.tensor((0.3, 2.0), dtype=torch.float64)
    for name in TORCHJDS:
        pair = rules(name, lambda: losses)
        for rule in pair:
            seconds(rule, losses, calls)
        times = [[seconds(rule, losses, calls) for rule in pair] for _ in range(rounds)]
        own, other = (1e6 * statistics.median(column) for column in zip(*times, strict=True))
        table.add_row(
            name, f"{own:.0f}", f"{other:.0f}", f"{nodes(name)}", f"{deviation(name):.1e}"
        )
    return table


def step_seconds(
    case: str, name: str, rounds: int, steps: int, data: UnlearningData
) -> tuple[float, float]:
    """Median CPU seconds of a whole step with ours, and the median ratio of TorchJD's to it."""
    torch.manual_seed(0)
    model, budget = CASES[case][0](), Budget(steps * (rounds + 1), BATCH, steps)
    runs = []
    for aggregator in (AGGREGATORS[name].build(), Adapter(name)):
        method = JacobianDescent(aggregator=aggregator, forget_loss=kl_uniform, lr=1e-3)
        draws = torch.Generator().manual_seed(0)
        runs.append(method.run(copy.deepcopy(model), data, replace(budget), draws))
    times: list[list[float]] = []
    for number in range(rounds + 1):
        times.append([0.0, 0.0])
        for which in (0, 1) if number % 2 else (1, 0):
            start = time.process_time()
            next(runs[which])
            times[-1][which] = (time.process_time() - start) / steps
    times = times[1:]  # the first round builds the optimiser's state
    return statistics.median(own for own, _ in times), statistics.median(b / a for a, b in times)


def by_network(rounds: int, names: list[str]) -> Table:
    """One row per network and scalariser."""
    table = Table(title="a step of Jacobian descent", title_justify="left")
    for heading in ("network", "scalariser", "ours, ms", "TorchJD's / ours"):
        table.add_column(heading, justify="right" if "ours" in heading else "left")
    for case, (_, side, channels, steps) in CASES.items():
        data = make_data(side, channels, "cpu")
        for name in names:
            own, ratio = step_seconds(case, name, rounds, steps, data)
            table.add_row(case, name, f"{1e3 * own:.2f}", f"{ratio:.3f}")
    return table


def importing() -> float:
    """CPU seconds that importing TorchJD's scalarisers takes beyond PyTorch."""
    code = (
        "import time, torch; start = time.process_time(); import torchjd.scalarization; "
        "print(time.process_time() - start)"
    )
    found = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3)]  # noqa: S603
    return statistics.median(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--network", action="append", choices=list(TORCHJDS), metavar="NAME")
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console()
    console.print(by_scalariser(options.rounds, options.calls))
    console.print(by_network(options.rounds, options.network or ["stch", "famo"]))
    console.print(f"Importing torchjd.scalarization: {importing():.2f} CPU seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
