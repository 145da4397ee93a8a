"""``pareto-explorer serve``: the page of runs, while they run and afterwards."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from pareto_explorer.cli.opening import OpenOption, open_address
from pareto_explorer.cli.options import BoxOption
from pareto_explorer.interruption import Interrupted
from pareto_explorer.terminal import say

__all__ = ["serve"]


def serve(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Run directories, which need not exist yet, or URIs; shown together.",
            show_default=False,
        ),
    ],
    box: BoxOption = None,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="The port on 127.0.0.1.",
            show_default="the run's own if it is free, else any",
        ),
    ] = 0,
    open_it: OpenOption = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Serve the report as a page that follows its runs, on this machine only, until Ctrl-C.

    Points, fronts and hypervolumes arrive while a sweep runs. Notes on points are kept in
    notes.jsonl in the run directory; nothing else is written. Needs neither torch nor Ray.
    """
    from pareto_explorer import serving

    def announce(address: str) -> None:
        say(f"live page: {address}")
        if open_it:
            open_address(address, address)

    try:
        serving.serve(runs, box=box, port=port, announce=announce, with_parent=with_parent)
    except Interrupted as stop:
        if stop.code != 128 + signal.SIGINT:  # Ctrl-C is how it ends
            raise
