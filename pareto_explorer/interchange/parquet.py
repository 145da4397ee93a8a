"""Parquet tables: whole numbers exact, texts as they are, anything else as text."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from pareto_explorer.errors import InputError, brief

__all__ = ["read_parquet"]

MAX_CELLS = 200_000_000
_INDEX = re.compile(r"__index_level_\d+__")  # pandas keeps a nameless index as a column


def read_parquet(path: Path) -> pd.DataFrame:
    """Reads a Parquet file by its own types; what pandas has noted in it does not count.

    Returns:
        Floats as they are, integers, truth values and decimals as Python's, and everything else as
        text: dates in ISO 8601, lists and mappings as JSON.

    Raises:
        InputError: It cannot be read, is too large, or a column stands twice.
    """
    try:
        with parquet.ParquetFile(path) as file:
            metadata = file.metadata
            if metadata.num_rows * metadata.num_columns > MAX_CELLS:
                raise InputError(
                    f"{str(path)!r}: has {metadata.num_rows:,} rows of {metadata.num_columns:,} "
                    f"columns, and {MAX_CELLS:,} cells are the most; leave some out."
                )
            table = file.read()
        names = [name for name in table.column_names if not _INDEX.fullmatch(name)]
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise InputError(f"{str(path)!r}: has two columns {brief(twice)}; rename one.")
        return pd.DataFrame({name: _column(table.column(name)) for name in names})
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise InputError(f"{str(path)!r}: cannot be read as a table ({reason}).") from None
    except (pa.ArrowException, UnicodeDecodeError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{str(path)!r}: cannot be read as a table ({reason}).") from None


def _column(cells: pa.ChunkedArray) -> pd.Series[Any]:
    kind = cells.type
    if pa.types.is_dictionary(kind):
        cells = cells.cast(kind.value_type)
        kind = cells.type
    if pa.types.is_floating(kind):
        return cells.cast(pa.float64()).to_pandas()
    return pd.Series([_plain(cell) for cell in cells.to_pylist()], dtype=object)


def _plain(cell: Any) -> Any:
    match cell:
        case None | str() | bool() | int():
            return cell
        case Decimal():
            return int(cell) if cell == cell.to_integral_value() else float(cell)
        case bytes():
            return cell.decode(errors="backslashreplace")
        case list() | dict():
            return json.dumps(cell, default=str)
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
