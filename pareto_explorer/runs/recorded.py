"""What a run directory has recorded of its points: the compacted table and the journal's rest.

``points.parquet`` holds, with the table, how far the journal has been taken over into it. So a
reader reads the table and what the journal has beyond that mark. What stands before the mark is
not read again: there the table counts, and a journal whose last 64 KiB before the mark, or whose
length up to it, have changed is read from its beginning and compared with the table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import ArrowException

from pareto_explorer.errors import InputError, brief
from pareto_explorer.runs.agreement import (
    NOT_COMPARED,
    Contradiction,
    Key,
    contradiction,
    is_measured,
    key_of,
)
from pareto_explorer.runs.journal import (
    End,
    Entries,
    Mark,
    Plan,
    checked_end,
    checked_plan,
    read_entries,
)
from pareto_explorer.runs.manifest import RunDirectory
from pareto_explorer.runs.parquet import read_record, read_table, write_table
from pareto_explorer.schema.columns import (
    IDENTITY,
    KEY,
    STRING,
    config_columns,
    plain_values,
    stack,
)
from pareto_explorer.schema.kinds import word
from pareto_explorer.schema.statuses import RUNNING
from pareto_explorer.trust.files import parse_json, require_ordinary

__all__ = [
    "Recorded",
    "compact",
    "compare",
    "journal_end",
    "read_further",
    "read_recorded",
    "without",
]

Row = TypeVar("Row", bound=Any)


@dataclass(frozen=True)
class Recorded:
    """All that a run directory has recorded of its points.

    Attributes:
        points: The points table; see ``points.read_points``.
        ends: The trials that ended, in this order.
        plans: The configurations that were drawn while the sweep ran, in this order.
        mark: How far the journal has been read.
        compacted: Up to which byte of the journal the table in the file reaches.
    """

    points: pd.DataFrame
    ends: dict[str, End]
    plans: dict[str, Plan]
    mark: Mark
    compacted: int = 0

    @property
    def ended(self) -> dict[str, str]:
        """The status of each trial that has ended, in the order of the ends."""
        return {trial_id: end.status for trial_id, end in self.ends.items()}

    @property
    def unfinished(self) -> list[str]:
        """The trials with points that have not ended, sorted."""
        return sorted(set(self.points["trial_id"]) - self.ends.keys())


def read_recorded(run: RunDirectory) -> Recorded:
    """Reads the points table and the journal beyond it, once.

    Raises:
        InputError: The run directory does not exist, one of its files is damaged, or they
            contradict each other.
    """
    if not run.path.is_dir():
        raise InputError(f"run: {str(run.path)!r} is not a directory; give one that a sweep wrote.")
    _require_ordinary(run)
    table = _read_compacted(run)
    if table is None:
        return _merged(run, None, read_entries(run.journal))
    start = table.mark if table.mark.fits(run.journal) else Mark()
    try:
        entries = read_entries(run.journal, start)
    except InputError as error:
        trials = table.points["trial_id"].nunique()
        raise InputError(
            f"{error} Or move points.jsonl away: points.parquet beside it is whole, has "
            f"{len(table.points):,} points of {trials:,} trials, and is then read and continued "
            "alone."
        ) from None
    if start.bytes and entries.mark == start:
        return replace(table, compacted=start.bytes)
    return _merged(run, table, entries, start)


def read_further(run: RunDirectory, known: Recorded | None) -> Recorded:
    """The same as ``read_recorded``, but of the journal only what was not read before.

    Args:
        run: The run directory.
        known: What it had when it was read last; None if it was not.

    Returns:
        All of it; ``known`` itself where nothing was added.

    Raises:
        InputError: As ``read_recorded``.
    """
    _require_ordinary(run)
    if known is None or not known.mark.bytes or not known.mark.fits(run.journal):
        return read_recorded(run)
    entries = read_entries(run.journal, known.mark)
    return known if entries.mark == known.mark else _merged(run, known, entries, known.mark)


def journal_end(run: RunDirectory) -> Recorded:
    """Reads what a writer needs before it appends: the journal's end, but not the table.

    Raises:
        InputError: A file is damaged.
    """
    _require_ordinary(run)
    _, _, mark = _record(run.points)
    start = mark if mark.fits(run.journal) else Mark()
    entries = read_entries(run.journal, start)
    return Recorded(entries.points, entries.ends, entries.plans, entries.mark, start.bytes)


def compact(run: RunDirectory, recorded: Recorded) -> None:
    """Writes ``points.parquet`` atomically; the journal stays.

    Raises:
        OSError: The folder cannot be written.
    """
    record = {
        "journal": recorded.mark._asdict(),
        "ends": [
            {"trial_id": trial_id, "trial_status": end.status, "error": end.error}
            for trial_id, end in recorded.ends.items()
        ],
        "plans": list(recorded.plans.values()),
    }
    write_table(run.points, recorded.points, json.dumps(record).encode())


def compare(first: Row | None, again: Row) -> Row | Contradiction:
    """Which of two rows of a point counts, if they can both be right."""
    if first is None or (is_measured(again) and not is_measured(first)):
        return again
    if not is_measured(again):
        return first
    return contradiction(first, again) or first


def _require_ordinary(run: RunDirectory) -> None:
    for path in (run.points, run.journal):
        require_ordinary(path, f"points: {str(path)!r}")


def _read_compacted(run: RunDirectory) -> Recorded | None:
    path = run.points
    try:
        points = read_table(path, IDENTITY)
    except FileNotFoundError:
        return None
    except InputError as error:
        raise _damaged(path, str(error)) from None
    except (ArrowException, MemoryError, OSError) as error:
        raise _damaged(path, type(error).__name__) from error
    lines = np.zeros(len(points), np.int64)
    points = points[_each_once(points, lines, run)].sort_values(list(KEY), ignore_index=True)
    ends, plans, mark = _record(path)
    _require_configurations(points, lines, plans, run)
    if not ends:  # of a version that did not keep them
        ended = points.loc[points["trial_status"].fillna(RUNNING) != RUNNING]
        once = ended.drop_duplicates("trial_id")
        ends = {row["trial_id"]: End(row["trial_status"]) for row in once.to_dict("records")}
    return Recorded(points, ends, plans, mark)


def _record(path: Path) -> tuple[dict[str, End], dict[str, Plan], Mark]:
    """What goes with the compacted table."""
    try:
        content = read_record(path)
    except (ArrowException, OSError) as error:
        raise _damaged(path, type(error).__name__) from error
    if content is None:
        return {}, {}, Mark()
    try:
        record = parse_json(content.decode(), "its record")
        ends = dict(map(checked_end, record["ends"]))
        plans = {plan["trial_id"]: plan for plan in map(checked_plan, record["plans"])}
        mark = Mark(**record["journal"])
        if not all(type(number) is int and number >= 0 for number in mark[:2]):
            raise TypeError(mark)
    except InputError as error:
        raise _damaged(path, str(error)) from None
    except (KeyError, TypeError, UnicodeDecodeError):
        raise _damaged(path, "its record is none") from None
    return ends, plans, mark


def _merged(
    run: RunDirectory,
    table: Recorded | None,
    entries: Entries,
    start: Mark = Mark(),  # noqa: B008
) -> Recorded:
    """Puts the table and what was read of the journal together.

    The table comes first where it stands for the beginning of the journal; where all of the journal
    was read, that comes first.
    """
    since = entries.points["trial_id"].map(entries.forgotten).fillna(0)
    counts = entries.lines >= since.to_numpy(dtype=np.int64)
    parts = [(_only(entries.points, counts), entries.lines[counts])]
    ends, plans = entries.ends, entries.plans
    if table is not None:
        kept = without(table.points, list(entries.forgotten))
        at = 0 if start.bytes else 1
        parts.insert(at, (kept, np.zeros(len(kept), np.int64)))
        ends = _united(run, table.ends, ends)
        plans = _united(run, table.plans, plans)
    parts = [part for part in parts if len(part[0])] or parts[:1]
    points = stack([part for part, _ in parts])
    lines = np.concatenate([numbers for _, numbers in parts])
    once = _each_once(points, lines, run)
    points, lines = points[once].reset_index(drop=True), lines[once]
    _require_configurations(points, lines, plans, run)
    points = _with_ends(points.sort_values(list(KEY), ignore_index=True), ends)
    return Recorded(points, ends, plans, entries.mark, start.bytes)


def _each_once(
    points: pd.DataFrame, lines: NDArray[np.int64], run: RunDirectory
) -> NDArray[np.bool_]:
    """Marks one row of each point: the first, unless that is a failure and another one is not."""
    once = ~points.duplicated(list(KEY)).to_numpy()
    twins = points.duplicated(list(KEY), keep=False).to_numpy()
    if not twins.any():
        return once
    compared = points.columns.difference([*NOT_COMPARED], sort=False).tolist()
    # Nearly always all are equal to the last bit, so only rows that are not are looked at.
    differ = points[twins].drop_duplicates(compared)
    kept: dict[Key, tuple[int, dict[str, Any]]] = {}
    for position, row in zip(differ.index.tolist(), _to_rows(differ), strict=True):
        before, first = kept.get(key_of(row), (position, None))
        found = compare(first, row)
        if isinstance(found, Contradiction):
            raise InputError(_twice(found, int(lines[before]), int(lines[position]), run))
        kept[key_of(row)] = (position, row) if found is row else (before, found)
    once[twins] = False
    once[[position for position, _ in kept.values()]] = True
    return once


def _twice(found: Contradiction, first: int, again: int, run: RunDirectory) -> str:
    """What to do about a point with two contents, in these lines of the journal; 0: the table."""
    if first and again:
        lines = f"line {first}" if first == again else f"lines {first} and {again}"
        return f"points: {found}; take the wrong one out of {str(run.journal)!r} ({lines})."
    if not (first or again):
        return f"points: {found}; take the wrong one out of {str(run.points)!r}."
    if again:
        return (
            f"points: {found}, the first in points.parquet and the second in line {again} of "
            f"{str(run.journal)!r}; take the second out if the first is right."
        )
    return (
        f"points: {found}, the first in points.jsonl and the second in points.parquet; delete "
        "points.parquet if points.jsonl is right: the table is rebuilt from it."
    )


def without(points: pd.DataFrame, trials: Sequence[str]) -> pd.DataFrame:
    """The table without some trials, and without the columns that only they had."""
    return _only(points, ~points["trial_id"].isin(trials).to_numpy())


def _only(points: pd.DataFrame, rows: NDArray[np.bool_]) -> pd.DataFrame:
    """Some rows of the table, without the columns that only the others had."""
    if rows.all():
        return points
    kept = points[rows].reset_index(drop=True)
    gone = [
        name
        for name in kept.columns.difference([*IDENTITY])
        if kept[name].isna().all() and points[name].notna().any()
    ]
    return kept.drop(columns=gone)


Known = TypeVar("Known", End, Plan)


def _united(
    run: RunDirectory, table: Mapping[str, Known], journal: Mapping[str, Known]
) -> dict[str, Known]:
    """What both know of the trials, if they agree; what the journal has not is the older."""
    for trial_id in filter(journal.__contains__, table):
        first, again = table[trial_id], journal[trial_id]
        if _agreed(first) != _agreed(again):
            raise InputError(
                f"points: points.parquet and points.jsonl in {str(run.path)!r} differ on trial "
                f"{brief(trial_id)} ({brief(first)} and {brief(again)}); delete points.parquet "
                "if points.jsonl is right: the table is rebuilt from it."
            )
    older = {trial_id: known for trial_id, known in table.items() if trial_id not in journal}
    return {**older, **journal}


def _agreed(known: End | Plan) -> object:
    """What must be the same wherever it is told: of an end its status, of a plan all."""
    return known.status if isinstance(known, End) else known


def _require_configurations(
    points: pd.DataFrame, lines: NDArray[np.int64], plans: Mapping[str, Plan], run: RunDirectory
) -> None:
    """Refuses a trial whose rows are of several configurations: some are of another run."""
    trials, names = pd.factorize(points["trial_id"])
    for column in ("family", *config_columns(points)):
        values = points[column]
        present = np.flatnonzero(values.notna())
        codes = pd.factorize(values)[0]  # numbers that are exactly alike
        first = np.full(len(names), -1)
        first[trials[present[::-1]]] = present[::-1]
        other = present[codes[first[trials[present]]] != codes[present]]
        if len(other):
            row = int(other[0])
            one, two = plain_values(values.iloc[[first[trials[row]], row]])
            raise _foreign(run, points["trial_id"].iloc[row], column, one, two, int(lines[row]))
    for row in np.flatnonzero(~points.duplicated("trial_id")).tolist() if plans else ():
        trial, family = str(points["trial_id"].iloc[row]), str(points["family"].iloc[row])
        if trial in plans and plans[trial]["family"] != family:
            raise _foreign(run, trial, "family", plans[trial]["family"], family, int(lines[row]))


def _foreign(
    run: RunDirectory, trial: str, column: str, first: object, again: object, line: int
) -> InputError:
    place = f"line {line} of {str(run.journal)!r}" if line else repr(str(run.points))
    return InputError(
        f"points: trial {brief(trial)} has {brief(first)} and {brief(again)} as {word(column)}, "
        f"the second in {place}; a trial is one configuration, so take out what is of another run."
    )


def _with_ends(points: pd.DataFrame, ends: Mapping[str, End]) -> pd.DataFrame:
    """The table with the status of each trial, and its error in the rows that have none."""
    found = [ends.get(trial_id, End(RUNNING)) for trial_id in points["trial_id"].tolist()]
    errors = [
        error or end.error for error, end in zip(plain_values(points["error"]), found, strict=True)
    ]
    return points.assign(
        trial_status=pd.Series([end.status for end in found], dtype=STRING),
        error=pd.Series(errors, dtype=STRING),
    )


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        f"points: {str(path)!r} is damaged ({reason.rstrip('.')}); restore the file, or delete it "
        "if points.jsonl is whole: the table is rebuilt from it."
    )


def _to_rows(points: pd.DataFrame) -> list[dict[str, Any]]:
    columns = {str(name): plain_values(points[name]) for name in points}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
