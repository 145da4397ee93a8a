"""``pareto-explorer report``: of one run, or of several together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pareto_explorer.cli.opening import OpenOption, open_page
from pareto_explorer.cli.options import BoxOption
from pareto_explorer.terminal import say

__all__ = ["report"]


def report(
    runs: Annotated[
        list[str],
        typer.Argument(help="Run directories or URIs, shown together.", show_default=False),
    ],
    box: BoxOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the report.",
            show_default="RUN/report, with --box RUN/report-box, for several report-RUN1-RUN2",
        ),
    ] = None,
    open_it: OpenOption = False,
    pdf: Annotated[
        bool,
        typer.Option("--pdf", help="Print the page to report.pdf, with Chromium or Chrome."),
    ] = False,
) -> None:
    """Rebuild the report from run directories alone; needs neither torch nor Ray."""
    from pareto_explorer.reports import write_pdf, write_report
    from pareto_explorer.results import load_runs

    page = write_report(load_runs(runs, box), out)
    say(f"report: {page}")
    if open_it:
        open_page(page)
    if pdf:
        say(f"pdf: {write_pdf(page)}")
