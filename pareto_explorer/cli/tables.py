"""How tables are printed."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

__all__ = ["plain_table"]


class _Titled(Table):
    """A table below a title that may be wider than it is; the library's own would be wrapped."""

    def __init__(self, heading: str, **options: Any) -> None:
        super().__init__(**options)
        self._heading = Text(heading, style="table.title")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._heading
        yield from super().__rich_console__(console, options)


def plain_table(title: str, first: str, *numbers: str) -> Table:
    """A table without lines but one below its head.

    Args:
        title: Above the table.
        first: The head of the column of texts, which are folded where they are long.
        numbers: Those of the columns after it, which are not.
    """
    table = _Titled(
        title,
        box=SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
        show_edge=False,
    )
    table.add_column(first, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
