"""Slow twins of ``sweeps.schedulers`` in plain Python, and trials that no model is trained for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pandas as pd
from ray import tune

from pareto_explorer.fronts import Box
from pareto_explorer.fronts.core.checked import pareto_layers
from pareto_explorer.schema.columns import IDENTITY, tabulate
from pareto_explorer.sweeps.stopping.pareto_asha import ParetoASHA
from tests.fronts.twins import Point, front_mask

Report = tuple[str, str, int, Point]
"""Trial, family, step and the objectives in metric units."""


def held(point: Point, corner: Point) -> list[float]:
    """A point beyond the corner counts as lying on it."""
    return [min(x, c) for x, c in zip(point, corner, strict=True)]


def gap(a: Point, b: Point, corner: Point) -> float:
    pairs = zip(held(a, corner), held(b, corner), strict=True)
    return sum((x - y) ** 2 for x, y in pairs)


def cover(points: Sequence[Point], corner: Point) -> list[int]:
    """The best in each objective first, then always the one farthest from those taken.

    Of equals the one that is smaller, then the earlier one.

    Returns:
        The positions of the points in their order.
    """
    left = sorted(range(len(points)), key=lambda i: points[i])
    best = [
        min(left, key=lambda i, axis=axis: held(points[i], corner)[axis])
        for axis in range(len(corner))
    ]
    taken = list(dict.fromkeys(best))
    left = [i for i in left if i not in taken]
    while left:
        nearest = [min(gap(points[i], points[j], corner) for j in taken) for i in left]
        taken.append(left.pop(nearest.index(max(nearest))))
    return taken


def order_of(points: Sequence[Point], corner: Point) -> list[Point]:
    """All points, the best first."""
    left, order = list(points), []
    while left:
        mask = front_mask(left)
        layer = [p for p, on in zip(left, mask, strict=True) if on]
        order += [layer[i] for i in cover(layer, corner)]
        left = [p for p, on in zip(left, mask, strict=True) if not on]
    return order


def place_of_last(lines: Sequence[Sequence[Point]], corner: Point) -> int:
    """How many lines have a point ahead of the best one of the last line, all sorted again."""
    owners = [number for number, line in enumerate(lines) for _ in line]
    points = [tuple(point) for line in lines for point in line]
    layers = pareto_layers(points).tolist()
    last = len(lines) - 1
    layer = min(at for at, owner in zip(layers, owners, strict=True) if owner == last)
    members = [i for i, at in enumerate(layers) if at == layer]
    order = [owners[members[i]] for i in cover([points[i] for i in members], corner)]
    before = {owner for at, owner in zip(layers, owners, strict=True) if at < layer}
    return len(before | set(order[: order.index(last)]))


def decide(
    reports: Iterable[Report], box: Box, levels: Sequence[float], eta: float, margin: float
) -> list[bool]:
    """Whether each report stops its trial, by the definition, everything computed anew."""
    history: list[tuple[str, str, float, list[float]]] = []
    decisions = []
    for trial, family, step, values in reports:
        mine = [
            (v - o.ideal) / (o.nadir - o.ideal) for v, o in zip(values, box.objectives, strict=True)
        ]
        stop = False
        for level in levels:
            earlier = [t for t, _, at, _ in history if at == level]
            if step < level or trial in earlier:
                continue
            history.append((trial, family, level, mine))
            rung = [v for _, f, at, v in history if at == level and f == family]
            beaten = any(
                all(m - o > margin for m, o in zip(mine, other, strict=True)) for other in rung
            )
            order = order_of(rung, box.reference)
            rank = max(i for i, point in enumerate(order) if point == mine)
            if len(rung) >= eta and beaten and rank >= math.ceil(len(rung) / eta):
                stop = True
        decisions.append(stop)
    return decisions


def trial(trial_id: str, family: str = "upgrad/kl_uniform") -> Any:
    """What the scheduler reads of a Ray trial."""
    return SimpleNamespace(
        trial_id=f"ray-{trial_id}", config={"trial_id": trial_id, "family": family, "knobs": {}}
    )


def result_of(box: Box, step: int, values: Sequence[float]) -> dict[str, Any]:
    return {"step": step, "done": False} | dict(zip(box.metrics, values, strict=True))


def replay(scheduler: ParetoASHA, reports: Iterable[Report]) -> list[bool]:
    """Whether each report stops its trial; trials go on reporting all the same."""
    return [
        scheduler.on_trial_result(None, trial(name, family), result_of(scheduler.box, step, values))
        == scheduler.STOP
        for name, family, step, values in reports
    ]


def point_row(
    trial_id: str, family: str, step: int, replicate: int, **columns: Any
) -> dict[str, Any]:
    identity = {
        "trial_id": trial_id,
        "family": family,
        "method": "jacobian_descent",
        "aggregator": "upgrad",
        "forget_loss": "kl_uniform",
        "replicate": replicate,
        "training_seed": replicate,
        "unlearning_seed": 0,
        "step": step,
        "samples": 10 * step,
        "seconds": 0.1 * step,
        "status": "ok",
        "trial_status": "finished",
    }
    return identity | columns


def points_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return tabulate(rows, IDENTITY)


class Rehearsed(tune.Trainable):
    """Reports values given in its configuration, one step at a time."""

    def setup(self, config: dict[str, Any]) -> None:
        self.config = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config = new_config
        return True

    def step(self) -> dict[str, Any]:
        step = self.iteration + 1
        forget, retain = self.config["knobs"]["values"]
        last = step == self.config["knobs"]["steps"]
        measured = {"forget_gap": forget, "retain_gap": retain}
        row = point_row(self.config["trial_id"], self.config["family"], step, 0, **measured)
        return {"step": step, **measured, "rows": [row], "done": last}
