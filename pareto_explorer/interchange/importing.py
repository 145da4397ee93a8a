"""Reading sweeps that were made elsewhere, and keeping them as ordinary run directories."""

from __future__ import annotations

import platform
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from pareto_explorer._version import __version__
from pareto_explorer.errors import InputError, brief
from pareto_explorer.fronts import Box
from pareto_explorer.interchange.assemble import Assembled, assemble
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.from_csv import TABLE_SUFFIXES, is_table, read_table
from pareto_explorer.interchange.from_optuna import JOURNAL_SUFFIXES, is_sqlite, read_optuna
from pareto_explorer.interchange.from_ray_tune import is_ray_tune, read_ray_tune
from pareto_explorer.interchange.mapping import ColumnMapping, frozen_box, load_mapping
from pareto_explorer.interchange.progress import Tell, silent, told
from pareto_explorer.runs import PointsWriter, RunDirectory, write_landmarks, write_manifest
from pareto_explorer.runs.files.storage import is_storage

__all__ = ["ForeignRun", "import_run", "is_foreign", "read_foreign"]

Source = str | PathLike[str]
MappingSource = ColumnMapping | str | PathLike[str] | None


class ForeignRun(NamedTuple):
    """A sweep made elsewhere, in the terms of a run."""

    points: pd.DataFrame
    landmarks: pd.DataFrame
    box: Box
    manifest: dict[str, Any]


def is_foreign(source: Source) -> bool:
    """Whether a source is one that ``read_foreign`` reads: no run directory, and known."""
    path = _path(source)
    if path.is_dir():
        return not RunDirectory(path).sweep_yaml.exists() and is_ray_tune(path)
    return (
        ("://" in str(source) and not is_storage(str(source)))
        or is_table(path)
        or path.suffix in JOURNAL_SUFFIXES
        or is_sqlite(path)
    )


def read_foreign(
    source: Source,
    mapping: MappingSource = None,
    *,
    study: str | None = None,
    tell: Tell = silent,
) -> ForeignRun:
    """Reads a sweep that was made elsewhere.

    Args:
        source: A table (``.csv``, ``.tsv``, ``.parquet``), a Ray Tune experiment directory, or a
            storage of Optuna (an address, an SQLite file or a journal).
        mapping: A ``ColumnMapping`` or the path of a mapping file. Objectives must be declared in
            it, except for Optuna, which knows its own.
        study: Optuna's study, where the storage holds several.
        tell: Called now and then with a line that says how far a long reading is.

    Returns:
        Points, landmarks, box and manifest. The manifest's ``imported`` says where it all comes
        from, which bounds are from the data, and what was not read.

    Raises:
        InputError: Something is missing or does not fit; one sentence names file, column and fix.

    >>> read_foreign("results.csv", "mapping.yaml").box    # doctest: +SKIP
    """
    chosen = load_mapping(mapping)
    table, assembled = _assembled(source, chosen, study, tell)
    return _foreign_run(table, assembled, chosen)


def import_run(
    source: Source,
    out: Source,
    mapping: MappingSource = None,
    *,
    study: str | None = None,
    command: str = "",
    tell: Tell = silent,
) -> RunDirectory:
    """Writes a sweep that was made elsewhere as a run directory, all of it or nothing.

    Args:
        source: See ``read_foreign``.
        out: The run directory to make; it must be absent or empty.
        mapping: See ``read_foreign``.
        study: See ``read_foreign``.
        command: The command line, for the manifest.
        tell: See ``read_foreign``.

    Returns:
        The run directory; reports and everything else work on it, but nothing in it can be run
        again from here.

    Raises:
        InputError: As ``read_foreign``, or ``out`` holds files.
    """
    path = Path(out)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"`out`: {str(path)!r} already holds something; give a new directory.")
    chosen = load_mapping(mapping)
    table, assembled = _assembled(source, chosen, study, tell)
    manifest = _foreign_run(table, assembled, chosen).manifest
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = RunDirectory(path.with_name(f".{path.name}.importing"))
    shutil.rmtree(draft.path, ignore_errors=True)  # what a killed import left
    try:
        write_manifest(draft, manifest | ({"command": command} if command else {}))
        write_landmarks(draft, assembled.landmarks)
        with PointsWriter(draft) as writer:
            trials = [
                (trial_id, list(rows))
                for trial_id, rows in groupby(assembled.rows, key=lambda row: row["trial_id"])
            ]
            for trial_id, of_trial in told(trials, "trials written", tell):
                writer.finish(trial_id, of_trial[0]["trial_status"], rows=of_trial)
        if path.exists():
            path.rmdir()
        draft.path.rename(path)
    finally:
        shutil.rmtree(draft.path, ignore_errors=True)
    return RunDirectory(path)


def _assembled(
    source: Source, mapping: ColumnMapping, study: str | None, tell: Tell
) -> tuple[ForeignTable, Assembled]:
    table = _read(source, mapping, study, tell)
    return table, assemble(table, mapping)


def _read(source: Source, mapping: ColumnMapping, study: str | None, tell: Tell) -> ForeignTable:
    path = _path(source)
    if "://" in str(source) or path.suffix in JOURNAL_SUFFIXES or is_sqlite(path):
        return read_optuna(str(source), study, tell)
    if study is not None:
        raise InputError(f"`study`: {str(path)!r} is no storage of Optuna; leave it out.")
    if path.is_dir():
        return read_ray_tune(path, tell)
    if not path.is_file():
        raise InputError(f"`source`: there is no {str(path)!r}; give a file or a directory.")
    if is_table(path):
        return read_table(path, mapping, tell)
    raise InputError(
        f"`source`: {str(path)!r} is none of the formats that can be read; give a table "
        f"({', '.join(TABLE_SUFFIXES)}), a Ray Tune experiment directory or a storage of Optuna."
    )


def _path(source: Source) -> Path:
    try:
        Path(source).is_file()
    except OSError as error:
        name = brief(str(source))
        raise InputError(f"`source`: {name} cannot be read ({error.strerror}).") from None
    return Path(source)


def _foreign_run(table: ForeignTable, assembled: Assembled, mapping: ColumnMapping) -> ForeignRun:
    points = assembled.points
    box, bounds = frozen_box(points, assembled.objectives, mapping.reference)
    columns = assembled.columns
    imported = {
        "kind": table.kind,
        "source": table.source,
        **table.facts,
        "bounds": bounds,
        **({"replicates": assembled.replicates} if assembled.replicates else {}),
        "not_recorded": assembled.not_recorded,
        "ignored_columns": columns.ignored,
    }
    manifest = {
        "name": mapping.name or table.name,
        "spec": mapping.model_dump(mode="json", exclude_defaults=True),
        "box": box.to_dict(),
        "facts": {
            "source": f"{table.kind} {table.source}",
            "trials": int(points["trial_id"].nunique()),
            "replicates": int(points["replicate"].nunique()),
            "points": len(points),
        },
        "imported": imported,
        "versions": {
            "pareto-explorer": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in ("numpy", "pandas", "pymoo", "moocore")},
        },
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return ForeignRun(points, assembled.landmark_table, box, manifest)
