"""Which knobs explain the objectives and the hypervolume, measured on trials left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.checked import volume
from pareto_explorer.fronts.core.tables import objective_values, replicate_means
from pareto_explorer.fronts.statistics.contributions import exclusive_volumes
from pareto_explorer.fronts.statistics.knobs import knob_name, present, varying_knobs
from pareto_explorer.schema.columns import CONFIG_PREFIX
from pareto_explorer.text import listing

__all__ = ["ImportanceResult", "knob_importance"]

_PLACES = ("step", "position")  # where in its trial a model is
_FEWEST_TRIALS = 20  # of all, and of those that have a knob
_MOST_ROWS = 1500
_MOST_CHECKPOINTS = 10  # of one trial
_REPEATS = 5
_TREES = 100
_EXPLAINS = 0.1  # of the variance of trials left out
_MISSED = 5  # one trial in so many must add to the pooled front
_CONTRIBUTION = "hypervolume contribution"
_NOTHING = (
    "The knobs explain nothing that holds on other trials: less than "
    f"{_EXPLAINS:.0%} of the variance of every target."
)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ImportanceResult:
    """How much each knob explains.

    Attributes:
        table: Columns ``target``, ``knob``, ``importance`` (by how much the explained share of the
            variance falls when the knob's values are shuffled among the trials that have it; the
            mean over shuffles) and ``std`` (over shuffles); most important first within each
            target. Only targets of which the knobs explain at least a tenth are in it.
        r2: For every target the share of its variance that the knobs explain on trials that the
            model has not seen; below 0 where the mean would do better.
        reason: Why there is nothing in the table, in words; empty where there is.
        note: How it was computed: trials, subsample, what the last target is, and which knobs too
            few trials have.
    """

    table: pd.DataFrame
    r2: Mapping[str, float]
    reason: str
    note: str


def knob_importance(
    points: pd.DataFrame, box: Box, *, seed: int = 0, means: pd.DataFrame | None = None
) -> ImportanceResult:
    """Explains the replicate means by their knobs.

    A random forest predicts each target from the knobs (with method, aggregator and forget loss
    where they vary, and the step). Each tree learns from a bootstrap sample of whole trials, and
    only the trees that have not seen a trial predict it, so that R² and permutation importance
    (Breiman, "Random forests", 2001, section 10) say what holds for other trials of the same sweep.
    Knobs that go together share or hide their importance; it is no causal effect.

    A knob that only some families have is shuffled among the trials that have it: moved to others
    it would tell the families apart, and a knob that does nothing would seem to matter. One that
    fewer than 20 of these trials have is left out, and ``note`` names it; each tree leaves a third
    of the trials out to measure it on.

    Targets are the objectives, and "hypervolume contribution": the hypervolume of all replicate
    means that would be lost without the trial. Where fewer than one trial in five would be missed,
    that is almost all zeros; then it is the hypervolume that the trial's means have alone, and
    ``note`` says so. A knob that moves along a path has no value for a trial, and is left out
    there.

    Args:
        points: A points table.
        box: The objectives.
        seed: Of the trees, the shuffles and the subsample.
        means: ``replicate_means(points, box)``, where it is at hand already.

    Raises:
        InputError: An objective is no column of the table.
    """
    means = replicate_means(points, box) if means is None else means
    trials = means["trial_id"].nunique()
    knobs = varying_knobs(means)
    if trials < _FEWEST_TRIALS:
        return _refused(
            f"{trials} trials have points in every replicate; at least {_FEWEST_TRIALS} are needed "
            "to tell which knobs matter."
        )
    if not knobs:
        return _refused("All trials have the same configuration, so that no knob can matter.")
    rng = np.random.default_rng(seed)
    volumes, what = _trial_volumes(means, box)
    rows = _subsample(means["trial_id"], rng)
    sample = means.iloc[rows]
    having = {knob: sample["trial_id"][present(sample[knob])].nunique() for knob in knobs}
    rare = [knob for knob in knobs if having[knob] < _FEWEST_TRIALS]
    knobs = [knob for knob in knobs if knob not in rare]
    if not knobs:
        return _refused(f"No knob that varies is in {_FEWEST_TRIALS} trials or more.")
    places = [name for name in _PLACES if sample[name].nunique() > 1]
    columns = [*knobs, *places]
    features = {column: _feature(sample[column]) for column in columns}
    codes, names = pd.factorize(sample["trial_id"])
    explained = _explained(features, objective_values(sample, box), codes, box.metrics, rng)
    first = np.unique(codes, return_index=True)[1]
    still = (sample.groupby("trial_id")[knobs].nunique(dropna=False) <= 1).all()
    of_trials = {knob: features[knob].at(first) for knob in knobs if still[knob]}
    own = np.array(volumes.loc[names], dtype=np.float64)[:, np.newaxis]
    if of_trials:
        explained += _explained(of_trials, own, np.arange(len(first)), (_CONTRIBUTION,), rng)
    tables = [table for _, r2, table in explained if r2 >= _EXPLAINS]
    return ImportanceResult(
        table=pd.concat(tables, ignore_index=True) if tables else _no_table(),
        r2={target: r2 for target, r2, _ in explained},
        reason="" if tables else _NOTHING,
        note=_note(len(first), trials, len(sample), len(means), what, rare),
    )


def _refused(reason: str) -> ImportanceResult:
    return ImportanceResult(table=_no_table(), r2={}, reason=reason, note="")


def _no_table() -> pd.DataFrame:
    return pd.DataFrame(columns=["target", "knob", "importance", "std"])


def _note(used: int, trials: int, rows: int, means: int, what: str, rare: list[str]) -> str:
    counted = f"{trials:,} trials with {means:,} checkpoints"
    if rows < means:
        counted = f"{used:,} trials with {rows:,} checkpoints, drawn from {counted}"
    names = listing([knob_name(knob) for knob in rare], limit=len(rare))
    left_out = (
        f" Left out, since fewer than {_FEWEST_TRIALS} of these trials have one: {names}."
        if rare
        else ""
    )
    return f"From {counted}; the {_CONTRIBUTION} of a trial is {what}.{left_out}"


def _subsample(trial_ids: pd.Series[str], rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows of as many whole trials as fit; of a long trial only checkpoints at even distances."""
    codes, names = pd.factorize(trial_ids)
    if len(codes) <= _MOST_ROWS:
        return np.arange(len(codes))
    trials = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    thinned = [
        rows[np.unique(np.linspace(0, len(rows) - 1, _MOST_CHECKPOINTS).round().astype(int))]
        for rows in trials
    ]
    drawn = rng.permutation(len(names))
    total = np.cumsum([len(thinned[trial]) for trial in drawn])
    return np.sort(np.concatenate([thinned[trial] for trial in drawn[total <= _MOST_ROWS]]))


def _trial_volumes(means: pd.DataFrame, box: Box) -> tuple[pd.Series[float], str]:
    """A hypervolume for each trial, and what it is."""
    units = box.normalise(objective_values(means, box))
    codes, names = pd.factorize(means["trial_id"])
    lost = exclusive_volumes(units, codes, box.reference, len(names))
    if (lost > 0).sum() * _MISSED >= len(names):
        return pd.Series(lost, names), "what all others together lack without it"
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))[:-1]
    own = [volume(part, box.reference) for part in np.split(units[order], ends)]
    return pd.Series(own, names), (
        "what its own checkpoints dominate (too few trials would be missed by the others)"
    )


class _Feature(NamedTuple):
    """What a forest sees of a column, (n, k), and the rows that are shuffled, (n,)."""

    columns: Matrix
    shuffled: NDArray[np.bool_]

    def at(self, rows: NDArray[np.intp]) -> _Feature:
        """The same of some rows."""
        return _Feature(self.columns[rows], self.shuffled[rows])


def _feature(values: pd.Series[Any]) -> _Feature:
    """Of a knob the rows that have it are shuffled, of anything else all."""
    knob = str(values.name).startswith(CONFIG_PREFIX)
    shuffled = present(values) if knob else np.ones(len(values), dtype=np.bool_)
    return _Feature(_encoded(values), shuffled)


def _encoded(values: pd.Series[Any]) -> Matrix:
    """One column for the ranks of numbers, -1 where missing; one for each word else.

    A tree only asks which of two values is larger; ranks of any numbers, infinite ones too, are
    what its single precision can hold.
    """
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        there = ~np.isnan(numbers)
        ranks = np.full(len(numbers), -1.0)
        ranks[there] = np.unique(numbers[there], return_inverse=True)[1]
        return ranks[:, np.newaxis]
    words = values.where(present(values), "").astype(str).to_numpy()
    return np.equal(words[:, np.newaxis], np.unique(words)).astype(np.float64)


def _explained(
    features: Mapping[str, _Feature],
    values: Matrix,
    trials: NDArray[np.intp],
    targets: Sequence[str],
    rng: np.random.Generator,
) -> list[tuple[str, float, pd.DataFrame]]:
    """For each target its R² on trials left out, and the table of importances.

    The columns of a word are shuffled together, and what a tree predicts for all shuffled copies
    it predicts in one call, which is many times faster than scikit-learn's
    ``permutation_importance``.
    """
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    widths = [feature.columns.shape[1] for feature in features.values()]
    ends = np.cumsum(widths)
    matrix = np.hstack([feature.columns for feature in features.values()], dtype=np.float32)
    shuffled = np.repeat(matrix[np.newaxis], 1 + len(features) * _REPEATS, axis=0)
    copies = iter(shuffled[1:])
    for feature, end, width in zip(features.values(), ends, widths, strict=True):
        rows, part = feature.shuffled, slice(end - width, end)
        for _ in range(_REPEATS):
            next(copies)[rows, part] = rng.permutation(matrix[rows, part])
    residuals = _predicted(matrix, shuffled, scaled, trials, rng) - scaled
    r2 = 1 - (residuals**2).mean(axis=1)  # the values have mean 0 and variance 1
    losses = (r2[0] - r2[1:]).reshape(len(features), _REPEATS, len(targets))
    result = []
    for place, target in enumerate(targets):
        table = pd.DataFrame(
            {
                "target": target,
                "knob": [knob_name(column) for column in features],
                "importance": losses[:, :, place].mean(axis=1),
                "std": losses[:, :, place].std(axis=1, ddof=1),
            }
        ).sort_values("importance", ascending=False, kind="stable")
        result.append((target, float(r2[0, place]) if spread[place] > 0 else 0.0, table))
    return result


def _predicted(
    matrix: NDArray[np.float32],
    copies: NDArray[np.float32],
    goal: Matrix,
    trials: NDArray[np.intp],
    rng: np.random.Generator,
) -> Matrix:
    """Predictions for rows by the trees that have not seen their trials.

    Args:
        matrix: (n, p), what the trees learn from.
        copies: (k, n, p), what they predict from; a row of any copy belongs to the same trial.
        goal: (n, t), what they learn.
        trials: (n,), the trial of each row, from 0.
        rng: Draws the trials and the order in which a tree looks at the knobs.

    Returns:
        (k, n, t)
    """
    from sklearn import config_context  # slow to import
    from sklearn.tree import DecisionTreeRegressor

    n_copies, n_rows, _ = copies.shape
    n_trials = int(trials.max()) + 1
    total, votes = np.zeros((n_copies, n_rows, goal.shape[1])), np.zeros(n_rows)
    with config_context(skip_parameter_validation=True):
        for _ in range(_TREES):
            times = np.bincount(rng.integers(n_trials, size=n_trials), minlength=n_trials)[trials]
            grower = DecisionTreeRegressor(
                min_samples_leaf=2, random_state=int(rng.integers(2**31))
            )
            weights = times.astype(np.float64)
            tree = grower.fit(matrix, goal, sample_weight=weights, check_input=False).tree_
            unseen = np.flatnonzero(times == 0)
            rows = copies[:, unseen].reshape(-1, matrix.shape[1])
            total[:, unseen] += tree.predict(rows).reshape(n_copies, len(unseen), -1)
            votes[unseen] += 1
    return total / votes[:, np.newaxis]
