"""Which column of a foreign table is read as what."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pareto_explorer.errors import InputError, bare, brief, unknown
from pareto_explorer.interchange.cells import numbers
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.mapping import TARGETS, ColumnMapping
from pareto_explorer.schema.columns import CONFIG_PREFIX, IDENTITY

__all__ = ["Columns", "resolve"]

_FOREIGN_PREFIX = "config/"  # Ray Tune's spelling
_NAMES_OF_FAMILIES = ("method", "aggregator", "forget_loss")


@dataclass(frozen=True)
class Columns:
    """What became of each column of a foreign table.

    Attributes:
        identity: From a target such as ``"step"`` to the source's columns, several for a family.
        knobs: From a knob to the source's column.
        metrics: From a metric or diagnostic to the source's column.
        ignored: The columns that were read as nothing.
    """

    identity: dict[str, list[str]]
    knobs: dict[str, str]
    metrics: dict[str, str]
    ignored: list[str]


def resolve(table: ForeignTable, mapping: ColumnMapping) -> Columns:
    """Decides for every column; the mapping wins, then what the table knows of itself.

    Every other column whose name begins with ``config.`` or ``config/`` is a knob, and every other
    column of numbers a metric. What is left is ignored, as are numbers under a name of the points
    table that the mapping does not speak of.

    Raises:
        InputError: The mapping names a column that is not there.
    """
    identity = {target: mapping.sources(target) for target in TARGETS if target in mapping.columns}
    defaults = dict(table.defaults)
    if table.one_seed_per_trial and {"replicate", "training_seed"} & identity.keys():
        defaults.pop("trial_id", None)
    taken = {name for names in identity.values() for name in names}
    identity |= {
        target: [name]
        for target, name in defaults.items()
        if target not in identity and name not in taken and name in table.rows.columns
    }
    if "family" not in identity:
        parts = [name for part in _NAMES_OF_FAMILIES for name in identity.get(part, [])]
        identity |= {"family": parts} if parts else {}
    knobs = {
        target.removeprefix(CONFIG_PREFIX): mapping.sources(target)[0]
        for target in mapping.columns
        if target not in TARGETS
    }
    metrics = dict(mapping.metrics)
    _check_there(table, mapping)

    used = {name for names in identity.values() for name in names} | set(mapping.ignore)
    used |= {*knobs.values(), *metrics.values(), *table.ignore}
    used |= {mapping.landmarks.column} if mapping.landmarks else set()
    rest = [name for name in table.rows.columns if name not in used]
    ignored = []
    for name in rest:
        if name.startswith((CONFIG_PREFIX, _FOREIGN_PREFIX)):
            knobs.setdefault(name[len(CONFIG_PREFIX) :], name)
        elif name not in IDENTITY and _holds_numbers(table.rows[name], table):
            metrics.setdefault(name, name)
        else:
            ignored.append(name)
    knobs = {knob: name for knob, name in knobs.items() if table.rows[name].notna().any()}
    return Columns(identity, knobs, metrics, [*mapping.ignore, *ignored])


def require_metric(table: ForeignTable, columns: Columns, field: str, metric: str) -> None:
    """Refuses an objective that is no metric of the table, with the reason.

    Raises:
        InputError: It is not; the message says what the column of that name is.
    """
    if metric in columns.metrics:
        source = columns.metrics[metric]
        if not _holds_numbers(table.rows[source], table):
            raise InputError(f"{field}: {_text_in(table, source)}.")
        return
    if metric in IDENTITY and metric in table.rows.columns:
        raise InputError(
            f"{field}: {metric!r} is a column that every points table has; give the metric a name "
            f"of its own, such as metrics: {{{metric}_rate: {metric}}}."
        )
    if metric in columns.ignored:
        raise InputError(f"{field}: {_text_in(table, metric)}.")
    raise unknown(field, metric, columns.metrics)


def _check_there(table: ForeignTable, mapping: ColumnMapping) -> None:
    named = {f"columns.{bare(target)}": mapping.sources(target) for target in mapping.columns}
    named |= {f"metrics.{bare(metric)}": [source] for metric, source in mapping.metrics.items()}
    named |= {"ignore": mapping.ignore}
    if mapping.landmarks:
        named["landmarks.column"] = [mapping.landmarks.column]
    for field, sources in named.items():
        for source in sources:
            if source not in table.rows.columns:
                choices = [name for name in table.rows.columns if name not in table.ignore]
                raise unknown(f"{field} of {table.source!r}", source, choices)


def _holds_numbers(column: pd.Series, table: ForeignTable) -> bool:
    """Whether some cell is a number, and no other is anything else."""
    try:
        return bool(numbers(column, table).notna().any())
    except InputError:
        return False


def _text_in(table: ForeignTable, column: str) -> str:
    try:
        numbers(table.rows[column], table)
    except InputError as error:
        return str(error).rstrip(".")
    return f"column {brief(column)} of {table.source!r} is empty; name another metric"
