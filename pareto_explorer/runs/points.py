"""The points table: a row per trial, replicate, step and position, complete after a crash.

While a sweep runs, every report is one appended line of the journal ``points.jsonl``.
``points.parquet`` is made from it on demand; reading merges the two, see ``runs.recorded``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, NamedTuple, Self

import pandas as pd

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.runs.agreement import Contradiction, Key, is_measured, key_of
from pareto_explorer.runs.journal import (
    Mark,
    Record,
    append_record,
    as_plain,
    open_journal,
)
from pareto_explorer.runs.manifest import RunDirectory
from pareto_explorer.runs.recorded import (
    Recorded,
    compact,
    compare,
    journal_end,
    read_recorded,
    without,
)
from pareto_explorer.schema.columns import IDENTITY, require_fit
from pareto_explorer.schema.statuses import POINT_STATUSES, RUNNING

__all__ = [
    "POINT_STATUSES",
    "PointsWriter",
    "Settled",
    "finished_trials",
    "forget_unfinished",
    "read_plans",
    "read_points",
]

ROOM = 2**25
"""Bytes of the journal that are not worth compacting while the sweep runs."""


class Settled(NamedTuple):
    """What of a report counts.

    Attributes:
        rows: The rows that count, in the order of the report; for a point that was reported
            before, the earlier row.
        contradictions: Those that do not, as they differ from the earlier row of their point.
    """

    rows: list[Mapping[str, Any]]
    contradictions: list[Contradiction]


class PointsWriter:
    """Appends points to a run directory, safely against being killed at any moment.

    One process at a time may write to a run. Opening cuts off a line that a killed process left
    torn. As a context manager, it compacts and closes at the end.

    A point is never replaced. The rows of the trials that run are kept in memory to see to that;
    rows that an earlier writer wrote are compared on reading.

    Args:
        run: The run directory; it must exist.

    Raises:
        InputError: The journal is damaged.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        journal = journal_end(run)
        self._compacted = journal.compacted
        self._file = open_journal(run.journal, journal.mark.bytes)
        self._running: dict[str, dict[Key, Mapping[str, Any]]] = {}

    def plan(self, trial_id: str, family: str, knobs: Mapping[str, Any]) -> None:
        """Appends a configuration that was drawn while the sweep runs, before it starts.

        Args:
            trial_id: The trial.
            family: Its family.
            knobs: Its knobs, plain values.
        """
        record = {"trial_id": trial_id, "family": family, "knobs": dict(knobs)}
        append_record(self._file, {"plan": record})

    def settle(self, rows: Sequence[Mapping[str, Any]]) -> Settled:
        """Says what of a report counts, before it is appended.

        A trial that has lost its worker repeats its last points. The first report of a point
        counts. One that agrees with it changes nothing, one that does not is a contradiction, and
        a failure gives way to what was measured.

        Raises:
            InputError: A value is missing or does not fit its column.
        """
        settled, fresh = Settled([], []), dict[Key, Mapping[str, Any]]()
        require_fit([as_plain(row) for row in rows], IDENTITY)
        for row in rows:
            key = key_of(row)
            first = fresh.get(key) or self._known(row)
            found = compare(first, row)
            if isinstance(found, Contradiction):
                settled.contradictions.append(found)
            elif found is row:
                fresh[key] = row
                settled.rows.append(row)
            elif is_measured(row):
                settled.rows.append(found)
        return settled

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Appends the rows of one report as one line, so that all or none of them survive.

        A row that agrees with an earlier one of its point is left out; see
        ``settle``.

        Args:
            rows: Mappings of column to value: the identity columns, ``config.<knob>``, metrics
                and diagnostics. NaN becomes a missing value.

        Raises:
            InputError: A row differs from an earlier one of its point, or a value is missing or
                does not fit its column.
        """
        self._write(rows, None)

    def finish(
        self,
        trial_id: str,
        trial_status: str,
        error: str | None = None,
        rows: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Appends the end of a trial; from here on it counts as finished.

        Args:
            trial_id: The trial.
            trial_status: How it ended; any word but ``"running"``.
            error: What went wrong; shown in all rows of the trial that have no error of their own.
            rows: Last rows, written in the same line: a trial that failed before its first report
                is only visible in the table if it leaves a row here.

        Raises:
            InputError: As for ``append``.
            ValueError: The status is ``"running"`` or empty.
        """
        if trial_status in ("", RUNNING):
            raise ValueError(f"trial_status: a finished trial cannot be {trial_status!r}.")
        self._write(rows, {"trial_id": str(trial_id), "trial_status": trial_status, "error": error})
        self._running.pop(str(trial_id), None)

    def compact(self) -> None:
        """Writes ``points.parquet`` atomically from all that is known; the journal stays."""
        recorded = read_recorded(self._run)
        compact(self._run, recorded)
        self._compacted = recorded.mark.bytes

    def close(self) -> None:
        """Compacts and closes the journal; closing again does nothing."""
        if not self._file.closed:
            self._file.close()
            self.compact()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, WriteError):  # nor can the table; it is made anew from the journal
            self._file.close()
        else:
            self.close()

    def _write(self, rows: Sequence[Mapping[str, Any]], end: Record | None) -> None:
        settled = self.settle(rows)
        for found in settled.contradictions:
            raise InputError(f"{found}; report a point once.")
        fresh = {key_of(row): row for row in settled.rows if row is not self._known(row)}
        record: Record = {"rows": list(fresh.values())} if fresh else {}
        if end is not None:
            record["end"] = end
        if record:
            append_record(self._file, record)
        for key, row in fresh.items():
            self._running.setdefault(row["trial_id"], {})[key] = row
        # The journal has doubled since it was compacted: so all compacting takes linear time.
        if self._file.tell() - self._compacted > max(self._compacted, ROOM):
            self.compact()

    def _known(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return self._running.get(row["trial_id"], {}).get(key_of(row))


def read_points(run: RunDirectory) -> pd.DataFrame:
    """Reads the points table, of a finished or of a running sweep.

    Returns:
        One row per (trial_id, replicate, step, position), sorted by them; the identity columns,
        the knobs, the metrics and the diagnostics, in this order whatever the rows' order was.
        ``trial_status`` is ``"running"`` until the trial has ended.

    Raises:
        InputError: The run directory does not exist, one of its files is damaged, or they hold a
            point twice with different content.
    """
    return read_recorded(run).points


def finished_trials(run: RunDirectory) -> dict[str, str]:
    """Maps each trial that has ended to its ``trial_status``, in the order of the ends.

    Raises:
        InputError: A file of the points table is damaged.
    """
    return read_recorded(run).ended


def read_plans(run: RunDirectory) -> list[dict[str, Any]]:
    """Reads the configurations that were drawn while the sweep ran, in the order of the draws.

    Returns:
        Mappings with ``trial_id``, ``family`` and ``knobs``.

    Raises:
        InputError: A file of the points table is damaged.
    """
    return list(read_recorded(run).plans.values())


def forget_unfinished(run: RunDirectory) -> Recorded:
    """Reads what is recorded, and takes out the rows of trials that have not ended.

    So they can run again. To be called while no ``PointsWriter`` is open. Killed half-way, it can
    be called again. What the journal has beyond the compacted table is compacted.

    Returns:
        What there is without them.

    Raises:
        InputError: A file of the points table is damaged; nothing is changed then.
    """
    recorded = read_recorded(run)
    unfinished = recorded.unfinished
    if unfinished:
        with open_journal(run.journal, recorded.mark.bytes) as file:
            append_record(file, {"forget": unfinished})
            mark = Mark.at(file, file.tell(), recorded.mark.lines + 1)
        recorded = replace(recorded, points=without(recorded.points, unfinished), mark=mark)
    if recorded.mark.bytes > recorded.compacted:
        compact(run, recorded)
    return recorded
