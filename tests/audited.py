"""Tables of an audit that no model was trained for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.audits.compute import Point, samples_table, statistics_table
from pareto_explorer.audits.records import DATA, NONE
from pareto_explorer.results.audited import Audits
from tests.audits.shadows import FORGET, says, shadows

NAN = float("nan")

VALUES: Mapping[tuple[str, str], tuple[str, float, float, float, float]] = {
    ("attack_accuracy", "forget"): ("u_lira", 0.95, 1.0, 0.005, 0.503),
    ("attack_accuracy", "retain"): ("u_lira", 0.74, 0.8, 0.01, 0.501),
    ("attack_accuracy", "test"): ("u_lira", 0.75, 0.82, 0.01, 0.499),
    ("attack_auc", "forget"): ("u_lira", 0.99, 1.0, 0.004, NAN),
    ("excess_auc2", "forget"): ("excess_auc", 0.23, 0.25, 0.003, 0.0002),
    ("excess_auc2", "test"): ("excess_auc", 0.07, 0.14, 0.003, -0.0001),
    ("equivalent_auc", "forget"): ("excess_auc", 0.98, 1.0, NAN, 0.51),
    ("leak_accuracy", "forget"): ("leakage", 0.87, 0.99, 0.011, 0.5),
    ("swap_advantage", "forget"): ("leakage", 0.4, 0.5, 0.02, 0.0),
    ("relearn_gain", "forget_heldback"): ("relearning", 0.2, 0.98, 0.01, 0.0),
    ("churn", "test"): ("outputs", 0.026, 0.03, 0.002, 0.004),
    ("klom", "forget"): ("klom", 9.6, 10.7, NAN, 7.0),
    ("neurips_f", "forget"): ("neurips", 0.03, 0.0, NAN, 0.17),
}
"""By statistic and set: the audit, the point's value, that of doing nothing, error and floor."""

CURVES = {"original": (0.99, 0.95), "unlearned": (0.05, 0.21), "retrained": (0.0, 0.01)}


def audits_of(
    points: Sequence[tuple[Any, ...]],
    *,
    accuracies: Sequence[float] = (),
    seeds: int = 8,
    change: Mapping[str, Any] | None = None,
) -> Audits:
    """The audits of some points and of doing nothing.

    Args:
        points: Trial and step of each, and position, 0 if it is left out.
        accuracies: The attack accuracy of each on the forget set, in place of 0.95.
        seeds: N.
        change: Columns of the points' rows of attack accuracy on the forget set that are otherwise.
    """
    rows = []
    for number, point in enumerate([*points, ("none", 0)]):
        trial, step, position = Point(*point)
        for (statistic, of), (audit, value, nothing, se, floor) in VALUES.items():
            found = nothing if trial == "none" else value
            main = (statistic, of) == ("attack_accuracy", "forget") and trial != "none"
            if main and accuracies:
                found = accuracies[number]
            row = {
                "trial_id": trial, "step": step, "position": position,
                "audit": audit, "statistic": statistic, "set": of, "role": "", "at": -1,
                "n_models": seeds, "seeds": "all",
                "value": found, "se": se, "low": found - 2 * se, "high": found + 2 * se,
                "floor": floor, "floor_n": seeds // 2, "seconds": 0.1, "settings": "abc",
            }  # fmt: skip
            rows.append(row | (dict(change or {}) if main else {}))
            if main:
                rows.append(rows[-1] | {"seeds": "fresh", "n_models": seeds - 3})
        for role, values in CURVES.items():
            for at, value in zip((0, 60), values, strict=True):
                rows.append(
                    rows[-1] | {
                        "audit": "relearning", "statistic": "relearn_accuracy", "seeds": "all",
                        "set": "forget_heldback", "role": role, "at": at, "value": value,
                        "se": 0.01, "low": value - 0.02, "high": value + 0.02, "floor": NAN,
                    }
                )  # fmt: skip
    return Audits(pd.DataFrame(rows), _samples(points))


def computed_audits(
    points: Sequence[tuple[Any, ...]], *, seeds: int = 10, own: int = 4, shift: float = 1.0
) -> Audits:
    """What an audit computes of drawn models: of the whole forget set, of halves, trained further.

    Args:
        points: Trial and step of each, and position, 0 if it is left out.
        seeds: N.
        own: How many of them are the sweep's.
        shift: By how much unlearned models are surer of forgotten samples than retrained ones.
    """
    draws, models = np.random.default_rng(1), shadows(range(seeds))
    models = {who: said for who, said in models.items() if who.role != "unlearned"}
    models[DATA]["probe_at"] = np.array([5, 20])
    chosen = [Point(*point) for point in points]
    for seed in range(seeds):
        models |= {point.shadow(seed): says(draws, shift) for point in chosen}
        mask = draws.permutation(FORGET) < FORGET // 2
        for half, known in (("first", mask), ("second", ~mask)):
            for point in [*chosen, Point(NONE, 0)]:
                gap = 4.0 if point.trial_id == NONE else shift
                said = (draws.normal(size=FORGET) + gap * known).astype(np.float32)
                models[point.shadow(seed, half)] = {"forget": said, "mask": mask}
    curves = {"original": (0.9, 0.95), "retrained": (0.0, 0.1), "unlearned": (0.1, 0.6)}
    for who, said in models.items():
        if who.role in curves and not who.half and who.seed < 4:
            said["relearn"] = np.array(curves[who.role]) + draws.uniform(0, 0.02, 2)
            said["probe"] = said["relearn"].copy()
    everything = [*chosen, Point(NONE, 0)]
    return Audits(
        statistics_table(models, range(own), everything), samples_table(models, everything)
    )


def _samples(points: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    draws = np.random.default_rng(0)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "trial_id": trial,
                    "step": step,
                    "position": position,
                    "sample": np.arange(40) * 3,
                    "set": "forget",
                    "effect_size": draws.normal(1.0 if trial != "none" else 3.0, 1, 40),
                    "theta": draws.uniform(-0.5, 0.5, 40),
                    "memorisation": draws.uniform(0, 1, 40),
                    "tercile": np.array(["low", "mid", "high"])[np.arange(40) % 3],
                    "picture": "",
                    "label": np.arange(40) % 10,
                }
            )
            for trial, step, position in (Point(*point) for point in [*points, ("none", 0)])
        ],
        ignore_index=True,
    )
