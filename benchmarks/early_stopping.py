"""What early stopping buys: hypervolume reached with the same compute, on digits.

    python benchmarks/early_stopping.py [--pools 5] [--configurations 10] [--share 0.33]

A pool is one sweep of ``search_spaces/digits.yaml`` run to its end without Ray; each pool draws its
own configurations. Then every scheduler, as Ray would call it, replays the pools on a few slots
with trials in the same random orders. Once, all replays end when the same number of samples was
processed, a share of what the whole pool takes: stopping a trial lets another one start, which is
all that it can do. Once, all configurations are replayed: stopping saves compute and may cost
points of a family's front.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pools import box_of, pool_of
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from rich.console import Console
from rich.table import Table

from pareto_explorer.fronts import Box, hypervolume
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.stopping.pareto_asha import ParetoASHA

STEPS, EVERY, GRACE, SLOTS = 60, 10, 10, 4
DEFAULT = "ParetoASHA"
NONE, SINGLE, TOGETHER = "no stopping", "ASHA on the mean objective", "all families together"


def specification(seed: int, configurations: int) -> SweepSpec:
    """The digits space without the family that takes no step, evaluated more often."""
    mapping = SweepSpec.load("digits").to_mapping()
    mapping["families"] = [f for f in mapping["families"] if f["method"] != "none"]
    mapping["budget"] = {"steps": STEPS, "batch_size": 64, "evaluate_every": EVERY}
    mapping["replicates"] = {"training_seeds": [0, 1]}
    mapping["search"] |= {"configurations": configurations, "seed": seed}
    return SweepSpec.from_mapping(mapping)


@dataclass(frozen=True)
class Report:
    """What a trial reports at one evaluation.

    Attributes:
        samples: Passed in all replicates since the report before.
        result: What the scheduler sees.
        points: By replicate, in metric units.
    """

    samples: int
    result: dict[str, Any]
    points: dict[int, list[float]]


@dataclass(frozen=True)
class Curve:
    """A trial that ran to its end, or until a replicate diverged."""

    trial: Any
    reports: list[Report]


def curves_of(pool: pd.DataFrame, box: Box) -> list[Curve]:
    """The trials of a pool, in the order of the plan."""
    n, found = pool["replicate"].nunique(), []
    metrics = list(box.metrics)
    for trial_id, rows in pool.groupby("trial_id", sort=False):
        config = {"trial_id": trial_id, "family": rows["family"].iloc[0]}
        reports, before = [], 0
        for step, group in rows.groupby("step"):
            ok = group[group["status"] == "ok"]
            result: dict[str, Any] = {"step": step}
            if len(ok) == n:
                result |= ok[metrics].mean().to_dict()
                normalised = box.normalise([[result[metric] for metric in metrics]])[0]
                result |= {"mean": float(normalised.mean()), "worst": float(normalised.max())}
            points = dict(zip(ok["replicate"], ok[metrics].to_numpy().tolist(), strict=True))
            reports.append(Report(int(group["samples"].sum()) - before, result, points))
            before = int(group["samples"].sum())
            if len(ok) < n:
                break
        found.append(Curve(SimpleNamespace(trial_id=trial_id, config=config), reports))
    return found


@dataclass
class Replay:
    """What came out of a replay: after each report the samples spent, and the report's trial."""

    spent: list[int]
    reports: list[tuple[Curve, Report]]
    started: int
    stopped: int

    def volume(self, box: Box, until: float = math.inf, family: str | None = None) -> float:
        """Hypervolume of the points that were there after so many samples, mean of replicates."""
        found: dict[int, list[list[float]]] = {0: [], 1: []}
        for spent, (curve, report) in zip(self.spent, self.reports, strict=True):
            if spent <= until and family in (None, curve.trial.config["family"]):
                for replicate, point in report.points.items():
                    found[replicate].append(point)
        return fmean(hypervolume(points, box).value for points in found.values())


def replay(scheduler: TrialScheduler, queue: Sequence[Curve], limit: float) -> Replay:
    """Runs a queue of trials on the slots until as many samples as the limit were processed."""
    waiting = list(queue)[::-1]
    running: list[tuple[int, int, Curve, int]] = []
    out = Replay([], [], 0, 0)
    clock = spent = 0
    while True:
        while waiting and len(running) < SLOTS:
            curve = waiting.pop()
            scheduler.on_trial_add(None, curve.trial)
            heapq.heappush(running, (clock + curve.reports[0].samples, out.started, curve, 0))
            out.started += 1
        if not running:
            return out
        clock, number, curve, index = heapq.heappop(running)
        report = curve.reports[index]
        spent += report.samples
        if spent > limit:
            return out
        out.spent.append(spent)
        out.reports.append((curve, report))
        result = dict(report.result)
        if index + 1 == len(curve.reports):
            scheduler.on_trial_complete(None, curve.trial, result)
        elif scheduler.on_trial_result(None, curve.trial, result) == scheduler.STOP:
            scheduler.on_trial_complete(None, curve.trial, result)
            out.stopped += 1
        else:
            following = curve.reports[index + 1].samples
            heapq.heappush(running, (clock + following, number, curve, index + 1))


def crowding(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Orders a layer by crowding distance (Deb et al., 2002), the loneliest first."""
    distance = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        gaps = np.full(len(points), np.inf)
        gaps[order[1:-1]] = column[order[2:]] - column[order[:-2]]
        distance += gaps
    return np.argsort(-distance, kind="stable")


class Crowding(ParetoASHA):
    """Breaks ties inside a layer in another way."""

    cover = staticmethod(crowding)


def schedulers(box: Box) -> dict[str, Callable[[], TrialScheduler]]:
    """What is compared, by its name in the table."""

    def single(metric: str) -> Callable[[], TrialScheduler]:
        return lambda: ASHAScheduler("step", metric, "min", STEPS, GRACE, 2)

    def pareto(kind: type[ParetoASHA] = ParetoASHA, **options: Any) -> Callable[[], ParetoASHA]:
        return lambda: kind(box, STEPS, GRACE, **options)

    def by_rank_alone(**options: Any) -> Callable[[], ParetoASHA]:
        def make() -> ParetoASHA:
            scheduler = ParetoASHA(box, STEPS, GRACE, **options)
            scheduler.margin = -math.inf  # every point counts as beaten
            return scheduler

        return make

    return {
        NONE: FIFOScheduler,
        SINGLE: single("mean"),
        "ASHA on the worst objective": single("worst"),
        DEFAULT: pareto(),
        "margin 0": pareto(margin=0.0),
        "margin 0.1": pareto(margin=0.1),
        "rank alone": by_rank_alone(),
        "crowding distance": pareto(Crowding),
        "eta 4": pareto(eta=4.0),
        TOGETHER: pareto(by_family=False),
        "all together, margin 0.1": pareto(by_family=False, margin=0.1),
        "all together, rank alone": by_rank_alone(by_family=False),
        "all together, crowding": pareto(Crowding, by_family=False),
    }


MARKS = (0.25, 0.5, 1.0)


def measure(
    curves: list[Curve], box: Box, make: Callable[[], TrialScheduler], share: float, orders: int
) -> dict[str, float]:
    """Replays a pool in several orders; means over them."""
    whole = sum(report.samples for curve in curves for report in curve.reports)
    families = sorted({curve.trial.config["family"] for curve in curves})
    found: list[dict[str, float]] = []
    for seed in range(orders):
        queue = random.Random(seed).sample(curves, len(curves))  # noqa: S311
        limit = share * whole
        short, full = replay(make(), queue, limit), replay(make(), queue, math.inf)
        found.append(
            {
                **{f"at {mark:g}": short.volume(box, mark * limit) for mark in MARKS},
                "started": short.started,
                "exhausted": float(short.spent[-1] < 0.98 * limit),
                "samples": full.spent[-1] / whole,
                "stopped": full.stopped / len(curves),
                "pooled": full.volume(box),
                "families": fmean(full.volume(box, family=name) for name in families),
            }
        )
    return {name: fmean(row[name] for row in found) for name in found[0]}


def spread(values: Sequence[float], digits: int = 4) -> str:
    return f"{fmean(values):.{digits}f} ± {stdev(values):.{digits}f}"


def differences(rows: dict[str, list[dict[str, float]]], name: str, column: str) -> list[float]:
    """Against no stopping, pool by pool."""
    pairs = zip(rows[name], rows[NONE], strict=True)
    return [mine[column] - plain[column] for mine, plain in pairs]


def same_compute(rows: dict[str, list[dict[str, float]]], share: float) -> Table:
    table = Table(title=f"Same compute: {share:.0%} of the samples that a whole pool takes")
    table.add_column("hypervolume at")
    for mark in MARKS:
        table.add_column(f"{mark:.0%} of it", justify="right")
    for heading in ("gain over no stopping", "gain at 50%", "pools better", "trials"):
        table.add_column(heading, justify="right")
    for name, pools in rows.items():
        cells = [spread([pool[f"at {mark:g}"] for pool in pools], 3) for mark in MARKS]
        gain, half = differences(rows, name, "at 1"), differences(rows, name, "at 0.5")
        wins = f"{sum(value > 0 for value in gain)} of {len(gain)}"
        gains = ["", "", ""] if name == NONE else [spread(gain), spread(half), wins]
        started = f"{fmean(pool['started'] for pool in pools):.0f}"
        if any(pool["exhausted"] for pool in pools):
            started += " (all)"
        table.add_row(name, *cells, *gains, started)
    return table


def same_configurations(rows: dict[str, list[dict[str, float]]]) -> Table:
    table = Table(title="Same configurations: the whole pool")
    table.add_column("")
    for heading in ("samples", "trials stopped", "pooled hypervolume", "mean family hypervolume"):
        table.add_column(heading, justify="right")
    for name, pools in rows.items():
        cells = [
            f"{fmean(pool[column] for pool in pools):.0%}" for column in ("samples", "stopped")
        ]
        for column in ("pooled", "families"):
            lost = differences(rows, name, column)
            cells.append(
                f"{fmean(pool[column] for pool in pools):.4f}" if name == NONE else spread(lost)
            )
        table.add_row(name, *cells)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pools", type=int, default=5, help="sweeps, two or more")
    parser.add_argument("--configurations", type=int, default=10, help="per family of a pool")
    parser.add_argument("--share", type=float, default=0.33, help="of a pool's samples")
    parser.add_argument("--orders", type=int, default=15, help="in which a pool is replayed")
    parser.add_argument("--workers", type=int, default=2, help="processes that run the pools")
    options = parser.parse_args()
    console = Console(width=160)
    box = box_of(specification(0, options.configurations))
    pools = []
    for seed in range(options.pools):
        spec = specification(seed, options.configurations)
        pools.append(curves_of(pool_of(spec, spec.plan(), options.workers), box))
        console.print(f"pool {seed}: {len(pools[-1])} trials")
    rows = {
        name: [measure(pool, box, make, options.share, options.orders) for pool in pools]
        for name, make in schedulers(box).items()
    }
    console.print(same_compute(rows, options.share))
    console.print(same_configurations(rows))
    for name in (DEFAULT, TOGETHER, SINGLE):
        gain, lost = differences(rows, name, "at 1"), differences(rows, name, "families")
        console.print(
            f"{name}: {fmean(gain):+.4f} hypervolume with the same compute, more in "
            f"{sum(value > 0 for value in gain)} of {len(gain)} pools; {fmean(lost):+.4f} mean "
            f"family hypervolume for {fmean(pool['samples'] for pool in rows[name]):.0%} of the "
            "samples"
        )
    free = min(differences(rows, DEFAULT, "at 1") + differences(rows, DEFAULT, "families")) >= 0
    console.print(
        f"{DEFAULT} with its defaults "
        + (
            "never loses: it may be on."
            if free
            else "can lose hypervolume: it stays off unless asked for."
        )
    )


if __name__ == "__main__":
    main()
