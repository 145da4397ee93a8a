"""Does a ranking survive another draw of the configurations?

    python benchmarks/draw_stability.py digits
    python benchmarks/draw_stability.py digits_aggregators

Runs a search space with the search seeds 0 to 4, everything else equal, without Ray and with cached
landmarks: once with every knob of every configuration drawn independently, as earlier versions
did, and once with the balanced draws of today. A contradiction is a pair of families of which one
is declared better under one search seed while the other has the larger mean hypervolume under
another seed. Verdicts that ask the replicates alone stand beside those that ask the draw too.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from pools import box_of, pool_of
from ray import tune
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau

from pareto_explorer.fronts import Box, family_hypervolumes
from pareto_explorer.fronts.statistics.comparison import Comparison, compare_families
from pareto_explorer.sweeps import SweepSpec, TrialPlan
from pareto_explorer.sweeps.spec.domains import Domain

SEEDS = range(5)
GOAL_TAU = 0.8


def independent(plan: TrialPlan, seed: int) -> TrialPlan:
    """The trial with its knobs drawn as earlier versions did: by (seed, index, name) alone."""
    index = int(plan.trial_id[-3:])
    drawn = {
        name: _draw(domain, seed, index, name)
        for name, domain in plan.family.domains.items()
        if domain.drawn
    }
    return replace(plan, knobs={**plan.knobs, **drawn})


def _draw(domain: Domain, *key: int | str) -> Any:
    digest = hashlib.sha256(repr(key).encode()).digest()
    random = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
    if domain.kind == "choice":
        return domain.arguments[int(random.integers(len(domain.arguments)))]
    sampler = tune.randn if domain.kind == "normal" else getattr(tune, domain.kind)
    value = sampler(*domain.arguments).sample(random_state=random)
    return value.item() if isinstance(value, np.generic) else value


def measure(points: pd.DataFrame, box: Box) -> tuple[dict[str, float], list[Comparison]]:
    """Mean hypervolumes by family, and every pair compared."""
    volumes = family_hypervolumes(points, box)
    return {name: volume.mean for name, volume in volumes.items()}, compare_families(volumes)


def contradictions(
    means: Sequence[dict[str, float]], apart: Sequence[Sequence[Comparison]]
) -> list[str]:
    """Each pair that is declared under one seed and reversed under another, once."""
    found = {}
    for seed, comparisons in enumerate(apart):
        for pair in comparisons:
            for other, mean in enumerate(means):
                if mean[pair.ahead] < mean[pair.behind]:
                    words = f"{pair.ahead} over {pair.behind} under {seed}, reversed under {other}"
                    found.setdefault(frozenset((pair.ahead, pair.behind)), words)
    return list(found.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("space", help="a search space in compare mode")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    console = Console(width=140)
    table = Table(title=f"{options.space}, search seeds 0 to 4", title_justify="left")
    headings = ("draws", "verdict asks", "separable pairs", "contradictions", "mean τ", "least τ")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    reversed_pairs, met = [], False
    rankings: dict[str, list[dict[str, float]]] = {}
    for rule in ("independent", "balanced"):
        means, compared = [], []
        for seed in SEEDS:
            spec = SweepSpec.load(options.space, [*options.set, f"search.seed={seed}"])
            plans = spec.plan()
            if rule == "independent":
                plans = [independent(plan, seed) for plan in plans]
            mean, comparisons = measure(pool_of(spec, plans, options.workers), box_of(spec))
            means.append(mean)
            compared.append(comparisons)
        rankings[rule] = means
        taus = [kendalltau(*_paired(a, b)).statistic for a, b in combinations(means, 2)]
        for verdict, key in (("seeds", "holds_in_seeds"), ("seeds and draw", "distinguishable")):
            apart = [[c for c in found if getattr(c, key)] for found in compared]
            against = contradictions(means, apart)
            pairs = fmean(map(len, apart))
            table.add_row(
                rule,
                verdict,
                f"{pairs:.1f} of {len(compared[0])}",
                str(len(against)),
                f"{fmean(taus):.3f}",
                f"{min(taus):.3f}",
            )
            reversed_pairs += [f"{rule}, {verdict}: {words}" for words in against]
        met = not against and fmean(taus) >= GOAL_TAU
    console.print(table)
    console.print(_ranking(rankings))
    for words in reversed_pairs:
        console.print(words)
    console.print(
        f"Goal, balanced draws: 0 contradictions and a mean τ of at least {GOAL_TAU}: "
        f"{'met' if met else 'missed'}."
    )
    return 0 if met else 1


def _paired(first: dict[str, float], second: dict[str, float]) -> tuple[list[float], list[float]]:
    return list(first.values()), [second[name] for name in first]


def _ranking(rankings: dict[str, list[dict[str, float]]]) -> Table:
    """Mean hypervolumes by family and search seed under both rules."""
    table = Table(title="mean hypervolume by search seed", title_justify="left")
    table.add_column("family")
    for rule in rankings:
        for seed in SEEDS:
            table.add_column(f"{rule[:3]}. {seed}", justify="right")
    balanced = rankings["balanced"]
    order = sorted(balanced[0], key=lambda name: -fmean(mean[name] for mean in balanced))
    for name in order:
        values = [mean[name] for means in rankings.values() for mean in means]
        table.add_row(name, *(f"{value:.3f}" for value in values))
    return table


if __name__ == "__main__":
    sys.exit(main())
