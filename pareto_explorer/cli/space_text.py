"""Search spaces and parts of them as a person would write them in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

__all__ = ["flow", "mapping_text", "space_text"]


def flow(value: object) -> str:
    """A value on one line, which reads back as the same.

    >>> flow({"loguniform": [1e-05, 0.1]}), flow("upgrad")
    ('{loguniform: [1.0e-05, 0.1]}', 'upgrad')
    """
    text = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def mapping_text(mapping: Mapping[str, Any], indent: str, first: str = "") -> str:
    """A mapping with a line for each key.

    Args:
        mapping: The mapping.
        indent: What stands before each line.
        first: What stands before the first line instead, such as ``"  - "``.
    """
    lines = [f"{indent}{key}: {flow(value)}\n" for key, value in mapping.items()]
    if first:
        lines[0] = first + lines[0].removeprefix(indent)
    return "".join(lines)


def space_text(space: Mapping[str, Any]) -> str:
    """A search space or a part of one: a line for each key of what it holds."""
    text = ""
    for key, value in space.items():
        if isinstance(value, list):
            items = (mapping_text(each, "    ", "  - ") for each in value)
            text += f"{key}:\n" + "".join(items)
        elif isinstance(value, Mapping):
            text += f"{key}:\n" + mapping_text(value, "  ")
        else:
            text += f"{key}: {flow(value)}\n"
    return text
