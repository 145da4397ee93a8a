"""CPU time of one report to ParetoASHA, by how many trials are in its rung.

    python benchmarks/rungs.py [--entries 100 1000 5000]

All families together, so that every report enters one rung. "sorted again" finds the layers of all
points anew at each report and orders the whole layer, as a rung without memory would. Both decide
the same, which is checked. "cloud": points drawn at random, in many small layers; "trade-off":
near a curve, in fewer and larger ones.
"""

from __future__ import annotations

import argparse
import time
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.core.checked import pareto_layers
from pareto_explorer.sweeps.stopping.pareto_asha import ParetoASHA
from pareto_explorer.sweeps.stopping.rung import Rung, farthest_first

METRICS = ("forget_gap", "retain_gap", "cost")
REPORTS = 200  # timed around each number of entries


class Forgetful(Rung):
    """Finds layers and covers anew whenever it is asked."""

    def _insert(self, point: NDArray[np.float64]) -> None:
        self._values = np.column_stack([self._values[:, : self._n], point])
        self._of_line = np.append(self._of_line[: self._n], len(self._rows))
        self._n += 1

    def place(self, corner: Any, cover: Any = farthest_first) -> int:
        """As in `Rung`."""
        self._layers = pareto_layers(self.values)
        return super().place(corner, lambda points: [*cover(points)])


def points_of(kind: str, n: int, objectives: int) -> NDArray[np.float64]:
    """Points in normalised units."""
    rng = np.random.default_rng(0)
    if kind == "cloud":
        return rng.random((n, objectives))
    weights = rng.dirichlet(np.ones(objectives), n)
    return (1 - np.sqrt(weights)) + 0.3 * rng.random((n, 1)) ** 2 + 0.02 * rng.random(weights.shape)


def milliseconds(
    values: NDArray[np.float64], entries: list[int], kind: type[Rung]
) -> tuple[list[float], list[str]]:
    """CPU milliseconds of a report at so many entries, and all decisions."""
    metrics = METRICS[: values.shape[1]]
    asha = ParetoASHA(
        Box(tuple(Objective(metric, "min", 0.0, 1.0) for metric in metrics)),
        max_steps=2,
        grace=1,
        by_family=False,
    )
    asha._rungs["", 1] = kind(len(metrics))
    times, decisions = [], []
    for number, point in enumerate(values.tolist()):
        trial = SimpleNamespace(config={"trial_id": f"t{number}", "family": "any"})
        result = {"step": 1} | dict(zip(metrics, point, strict=True))
        started = time.process_time()
        asha.on_trial_result(None, trial, result)
        times.append(time.process_time() - started)
        decisions.append(asha.reason(f"t{number}"))
    halves = [slice(max(n - REPORTS // 2, 0), n + REPORTS // 2) for n in entries]
    return [1e3 * fmean(times[half]) for half in halves], decisions


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--entries", type=int, nargs="+", default=[100, 1000, 5000])
    options = parser.parse_args()
    table = Table(title="CPU ms of one report", title_justify="left")
    table.add_column("points, objectives", no_wrap=True)
    for n in options.entries:
        table.add_column(f"{n:,} entries", justify="right")
        table.add_column("sorted again", justify="right")
    for kind in ("cloud", "trade-off"):
        for objectives in (2, 3):
            values = points_of(kind, max(options.entries) + REPORTS, objectives)
            ours, decisions = milliseconds(values, options.entries, Rung)
            anew, same = milliseconds(values, options.entries, Forgetful)
            if decisions != same:
                raise SystemExit(f"{kind}, {objectives}: the decisions differ")
            cells = [f"{t:.2f}" for pair in zip(ours, anew, strict=True) for t in pair]
            table.add_row(f"{kind}, {objectives}", *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
