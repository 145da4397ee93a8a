"""From the cells of a foreign table to whole numbers, texts and statuses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.errors import InputError, bare, brief
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.schema.statuses import OK, POINT_STATUSES

__all__ = ["joined", "knob_values", "number", "numbered", "numbers", "plain", "statuses", "whole"]

_WHOLE = re.compile(r"[-+]?[0-9]{1,40}")
_REAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_INFINITE = {
    sign + word: float(sign + word) for word in ("inf", "infinity") for sign in ("", "+", "-")
}
_NO_NUMBER = frozenset({"", "nan", "-nan", "na", "n/a", "<na>", "none", "null"})
_TRUTH = {"true": True, "false": False}
_EXACT = 2**53  # whole numbers up to here are floats without a loss


def number(cell: object, decimal: str = ".") -> int | float | None:
    """The number that a cell is, a whole one of up to 40 digits exactly; else ``None``.

    Args:
        cell: A text as it is written in a file, or a value.
        decimal: Between the whole and the rest of a text.
    """
    if isinstance(cell, str):
        return _written(cell.strip(), decimal)
    if isinstance(cell, bool | np.bool_):
        return None
    if isinstance(cell, int | np.integer):
        return int(cell) if abs(int(cell)) < 10**40 else None
    if isinstance(cell, float | np.floating):
        return None if math.isnan(cell) else float(cell)
    return None


def _written(text: str, decimal: str) -> int | float | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    if decimal != ".":
        text = text.replace(".", " ").replace(decimal, ".")
    if not _REAL.fullmatch(text):
        return _INFINITE.get(text.lower())
    value = float(text)
    return value if math.isfinite(value) else None


def whole(column: pd.Series, table: ForeignTable, *, least: int = -(2**63)) -> pd.Series:
    """The cells as integers.

    Args:
        column: One column; its name goes into the message.
        table: Where it is from, for the message.
        least: No cell is below.

    Raises:
        InputError: A cell is empty or no whole number of 64 bits.
    """
    values = []
    for position, cell in enumerate(column.to_list()):
        value = _integer(cell, table)
        if value is None:
            held = _cell(column, position, table)
            raise InputError(f"{held}, where a whole number is needed.")
        if not least <= value < 2**63:
            wanted = f"of at least {least} and " if least > -(2**63) else ""
            raise InputError(
                f"{_cell(column, position, table)}; a whole number {wanted}of 64 bits is needed."
            )
        values.append(value)
    return pd.Series(values, index=column.index, name=column.name, dtype="int64")


def numbers(column: pd.Series, table: ForeignTable) -> pd.Series:
    """The cells as floats; an empty one is NaN, as is ``NA``, ``nan``, ``None`` or ``null``.

    Raises:
        InputError: A cell is no number.
    """
    if pd.api.types.is_float_dtype(column.dtype):
        return column.astype("float64")
    values = []
    for position, cell in enumerate(column.to_list()):
        value = number(cell, table.decimal)
        if value is None and not _no_number(cell):
            raise InputError(f"{_cell(column, position, table)}, where a number is needed.")
        values.append(math.nan if value is None else float(value))
    return pd.Series(values, index=column.index, name=column.name, dtype="float64")


def numbered(column: pd.Series, table: ForeignTable) -> tuple[pd.Series, list[str]]:
    """Whole numbers from 0 as they are; anything else by its place among the distinct values.

    Those are ordered as numbers where all of them are whole, of whatever size, or else as texts.

    Returns:
        The numbers, and what the places stand for; nothing if the numbers are the cells.

    Raises:
        InputError: A cell is empty, or a float that may stand for several whole numbers.
    """
    cells = column.to_list()
    for position, cell in enumerate(cells):
        if _missing(cell):
            raise InputError(f"{_cell(column, position, table)}; give every row its replicate.")
        if isinstance(cell, float) and abs(cell) > _EXACT:
            raise InputError(
                f"{_cell(column, position, table)}, a float that does not hold whole numbers of "
                "this size exactly; store it as a whole number or a text."
            )
    found: list[Any] = [_integer(cell, table) for cell in cells]
    if any(value is None for value in found):
        found = [str(cell) for cell in cells]
    elif all(0 <= value < 2**63 for value in found):
        return pd.Series(found, index=column.index, dtype="int64"), []
    names = sorted(set(found))
    places = {name: place for place, name in enumerate(names)}
    numbers = [places[value] for value in found]
    return pd.Series(numbers, index=column.index, dtype="int64"), list(map(str, names))


def knob_values(column: pd.Series, table: ForeignTable) -> list[Any]:
    """A knob's values: numbers or truth values where all cells are, or else texts.

    Where the cells are texts, only an empty one is missing: ``None`` is a word like any other, and
    ``nan`` is no number only among numbers. Whole numbers that neither 64 bits nor, beside floats,
    a float hold exactly make all cells texts.

    Args:
        column: One column.
        table: Where it is from; its ``texts`` says whether the cells are texts of a file.
    """
    cells = [None if _missing(cell) else _plain(cell) for cell in column.to_list()]
    values = _typed(cells, table.decimal) if table.texts else cells
    whole_ones = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
    floats = any(isinstance(v, float) for v in values)
    inexact = [v for v in whole_ones if not -(2**63) <= v < 2**63 or (floats and abs(v) > _EXACT)]
    return [None if cell is None else str(cell) for cell in cells] if inexact else values


def joined(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The texts of several columns joined by ``/``; missing where all of them are empty."""
    parts = [table[name].to_list() for name in columns]
    texts = ["/".join(str(part) for part in row if not _missing(part)) for row in zip(*parts)]  # noqa: B905
    return pd.Series([text or None for text in texts], index=table.index, dtype=object)


def statuses(column: pd.Series, words: Mapping[str, str], table: ForeignTable) -> pd.Series:
    """The cells in the points table's words; an empty one is ``ok``.

    Args:
        column: The source's words.
        words: What they mean.
        table: Where they are from, for the message.

    Raises:
        InputError: A word is not among them.
    """
    known = dict(words) | {word: word for word in POINT_STATUSES}
    found = [OK if _missing(cell) else str(cell) for cell in column.to_list()]
    for position, word in enumerate(found):
        if word not in known:
            raise InputError(
                f"{_cell(column, position, table)}; say in the mapping what it means, such as "
                f"statuses: {{{bare(word)}: ok}}."
            )
    return pd.Series([known[word] for word in found], index=column.index, dtype=object)


def plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of plain Python values, with ``None`` for whatever is missing."""
    columns = {
        name: [None if _missing(value) else _plain(value) for value in table[name].to_list()]
        for name in table.columns
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _typed(cells: list[Any], decimal: str) -> list[Any]:
    texts = [cell for cell in cells if cell is not None]
    truths = [_TRUTH.get(text.lower()) for text in texts]
    if None not in truths:
        found: Iterator[Any] = iter(truths)
    else:
        values = [number(text, decimal) for text in texts]
        others = [t for t, v in zip(texts, values, strict=True) if v is None]
        if len(others) == len(texts) or any(t.strip().lower() not in ("", "nan") for t in others):
            return cells
        found = iter(values)
    return [None if cell is None else next(found) for cell in cells]


def _integer(cell: object, table: ForeignTable) -> int | None:
    """The whole number that a cell is, if it is one and exact."""
    value = number(cell, table.decimal)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _EXACT else None
    return value


def _cell(column: pd.Series, position: int, table: ForeignTable) -> str:
    value = column.iloc[position]
    held = "is empty" if _missing(value) else f"holds {brief(_plain(value))}"
    name = brief(str(column.name))
    return f"{table.source!r}: column {name} {held} in row {_row(column, position)}"


def _row(column: pd.Series, position: int) -> int:
    """The row's number in the source, from 1 on; the index counts from 0."""
    return int(column.index[position]) + 1


def _no_number(cell: object) -> bool:
    """Whether a cell says that there is no number."""
    return cell.strip().lower() in _NO_NUMBER if isinstance(cell, str) else _missing(cell)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
