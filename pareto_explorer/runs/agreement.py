"""Whether two reports of one point say the same: a point is never replaced by another one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pareto_explorer.errors import brief
from pareto_explorer.schema.columns import (
    CONFIG_PREFIX,
    IDENTITY,
    KEY,
    MACHINE_TIMES,
    place,
)
from pareto_explorer.schema.kinds import word
from pareto_explorer.schema.statuses import FAILED

__all__ = [
    "NOT_COMPARED",
    "TOLERANCE",
    "Contradiction",
    "Key",
    "contradiction",
    "is_measured",
    "key_of",
]

TOLERANCE = 1e-6
"""Largest relative, or near 0 absolute, difference with which two measures count as the same.

A trial that has lost its worker repeats its last points. On the same kind of machine they come out
bit by bit the same; another processor may round the last digits of float32 differently, which says
nothing about the model. A difference that grew beyond that is another model.
"""

Key = tuple[str, int, int, float]

NOT_COMPARED = frozenset({*MACHINE_TIMES, "trial_status", "error"})
"""Times, and what the end of a trial writes into all of its rows."""


class Contradiction(NamedTuple):
    """Two rows of one point that cannot both be right.

    Attributes:
        column: The first column in which they differ.
        first: The row that came first.
        again: The other one.
    """

    column: str
    first: Mapping[str, Any]
    again: Mapping[str, Any]

    def __str__(self) -> str:
        trial_id, replicate, step, position = key_of(self.first)
        values = (row.get(self.column) for row in (self.first, self.again))
        return (
            f"trial {brief(trial_id)}, replicate {replicate}, {place(step, position)} was reported "
            f"twice, with {word(self.column)} {' and '.join(map(brief, values))}"
        )


def key_of(row: Mapping[str, Any]) -> Key:
    """What makes the point of a row; older ones have no position."""
    return row["trial_id"], row["replicate"], row["step"], row.get("position") or 0.0


def is_measured(row: Mapping[str, Any]) -> bool:
    """Whether the row is about a model, rather than about a trial that failed to give one.

    The latter only makes the trial visible, so it gives way to a measured row with its key.
    """
    return row.get("status") != FAILED


def contradiction(first: Mapping[str, Any], again: Mapping[str, Any]) -> Contradiction | None:
    """Compares two rows with one key.

    Measures agree within ``TOLERANCE``, all else exactly; a missing value agrees with NaN, an
    absent column and an empty text. Times of the machine are not compared.
    """
    for name in dict.fromkeys((*first, *again)):
        if name in NOT_COMPARED or name in KEY:
            continue
        exact = name in IDENTITY or name.startswith(CONFIG_PREFIX)
        if not _agree(first.get(name), again.get(name), 0.0 if exact else TOLERANCE):
            return Contradiction(name, first, again)
    return None


def _agree(first: Any, again: Any, tolerance: float) -> bool:
    if _is_missing(first) or _is_missing(again):
        return _is_missing(first) and _is_missing(again)
    if isinstance(first, str) != isinstance(again, str):  # a knob that the table holds as text
        return _text(first) == _text(again)
    if first == again:
        return True
    if isinstance(first, str) or not tolerance:
        return False
    return math.isclose(first, again, rel_tol=tolerance, abs_tol=tolerance)


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
