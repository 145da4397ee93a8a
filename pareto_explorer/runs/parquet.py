"""Tables in Parquet files: read into the same typed columns as ``columns.tabulate`` makes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, brief
from pareto_explorer.runs.files.atomic import atomic_path
from pareto_explorer.schema.columns import kind_of, order, require_names
from pareto_explorer.schema.kinds import (
    STRING,
    Cost,
    Kind,
    Measure,
    Misfit,
    Place,
    Text,
    Whole,
    word,
)

__all__ = ["read_record", "read_table", "write_table"]

MOST_CELLS = 5 * 10**8
"""Rows times columns; a file of a few bytes can claim more than any memory holds."""

_RECORD = b"pareto_explorer"
_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name
_NULLABLE = {
    pa.int64(): pd.Int64Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def write_table(path: Path, table: pd.DataFrame, record: bytes | None = None) -> None:
    """Writes a table, and a record that belongs to it, atomically.

    Raises:
        OSError: The folder cannot be written.
    """
    content = pa.Table.from_pandas(table, preserve_index=False)
    if record is not None:
        content = content.replace_schema_metadata({**content.schema.metadata, _RECORD: record})
    with atomic_path(path) as temporary:
        pq.write_table(content, temporary)


def read_record(path: Path) -> bytes | None:
    """Reads the record of a table, without the table; None without a file or a record.

    Raises:
        pyarrow.ArrowException, OSError: The file is damaged.
    """
    try:
        return (pq.read_schema(path).metadata or {}).get(_RECORD)
    except FileNotFoundError:
        return None


def read_table(path: Path, identity: Mapping[str, Any]) -> pd.DataFrame:
    """Reads a table whose every value fits its column.

    Args:
        path: The file.
        identity: The leading columns and their types; all but a place must be there.

    Returns:
        The columns in the order and types of ``columns.tabulate``.

    Raises:
        FileNotFoundError: There is none.
        pyarrow.ArrowException, OSError: The file is damaged.
        InputError: A column or value is not what it must be; the message lacks the file.
    """
    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if not _INDEX.fullmatch(name)]
        name, times = Counter(names).most_common(1)[0] if names else ("", 1)
        if times > 1:
            raise InputError(f"{times} columns are called {brief(name)}")
        require_names(names)
        absent = [name for name in identity if name not in names]
        missing = [name for name in absent if not isinstance(kind_of(name, identity), Place)]
        if missing:
            raise InputError(f"there is no column {', '.join(missing)}")
        cells = file.metadata.num_rows * len(names)
        if cells > MOST_CELLS:
            raise InputError(f"{cells:,} cells, where at most {MOST_CELLS:,} can be read")
        content = file.read()
    for name in absent:
        content = content.append_column(name, pa.nulls(len(content)))
    content.validate(full=True)
    further = sorted(set(names) - identity.keys(), key=order)
    return pd.DataFrame(
        {
            name: _typed(name, kind_of(name, identity), content[name])
            for name in (*identity, *further)
        }
    )


def _typed(name: str, kind: Kind, column: pa.ChunkedArray) -> Any:
    if isinstance(kind, Text):
        return _texts(name, kind, column)
    if isinstance(kind, Whole):
        return _wholes(name, kind, column)
    if isinstance(kind, Measure | Cost) or pa.types.is_floating(column.type):
        return _numbers(name, kind, column)
    if _is_text(column.type):
        return _texts(name, Text(optional=True), column)
    if pa.types.is_integer(column.type):
        column = column.cast(pa.uint64() if column.type == pa.uint64() else pa.int64())
    elif not pa.types.is_boolean(column.type):
        raise _unfit(name, column, "numbers, truth values or texts")
    return column.to_pandas(types_mapper=_NULLABLE.get if column.null_count else None)


def _texts(name: str, kind: Text, column: pa.ChunkedArray) -> pd.Series[Any]:
    if not _is_text(column.type):
        raise _unfit(name, column, "texts")
    found = column.cast(pa.large_string()).to_pandas().astype(STRING)
    if not kind.optional:
        words = found.isin(kind.words) if kind.words else found.notna() & (found != "")
        _require(name, kind, column, words.to_numpy(dtype=bool))
    return found


def _wholes(name: str, kind: Whole, column: pa.ChunkedArray) -> NDArray[Any]:
    if not pa.types.is_integer(column.type):
        raise _unfit(name, column, "whole numbers")
    if column.null_count:
        _require(name, kind, column, np.asarray(column.is_valid()))
    numbers = column.to_numpy()
    limits = np.iinfo(numbers.dtype)
    fits = numbers >= max(kind.low, limits.min)
    fits &= numbers <= min(kind.high, limits.max)
    _require(name, kind, column, fits)
    return numbers.astype(kind.dtype)


def _numbers(name: str, kind: Kind, column: pa.ChunkedArray) -> NDArray[np.float64]:
    of = column.type
    if not (pa.types.is_floating(of) or pa.types.is_integer(of) or pa.types.is_null(of)):
        raise _unfit(name, column, "numbers")
    column = column.cast(pa.float64(), safe=False)
    if isinstance(kind, Place):
        column = column.fill_null(0.0)
    values = column.to_numpy().astype(np.float64)
    if isinstance(kind, Cost):
        _require(name, kind, column, (values >= 0) & (values < np.inf))
    return values


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    )


def _require(name: str, kind: Kind, column: pa.ChunkedArray, fits: NDArray[np.bool_]) -> None:
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise Misfit(row, name, column[row].as_py(), kind.wanted)


def _unfit(name: str, column: pa.ChunkedArray, wanted: str) -> InputError:
    return InputError(f"column {word(name)} holds {column.type}, where {wanted} are needed")
