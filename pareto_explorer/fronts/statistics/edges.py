"""Where a family is best at an end of what was tried, so that the range may be too narrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.domains import KnobDomain
from pareto_explorer.fronts.statistics.configurations import Configurations, configurations
from pareto_explorer.fronts.statistics.cross_fitting import checkpoints
from pareto_explorer.schema.columns import CONFIG_PREFIX
from pareto_explorer.text import listing

__all__ = ["edge_sentences", "knob_edges"]

_COLUMNS = ["family", "knob", "domain", "end", "best", "lost"]
_FEWEST = 4  # configurations
_OUTER = 0.1
_MISSED = 0.05
_NAMED = 2


def knob_edges(
    points: pd.DataFrame, box: Box, domains: Mapping[str, Mapping[str, KnobDomain]]
) -> pd.DataFrame:
    """Finds the knobs whose best values lie at an end of their range.

    A balanced draw puts something near every end, so it takes three things to say so, all in the
    mean over replicates: the configuration with the largest hypervolume of its own lies in the
    outer tenth of the range; without the configurations there, the family loses at least 5 % of its
    hypervolume; and of the others, those in the half nearer to that end reach more together than
    those in the other half. A knob that sweeps the trade-off is needed at both ends, and one that
    does not matter passes the last test in one of two cases. Families with fewer than four
    configurations, choices and unbounded domains are left out.

    Args:
        points: A points table.
        box: The objectives.
        domains: By family and knob.

    Returns:
        One row per family and knob found: ``family``, ``knob``, ``domain`` in words, ``end``
        (``"lower"`` or ``"upper"``), the ``best`` trial, and the share of the hypervolume ``lost``
        without the outer tenth.

    Raises:
        InputError: An objective is no column of the table.
    """
    table = checkpoints(points, box)
    trials = points.drop_duplicates("trial_id").set_index("trial_id")
    rows = []
    for family in sorted(set(points["family"]) & domains.keys()):
        drawn = configurations(table.of(family).where_run())
        if len(drawn.names) < _FEWEST:
            continue
        own = trials.loc[list(drawn.names)]
        for knob, domain in domains[family].items():
            column = f"{CONFIG_PREFIX}{knob}"
            if domain.bounded and column in own and own[column].notna().all():
                places = domain.positions(own[column].to_numpy(np.float64)).mean(axis=1)
                for end, distance in (("lower", places), ("upper", 1.0 - places)):
                    found = _at_the_end(drawn, distance)
                    if found is not None:
                        rows.append((family, knob, str(domain), end, *found))
    return pd.DataFrame(rows, columns=_COLUMNS)


def edge_sentences(edges: pd.DataFrame) -> list[str]:
    """Says what to widen, families with the same edge together.

    Args:
        edges: What ``knob_edges`` gives.
    """
    return [
        f"{knob}: the best of {listing(list(families), _NAMED)} lie at the {end} end of {domain}; "
        "widen it."
        for (knob, domain, end), families in edges.groupby(["knob", "domain", "end"])["family"]
    ]


def _at_the_end(drawn: Configurations, distance: np.ndarray[Any, Any]) -> tuple[str, float] | None:
    """The best trial and what is lost without those near the end; None if it is no edge."""
    outer = distance <= _OUTER
    if not outer.any():
        return None
    near = distance < 0.5
    members = np.vstack(
        [np.eye(len(outer), dtype=bool), np.ones_like(outer), ~outer, near & ~outer, ~near]
    )
    *alone, whole, inner, nearer, farther = drawn.volumes(members).mean(axis=0).tolist()
    best = int(np.argmax(alone))
    if not outer[best] or whole - inner < _MISSED * whole or whole == 0 or nearer <= farther:
        return None
    return drawn.names[best], (whole - inner) / whole
