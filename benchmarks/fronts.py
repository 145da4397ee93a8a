"""Seconds that fronts of 100,000 points take, with two and three objectives.

The points are those of a sweep: 8 families, 5 replicates, checkpoints along each trial. "noisy"
scatters them, so that few are on a front; "curved" puts every trial near one concave front, where
thousands are. Each step starts from the table of points, as the report does. optuna and pymoo get
the same points in the same run, for the two things that they compute too.

    python benchmarks/fronts.py
    python benchmarks/fronts.py --points 1000000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Literal

import numpy as np
import pandas as pd
from optuna._hypervolume import compute_hypervolume
from optuna.study._multi_objective import _is_pareto_front
from pymoo.indicators.hv import HV
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting
from rich.console import Console
from rich.table import Table

from pareto_explorer.figures.front_info import front_info
from pareto_explorer.fronts import (
    Box,
    Objective,
    compare_families,
    family_hypervolumes,
    front,
    hypervolume,
    non_dominated,
    pooled_hypervolume,
    replicate_means,
)
from pareto_explorer.fronts.statistics.anytime import anytime_curves, common_grid
from pareto_explorer.fronts.statistics.attainment import attainment_difference, family_attainment
from pareto_explorer.fronts.statistics.expected import expected_hypervolume

GOAL = 5.0  # seconds for one case, all steps together
FAMILIES, REPLICATES, STEPS = 8, 5, 10
OPTUNA_3D = 2_000  # points with three objectives; its time grows faster than their square


def sweep_points(n: int, m: int, kind: str, seed: int = 0) -> pd.DataFrame:
    """A points table of about n rows; minimised objectives, mostly inside the unit box."""
    rng = np.random.default_rng(seed)
    trials = n // (REPLICATES * STEPS)
    cells = np.meshgrid(np.arange(trials), np.arange(REPLICATES), np.arange(STEPS), indexing="ij")
    trial, replicate, step = (cell.ravel() for cell in cells)
    directions = np.abs(rng.normal(size=(trials, m)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    if kind == "noisy":
        strength = 0.5 + 0.4 * rng.random(trials)[trial] * (step + 1) / STEPS
        values = 1 - directions[trial] * strength[:, np.newaxis]
        values += 0.02 * rng.normal(size=values.shape)
    else:
        values = 1 - directions[trial] * (1 - 1e-4 * rng.random((len(trial), 1)))
    family = trial % FAMILIES
    table = pd.DataFrame(
        {
            "trial_id": np.array([f"t-{number:05d}" for number in range(trials)])[trial],
            "family": np.array([f"family {number}" for number in range(FAMILIES)])[family],
            "method": "jacobian_descent",
            "aggregator": np.array([f"aggregator {number}" for number in range(FAMILIES)])[family],
            "forget_loss": "kl_uniform",
            "replicate": replicate,
            "training_seed": replicate,
            "unlearning_seed": 0,
            "step": 20 * (step + 1),
            "samples": 2560 * (step + 1),
            "seconds": 0.1 * (step + 1) * rng.uniform(0.9, 1.1, len(trial)),
            "status": "ok",
            "trial_status": "finished",
            "error": pd.Series([None] * len(trial), dtype=object),
            "config.lr": rng.random(trials)[trial],
        }
    )
    for name, column in [*zip(metrics(m), values.T, strict=True)]:
        table[name] = column
    for name in ("test_accuracy", "validation_accuracy", "retain_accuracy", "cosine", "hardness"):
        table[name] = rng.random(len(trial))
    return table


def metrics(m: int) -> list[str]:
    return [f"gap_{index}" for index in range(m)]


def unit_box(m: int) -> Box:
    return Box(tuple(Objective(name, "min", 0.0, 1.0) for name in metrics(m)))


def steps(m: int) -> dict[str, Callable[[pd.DataFrame, Box], object]]:
    """What a report computes, from the table of points each."""

    def anytime(points: pd.DataFrame, box: Box) -> object:
        axes: tuple[Literal["seconds", "samples"], ...] = ("seconds", "samples")
        return [common_grid(anytime_curves(points, box, axis)) for axis in axes]

    def hypervolumes(points: pd.DataFrame, box: Box) -> object:
        return compare_families(family_hypervolumes(points, box)), pooled_hypervolume(points, box)

    def report_data(points: pd.DataFrame, box: Box) -> object:
        ends = {name: [1.0, 0.0] for name in box.metrics}
        landmarks = pd.DataFrame(
            {"landmark": ["original", "retrained"], "replicate": 0, "training_seed": 0, **ends}
        )
        return replicate_means(points, box), front_info(points, landmarks, box)

    found: dict[str, Callable[[pd.DataFrame, Box], object]] = {
        "front of the replicate means": front,
        "hypervolumes, half-samples, comparisons": hypervolumes,
        "expected hypervolume of k configurations": expected_hypervolume,
        "attainment surfaces": family_attainment,
        "anytime curves, two axes": anytime,
        "report data": report_data,
    }
    if m == 2:
        found["attainment difference of two families"] = lambda points, box: attainment_difference(
            points, box, "family 0", "family 1"
        )
    return found


def seconds(work: Callable[[], object], rounds: int) -> tuple[float, object]:
    """The shortest of several times, and the result."""
    spent = []
    for _ in range(rounds):
        started = perf_counter()
        result = work()
        spent.append(perf_counter() - started)
    return min(spent), result


def run_case(points: pd.DataFrame, m: int, kind: str, rounds: int, console: Console) -> bool:
    """Times all steps of one case and prints them; says whether the goal was met."""
    box = unit_box(m)
    table = Table(title=f"{m} objectives, {kind}, {len(points):,} points", title_justify="left")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    total = 0.0
    for name, work in steps(m).items():
        spent, _ = seconds(lambda work=work: work(points, box), rounds)  # type: ignore[misc]
        total += spent
        table.add_row(name, f"{spent:.3f}")
    met = total <= GOAL
    table.add_row(f"together ({'met' if met else 'missed'}: at most {GOAL:g})", f"{total:.3f}")
    console.print(table)
    return met


def compare(points: pd.DataFrame, m: int, kind: str, rounds: int, console: Console) -> None:
    """Times the mask of non-dominated points and the hypervolume beside optuna and pymoo."""
    box = unit_box(m)
    values = points[metrics(m)].to_numpy()
    reference = np.array(box.reference)
    inside = values[(values < reference).all(axis=1)]
    table = Table(title=f"{m} objectives, {kind}, side by side", title_justify="left")
    for heading in ("", "points", "non-dominated, seconds", "hypervolume, seconds"):
        table.add_column(heading, justify="right" if heading else "left")
    few = min(OPTUNA_3D, len(inside)) if m == 3 else len(inside)
    rows: dict[str, tuple[int, Callable[[], object], Callable[[], object]]] = {
        "pareto-explorer": (
            len(inside),
            lambda: non_dominated(inside).sum(),
            lambda: hypervolume(inside, box).value,
        ),
        "pymoo": (
            len(inside),
            lambda: len(NonDominatedSorting().do(inside, only_non_dominated_front=True)),
            lambda: HV(ref_point=reference)(inside),
        ),
        "optuna": (
            few,
            lambda: _is_pareto_front(inside[:few], assume_unique_lexsorted=False).sum(),
            lambda: compute_hypervolume(inside[:few], reference),
        ),
    }
    if few < len(inside):
        rows["pareto-explorer, as many"] = (
            few,
            lambda: non_dominated(inside[:few]).sum(),
            lambda: hypervolume(inside[:few], box).value,
        )
    found: dict[int, list[tuple[float, ...]]] = {}
    for name, (n, mask, volume) in rows.items():
        (first, count), (second, value) = seconds(mask, rounds), seconds(volume, rounds)
        table.add_row(name, f"{n:,}", f"{first:.3f}", f"{second:.3f}")
        found.setdefault(n, []).append((float(count), float(value)))  # type: ignore[arg-type]
    console.print(table)
    for results in found.values():
        assert np.allclose(results, results[0], rtol=1e-9), "the libraries disagree"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many times")
    options = parser.parse_args()
    console = Console()
    met = []
    for m in (2, 3):
        for kind in ("noisy", "curved"):
            points = sweep_points(options.points, m, kind)
            met.append(run_case(points, m, kind, options.rounds, console))
            compare(points, m, kind, options.rounds, console)
    console.print(f"Goal, at most {GOAL:g} s for each case: {'met' if all(met) else 'missed'}.")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
