"""Reading a table that some other tool wrote: CSV, TSV or Parquet."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pareto_explorer.errors import InputError
from pareto_explorer.interchange.cells import number
from pareto_explorer.interchange.delimited import COMPRESSIONS, read_delimited
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.mapping import TARGETS, ColumnMapping
from pareto_explorer.interchange.parquet import read_parquet
from pareto_explorer.interchange.progress import Tell, silent
from pareto_explorer.schema.columns import STD_SUFFIX

__all__ = ["TABLE_SUFFIXES", "is_table", "read_table"]

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
_MARKS = ("trial_status", "on_front", "on_family_front", "beyond_box")  # of our own tables


def is_table(path: Path) -> bool:
    """Whether the name is one of a table that ``read_table`` reads, such as ``a.csv.gz``."""
    return _format(path) in TABLE_SUFFIXES


def read_table(path: Path, mapping: ColumnMapping, tell: Tell = silent) -> ForeignTable:
    """Reads a table; columns that already have the points table's names need no mapping.

    Args:
        path: A ``.csv`` (separated by ``mapping.separator``), ``.tsv`` or ``.parquet`` file; the
            first two may be compressed (``.gz``, ``.bz2``, ``.xz``, ``.zip``).
        mapping: Its separator is used; what the columns mean is decided later.
        tell: Hears how far a long reading is.

    Raises:
        InputError: The file cannot be read as such a table, or holds no rows.
    """
    kind = _format(path)
    if kind == ".parquet":
        rows = read_parquet(path)
    else:
        rows = read_delimited(path, "\t" if kind == ".tsv" else mapping.separator, tell)
    if rows.empty:
        raise InputError(f"{str(path)!r}: holds no rows; give a table with one row per model.")
    named = {target: target for target in TARGETS if target in rows.columns}
    if "error" in named and any(
        number(cell, mapping.decimal) is not None for cell in rows["error"]
    ):
        del named["error"]  # an error rate, not a message
    if "position" in named and not {"trial_id", "family", "step"} <= named.keys():
        del named["position"]  # of another meaning, as the table is not one of ours
    spreads = [name for name in rows.columns if name.endswith(STD_SUFFIX)]
    unnamed = [name for name in rows.columns if name.startswith("Unnamed: ")]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ForeignTable(
        kind="Parquet file" if kind == ".parquet" else f"{kind[1:].upper()} file",
        source=str(path),
        name=path.name[: -len(kind)] if path.suffix == kind else Path(path.stem).stem,
        rows=rows,
        defaults=named,
        ignore=frozenset([*_MARKS, *spreads, *unnamed]),
        facts={"sha256": digest},
        texts=kind != ".parquet",
        decimal=mapping.decimal,
    )


def _format(path: Path) -> str:
    """The suffix that tells the format, behind which one of a compression may stand."""
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        inner = Path(path.stem).suffix.lower()
        return inner if inner in (".csv", ".tsv") else suffix
    return suffix
