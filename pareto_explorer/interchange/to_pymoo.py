"""A run as a result of pymoo, for pymoo's plots and decision making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pareto_explorer.fronts import objective_values
from pareto_explorer.interchange.cells import plain
from pareto_explorer.interchange.exported import Exported
from pareto_explorer.schema.columns import CONFIG_PREFIX, config_columns

if TYPE_CHECKING:
    from pymoo.core.result import Result

__all__ = ["to_pymoo"]

_NAMES = ("trial_id", "family", "step", "position")


def to_pymoo(run: Exported) -> Result:
    """Turns a run into what pymoo's ``minimize`` would return.

    pymoo minimises everything, so a maximised objective is negated: ``F`` is in metric units with
    such columns times -1. Individuals carry ``trial_id``, ``family``, ``step`` and
    ``position``, as in ``result.opt.get("trial_id")``.

    Args:
        run: A loaded run, see ``results.load_run``.

    Returns:
        ``pop`` holds every replicate mean and ``opt`` the front, n individuals; ``F`` (n, m) and
        ``X`` (n, k) are the front's objectives and knobs. ``X`` is an object array in the order of
        ``data["knobs"]``, with ``None`` for a knob that a configuration does not have.
        ``data["metrics"]`` names the columns of ``F``.
    """
    from pymoo.core.population import Population  # drags half of pymoo along
    from pymoo.core.result import Result

    means = run.means()
    signs = np.array([1.0 if o.direction == "min" else -1.0 for o in run.box.objectives])
    values = objective_values(means, run.box) * signs + 0.0  # no negative zeros
    columns = config_columns(means)
    knobs = np.empty((len(means), len(columns)), dtype=object)
    knobs[:] = [[row[name] for name in columns] for row in plain(means[columns])] or knobs
    names: dict[str, Any] = {name: means[name].to_list() for name in _NAMES}
    result = Result()
    result.pop = Population.new(X=knobs, F=values, **names) if len(means) else Population.empty()
    on_front = means["on_front"].to_numpy(dtype=bool)
    result.opt = result.pop[on_front]
    result.X, result.F = knobs[on_front], values[on_front]
    result.success = bool(on_front.any())
    result.data = {
        "metrics": list(run.box.metrics),
        "knobs": [name.removeprefix(CONFIG_PREFIX) for name in columns],
    }
    return result
