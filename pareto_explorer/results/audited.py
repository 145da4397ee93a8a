"""What audits have found of the points of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from pareto_explorer.runs import RunDirectory
from pareto_explorer.schema.audited import AUDITED, is_nothing
from pareto_explorer.schema.columns import CHECKPOINT, Checkpoint, checkpoints_of, positioned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Audits", "audited_points", "read_audits"]


class Audits(NamedTuple):
    """The two tables of the audits of a run.

    Attributes:
        table: ``audit.parquet``: one row per statistic of a point.
        samples: ``audit/samples.parquet``: one row per forgotten sample of a point.
    """

    table: pd.DataFrame
    samples: pd.DataFrame

    @property
    def points(self) -> list[Checkpoint]:
        """What was audited, doing nothing left out, in the order of the table."""
        return [point for point in checkpoints_of(self.table) if not is_nothing(point)]

    def of_member(self, prefix: str) -> Audits:
        """The same with trials that are called so in several runs together."""
        tables = (self.table, self.samples)
        return Audits(*(part.assign(trial_id=prefix + part["trial_id"]) for part in tables))

    @classmethod
    def together(cls, audits: Sequence[Audits]) -> Audits:
        """The audits of several runs, one or more."""
        return cls(
            pd.concat([each.table for each in audits], ignore_index=True),
            pd.concat([each.samples for each in audits], ignore_index=True),
        )


def read_audits(directory: RunDirectory) -> Audits | None:
    """Reads the audits of a run; None where there was none.

    Raises:
        InputError: A file is damaged.
    """
    if not (directory.path / "audit.parquet").exists():
        return None
    from pareto_explorer.audits.records import read_audit, read_samples

    table, samples = read_audit(directory), read_samples(directory)
    return None if table is None or samples is None else Audits(table, samples)


def audited_points(points: pd.DataFrame, audits: Audits, names: Iterable[str]) -> pd.DataFrame:
    """Adds statistics of audits to a points table, as if they were metrics.

    Args:
        points: A points table.
        audits: The audits of its run.
        names: Some of `AUDITED`.

    Returns:
        The table with a column for each name: of all replicates of an audited point the value of
        all seeds together, NaN where a point was not audited.
    """
    table = audits.table[audits.table["seeds"] == "all"]
    for name in names:
        statistic, of = AUDITED[name]
        rows = table[(table["statistic"] == statistic) & (table["set"] == of)]
        values = positioned(rows).set_index([*CHECKPOINT])["value"]
        keys = pd.MultiIndex.from_frame(positioned(points)[[*CHECKPOINT]])
        points = points.assign(**{name: values.reindex(keys).to_numpy(dtype="float64")})
    return points
