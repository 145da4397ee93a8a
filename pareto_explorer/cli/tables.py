"""How tables are printed."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

__all__ = ["plain_table"]


def plain_table(title: str, first: str, *numbers: str) -> Table:
    """A table without lines but one below its head.

    Args:
        title: Above the table.
        first: The head of the column of texts, which are folded where they are long.
        numbers: Those of the columns after it, which are not.
    """
    table = Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
        show_edge=False,
    )
    table.add_column(first, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
