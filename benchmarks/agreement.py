"""How far two runs of one specification are apart: other machines, other versions.

    python benchmarks/agreement.py RUN1 RUN2

Prints what differs between their versions and machines, the mean hypervolume of every family in
both, how far rows are apart, and whether the runs say the same: the same families in front, tied,
and the same ones clearly behind. Which of tied families has the largest mean is left to chance.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from pareto_explorer import load_run
from pareto_explorer.fronts import standing
from pareto_explorer.fronts.statistics.comparison import judge_families
from pareto_explorer.reports.cards.finding import finding_card
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import Run
from pareto_explorer.schema.columns import KEY


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", nargs=2)
    first, second = (load_run(path) for path in parser.parse_args().runs)
    console = Console(width=140)
    if first.manifest["spec"] != second.manifest["spec"]:
        console.print("The runs have different specifications; nothing was compared.")
        return 2
    for part in ("versions", "machine"):
        for name, one, other in _differing(first.manifest.get(part), second.manifest.get(part)):
            console.print(f"{name}: {one} and {other}", highlight=False)
    volumes = [run.hypervolume() for run in (first, second)]
    table = Table(title="mean hypervolume", title_justify="left")
    for heading in ("family", "first", "second", "difference"):
        table.add_column(heading, justify="left" if heading == "family" else "right")
    apart = {name: volumes[1][name].mean - volumes[0][name].mean for name in volumes[0]}
    for name, difference in sorted(apart.items(), key=lambda item: -volumes[0][item[0]].mean):
        values = (volumes[0][name].mean, volumes[1][name].mean)
        table.add_row(name, *(f"{value:.3f}" for value in values), f"{difference:+.3f}")
    console.print(table)
    console.print(f"largest difference of a hypervolume: {max(map(abs, apart.values())):.3f}")
    for metric, (median, most) in _rows(first, second).items():
        console.print(
            f"{metric} of a point: half differ by at most {median:.2g}, all by {most:.2g}"
        )
    for run in (first, second):
        console.print(finding_card(Material(run)).sentence, highlight=False)
    same = _groups(first) == _groups(second)
    console.print(
        f"{'The same' if same else 'Not the same'} families lead together and are clearly behind."
    )
    return 0


def _groups(run: Run) -> list[frozenset[str]]:
    """The leader with what cannot be told from it, those behind, and those not judged."""
    volumes = run.hypervolume()
    judged = judge_families(volumes, run.points, run.box, run.landmarks, run.domains)
    found = standing(volumes, judged)
    first = (found.leader, *found.tied)
    return [frozenset(group) for group in (first, found.behind, found.ahead, found.undecided)]


def _differing(first: Any, second: Any) -> list[tuple[str, Any, Any]]:
    one, other = first or {}, second or {}
    names = dict.fromkeys([*one, *other])
    return [(n, one.get(n), other.get(n)) for n in names if one.get(n) != other.get(n)]


def _rows(first: Run, second: Run) -> dict[str, tuple[float, float]]:
    """Median and largest absolute difference of each objective between rows of one key."""
    metrics = list(first.box.metrics)
    both = pd.merge(first.points, second.points, on=list(KEY), suffixes=(".first", ".second"))
    found = {}
    for metric in metrics:
        apart = (both[f"{metric}.first"] - both[f"{metric}.second"]).abs()
        found[metric] = float(apart.median()), float(apart.max())
    return found


if __name__ == "__main__":
    sys.exit(main())
