"""Reading a table that some other tool wrote: CSV, TSV or Parquet."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
from pyarrow import ArrowException

from pareto_explorer.errors import InputError
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.mapping import TARGETS, ColumnMapping
from pareto_explorer.runs.columns import STD_SUFFIX

__all__ = ["TABLE_SUFFIXES", "read_table"]

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
_MARKS = ("trial_status", "on_front", "on_family_front", "beyond_box")  # of our own tables


def read_table(path: Path, mapping: ColumnMapping) -> ForeignTable:
    """Reads a table; columns that already have the points table's names need no mapping.

    Args:
        path: A ``.csv`` (separated by ``mapping.separator``), ``.tsv`` or ``.parquet`` file.
        mapping: Its separator is used; what the columns mean is decided later.

    Raises:
        InputError: The file cannot be read as such a table, or holds no rows.
    """
    rows = _read(path, mapping.separator)
    if rows.empty:
        raise InputError(f"{str(path)!r}: holds no rows; give a table with one row per model.")
    named = {target: target for target in TARGETS if target in rows.columns}
    if "error" in named and pd.to_numeric(rows["error"], errors="coerce").notna().any():
        del named["error"]  # an error rate, not a message
    spreads = [name for name in rows.columns if str(name).endswith(STD_SUFFIX)]
    return ForeignTable(
        kind=f"{path.suffix[1:].upper() if path.suffix != '.parquet' else 'Parquet'} file",
        source=str(path),
        name=path.stem,
        rows=rows,
        defaults=named,
        ignore=frozenset([*_MARKS, *spreads]),
        facts={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
    )


def _read(path: Path, separator: str) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            rows = pd.read_parquet(path)
        else:
            cells = "\t" if path.suffix == ".tsv" else separator
            rows = pd.read_csv(path, sep=cells)
    except OSError as error:
        raise InputError(f"{str(path)!r}: cannot be read ({error.strerror or error}).") from None
    except (ArrowException, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = " ".join(str(error).split())
        raise InputError(f"{str(path)!r}: cannot be read as a table ({reason}).") from None
    if len(rows.columns) == 1 and ";" in str(rows.columns[0]):
        raise InputError(
            f"{str(path)!r}: has one column, {str(rows.columns[0])!r}; if its cells are separated "
            "by semicolons, put separator: ';' into the mapping."
        )
    return rows.rename(columns=str)
