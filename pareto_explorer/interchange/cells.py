"""From the cells of a foreign table to whole numbers, texts and statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.errors import InputError

__all__ = ["joined", "numbered", "numbers", "plain", "statuses", "whole"]


def whole(column: pd.Series, source: str) -> pd.Series:
    """The cells as integers.

    Args:
        column: One column; its name goes into the message.
        source: The file, for the message.

    Raises:
        InputError: A cell is empty or no whole number.
    """
    values = numbers(column, source)
    bad = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)))
    if len(bad):
        raise InputError(f"{_cell(column, int(bad[0]), source)}, where a whole number is needed.")
    return values.astype("int64")


def numbers(column: pd.Series, source: str) -> pd.Series:
    """The cells as floats; an empty one is NaN.

    Raises:
        InputError: A cell is no number.
    """
    values = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = np.flatnonzero(values.isna() & column.notna())
    if len(bad):
        raise InputError(f"{_cell(column, int(bad[0]), source)}, where a number is needed.")
    return values


def numbered(column: pd.Series, source: str) -> pd.Series:
    """Whole numbers as they are; anything else by its place among the sorted distinct texts.

    Raises:
        InputError: A cell is empty.
    """
    empty = np.flatnonzero(column.isna())
    if len(empty):
        raise InputError(f"{_cell(column, int(empty[0]), source)}; give every row its replicate.")
    values = pd.to_numeric(column, errors="coerce").astype("float64")
    if (values == np.floor(values)).all():
        return values.astype("int64")
    codes, _ = pd.factorize(column.astype(str), sort=True)
    return pd.Series(codes, index=column.index, dtype="int64")


def joined(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The texts of several columns joined by ``/``; missing where all of them are empty."""
    parts = [table[name].to_list() for name in columns]
    texts = ["/".join(str(part) for part in row if not _missing(part)) for row in zip(*parts)]  # noqa: B905
    return pd.Series([text or None for text in texts], index=table.index, dtype=object)


def statuses(column: pd.Series, words: Mapping[str, str], source: str) -> pd.Series:
    """The cells in the points table's words; an empty one is ``ok``.

    Args:
        column: The source's words.
        words: What they mean.
        source: The file, for the message.

    Raises:
        InputError: A word is not among them.
    """
    known = dict(words) | {word: word for word in ("ok", "diverged", "failed")}
    found = column.where(column.notna(), "ok").astype(str)
    bad = np.flatnonzero(~found.isin(list(known)))
    if len(bad):
        word = found.iloc[int(bad[0])]
        raise InputError(
            f"{_cell(column, int(bad[0]), source)}; say in the mapping what it means, such as "
            f"statuses: {{{word}: ok}}."
        )
    return found.map(known)


def plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of plain Python values, with ``None`` for whatever is missing."""
    columns = {
        name: [None if _missing(value) else _plain(value) for value in table[name].to_list()]
        for name in table.columns
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _cell(column: pd.Series, position: int, source: str) -> str:
    value = column.iloc[position]
    held = "is empty" if _missing(value) else f"holds {_plain(value)!r}"
    return f"{source!r}: column {str(column.name)!r} {held} in row {_row(column, position)}"


def _row(column: pd.Series, position: int) -> int:
    """The row's number in the source, from 1 on; the index counts from 0."""
    return int(column.index[position]) + 1


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
