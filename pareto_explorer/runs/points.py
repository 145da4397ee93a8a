"""The points table: one row per (trial, replicate, step), complete after a crash and a re-run.

While a sweep runs, every report is one appended line of the journal ``points.jsonl``.
``points.parquet`` is made from it on demand; reading merges the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from pyarrow import ArrowException

from pareto_explorer.errors import InputError
from pareto_explorer.runs.atomic import atomic_path
from pareto_explorer.runs.columns import IDENTITY, KEY, tabulate
from pareto_explorer.runs.journal import (
    Record,
    append_record,
    open_journal,
    read_journal,
    write_journal,
)
from pareto_explorer.runs.manifest import RunDirectory

__all__ = [
    "POINT_STATUSES",
    "PointsWriter",
    "finished_trials",
    "forget_unfinished",
    "read_plans",
    "read_points",
]

POINT_STATUSES = ("ok", "diverged", "failed")
RUNNING = "running"

_OPTIONAL = ("aggregator", "forget_loss", "trial_status", "error")
_REQUIRED = tuple(name for name in IDENTITY if name not in _OPTIONAL)


class PointsWriter:
    """Appends points to a run directory, safely against being killed at any moment.

    One process at a time may write to a run. Opening cuts off a line that a killed process left
    torn. As a context manager, it compacts and closes at the end.

    Args:
        run: The run directory; it must exist.

    Raises:
        InputError: The journal is damaged.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._file = open_journal(run.journal)

    def plan(self, trial_id: str, family: str, knobs: Mapping[str, Any]) -> None:
        """Appends a configuration that was drawn while the sweep runs, before it starts.

        Args:
            trial_id: The trial.
            family: Its family.
            knobs: Its knobs, plain values.
        """
        record = {"trial_id": trial_id, "family": family, "knobs": dict(knobs)}
        append_record(self._file, {"plan": record})

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Appends the rows of one report as one line, so that all or none of them survive.

        A row with the (trial_id, replicate, step) of an earlier one replaces it.

        Args:
            rows: Mappings of column to value: the identity columns, ``config.<knob>``, metrics
                and diagnostics. NaN becomes a missing value.

        Raises:
            ValueError: A row lacks an identity column or has an unknown ``status``.
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
            ValueError: As for ``append``, or the status is ``"running"`` or empty.
        """
        if trial_status in ("", RUNNING):
            raise ValueError(f"trial_status: a finished trial cannot be {trial_status!r}.")
        self._write(rows, {"trial_id": str(trial_id), "trial_status": trial_status, "error": error})

    def compact(self) -> None:
        """Writes ``points.parquet`` atomically from all that is known; the journal stays."""
        _write_parquet(self._run.points, read_points(self._run))

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
        self.close()

    def _write(self, rows: Sequence[Mapping[str, Any]], end: Record | None) -> None:
        for row in rows:
            _check(row)
        record: Record = {"rows": list(rows)} if rows else {}
        if end is not None:
            record["end"] = end
        if record:
            append_record(self._file, record)


def read_points(run: RunDirectory) -> pd.DataFrame:
    """Reads the points table, of a finished or of a running sweep.

    Returns:
        One row per (trial_id, replicate, step), sorted by them; the identity columns, the
        knobs, the metrics and the diagnostics, in this order whatever the rows' order was.
        ``trial_status`` is ``"running"`` until the trial has ended.

    Raises:
        InputError: The run directory does not exist or one of its files is damaged.
    """
    if not run.path.is_dir():
        raise InputError(f"run: {str(run.path)!r} is not a directory; give one that a sweep wrote.")
    compacted, records = _read_both(run)
    if compacted is not None and not records:
        return compacted
    try:
        return _merge(compacted, records)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"points: {str(run.journal)!r} is damaged ({error!r}); restore the file, or run the "
            "sweep into a new directory."
        ) from error


def finished_trials(run: RunDirectory) -> dict[str, str]:
    """Maps each trial that has ended to its ``trial_status``, in the order of the ends.

    Raises:
        InputError: A file of the points table is damaged.
    """
    ends = _ends(*_read_both(run))
    return {trial_id: end["trial_status"] for trial_id, end in ends.items()}


def read_plans(run: RunDirectory) -> list[dict[str, Any]]:
    """Reads the configurations that were drawn while the sweep ran, in the order of the draws.

    Returns:
        Mappings with ``trial_id``, ``family`` and ``knobs``.

    Raises:
        InputError: The journal is damaged.
    """
    return [record["plan"] for record in read_journal(run.journal) if "plan" in record]


def forget_unfinished(run: RunDirectory) -> list[str]:
    """Takes the rows of trials that have not ended out of the files, so that they can run again.

    To be called while no ``PointsWriter`` is open. Killed half-way, it can be called again.

    Returns:
        The trials that were forgotten, sorted.

    Raises:
        InputError: A file of the points table is damaged; nothing is changed then.
    """
    points = read_points(run)
    finished = finished_trials(run)
    unfinished = sorted(set(points["trial_id"]) - finished.keys())
    if unfinished:
        records = read_journal(run.journal)
        for record in records:
            rows = record.get("rows", [])
            record["rows"] = [row for row in rows if row["trial_id"] in finished]
        write_journal(run.journal, [r for r in records if r["rows"] or r.keys() > {"rows"}])
        if run.points.exists():
            _write_parquet(run.points, points[points["trial_id"].isin(list(finished))])
    return unfinished


def _check(row: Mapping[str, Any]) -> None:
    missing = [name for name in _REQUIRED if row.get(name) is None]
    if missing:
        raise ValueError(f"row of trial {row.get('trial_id')!r}: {', '.join(missing)} missing.")
    if row["status"] not in POINT_STATUSES:
        raise ValueError(
            f"row of trial {row['trial_id']!r}: status {row['status']!r} is none of "
            f"{', '.join(POINT_STATUSES)}."
        )


def _merge(compacted: pd.DataFrame | None, records: Sequence[Record]) -> pd.DataFrame:
    rows = {_key(row): row for record in records for row in record.get("rows", [])}
    if compacted is not None:
        keys = zip(*(compacted[name].tolist() for name in KEY), strict=True)
        only_compacted = [key not in rows for key in keys]
        rows |= {_key(row): row for row in _to_rows(compacted[only_compacted])}
    ends = _ends(compacted, records)
    for row in rows.values():
        end = ends.get(row["trial_id"], {"trial_status": RUNNING})
        row["trial_status"] = end["trial_status"]
        row["error"] = row.get("error") or end.get("error")
    return tabulate([rows[key] for key in sorted(rows)], IDENTITY)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _ends(compacted: pd.DataFrame | None, records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    ends = {end["trial_id"]: end for record in records if (end := record.get("end"))}
    if compacted is not None:
        ended = compacted[compacted["trial_status"] != RUNNING]
        for trial_id, status in zip(ended["trial_id"], ended["trial_status"], strict=True):
            ends.setdefault(trial_id, {"trial_status": status})
    return ends


def _read_both(run: RunDirectory) -> tuple[pd.DataFrame | None, list[Record]]:
    return _read_parquet(run.points), read_journal(run.journal)


def _read_parquet(path: Path) -> pd.DataFrame | None:
    try:
        return pd.read_parquet(path).astype(IDENTITY)
    except FileNotFoundError:
        return None
    except (ArrowException, KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"points: {str(path)!r} is damaged; restore the file, or delete it if points.jsonl is "
            "whole: the table is rebuilt from it."
        ) from error


def _write_parquet(path: Path, points: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        points.to_parquet(temporary, index=False)


def _to_rows(points: pd.DataFrame) -> list[dict[str, Any]]:
    plain = points.astype(object).where(points.notna(), None)
    return [dict(zip(plain.columns, row, strict=True)) for row in plain.itertuples(index=False)]
