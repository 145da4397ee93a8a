"""What every reader of foreign sweeps gives: one table under the source's own column names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pareto_explorer.interchange.mapping import ObjectiveColumn

__all__ = ["ForeignTable"]


@dataclass(frozen=True)
class ForeignTable:
    """A sweep as its own tool wrote it.

    Attributes:
        kind: In words, such as ``"CSV file"``.
        source: Path or address, as messages and the manifest show it.
        name: What the sweep is called unless the mapping names it.
        rows: One row per report. Columns that begin with ``config/`` are knobs.
        defaults: From a target of ``mapping.TARGETS`` to the column that holds it, where the
            mapping says nothing else.
        ignore: Columns that are bookkeeping of the tool.
        statuses: From the tool's words for a status to those of the points table.
        objectives: What the tool itself knows of the objectives.
        one_seed_per_trial: Whether the tool has no replicates, so that trials which differ in
            nothing but a mapped seed are replicates of one.
        reports_in_parts: Whether a row without any objective is a report of something else rather
            than a model that went wrong.
        facts: What else the manifest should keep.
        texts: Whether the cells are texts as they are written in a file, so that what they mean
            depends on what the column is.
        decimal: In such texts, what stands between the whole and the rest of a number.
    """

    kind: str
    source: str
    name: str
    rows: pd.DataFrame
    defaults: Mapping[str, str] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    statuses: Mapping[str, str] = field(default_factory=dict)
    objectives: tuple[ObjectiveColumn, ...] = ()
    one_seed_per_trial: bool = False
    reports_in_parts: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    texts: bool = False
    decimal: str = "."
