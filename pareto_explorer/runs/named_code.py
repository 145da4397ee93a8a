"""The code beyond this package that a specification names, as ``package.module:name``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pareto_explorer.schema.columns import AXES

__all__ = ["NamedCode", "named_code"]


class NamedCode(NamedTuple):
    """Something that would be imported.

    Attributes:
        where: Where in the specification it stands.
        part: ``task``, ``method``, ``aggregator`` or ``forget_loss``.
        name: What it is.
        entry: The task or the family that names it, with its arguments.
    """

    where: str
    part: str
    name: str
    entry: Mapping[str, Any]


def named_code(spec: Any) -> Iterator[NamedCode]:
    """Finds the code that a specification names; nothing is imported.

    Args:
        spec: The specification as a manifest has it, whatever that holds.
    """
    parts = spec if isinstance(spec, Mapping) else {}
    task, families = parts.get("task"), parts.get("families")
    if isinstance(task, Mapping) and _is_name(task.get("name")):
        yield NamedCode("task.name", "task", task["name"], task)
    for index, entry in enumerate(families if isinstance(families, list) else ()):
        for axis in AXES if isinstance(entry, Mapping) else ():
            values = entry.get(axis)
            for value in values if isinstance(values, list) else [values]:
                if _is_name(value):
                    yield NamedCode(f"families.{index}.{axis}", axis, value, entry)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and ":" in value
