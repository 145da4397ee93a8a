"""A report in the browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pareto_explorer.terminal import say

__all__ = ["OpenOption", "open_address", "open_page"]

OpenOption = Annotated[bool, typer.Option("--open", help="Open the report in the browser.")]


def open_page(page: Path) -> None:
    """Opens a page in the browser, or says which it is where there is none."""
    open_address(page.resolve().as_uri(), str(page.resolve()))


def open_address(address: str, shown: str) -> None:
    """The same for an address, which is told as `shown`."""
    if not webbrowser.open(address):
        say(f"no browser was found; open {shown}", stderr=True)
