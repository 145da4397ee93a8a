"""``pareto-explorer list``: what a search-space file can name."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from pareto_explorer.terminal import Terminal

__all__ = ["list_names"]


class Kind(StrEnum):
    """What can be listed."""

    tasks = "tasks"
    models = "models"
    recipes = "recipes"
    methods = "methods"
    aggregators = "aggregators"
    forget_losses = "forget-losses"
    presets = "presets"
    metrics = "metrics"
    objectives = "objectives"


def list_names(
    kind: Annotated[
        Kind | None, typer.Argument(help="What to list.", show_default="everything")
    ] = None,
) -> None:
    """List every registered name with its knobs, default domains, meaning and source."""
    from pareto_explorer.cli.catalogue import catalogue

    console = Terminal()
    kinds = list(Kind) if kind is None else [kind]
    for heading, entries in catalogue(one.value for one in kinds).items():
        console.rule(Text(heading.replace("-", " ")), align="left")
        for entry in entries:
            console.print(Text(entry.name, style="bold"))
            source = f" [{entry.source}]" if entry.source else ""
            console.print(Padding(Text(f"{entry.summary}{source}"), (0, 0, 0, 2)))
            for knob in entry.knobs:
                console.print(Padding(Text(knob, style="dim"), (0, 0, 0, 4)))
