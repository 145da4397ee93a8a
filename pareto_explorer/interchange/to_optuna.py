"""A run as a study of Optuna, for Optuna's own plots and analyses."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pareto_explorer.interchange.cells import plain
from pareto_explorer.interchange.exported import Exported
from pareto_explorer.interchange.from_optuna import quiet
from pareto_explorer.runs.manifest import entry_knobs
from pareto_explorer.schema.columns import (
    CONFIG_PREFIX,
    KEY,
    POSITION,
    STD_SUFFIX,
    checkpoint_of,
    config_columns,
    diagnostic_columns,
    metric_columns,
    moved,
    uses_positions,
)
from pareto_explorer.schema.statuses import DIVERGED, FAILED

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

    from pareto_explorer.fronts import Box

__all__ = ["to_optuna"]

_NAMES = ("trial_id", "family", "method", "aggregator", "forget_loss", "step", "samples", "seconds")


def to_optuna(run: Exported) -> optuna.study.Study:
    """Turns a run into an in-memory Optuna study with one trial per checkpoint's replicate mean.

    The values are the objectives in metric units, with their directions. The parameters are the
    knobs that the checkpoint's configuration has, so a knob of some families only is a conditional
    parameter, and with them ``family``, ``step`` and ``position`` where these vary. A trial of the
    run that has no replicate mean, because it failed or diverged, is one failed trial.

    User attributes: ``trial_id``, ``family``, ``method``, ``aggregator``, ``forget_loss``,
    ``step``, ``samples`` and ``seconds``, and ``position`` where the run uses it; the mean of every
    metric that is no objective under its own name; ``spread``, the standard deviation over
    replicates of every metric; ``replicates``, the values of each objective by replicate.

    Some of Optuna's plots leave out every trial that lacks one of their parameters; for several
    families, name parameters that all of them have, such as ``params=["family", "lr", "step"]``.

    Args:
        run: A loaded run, see ``results.load_run``.

    Returns:
        The study; ``study.best_trials`` is the front of replicate means.

    >>> study = to_optuna(load_run("runs/digits"))                # doctest: +SKIP
    >>> optuna.visualization.plot_pareto_front(study)             # doctest: +SKIP
    """
    import optuna  # half a second that only this function needs
    from optuna.study import StudyDirection

    sides = {"min": StudyDirection.MINIMIZE, "max": StudyDirection.MAXIMIZE}
    directions = [sides[objective.direction] for objective in run.box.objectives]
    with quiet(optuna), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(study_name=run.name, directions=directions)
        study.set_metric_names(list(run.box.metrics))
        study.add_trials(list(_trials(run)))
    return study


def _trials(run: Exported) -> Iterator[optuna.trial.FrozenTrial]:
    from optuna.trial import TrialState, create_trial

    means = run.means()
    distributions = _distributions(run)
    metrics = [name for name in metric_columns(run.points) if name not in run.box.metrics]
    metrics += diagnostic_columns(run.points)
    replicates = _by_replicate(run.points, run.box)
    names = (*_NAMES, *[POSITION] * uses_positions(run.points))
    for row in plain(means):
        params = _params(row, distributions)
        measured = [name for name in [*run.box.metrics, *metrics] if row[name] is not None]
        yield create_trial(
            values=[row[metric] for metric in run.box.metrics],
            params=params,
            distributions={name: distributions[name] for name in params},
            user_attrs={
                **{name: row[name] for name in names},
                **{name: row[name] for name in measured if name not in run.box.metrics},
                "spread": {name: row[f"{name}{STD_SUFFIX}"] for name in measured},
                "replicates": replicates[checkpoint_of(row)],
            },
        )
    lost = run.points[~run.points["trial_id"].isin(means["trial_id"])]
    lost = lost[lost["trial_status"].isin([FAILED, DIVERGED])]
    for row in plain(lost.drop_duplicates("trial_id", keep="last")):
        params = _params(row, distributions)
        yield create_trial(
            state=TrialState.FAIL,
            params=params,
            distributions={name: distributions[name] for name in params},
            user_attrs={name: row[name] for name in (*names, "trial_status", "error")},
        )


def _distributions(run: Exported) -> dict[str, BaseDistribution]:
    """One distribution per parameter, wide enough for every value in the run."""
    logarithmic = _logarithmic(run.manifest)
    found = {}
    points = moved(run.points)
    for column in config_columns(points):
        knob = column.removeprefix(CONFIG_PREFIX)
        found[knob] = _distribution(points[column].dropna(), log=knob in logarithmic)
    for name in ("family", "step", POSITION):
        if name not in found and run.points[name].nunique() > 1:
            found[name] = _distribution(run.points[name], log=False)
    return found


def _distribution(values: pd.Series, *, log: bool) -> BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    kind = values.dtype
    number = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
    if not number or not len(values) or not np.isfinite(values.to_numpy(dtype=float)).all():
        return CategoricalDistribution(sorted(set(values.tolist()), key=str) or [None])
    low, high = values.min(), values.max()
    if pd.api.types.is_integer_dtype(kind):
        return IntDistribution(int(low), int(high), log=log and bool(low >= 1))
    return FloatDistribution(float(low), float(high), log=log and bool(low > 0))


def _logarithmic(manifest: Mapping[str, Any]) -> set[str]:
    """The knobs that some family of the specification draws on a logarithmic scale."""
    families = manifest.get("spec", {}).get("families", [])
    return {
        knob
        for family in families
        for knob, domain in entry_knobs(family).items()
        if isinstance(domain, dict) and {"loguniform", "lograndint"} & domain.keys()
    }


def _params(
    row: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]
) -> dict[str, Any]:
    """The parameters that a configuration has; some are identity columns."""
    cells = {name: row.get(f"{CONFIG_PREFIX}{name}", row.get(name)) for name in distributions}
    return {name: value for name, value in cells.items() if value is not None}


def _by_replicate(points: pd.DataFrame, box: Box) -> dict[Any, dict[str, dict[str, float]]]:
    found: dict[Any, dict[str, dict[str, float]]] = {}
    for row in plain(points[[*KEY, *box.metrics]]):
        of_point = found.setdefault(checkpoint_of(row), {m: {} for m in box.metrics})
        for metric in box.metrics:
            of_point[metric][str(row["replicate"])] = row[metric]
    return found
