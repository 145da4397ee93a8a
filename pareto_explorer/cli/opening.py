"""A report in the browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pareto_explorer.terminal import say

__all__ = ["OpenOption", "open_page"]

OpenOption = Annotated[bool, typer.Option("--open", help="Open the report in the browser.")]


def open_page(page: Path) -> None:
    """Opens a page in the browser, or says which it is where there is none."""
    if not webbrowser.open(page.resolve().as_uri()):
        say(f"no browser was found; open {page.resolve()}", stderr=True)
