"""From what the models of an audit say to its tables; nothing is trained and torch not needed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.audits.records import (
    COLUMNS,
    DATA,
    NONE,
    ROLES,
    SAMPLE_COLUMNS,
    SETS,
    TOKENS,
    Arrays,
    Shadow,
    audit_table,
)
from pareto_explorer.audits.statistics import (
    TERCILES,
    Estimate,
    attack_estimate,
    auc,
    beside_floor,
    between_seeds,
    by_role,
    churn,
    effect_sizes,
    equivalent_auc,
    excess_auc,
    forgetting_quality,
    jackknife,
    js_divergence,
    klom,
    memorisation,
    over_splits,
    probe_gain,
    relearn_gain,
    remaining_accuracy,
    remaining_log_probabilities,
    rmia,
    shrunken,
    squared_excess_auc,
    squared_excess_auc_independent,
    swap_advantage,
    swap_advantages,
    terciles,
    threshold_auc,
    u_lira,
    u_lira_accuracy,
    u_lira_by_tercile,
    u_lira_scores,
)
from pareto_explorer.audits.statistics.arrays import Values
from pareto_explorer.audits.statistics.jackknife import estimate
from pareto_explorer.errors import InputError
from pareto_explorer.schema.columns import place

__all__ = ["LEAST", "Point", "samples_table", "statistics_table"]

LEAST = 4
"""Seeds below which no attacker with models of other seeds can be simulated."""

SHARES = frozenset(
    {
        "attack_accuracy",
        "attack_accuracy_shrunken",
        "attack_auc",
        "remaining_accuracy",
        "leak_accuracy",
        "leak_auc",
        "relearn_accuracy",
        "probe_accuracy",
        "churn",
        "rmia_auc",
        "threshold_auc",
        "attack_accuracy_by_memorisation",
        "leak_threshold_auc",
    }
)
"""Statistics that are shares, of answers or of pairs."""

RMIA_A = 0.3
"""How far RMIA's retrained models are taken to be from those that were trained on a sample."""

_NAN = math.nan


class Point(NamedTuple):
    """What is audited: a trial at a step, and a position; `NONE` at step 0 is the original."""

    trial_id: str
    step: int
    position: float = 0.0

    def __str__(self) -> str:
        return f"{self.trial_id}, {place(self.step, self.position)}"

    def shadow(self, seed: int, half: str = "") -> Shadow:
        """Its model of one training seed."""
        if self.trial_id == NONE:
            return Shadow("original", seed, half=half)
        return Shadow("unlearned", seed, self.trial_id, self.step, half, self.position)


@dataclass(frozen=True, eq=False)
class Group:
    """Models of one point and of the landmarks, all of the same seeds in the same order.

    Attributes:
        seeds: The training seeds, N of them.
        original: What the original models say.
        retrained: Likewise.
        unlearned: Likewise.
        halves: Of the seeds that have them, the models that forgot one half of the forget set and
            those that forgot the other.
        data: What the models are asked.
        fresh: Which of the seeds the sweep has not, (N,).
    """

    seeds: tuple[int, ...]
    original: list[Arrays]
    retrained: list[Arrays]
    unlearned: list[Arrays]
    halves: list[tuple[Arrays, Arrays]]
    data: Arrays
    fresh: NDArray[Any]

    def margins(self, of: str) -> tuple[Values, Values]:
        """Those of the unlearned and of the retrained models on a set, (N, F) each."""
        return _stacked(self.unlearned, of), _stacked(self.retrained, of)


class Row(NamedTuple):
    """One value of the table; its bounds are those of the estimate, where it has no other ones."""

    statistic: str
    of: str
    estimate: Estimate
    floor: float = _NAN
    floor_n: int = 0
    role: str = ""
    at: int = -1
    bounds: tuple[float, float] | None = None


Audit = Callable[[Group], Iterator[Row]]


def statistics_table(
    models: Mapping[Shadow, Arrays], own: Collection[int], points: Sequence[Point]
) -> pd.DataFrame:
    """Computes every statistic that the models allow.

    Args:
        models: What the models say, as `Journal` keeps it.
        own: The training seeds of the sweep; configurations were chosen by their models. Others are
            fresh.
        points: What is audited.

    Returns:
        `COLUMNS`; a statistic that needs more models than there are has no row.
    """
    settings = _settings(models)
    rows = []
    for point in points:
        for seeds, wanted in _seeds_of(models, own, point).items():
            group = group_of(models, point, wanted, own)
            for name, audit in AUDIT_OF.items():
                if name in COSTLY and seeds != "all":
                    continue
                started = perf_counter()
                found = list(audit(group))
                seconds = (perf_counter() - started) / max(len(found), 1)
                for row in found:
                    low, high = _interval(row)
                    rows.append(
                        {
                            **point._asdict(),
                            "audit": name,
                            "statistic": row.statistic,
                            "set": row.of,
                            "role": row.role,
                            "at": row.at,
                            "n_models": row.estimate.seeds,
                            "seeds": seeds,
                            "value": row.estimate.value,
                            "se": row.estimate.se,
                            "low": low,
                            "high": high,
                            "floor": row.floor,
                            "floor_n": row.floor_n,
                            "seconds": seconds,
                            "settings": settings,
                        }
                    )
    return audit_table(rows, COLUMNS)


def samples_table(models: Mapping[Shadow, Arrays], points: Sequence[Point]) -> pd.DataFrame:
    """Says of each forgotten sample how far unlearned and retrained models are apart on it.

    Args:
        models: What the models say.
        points: What is audited.

    Returns:
        `SAMPLE_COLUMNS`: ``effect_size`` and ``theta`` as `effect_sizes` and `excess_auc` have
        them, ``memorisation`` and its ``tercile`` as `memorisation` and `terciles`; no pictures.
    """
    rows: list[dict[str, Any]] = []
    for point in points:
        group = group_of(models, point, _complete(models, point))
        if len(group.seeds) < 2:
            continue
        margins = group.margins("forget")
        landmarks = _stacked(group.original, "forget"), margins[1]
        columns = {
            "sample": group.data["forget"],
            "effect_size": effect_sizes(*margins),
            "theta": excess_auc(*margins),
            "memorisation": memorisation(*landmarks),
            "tercile": np.array(TERCILES)[terciles(*landmarks)],
            "label": group.data["forget_labels"],
        }
        fixed = {**point._asdict(), "set": "forget", "picture": ""}
        rows += [
            fixed | dict(zip(columns, values, strict=True))
            for values in zip(*(column.tolist() for column in columns.values()), strict=True)
        ]
    return audit_table(rows, SAMPLE_COLUMNS)


def group_of(
    models: Mapping[Shadow, Arrays], point: Point, seeds: Sequence[int], own: Collection[int] = ()
) -> Group:
    """The models of some seeds, all of which must be there."""
    halves = [
        (first, second)
        for seed in seeds
        if (first := models.get(point.shadow(seed, "first")))
        and (second := models.get(point.shadow(seed, "second")))
    ]
    return Group(
        tuple(seeds),
        [models[Shadow("original", seed)] for seed in seeds],
        [models[Shadow("retrained", seed)] for seed in seeds],
        [models[point.shadow(seed)] for seed in seeds],
        halves,
        models[DATA],
        np.array([seed not in own for seed in seeds]),
    )


def _attack(group: Group) -> Iterator[Row]:
    n = len(group.seeds)
    if n < LEAST:
        return
    for of in SETS:
        u, r = group.margins(of)
        floor, floor_n = _NAN, 0
        if n // 2 >= LEAST:
            among = over_splits(u_lira_accuracy, r)
            floor, floor_n = float(among.mean()), n // 2
            low, high = (float(bound) for bound in np.quantile(among, (0.025, 0.975)))
            retrained = Estimate(floor, float(among.std()), floor_n)
            yield Row("attack_accuracy_retrained", of, retrained, bounds=(low, high))
        yield Row("attack_accuracy", of, _accuracy(u, r), floor, floor_n)
        if of != "forget":
            continue
        own = _over_seeds(lambda a, b: u_lira_accuracy(a, b, shrunken), u, r)
        yield Row("attack_accuracy_shrunken", of, own)
        yield Row("attack_auc", of, _over_seeds(_auc, u, r))
        found = u_lira(u, r).tpr_1pct
        if found is not None:
            yield Row("attack_tpr_1pct", of, Estimate(found, _NAN, n))
        if n > LEAST and min(group.fresh.sum(), n - group.fresh.sum()) >= 2:
            yield Row("selection_optimism", of, jackknife(_optimism, u, r, group.fresh))


def _optimism(u: Values, r: Values, fresh: NDArray[Any]) -> float:
    """By how much easier models of fresh seeds are told than those that chose the model.

    Either kind is judged by an attacker who has all other seeds of both.
    """
    per_seed = u_lira(u, r).per_seed
    return float(per_seed[fresh].mean() - per_seed[~fresh].mean())


def _remaining(group: Group) -> Iterator[Row]:
    if TOKENS in group.data:
        return
    forgotten = np.unique(group.data["forget_labels"])
    whole_class = len(forgotten) == 1 and forgotten[0] not in group.data["retain_labels"]
    if len(group.seeds) < LEAST or not whole_class:
        return
    u, r = (
        remaining_log_probabilities(_stacked(models, "forget_logits"), int(forgotten[0]))
        for models in (group.unlearned, group.retrained)
    )
    yield Row("remaining_accuracy", "forget", _mean(remaining_accuracy(u, r)))


def _excess(group: Group) -> Iterator[Row]:
    n = len(group.seeds)
    if n < LEAST:
        return
    for of in SETS:
        u, r = group.margins(of)
        found, floor = squared_excess_auc(u, r), squared_excess_auc_independent(*_halves(r))
        yield Row("excess_auc2", of, found, floor, n // 2)
        as_auc = Estimate(equivalent_auc(found.value), _NAN, n)
        low, high = (min(equivalent_auc(bound), 1.0) for bound in found.interval())
        bounds = (low, high) if n > LEAST else None
        yield Row("equivalent_auc", of, as_auc, equivalent_auc(floor), n // 2, bounds=bounds)


def _by_memorisation(group: Group) -> Iterator[Row]:
    n = len(group.seeds)
    models = _stacked(group.original, "forget"), *group.margins("forget")
    if n < LEAST or models[0].shape[1] < len(TERCILES):
        return
    found, without = u_lira_by_tercile(*models), np.full((n, len(TERCILES)), _NAN)
    if n > LEAST:
        for seed in range(n):
            o, u, r = (np.delete(values, seed, axis=0) for values in models)
            without[seed] = u_lira_by_tercile(o, u, r)
    for number, tercile in enumerate(TERCILES):
        of_tercile = estimate(found[number], without[:, number])
        yield Row("attack_accuracy_by_memorisation", "forget", of_tercile, role=tercile)


def _leakage(group: Group) -> Iterator[Row]:
    n = len(group.halves)
    if n < LEAST:
        return
    margins = np.array([[half["forget"] for half in pair] for pair in group.halves], np.float64)
    first = np.array([pair[0]["mask"] for pair in group.halves])
    forgotten, never_seen = by_role(margins, first)
    # Under one seed, both models that retraining gives are the same one: the floors are exact.
    accuracy = _accuracy(forgotten, never_seen)
    yield Row("leak_accuracy", "forget", accuracy, 0.5, n)
    area = _over_seeds(_auc, forgotten, never_seen)
    yield Row("leak_auc", "forget", area, 0.5, n)
    areas = [
        (auc(one[mask], one[~mask]) + auc(other[~mask], other[mask])) / 2
        for (one, other), mask in zip(margins, first, strict=True)
    ]
    yield Row("leak_threshold_auc", "forget", _mean(areas), 0.5, n)

    def advantage(x: Values, mask: Values) -> float:
        return swap_advantage(swap_advantages(x, mask))

    yield Row("swap_advantage", "forget", _over_seeds(advantage, margins, first), 0.0, n)


def _relearning(group: Group) -> Iterator[Row]:
    curves = _curves(group, "relearn")
    yield from _of_roles("relearn_accuracy", "forget_heldback", curves, group.data["relearn_at"])
    if curves:
        yield from _gain("relearn_gain", "forget_heldback", relearn_gain, curves)


def _probe(group: Group) -> Iterator[Row]:
    accuracies = _curves(group, "probe")
    yield from _of_roles("probe_accuracy", "forget", accuracies, group.data["probe_at"])
    for position, shots in enumerate(group.data["probe_at"].tolist() if accuracies else ()):
        of_shots = {role: values[:, position] for role, values in accuracies.items()}
        yield from _gain("probe_gain", "forget", probe_gain, of_shots, shots)


def _curves(group: Group, name: str) -> dict[str, Values]:
    """Values of the seeds whose three models have them, (N, T), by role; none below two seeds."""
    roles = zip(ROLES, (group.original, group.retrained, group.unlearned), strict=True)
    models = dict(roles)
    seeds = [i for i in range(len(group.seeds)) if all(name in own[i] for own in models.values())]
    if len(seeds) < 2:
        return {}
    return {role: _stacked([own[i] for i in seeds], name) for role, own in models.items()}


def _of_roles(
    statistic: str, of: str, curves: Mapping[str, Values], at: NDArray[Any]
) -> Iterator[Row]:
    for role, curve in curves.items():
        for position, where in enumerate(at.tolist()):
            yield Row(statistic, of, _mean(curve[:, position]), role=role, at=where)


def _gain(
    statistic: str,
    of: str,
    gain: Callable[..., float],
    roles: Mapping[str, Values],
    at: int = -1,
) -> Iterator[Row]:
    try:
        found = jackknife(gain, *roles.values())
    except InputError:  # retrained models do as well as originals: there is nothing to gain
        return
    yield Row(statistic, of, found, 0.0, found.seeds, at=at)


def _outputs(group: Group) -> Iterator[Row]:
    n = len(group.seeds)
    if n < 2 or TOKENS in group.data:
        return
    for of in SETS:
        u, r = ([own[f"{of}_class"] for own in who] for who in (group.unlearned, group.retrained))
        found = _mean([churn(a, b) for a, b in zip(u, r, strict=True)])
        yield Row("churn", of, found, between_seeds(churn, r), n)
    u, r = ([own["forget_logits"] for own in who] for who in (group.unlearned, group.retrained))
    found = _mean([js_divergence(a, b) for a, b in zip(u, r, strict=True)])
    yield Row("js", "forget", found, between_seeds(js_divergence, r), n)
    errors = _stacked(group.unlearned, "ece"), _stacked(group.retrained, "ece")
    apart = between_seeds(lambda a, b: abs(float(a - b)), list(errors[1]))
    yield Row("ece_gap", "test", _mean(errors[0] - errors[1]), apart, n)
    zrf, aim = _stacked(group.unlearned, "zrf"), _stacked(group.retrained, "zrf")
    yield Row("zrf", "forget", _mean(zrf), float(aim.mean()), n)


def _klom(group: Group) -> Iterator[Row]:
    if len(group.seeds) < LEAST:
        return
    for of in SETS:
        u, r = group.margins(of)
        yield from _beside_retrained("klom", of, _klom_mean, u, r)
        yield from _beside_retrained("klom_p95", of, _klom_p95, u, r)


def _klom_mean(u: Values, r: Values) -> float:
    return float(klom(r, u).mean())


def _klom_p95(u: Values, r: Values) -> float:
    return float(np.quantile(klom(r, u), 0.95))


def _neurips(group: Group) -> Iterator[Row]:
    if len(group.seeds) // 2 < 3:  # F has no points for fewer a side
        return
    yield from _beside_retrained(
        "neurips_f", "forget", forgetting_quality, *group.margins("forget")
    )


def _rmia(group: Group) -> Iterator[Row]:
    if len(group.seeds) < 2:
        return
    forget, test = (group.margins(of) for of in ("forget", "test"))
    found, floor = (
        _mean([_rmia_auc(who, seed, forget, test) for seed in range(len(group.seeds))])
        for who in (0, 1)
    )
    yield Row("rmia_auc", "forget", found, floor.value, len(group.seeds))


def _rmia_auc(
    who: int, seed: int, forget: tuple[Values, Values], test: tuple[Values, Values]
) -> float:
    """How RMIA ranks forgotten above test samples; every other test sample is its population."""

    def scores(target: Values, out: Values) -> Values:
        population = test[who][seed, ::2], np.delete(test[1], seed, 0)[:, ::2]
        return rmia(target, out, *population, a=RMIA_A)

    members = scores(forget[who][seed], np.delete(forget[1], seed, 0))
    others = scores(test[who][seed, 1::2], np.delete(test[1], seed, 0)[:, 1::2])
    return auc(members, others)


def _population(group: Group) -> Iterator[Row]:
    if len(group.seeds) < 2:
        return
    (u, r), (u_test, r_test) = group.margins("forget"), group.margins("test")
    floor = float(threshold_auc(r, r_test).mean())
    yield Row("threshold_auc", "forget", _mean(threshold_auc(u, u_test)), floor, len(group.seeds))


AUDIT_OF: Mapping[str, Audit] = {
    "u_lira": _attack,
    "remaining": _remaining,
    "excess_auc": _excess,
    "memorisation": _by_memorisation,
    "leakage": _leakage,
    "relearning": _relearning,
    "probe": _probe,
    "outputs": _outputs,
    "klom": _klom,
    "neurips": _neurips,
    "rmia": _rmia,
    "population": _population,
}
"""What computes the rows of an audit, in the order of their value."""

COSTLY = frozenset({"remaining", "memorisation", "klom", "neurips", "rmia"})
"""Audits of all seeds together only: few seeds say little by them."""


def _beside_retrained(
    statistic: str, of: str, compute: Callable[[Values, Values], float], u: Values, r: Values
) -> Iterator[Row]:
    """A statistic whose expectation depends on how many models there are."""
    n = len(u) // 2
    found, floor = beside_floor(compute, u, r)
    yield Row(statistic, of, Estimate(found, _NAN, n), floor, n)


def _halves(r: Values) -> tuple[Values, Values]:
    half = len(r) // 2
    return r[:half], r[half : 2 * half]


def _over_seeds(statistic: Callable[..., float], *roles: Values) -> Estimate:
    """The jackknife, where one seed less is still enough."""
    if len(roles[0]) > LEAST:
        return jackknife(statistic, *roles)
    return Estimate(statistic(*roles), _NAN, len(roles[0]))


def _accuracy(u: Values, r: Values) -> Estimate:
    """That of `u_lira`, with a standard error where one seed less is still enough."""
    if len(u) > LEAST:
        return attack_estimate(u, r)
    return Estimate(u_lira_accuracy(u, r), _NAN, len(u))


def _auc(u: Values, r: Values) -> float:
    """That of `u_lira` alone, for the jackknife."""
    return auc(*u_lira_scores(u, r))


def _mean(values: Any) -> Estimate:
    """The mean over seeds and its standard error, which is the jackknife's where seeds stand alone.

    What is fitted to other seeds, as retrained models of RMIA are, is taken as given.
    """
    found = np.asarray(values, dtype=np.float64)
    return Estimate(float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found))), len(found))


def _interval(row: Row) -> tuple[float, float]:
    """Of what lies in [0, 1] by its nature, the part of the interval that does."""
    if row.bounds is not None:
        return row.bounds
    if math.isnan(row.estimate.se):
        return _NAN, _NAN
    low, high = row.estimate.interval()
    return (max(low, 0.0), min(high, 1.0)) if row.statistic in SHARES else (low, high)


def _stacked(models: Sequence[Arrays], name: str) -> Values:
    return np.array([arrays[name] for arrays in models], dtype=np.float64)


def _complete(models: Mapping[Shadow, Arrays], point: Point) -> list[int]:
    """The seeds whose three models are there and have not diverged, ascending."""
    seeds = sorted({shadow.seed for shadow in models if shadow.role == "retrained"})
    return [
        seed
        for seed in seeds
        if all(
            models.get(shadow)
            for shadow in (
                Shadow("original", seed),
                Shadow("retrained", seed),
                point.shadow(seed),
            )
        )
    ]


def _seeds_of(
    models: Mapping[Shadow, Arrays], own: Collection[int], point: Point
) -> dict[str, list[int]]:
    there = _complete(models, point)
    found = {
        "own": [seed for seed in there if seed in own],
        "fresh": [seed for seed in there if seed not in own],
        "all": there,
    }
    return {name: seeds for name, seeds in found.items() if seeds}


def _settings(models: Mapping[Shadow, Arrays]) -> str:
    """A short name of what the numbers depend on beside the models."""
    digest = hashlib.sha256(f"RMIA a={RMIA_A}".encode())
    for name, values in sorted(models[DATA].items()):
        digest.update(f"{name} {values.dtype} {values.shape}".encode() + values.tobytes())
    return digest.hexdigest()[:16]
