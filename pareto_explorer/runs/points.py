"""The points table: one row per (trial, replicate, step), complete after a crash and a re-run.

While a sweep runs, every report is one appended line of the journal ``points.jsonl``.
``points.parquet`` is made from it on demand; reading merges the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import pandas as pd
from pyarrow import ArrowException

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.runs.agreement import (
    NOT_COMPARED,
    Contradiction,
    Key,
    contradiction,
    is_measured,
    key_of,
)
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
    "Settled",
    "finished_trials",
    "forget_unfinished",
    "read_plans",
    "read_points",
]

POINT_STATUSES = ("ok", "diverged", "failed")
RUNNING = "running"

_OPTIONAL = ("aggregator", "forget_loss", "trial_status", "error")
_REQUIRED = tuple(name for name in IDENTITY if name not in _OPTIONAL)


Row = TypeVar("Row", bound=Mapping[str, Any])


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
        self._file = open_journal(run.journal)
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
            ValueError: As for ``append``.
        """
        settled, fresh = Settled([], []), dict[Key, Mapping[str, Any]]()
        for row in rows:
            _check(row)
            key = key_of(row)
            first = fresh.get(key) or self._known(row)
            found = _compare(first, row)
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

        A row that agrees with an earlier one of its (trial_id, replicate, step) is left out; see
        ``settle``.

        Args:
            rows: Mappings of column to value: the identity columns, ``config.<knob>``, metrics
                and diagnostics. NaN becomes a missing value.

        Raises:
            InputError: A row differs from an earlier one of its point.
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
            InputError: As for ``append``.
            ValueError: As for ``append``, or the status is ``"running"`` or empty.
        """
        if trial_status in ("", RUNNING):
            raise ValueError(f"trial_status: a finished trial cannot be {trial_status!r}.")
        self._write(rows, {"trial_id": str(trial_id), "trial_status": trial_status, "error": error})
        self._running.pop(str(trial_id), None)

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

    def _known(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return self._running.get(row["trial_id"], {}).get(key_of(row))


def read_points(run: RunDirectory) -> pd.DataFrame:
    """Reads the points table, of a finished or of a running sweep.

    Returns:
        One row per (trial_id, replicate, step), sorted by them; the identity columns, the
        knobs, the metrics and the diagnostics, in this order whatever the rows' order was.
        ``trial_status`` is ``"running"`` until the trial has ended.

    Raises:
        InputError: The run directory does not exist, one of its files is damaged, or they hold a
            point twice with different content.
    """
    if not run.path.is_dir():
        raise InputError(f"run: {str(run.path)!r} is not a directory; give one that a sweep wrote.")
    compacted, records = _read_both(run)
    if compacted is not None and not records:
        return compacted
    try:
        return _merge(run, compacted, records)
    except InputError:
        raise
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


def _compare(first: Row | None, again: Row) -> Row | Contradiction:
    """Which of two rows of a point counts, if they can both be right."""
    if first is None or (is_measured(again) and not is_measured(first)):
        return again
    if not is_measured(again):
        return first
    return contradiction(first, again) or first


def _each_once(rows: Iterable[Record], file: Path) -> dict[Key, Record]:
    kept: dict[Key, Record] = {}
    for row in rows:
        key = key_of(row)
        found = _compare(kept.get(key), row)
        if isinstance(found, Contradiction):
            raise InputError(f"points: {found}; take the wrong one out of {str(file)!r}.")
        kept[key] = found
    return kept


def _merge(
    run: RunDirectory, compacted: pd.DataFrame | None, records: Sequence[Record]
) -> pd.DataFrame:
    rows = _each_once((row for r in records for row in r.get("rows", [])), run.journal)
    only_compacted = pd.Series(dtype=bool)
    if compacted is not None:
        keys = zip(*(compacted[name].tolist() for name in KEY), strict=True)
        only_compacted = pd.Series([key not in rows for key in keys], dtype=bool)
        rows |= {key_of(row): row for row in _to_rows(compacted[only_compacted])}
    ends = _ends(compacted, records)
    for row in rows.values():
        end = ends.get(row["trial_id"], {"trial_status": RUNNING})
        row["trial_status"] = end["trial_status"]
        row["error"] = row.get("error") or end.get("error")
    points = tabulate([rows[key] for key in sorted(rows)], IDENTITY)
    if compacted is not None:
        _require_agreement(points, compacted[~only_compacted])
    return points


def _require_agreement(points: pd.DataFrame, compacted: pd.DataFrame) -> None:
    """Compares rows of the parquet file with those of the table that are the same points."""
    key = list(KEY)
    of_journal = compacted[key].merge(points, on=key, how="left", validate="one_to_one")
    compared = of_journal.columns.union(compacted.columns, sort=False).difference(
        [*NOT_COMPARED], sort=False
    )
    sides = [t.reset_index(drop=True).reindex(columns=compared) for t in (of_journal, compacted)]
    # Nearly always all are equal to the last bit, so only columns that are not are looked at.
    columns = [name for name in compared if not sides[0][name].equals(sides[1][name])]
    if not columns:
        return
    columns = list(dict.fromkeys((*KEY, "status", *columns)))
    rows = (_to_rows(side[columns]) for side in sides)
    for first, again in zip(*rows, strict=True):
        found = _compare(first, again)
        if isinstance(found, Contradiction):
            raise InputError(
                f"points: {found}, the first in points.jsonl and the second in points.parquet; "
                "delete points.parquet if points.jsonl is right: the table is rebuilt from it."
            )


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
        points = pd.read_parquet(path).astype(IDENTITY)
    except FileNotFoundError:
        return None
    except (ArrowException, KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"points: {str(path)!r} is damaged; restore the file, or delete it if points.jsonl is "
            "whole: the table is rebuilt from it."
        ) from error
    key = list(KEY)
    _each_once(_to_rows(points[points.duplicated(key, keep=False)]), path)
    return points.drop_duplicates(key, ignore_index=True)


def _write_parquet(path: Path, points: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        points.to_parquet(temporary, index=False)


def _to_rows(points: pd.DataFrame) -> list[dict[str, Any]]:
    plain = points.astype(object).where(points.notna(), None)
    return [dict(zip(plain.columns, row, strict=True)) for row in plain.itertuples(index=False)]
